//! Pages: a session's frames as they will stand in its chunks, in memory. Pure; what it costs is a copy.
//!
//! A page is the content of one chunk. Frames lie wholly in one: what is longer is cut.

use model::RecordingLevel;
use serde::Serialize;

use super::frame::{HEAD_BYTES_MAX, LENGTH_BYTES, kind, length, put_varint};

/// What a page is full at.
pub(super) const PAGE_BYTES: usize = 64 * 1024;
/// The longest payload that a page takes.
const PIECE_BYTES_MAX: usize = PAGE_BYTES - HEAD_BYTES_MAX;
/// Where less than this is left in a page, a new one is begun: small pieces cost more than they fill.
const PIECE_BYTES_MIN: usize = 512;
/// Bytes that are shown so soon after others are joined to them: what a caller gets in one go has one time.
const JOIN_MICROS: u64 = 10_000;

/// A session's frames.
pub(super) struct Pages {
    level: RecordingLevel,
    /// When the last frame was.
    at: u64,
    full: Vec<Vec<u8>>,
    page: Vec<u8>,
    tail: Tail,
    /// Bytes that the caller was shown, and that these frames stand for.
    shown: u64,
}

/// The last frame of the page, if what comes next can be joined to it.
#[derive(Clone, Copy)]
enum Tail {
    None,
    /// Shown bytes, whose length stands at `length_at`.
    Shown {
        at: u64,
        length_at: usize,
    },
    /// Bytes of which nothing is kept. The frame begins at `start`, and the one before it was `before`.
    Counted {
        at: u64,
        before: u64,
        start: usize,
        bytes: u64,
    },
}

/// A field, as a shape has it.
#[derive(Serialize)]
struct Field<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    type_id: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    binary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    sight: &'static str,
    kept: &'static str,
}

