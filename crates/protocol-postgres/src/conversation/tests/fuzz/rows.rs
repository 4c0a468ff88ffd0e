//! Results of every shape: any columns in any order, of any type and format, computed or not, by either protocol, in rows
//! that arrive in any pieces. What is classified is in none of the bytes that the caller gets, and what is not is there.

use model::Sight;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::super::house::*;
use super::postgres::CANARY;

/// Columns of the classified table: what a text calls them, their number, whether they are classified, and whether they
/// are shown in part.
const COLUMNS: [(&str, i16, bool, bool); 6] = [
    ("id", 1, false, false),
    ("email", 2, true, true),
    ("ssn", 3, true, false),
    ("city", 4, false, false),
    ("md5(ssn)", 0, true, false),
    ("upper(city)", 0, false, false),
];

/// Types that columns may be described as: texts, JSON, numbers, dates, UUID, bool, arrays, bytes, and none that is known.
const TYPES: [u32; 20] =
    [19, 25, 705, 1042, 1043, 114, 3802, 20, 21, 23, 700, 1700, 1082, 1114, 1184, 2950, 16, 1009, 17, 99_999];

#[derive(Clone, Debug)]
struct Result {
    columns: Vec<(usize, usize, bool)>,
    rows: Vec<Vec<Option<u8>>>,
    simple: bool,
    cuts: Vec<prop::sample::Index>,
}

fn results() -> impl Strategy<Value = Result> {
    let column = (0..COLUMNS.len(), 0..TYPES.len(), any::<bool>());
    prop::collection::vec(column, 1..8).prop_flat_map(|columns| {
        let row = prop::collection::vec(prop::option::weighted(0.8, 0..4_u8), columns.len());
        let cuts = prop::collection::vec(any::<prop::sample::Index>(), 0..6);
        (Just(columns), prop::collection::vec(row, 0..5), any::<bool>(), cuts)
            .prop_map(|(columns, rows, simple, cuts)| Result { columns, rows, simple, cuts })
    })
}

/// What is in a cell: of a classified column, the canary in one of its dresses.
fn cell(classified: bool, how: u8) -> Vec<u8> {
    match (classified, how) {
        (false, how) => format!("open {how}").into_bytes(),
        (true, 0) => CANARY.into(),
        (true, 1) => [CANARY, "@", CANARY, ".com"].concat().into(),
        (true, 2) => [b"\xff\0\x01".as_slice(), CANARY.as_bytes(), b"\0"].concat(),
        (true, _) => CANARY.repeat(2000).into(),
    }
}

fn check(result: Result) -> TestCaseResult {
    let Result { columns, rows, simple, cuts } = result;
    let who_sees_all = House::recorded(true, false, Sight::Token);
    let masked = House::recorded(false, false, Sight::Token);
    let names: Vec<&str> = columns.iter().map(|(at, ..)| COLUMNS[*at].0).collect();
    let text = format!("SELECT {} FROM customers", names.join(", "));
    let described: Vec<(&str, u32, i16, u32)> = columns
        .iter()
        .map(|(at, oid, _)| {
            let (name, number, ..) = COLUMNS[*at];
            let name = name.split('(').next().unwrap();
            (name, if number == 0 { 0 } else { CUSTOMERS }, number, TYPES[*oid])
        })
        .collect();
    let mut bytes = Vec::new();
    for cells in &rows {
        let mut body = u16::try_from(cells.len()).unwrap().to_be_bytes().to_vec();
        for (cell_of, (at, ..)) in cells.iter().zip(&columns) {
            let Some(how) = cell_of else {
                body.extend((-1_i32).to_be_bytes());
                continue;
            };
            let cell = cell(COLUMNS[*at].2, *how);
            body.extend(i32::try_from(cell.len()).unwrap().to_be_bytes());
            body.extend(cell);
        }
        crate::wire::build::frame(&mut bytes, b'D', |out| out.extend_from_slice(&body));
    }
    bytes.extend([complete(), ready(b'I')].concat());
    let (ask, answered, forwarded) = if simple {
        (query(&text), shape(&described), "Q")
    } else {
        let formats: Vec<u8> = columns.iter().flat_map(|(.., binary)| i16::from(*binary).to_be_bytes()).collect();
        let count = i16::try_from(columns.len()).unwrap().to_be_bytes();
        let bind = named(b'B', &["", ""], &[&[0, 0, 0, 0][..], &count, &formats].concat());
        let ask = [parse("", &text), bind, execute(""), sync()].concat();
        (ask, [plain(b'1'), plain(b'2'), shape(&described)].concat(), "PBDES")
    };
    bytes = [answered, bytes].concat();
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    let run = |house: &mut House| {
        let went = house.caller(&ask);
        at.windows(2).for_each(|pair| drop(house.target(&bytes[pair[0]..pair[1]])));
        prop_assert!(house.conversation.ended().is_none(), "{:?}", house.conversation.ended());
        prop_assert_eq!(went, forwarded);
        Ok(())
    };
    // What is kept is what was shown; and nothing classified of what was shown clear.
    for (mut house, tape) in [who_sees_all, masked] {
        run(&mut house)?;
        let (shown, kept) = (&house.conversation.to_caller, tape.kept());
        prop_assert_eq!(tape.bytes(), shown.len());
        prop_assert!(!super::holds(&kept, CANARY), "the canary is kept: {}", String::from_utf8_lossy(&kept));
        if !columns.iter().any(|(at, ..)| COLUMNS[*at].2) {
            prop_assert_eq!(&kept, shown);
        }
        prop_assert!(cells(&kept).len() <= rows.len());
    }
    let mut house = House::new();
    run(&mut house)?;
    let shown = &house.conversation.to_caller;
    prop_assert!(!super::holds(shown, CANARY), "the canary is shown: {}", String::from_utf8_lossy(shown));
    // As many rows, each as wide; NULL stays, and what is open is as it was.
    let is = cells(shown);
    prop_assert_eq!(is.len(), rows.len());
    for (is, should) in is.iter().zip(&rows) {
        prop_assert_eq!(is.len(), should.len());
        for ((is, should), (at, ..)) in is.iter().zip(should).zip(&columns) {
            match should {
                // That something computed is missing is not told.
                None if COLUMNS[*at].1 == 0 && COLUMNS[*at].2 => {
                    prop_assert!(is == "NULL" || is.contains("[redacted]"))
                }
                None => prop_assert_eq!(is, "NULL"),
                Some(how) if !COLUMNS[*at].2 => prop_assert_eq!(is.as_bytes(), cell(false, *how)),
                Some(_) => {}
            }
        }
    }
    Ok(())
}

#[test]
fn whatever_the_shape_of_a_result_nothing_classified_is_in_it() {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conversation/tests/fuzz/rows.seeds");
    super::fuzz("rows", seeds, &results(), check);
}
