//! 300,000 wide rows by COPY, out and in.

use super::Extent;
use super::roads::House;
use super::streams::{ROWS, heading, line, measure, queries};

/// How many rows one CopyData of ours holds. PostgreSQL sends one in each; callers send buffers full.
const ROWS_PER_MESSAGE: u32 = 100;

/// Prints the table.
pub fn run(house: &House, extent: Extent) {
    println!("{ROWS} wide rows by COPY, read and discarded, or made and sent; median of {} runs", extent.rounds);
    heading();
    for (what, sql) in queries() {
        let copy = format!("COPY ({sql}) TO STDOUT");
        line(house, extent, what, |road| {
            let mut client = road.connect()?;
            measure(road, || {
                let seen = client.discard(&copy)?;
                if seen.rows == u64::from(ROWS) {
                    Ok(seen.bytes)
                } else {
                    Err(format!("{} rows came", seen.rows).into())
                }
            })
        });
    }
    let mut piece = Vec::new();
    for row in 0..ROWS_PER_MESSAGE {
        let padding = "delivered".repeat(20);
        let text = format!("{row}\t4711\t2026-11-25 08:00:00+00\tdelivered\t129900\t{padding}\n");
        piece.extend_from_slice(text.as_bytes());
    }
    line(house, extent, "into an unlogged table", |road| {
        house.postgres.psql(sandbox::shop::DATABASE, "TRUNCATE landing").expect("the table can be emptied");
        let mut client = road.connect()?;
        let run = measure(road, || {
            client.copy_in("COPY landing FROM STDIN", &piece, u64::from(ROWS / ROWS_PER_MESSAGE))?;
            Ok(piece.len() as u64 * u64::from(ROWS / ROWS_PER_MESSAGE))
        })?;
        let came = house.postgres.psql(sandbox::shop::DATABASE, "SELECT count(*) FROM landing");
        let came = came.expect("the table can be counted");
        if came.trim() == ROWS.to_string() { Ok(run) } else { Err(format!("{} rows came", came.trim()).into()) }
    });
}
