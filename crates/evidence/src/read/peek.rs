//! A record's number and kind off the first bytes of its payload, for who passes over most records: reading all of one costs ten times as much.

/// Bytes in which the kind must begin: number, time and session stand before it.
const BEFORE_MAX: usize = 512;
const EVENT: &[u8] = b"\"event\":\"";

/// Number and kind, if they are where they are written. A text before them can't be mistaken for the kind: its quotes are escaped.
pub(crate) fn peek(payload: &[u8]) -> Option<(u64, &str)> {
    let rest = payload.strip_prefix(b"{\"seq\":")?;
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = rest.split_at_checked(digits)?;
    let seq = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let at = rest.get(..rest.len().min(BEFORE_MAX))?.windows(EVENT.len()).position(|part| part == EVENT)?;
    let kind = rest.get(at.checked_add(EVENT.len())?..)?;
    let end = kind.iter().position(|byte| *byte == b'"')?;
    Some((seq, std::str::from_utf8(kind.get(..end)?).ok()?))
}

#[cfg(test)]
mod tests {
    use gate::Ledger as _;

    use super::*;
    use crate::read::{records, records_after};
    use crate::testing::{all, decided, ended, ops, small};

    #[test]
    fn a_kind_is_where_it_is_written() {
        assert_eq!(peek(br#"{"seq":17,"at":1,"session":"x","event":"ended","op":1}"#), Some((17, "ended")));
        assert_eq!(peek(br#"{"seq":1,"at":1,"event":"stopped"}"#), Some((1, "stopped")));
        let quoted = br#"{"seq":1,"at":1,"session":"\"event\":\"closed\"","event":"ended"}"#;
        assert_eq!(peek(quoted), Some((1, "ended")));
        for none in
            [&b""[..], b"{}", b"{\"seq\":", b"{\"seq\":1", b"{\"seq\":x,\"event\":\"a\"}", b"{\"seq\":1,\"event\":\"a"]
        {
            assert_eq!(peek(none), None);
        }
    }

    #[test]
    fn who_wants_some_kinds_gets_all_of_those() {
        let folder = tempfile::tempdir().unwrap();
        let log = small(folder.path(), 2);
        for op in 0..300 {
            log.lane(usize::from(op % 3 == 0)).append(&[decided(op), ended(op)]).unwrap();
        }
        let whole = all(folder.path());
        let is_wanted = |record: &&crate::LoggedRecord| record.kind() == "ended";
        let expected: Vec<_> = whole.iter().filter(is_wanted).cloned().collect();
        let found: Vec<_> = records(folder.path()).unwrap().only(&["ended"]).map(Result::unwrap).collect();
        assert_eq!(found, expected);
        // Behind a place, and as the log grows.
        let place = expected.iter().filter(|record| record.lane == 0).nth(50).unwrap().place().unwrap();
        let mut rest = records_after(folder.path(), &[place]).unwrap().unwrap().only(&["ended"]);
        let first: Vec<_> = rest.by_ref().map(Result::unwrap).filter(|record| record.lane == 0).collect();
        assert_eq!(ops(&first), ops(expected.iter().filter(|record| record.lane == 0).skip(51)));
        log.lane(0).append(&[decided(1000), ended(1000)]).unwrap();
        rest.refresh().unwrap();
        assert_eq!(ops(&rest.map(Result::unwrap).collect::<Vec<_>>()), [1000]);
    }
}
