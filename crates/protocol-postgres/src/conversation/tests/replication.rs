//! Replication connections: what a stream needs, and when either side may send.

use gate::{Outcome, Ruling};
use sql_postgres::ReplicationOf;

use super::house::*;
use crate::conversation::Ended;
use crate::conversation::replication::CATALOG_WAIT_MAX;
use crate::wire::build;

const START: &str = "START_REPLICATION SLOT s LOGICAL 0/0";

fn data(bytes: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    build::frame(&mut frame, b'd', |out| out.extend_from_slice(bytes));
    frame
}

/// CopyBothResponse, of no columns.
fn both() -> Vec<u8> {
    let mut frame = Vec::new();
    build::frame(&mut frame, b'W', |out| out.extend_from_slice(&[0; 3]));
    frame
}

fn house(classified: bool) -> House {
    let mut house = House::opaque(classified);
    house.conversation.set_replication(Some(ReplicationOf::Database));
    house
}

#[test]
fn a_stream_goes_both_ways_until_both_have_ended_it() {
    for caller_first in [true, false] {
        let mut house = house(false);
        assert_eq!(house.caller(&[query(START), data(b"r early")].concat()), "Q", "nothing before the target is ready");
        assert_eq!(house.target(&[both(), data(b"w one")].concat()), "d");
        assert_eq!(house.target(&data(b"k alive")), "");
        assert_eq!(house.caller(&data(b"r status")), "d");
        assert_eq!(house.shown(), "W d d");
        let end = [tagged("COPY 0"), tagged("START_REPLICATION"), ready(b'I')].concat();
        if caller_first {
            assert_eq!(house.caller(&[plain(b'c'), query("SELECT 1")].concat()), "c");
            house.target(&data(b"w two"));
            assert_eq!(house.target(&[plain(b'c'), end].concat()), "Q");
            assert_eq!(house.shown(), "d c C C ZI");
        } else {
            house.target(&plain(b'c'));
            assert_eq!(house.caller(&[data(b"r more"), plain(b'c'), query("SELECT 1")].concat()), "dc");
            assert_eq!(house.target(&end), "Q");
            assert_eq!(house.shown(), "c C C ZI");
        }
        assert_eq!(house.outcomes(), [Outcome::Done]);
        assert_eq!(house.conversation.ended(), None);
    }
}

#[test]
fn a_stream_that_fails_is_over() {
    let mut house = house(false);
    house.caller(&query(START));
    assert_eq!(house.target(&[both(), data(b"w one"), error("58P01"), ready(b'I')].concat()), "");
    // What the caller sent before it knew is ignored, as the server would.
    assert_eq!(house.caller(&[data(b"r late"), plain(b'c'), query("IDENTIFY_SYSTEM")].concat()), "Q");
    assert_eq!(house.shown(), "W d E58P01 ZI");
    assert_eq!(house.outcomes(), [Outcome::Failed("58P01".to_owned())]);
}

/// As the server ends a stream when it shuts down: without the end of the copy.
#[test]
fn a_stream_that_the_server_ends_is_told_as_the_server_tells_it() {
    let mut house = house(false);
    house.caller(&query(START));
    assert_eq!(house.target(&[both(), data(b"w one"), tagged("COPY 0")].concat()), "");
    assert_eq!(house.shown(), "W d C");
    assert_eq!(house.conversation.ended(), None);
}

#[test]
fn a_stream_that_nobody_asked_for_ends_the_session() {
    let mut ordinary = House::opaque(false);
    ordinary.caller(&query(START));
    ordinary.target(&both());
    assert!(matches!(ordinary.conversation.ended(), Some(Ended::TargetBroke(_))));
    for text in ["IDENTIFY_SYSTEM", "SELECT 1", "COPY orders TO STDOUT"] {
        let mut house = house(false);
        house.caller(&query(text));
        house.target(&both());
        assert!(matches!(house.conversation.ended(), Some(Ended::TargetBroke(_))), "{text}");
    }
    for more in [both(), [plain(b'c'), data(b"w late")].concat(), [plain(b'c'), plain(b'c')].concat(), ready(b'I')] {
        let mut house = house(false);
        house.caller(&query(START));
        house.target(&[both(), more].concat());
        assert!(matches!(house.conversation.ended(), Some(Ended::TargetBroke(_))));
    }
}

#[test]
fn who_may_not_see_everything_gets_no_stream() {
    let mut house = house(true);
    assert_eq!(house.caller(&query(START)), "!");
    house.target(&[error("42601"), ready(b'I')].concat());
    assert_eq!(house.shown(), "E42501 ZI");
    // What says nothing of any table is not hidden, though it is not foreseen.
    assert_eq!(house.caller(&query("IDENTIFY_SYSTEM")), "Q");
    let told = [shape(&[("systemid", 0, 0, 25)]), row(&["7301"]), tagged("IDENTIFY_SYSTEM"), ready(b'I')].concat();
    house.target(&told);
    assert_eq!(cells(&house.conversation.to_caller), [["7301"]]);
    house.shown();
    // Opaque texts are permitted here, but these are none.
    for text in ["BASE_BACKUP", "IDENTIFY_SYSTEM; SELECT 1", "START_REPLICATION", "BASE_BACKUP (LABEL '\u{e9}"] {
        assert_eq!(house.caller(&query(text)), "!", "{text}");
        house.target(&[error("42601"), ready(b'I')].concat());
    }
}

