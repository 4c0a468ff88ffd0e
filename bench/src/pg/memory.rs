//! How far memory rises above idle while much passes: many rows, and one cell of 500 MB down and up.

use super::Extent;
use super::client::{Client, Result};
use super::process;
use super::roads::{House, Road};

/// Rows of one KiB, and so the bytes of a GB in rows.
const ROW_BYTES: u64 = 1024;
const GIGABYTE: u64 = 1 << 30;
const CELL_BYTES: u64 = 524_288_000;

/// Prints the table.
pub fn run(house: &House, extent: Extent) {
    let rows = u64::from(extent.gigabytes) * GIGABYTE / ROW_BYTES;
    println!("peak of resident memory above what was resident before, read and discarded, or made and sent");
    println!("{:<44} {:<10} {:>10} {:>10} {:>8} {:>7}", "what", "road", "before MiB", "rise MiB", "seconds", "CPU s");
    let wide = format!("SELECT generate_series(1, {rows}), repeat('weir', {})", ROW_BYTES / 4);
    let line = |what: &str, work: &dyn Fn(&mut Client) -> Result<()>| {
        for (road, pid) in house.between() {
            print(what, road, pid, work);
        }
    };
    line(&format!("{} GB in rows of 1 KiB", extent.gigabytes), &|client| {
        let seen = client.discard(&wide)?;
        if seen.rows == rows { Ok(()) } else { Err(format!("{} of {rows} rows came", seen.rows).into()) }
    });
    // A row of the shop's customers is about 250 bytes here.
    let masked_rows = u64::from(extent.gigabytes) * 400_000;
    let masked = format!(
        "SELECT c.id, c.name, c.email, c.card, c.city, c.preferences, c.tags FROM customers c \
         CROSS JOIN generate_series(1, {masked_rows} / (SELECT count(*) FROM customers) + 1) LIMIT {masked_rows}"
    );
    line(&format!("{}00,000 rows with three masked columns", u64::from(extent.gigabytes) * 4), &|client| {
        let seen = client.discard(&masked)?;
        if seen.rows == masked_rows { Ok(()) } else { Err(format!("{} of {masked_rows} rows came", seen.rows).into()) }
    });
    line("a cell of 500 MB", &|client| {
        large(client.discard(&format!("SELECT repeat('weir', {})", CELL_BYTES / 4))?.bytes)
    });
    line("a cell of 500 MB, masked", &|client| client.discard("SELECT id, secret FROM giants").map(drop));
    line("a cell of 500 MB by COPY", &|client| {
        large(client.discard(&format!("COPY (SELECT repeat('weir', {})) TO STDOUT", CELL_BYTES / 4))?.bytes)
    });
    line("a parameter of 500 MB", &|client| {
        let length = client.one_large_parameter("SELECT length($1::text)", CELL_BYTES)?;
        if length == CELL_BYTES.to_string() { Ok(()) } else { Err(format!("{length} bytes arrived").into()) }
    });
    house.postgres.psql(sandbox::shop::DATABASE, "TRUNCATE landing").expect("the table can be emptied");
    line("a value of 500 MB by COPY FROM STDIN", &|client| {
        let piece = vec![b'w'; 1 << 16];
        client.copy_in("COPY landing (padding) FROM STDIN", &piece, CELL_BYTES >> 16)
    });
}

fn large(bytes: u64) -> Result<()> {
    if bytes >= CELL_BYTES { Ok(()) } else { Err(format!("{bytes} bytes came").into()) }
}

fn print(what: &str, road: &Road, pid: u32, work: &dyn Fn(&mut Client) -> Result<()>) {
    let name = road.name;
    let measured = || -> Result<()> {
        let mut client = road.connect()?;
        client.discard("SELECT 1")?;
        let idle = process::resident_kib(pid);
        process::forget_peak(pid);
        let (begun, spent) = (std::time::Instant::now(), road.cpu_seconds());
        work(&mut client)?;
        let (seconds, spent) = (begun.elapsed().as_secs_f64(), road.cpu_seconds() - spent);
        let rise = (process::peak_kib(pid) - idle) / 1024.0;
        println!("{what:<44} {name:<10} {:>10.1} {rise:>10.1} {seconds:>8.1} {spent:>7.2}", idle / 1024.0);
        Ok(())
    };
    if let Err(failure) = measured() {
        println!("{what:<44} {name:<10} failed: {}", failure.to_string().replace('\n', " "));
    }
}