/// A shape's payload.
pub(super) fn shape(fields: &[gate::ShownField<'_>]) -> serde_json::Result<Vec<u8>> {
    let fields = fields.iter().map(|shown| {
        let gate::ShownField { name, type_id, binary, class, sight, kept } = *shown;
        Field { name, type_id, binary, class, sight: sight.as_str(), kept: kept.as_str() }
    });
    serde_json::to_vec(&fields.collect::<Vec<_>>())
}

impl Pages {
    pub fn new(level: RecordingLevel, opened: u64) -> Self {
        Self { level, at: opened, full: Vec::new(), page: Vec::new(), tail: Tail::None, shown: 0 }
    }

    /// Bytes that the caller was shown so far.
    pub fn shown_bytes(&self) -> u64 {
        self.shown
    }

    /// Bytes of the frames that are here.
    pub fn bytes(&self) -> usize {
        self.full.iter().map(Vec::len).fold(self.page.len(), usize::saturating_add)
    }

    pub fn is_empty(&self) -> bool {
        self.page.is_empty() && self.full.is_empty()
    }

    pub fn has_full(&self) -> bool {
        !self.full.is_empty()
    }

    /// Takes the full pages, in order.
    pub fn take_full(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.full)
    }

    /// Takes all pages, in order.
    pub fn take_all(&mut self) -> Vec<Vec<u8>> {
        self.turn();
        self.take_full()
    }

    /// Adds a payload that only as a whole means something.
    pub fn whole(&mut self, at: u64, kind: u8, mut payload: &[u8]) {
        while let Some((part, rest)) = payload.split_at_checked(PIECE_BYTES_MAX).filter(|(_, rest)| !rest.is_empty()) {
            self.frame(at, kind::PART, &[], part);
            payload = rest;
        }
        self.frame(at, kind, &[], payload);
    }

    /// Adds which operation follows.
    pub fn about(&mut self, at: u64, op: u64) {
        let mut payload = Vec::new();
        put_varint(&mut payload, op);
        self.frame(at, kind::ABOUT, &[], &payload);
    }

    /// Adds bytes that were shown.
    pub fn shown(&mut self, at: u64, mut bytes: &[u8]) {
        if self.level < RecordingLevel::Full {
            return self.counted(at, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        }
        self.shown = self.shown.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        bytes = self.join(at, bytes);
        while !bytes.is_empty() {
            let (piece, rest) = bytes.split_at_checked(self.piece_bytes()).unwrap_or((bytes, &[]));
            let length_at = self.frame(at, kind::SHOWN, &[], piece);
            self.tail = Tail::Shown { at, length_at };
            bytes = rest;
        }
    }

    /// Adds what is kept in the place of bytes that were shown.
    pub fn instead(&mut self, at: u64, shown: u64, mut kept: &[u8]) {
        if self.level < RecordingLevel::Full || kept.is_empty() {
            return self.counted(at, shown);
        }
        self.shown = self.shown.saturating_add(shown);
        let mut count = Vec::new();
        put_varint(&mut count, shown);
        while !kept.is_empty() {
            let room = self.piece_bytes().saturating_sub(count.len());
            let (piece, rest) = kept.split_at_checked(room).unwrap_or((kept, &[]));
            self.frame(at, kind::INSTEAD, &count, piece);
            // The bytes were shown once, however many pieces stand for them.
            count.clear();
            count.push(0);
            kept = rest;
        }
    }

    /// Adds the end.
    pub fn end(&mut self, at: u64) {
        self.frame(at, kind::END, &[], &[]);
    }

    /// Adds bytes of which nothing is kept but how many they are.
    fn counted(&mut self, at: u64, shown: u64) {
        if shown == 0 {
            return;
        }
        self.shown = self.shown.saturating_add(shown);
        let mut bytes = shown;
        if let Tail::Counted { at: earlier, before, start, bytes: counted } = self.tail
            && is_soon(at, earlier)
            && let Some(sum) = counted.checked_add(shown)
        {
            // Its payload may become longer: it is written anew, with the time that it had.
            self.page.truncate(start);
            self.at = before;
            bytes = sum;
            return self.put_counted(earlier, bytes);
        }
        self.put_counted(at, bytes);
    }

    fn put_counted(&mut self, at: u64, bytes: u64) {
        let mut payload = Vec::new();
        put_varint(&mut payload, bytes);
        self.make_room(payload.len());
        let (before, start) = (self.at, self.page.len());
        self.frame(at, kind::INSTEAD, &payload, &[]);
        self.tail = Tail::Counted { at, before, start, bytes };
    }

    /// Joins as much as fits to bytes that were just shown, and gives the rest.
    fn join<'b>(&mut self, at: u64, bytes: &'b [u8]) -> &'b [u8] {
        let Tail::Shown { at: earlier, length_at } = self.tail else { return bytes };
        if !is_soon(at, earlier) {
            return bytes;
        }
        let room = PAGE_BYTES.saturating_sub(self.page.len());
        let (piece, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        let payload_at = length_at.saturating_add(LENGTH_BYTES);
        let joined = self.page.len().saturating_sub(payload_at).saturating_add(piece.len());
        match (length(joined), self.page.get_mut(length_at..payload_at)) {
            (Some(length), Some(place)) => place.copy_from_slice(&length),
            _ => return bytes,
        }
        self.page.extend_from_slice(piece);
        rest
    }

    /// How long a payload may be that can be cut anywhere. Turns the page if that is hardly anything.
    fn piece_bytes(&mut self) -> usize {
        self.make_room(PIECE_BYTES_MIN);
        PIECE_BYTES_MAX.saturating_sub(self.page.len())
    }

    /// Turns the page if a payload of so many bytes has no place in it.
    fn make_room(&mut self, payload: usize) {
        if self.page.len().saturating_add(HEAD_BYTES_MAX).saturating_add(payload) > PAGE_BYTES {
            self.turn();
        }
    }

    fn turn(&mut self) {
        if !self.page.is_empty() {
            self.full.push(std::mem::take(&mut self.page));
        }
        self.tail = Tail::None;
    }

    /// Adds a frame that fits into a page, and says where its length stands.
    fn frame(&mut self, at: u64, kind: u8, payload: &[u8], more: &[u8]) -> usize {
        let bytes = payload.len().saturating_add(more.len());
        self.make_room(bytes);
        if self.page.is_empty() && self.has_full() {
            // A session that fills pages: no growing from page to page.
            self.page.reserve_exact(PAGE_BYTES);
        }
        self.page.push(kind);
        // The clock may have been put back: a recording's time never steps back.
        put_varint(&mut self.page, at.saturating_sub(self.at));
        self.at = self.at.max(at);
        let length_at = self.page.len();
        // It fits: `bytes` is less than a page.
        self.page.extend_from_slice(&length(bytes).unwrap_or_default());
        self.page.extend_from_slice(payload);
        self.page.extend_from_slice(more);
        self.tail = Tail::None;
        length_at
    }
}