fn streaming(classified: bool) -> House {
    let mut house = house(classified);
    house.read_empty_catalog();
    assert_eq!(house.caller(&query(START)), "Q");
    house.target(&[both(), data(b"w one")].concat());
    assert_eq!(house.shown(), "W d");
    house
}

#[test]
fn a_stream_ends_when_its_policies_do() {
    let mut house = streaming(false);
    house.withdraw_policies();
    house.target(&data(b"w two"));
    assert_eq!(house.shown(), "E42501");
    assert_eq!(house.conversation.ended(), Some(&Ended::NoLongerPermitted));
    assert_eq!(house.rulings().last().unwrap(), &(Ruling::Deny, "stream"));
}

#[test]
fn a_stream_ends_when_something_is_classified_that_its_caller_may_not_see() {
    let mut house = streaming(true);
    house.read_catalog();
    house.target(&data(b"w two"));
    assert_eq!(house.shown(), "E42501");
    assert_eq!(house.conversation.ended(), Some(&Ended::NoLongerPermitted));
}

#[test]
fn a_stream_waits_while_nobody_knows_what_is_classified() {
    for (read, shown) in [(Some(true), "d d"), (Some(false), "E42501"), (None, "E58000")] {
        let mut house = streaming(true);
        house.change_catalog();
        let (now, later) = (data(b"w two"), data(b"w three"));
        house.target(&now);
        assert_eq!(house.shown(), "");
        assert!(!house.conversation.hears_target() && house.conversation.awaits_catalog());
        // What has come is kept, in whatever pieces.
        house.target(&later[..4]);
        house.target(&later[4..]);
        // The target ends a stream whose reader is silent.
        assert!(house.conversation.takes_more());
        assert_eq!(house.caller(&data(b"r status")), "d");
        assert_eq!(house.shown(), "");
        // One failure is not the end.
        house.conversation.catalog_read(false, NOW);
        assert!(house.conversation.ended().is_none() && !house.conversation.hears_target());
        match read {
            Some(true) => house.read_empty_catalog(),
            Some(false) => house.read_catalog(),
            None => {
                let held = house.conversation.streaming.as_mut().unwrap().held.as_mut().unwrap();
                held.since = held.since.checked_sub(CATALOG_WAIT_MAX).unwrap();
                house.conversation.catalog_read(false, NOW);
            }
        }
        assert_eq!(house.shown(), shown);
        assert_eq!(house.conversation.ended().is_some(), read != Some(true));
        assert!(house.conversation.hears_target() || read != Some(true));
    }
}

/// The end of a stream is the end of looking at it.
#[test]
fn what_comes_behind_a_stream_is_decided_for_itself() {
    let mut house = streaming(true);
    house.caller(&plain(b'c'));
    house.target(&[plain(b'c'), tagged("COPY 0"), tagged("START_REPLICATION"), ready(b'I')].concat());
    house.shown();
    house.read_catalog();
    assert_eq!(house.caller(&query("IDENTIFY_SYSTEM")), "Q");
    house.target(&[shape(&[("systemid", 0, 0, 25)]), tagged("IDENTIFY_SYSTEM"), ready(b'I')].concat());
    assert_eq!(house.shown(), "T C ZI");
}

/// What was sent before a stream began is answered while it is awaited.
#[test]
fn a_stream_is_looked_at_whatever_was_sent_before_it() {
    let mut house = house(true);
    house.read_empty_catalog();
    assert_eq!(house.caller(&[query(""), query(START)].concat()), "QQ");
    house.target(&[plain(b'I'), ready(b'I'), both(), data(b"w one")].concat());
    assert_eq!(house.shown(), "I ZI W d");
    house.read_catalog();
    house.target(&data(b"w two"));
    assert_eq!(house.shown(), "E42501");
}

/// Where the catalog changes all the time, what was sent before it was last read goes on.
#[test]
fn a_stream_goes_on_while_the_catalog_changes_again_and_again() {
    let mut house = streaming(true);
    for _ in 0..3 {
        house.change_catalog();
        house.target(&data(b"w more"));
        assert_eq!(house.shown(), "");
        house.read_empty_catalog_that_changes();
        assert_eq!(house.shown(), "d");
    }
}

/// Nothing can become classified where nothing is.
#[test]
fn a_stream_does_not_wait_where_nothing_is_classified() {
    let mut house = streaming(false);
    house.change_catalog();
    house.conversation.catalog_read(false, NOW);
    house.target(&data(b"w more"));
    assert_eq!(house.shown(), "d");
}
