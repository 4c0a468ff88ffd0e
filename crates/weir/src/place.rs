//! A record's place as those keep it that follow the log (the index, exports): number of its segment, offset, hash.

use evidence::Place;
use evidence::format::{Hash, SegmentName};

/// The place as bytes. The lane is known beside it.
pub fn to_bytes(place: &Place) -> Vec<u8> {
    let Place { segment, offset, hash } = place;
    [&segment.first.to_le_bytes()[..], &offset.to_le_bytes(), &hash.0].concat()
}

/// The place that these bytes are; none if they are not one.
pub fn place(lane: u16, bytes: &[u8]) -> Option<Place> {
    let (first, rest) = bytes.split_first_chunk()?;
    let (offset, rest) = rest.split_first_chunk()?;
    Some(Place {
        segment: SegmentName { lane, first: u64::from_le_bytes(*first) },
        offset: u64::from_le_bytes(*offset),
        hash: Hash(rest.try_into().ok()?),
    })
}