/// Whether what is shown `at` is joined to what was shown `earlier`.
fn is_soon(at: u64, earlier: u64) -> bool {
    at.saturating_sub(earlier) <= JOIN_MICROS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::frame::{RawFrame, take};

    fn frames(pages: &[Vec<u8>]) -> Vec<RawFrame<'_>> {
        let mut found = Vec::new();
        for page in pages {
            let mut rest = page.as_slice();
            assert!(rest.len() <= PAGE_BYTES, "{} bytes", rest.len());
            while !rest.is_empty() {
                found.push(take(&mut rest).unwrap());
            }
        }
        found
    }

    #[test]
    fn what_is_shown_in_one_go_is_one_frame() {
        let mut pages = Pages::new(RecordingLevel::Full, 1000);
        pages.shown(1500, b"ab");
        pages.shown(1500 + JOIN_MICROS, b"cd");
        pages.shown(1501 + JOIN_MICROS, b"ef");
        pages.about(1501, 7);
        pages.shown(1502 + JOIN_MICROS, b"gh");
        let taken = pages.take_all();
        let found = frames(&taken);
        let told: Vec<_> = found.iter().map(|frame| (frame.kind, frame.after, frame.payload)).collect();
        assert_eq!(
            told,
            [
                (kind::SHOWN, 500, &b"abcd"[..]),
                (kind::SHOWN, 1 + JOIN_MICROS, b"ef"),
                (kind::ABOUT, 0, &[7]),
                (kind::SHOWN, 1, b"gh")
            ]
        );
        assert_eq!(pages.shown_bytes(), 8);
        assert!(pages.is_empty());
        pages.shown(1502 + JOIN_MICROS, b"ij");
        assert_eq!(frames(&pages.take_all()).len(), 1, "nothing is joined to what was taken");
    }

    #[test]
    fn of_metadata_only_numbers_are_kept() {
        let mut pages = Pages::new(RecordingLevel::Metadata, 0);
        pages.shown(1, b"secret");
        pages.instead(2, 300, b"hidden");
        pages.shown(1 + 2 * JOIN_MICROS, b"secret");
        pages.whole(1, kind::RECORD, b"{}");
        pages.shown(2, b"");
        let taken = pages.take_all();
        let told: Vec<_> = frames(&taken).iter().map(|frame| (frame.kind, frame.payload.to_vec())).collect();
        let sum = vec![0xb2, 0x02];
        let expected = [(kind::INSTEAD, sum), (kind::INSTEAD, vec![6]), (kind::RECORD, b"{}".to_vec())];
        assert_eq!(told, expected);
        assert_eq!(pages.shown_bytes(), 312);
    }

    #[test]
    fn what_is_longer_than_a_page_is_cut() {
        let mut pages = Pages::new(RecordingLevel::Full, 0);
        let long: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
        pages.whole(1, kind::RECORD, &long);
        pages.instead(1, 5, &long);
        pages.shown(1, &long);
        pages.whole(1, kind::SHAPE, &long[..PIECE_BYTES_MAX]);
        let taken = pages.take_all();
        let found = frames(&taken);
        let all = |wanted: &[u8]| -> Vec<u8> {
            let of_kind = found.iter().filter(|frame| wanted.contains(&frame.kind));
            of_kind.flat_map(|frame| frame.payload).copied().collect()
        };
        assert_eq!(all(&[kind::PART, kind::RECORD]), long);
        assert_eq!(all(&[kind::SHOWN]), long);
        assert_eq!(all(&[kind::SHAPE]), &long[..PIECE_BYTES_MAX]);
        let counts: Vec<_> = found.iter().filter(|f| f.kind == kind::INSTEAD).map(|f| f.payload[0]).collect();
        assert_eq!(counts, [5, 0, 0, 0]);
        assert!(taken.len() < 14, "{} pages", taken.len());
    }

    #[test]
    fn a_shape_has_a_class_where_there_is_one() {
        use gate::ShownField;
        use model::Sight;
        let fields = [
            ShownField {
                name: "mail",
                type_id: 25,
                binary: false,
                class: Some("pii.email"),
                sight: Sight::Clear,
                kept: Sight::Token,
            },
            ShownField { name: "id", type_id: 23, binary: true, class: None, sight: Sight::Clear, kept: Sight::Clear },
        ];
        let json = r#"[{"name":"mail","type":25,"class":"pii.email","sight":"clear","kept":"token"},{"name":"id","type":23,"binary":true,"sight":"clear","kept":"clear"}]"#;
        assert_eq!(shape(&fields).unwrap(), json.as_bytes());
    }
}
