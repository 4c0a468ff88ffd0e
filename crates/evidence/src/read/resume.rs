//! Reading that goes on where it stopped, in another process perhaps: a reader keeps the [`Place`] of each lane's last record.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::{LaneReader, LoggedRecord, Records};
use crate::format::{HEAD_BYTES, Hash, SegmentName};
use crate::walk::{Walk, list};

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its segment.
    pub segment: SegmentName,
    /// Where in the segment it begins.
    pub offset: u64,
    /// Its hash.
    pub hash: Hash,
}

impl LoggedRecord {
    /// Where it is.
    pub fn place(&self) -> Option<Place> {
        Some(Place { segment: SegmentName::parse(&self.file)?, offset: self.offset, hash: self.hash })
    }
}

/// All records behind these places, one a lane at most; of other lanes all. `None` if one of the places does not hold
/// that record: then the log is another one, or was changed. Whose a session is says a record only if it began behind them.
pub fn records_after(folder: &Path, places: &[Place]) -> io::Result<Option<Records>> {
    let mut listed = list(folder)?.lanes;
    let mut lanes = BTreeMap::new();
    for place in places {
        let Place { segment, offset, hash } = *place;
        let Some(segments) = listed.remove(&segment.lane) else { return Ok(None) };
        if !segments.contains(&segment) {
            return Ok(None);
        }
        let mut input = BufReader::with_capacity(256 * 1024, File::open(folder.join(segment.to_string()))?);
        input.seek(SeekFrom::Start(offset))?;
        let (mut length, mut stored) = ([0; 4], [0; 32]);
        if input.read_exact(&mut length).and_then(|()| input.read_exact(&mut stored)).is_err() || stored != hash.0 {
            return Ok(None);
        }
        let bytes = u64::from(u32::from_le_bytes(length)).saturating_add(u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX));
        let next = offset.saturating_add(bytes);
        input.seek(SeekFrom::Start(next))?;
        let newer = segments.into_iter().filter(|name| *name > segment).collect();
        let mut lane = LaneReader::new(folder.to_owned(), newer, true);
        lane.newest = lane.newest.or(Some(segment));
        // What follows is chained to that record, so a change of it is seen there.
        lane.current = Some((segment, Walk::new(input, next, hash)));
        lanes.insert(segment.lane, lane);
    }
    for (number, segments) in listed {
        lanes.insert(number, LaneReader::new(folder.to_owned(), segments.into(), false));
    }
    Ok(Some(Records::of(folder, lanes)))
}

#[cfg(test)]
mod tests {
    use gate::Ledger as _;

    use super::*;
    use crate::read::records;
    use crate::testing::{all, decided, ops, put, small};

    #[test]
    fn reading_goes_on_behind_any_record() {
        let folder = tempfile::tempdir().unwrap();
        let log = small(folder.path(), 2);
        for op in 0..120 {
            log.lane(usize::from(op % 3 == 0)).append(&[decided(op)]).unwrap();
        }
        let whole = all(folder.path());
        assert!(whole.iter().filter_map(|record| record.place()).any(|place| place.segment.first > 1), "one segment");
        for stop in 0..=whole.len() {
            let mut places = BTreeMap::new();
            for record in &whole[..stop] {
                places.insert(record.lane, record.place().unwrap());
            }
            let places: Vec<Place> = places.into_values().collect();
            let rest: Vec<_> = records_after(folder.path(), &places).unwrap().unwrap().map(Result::unwrap).collect();
            assert_eq!(ops(&rest), ops(&whole[stop..]), "{stop}");
        }
        // And it goes on as the log grows.
        let places: Vec<Place> = [0, 1]
            .into_iter()
            .filter_map(|lane| whole.iter().rev().find(|record| record.lane == lane)?.place())
            .collect();
        let mut rest = records_after(folder.path(), &places).unwrap().unwrap();
        assert!(rest.next().is_none());
        for op in 200..260 {
            log.lane(0).append(&[decided(op)]).unwrap();
        }
        rest.refresh().unwrap();
        assert_eq!(ops(&rest.map(Result::unwrap).collect::<Vec<_>>()), (200..260).collect::<Vec<_>>());
    }

    #[test]
    fn another_log_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let log = small(folder.path(), 1);
        log.lane(0).append(&[decided(1), decided(2)]).unwrap();
        let last = records(folder.path()).unwrap().last().unwrap().unwrap();
        let place = last.place().unwrap();
        let is_known = |place: Place| records_after(folder.path(), &[place]).unwrap().is_some();
        assert!(is_known(place));
        let other = SegmentName { lane: 9, ..place.segment };
        assert!(!is_known(Place { segment: other, ..place }), "a lane that is not there");
        assert!(!is_known(Place { segment: SegmentName { first: 2, ..place.segment }, ..place }), "nor that segment");
        assert!(!is_known(Place { offset: place.offset + 1, ..place }));
        assert!(!is_known(Place { offset: place.offset + 100_000, ..place }), "behind the end");
        assert!(!is_known(Place { hash: Hash([7; 32]), ..place }));
        drop(log);
        let path = folder.path().join(&last.file);
        let bytes = std::fs::read(&path).unwrap();
        put(&path, &bytes[..usize::try_from(place.offset).unwrap()]);
        assert!(!is_known(place), "cut off");
    }
}
