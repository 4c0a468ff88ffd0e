//! A recording's frames as things that happened: a caller came, something was decided, a row was shown.

use evidence::recording::format::Header;
use evidence::recording::{Kept, KeptField, KeptFrame};
use model::{Sight, UnixMicros};
use protocol_postgres::{Played, PlayedColumn, Player, Said, VOCABULARY};
use serde_json::{Map, Value, json};

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Moment {
    /// When.
    pub at: UnixMicros,
    /// The operation that it is of; 0 for none.
    pub op: u64,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// Something was decided: the record as the log has it.
    Decided { record: Map<String, Value> },
    /// Anything else that the log has of the session.
    Record { record: Map<String, Value> },
    /// A result begins.
    Columns { columns: Vec<Column> },
    /// A row of it.
    Row { cells: Vec<Option<String>> },
    /// A command is complete.
    Complete { tag: String },
    /// An error, or a notice.
    Said { is_error: bool, said: Said },
    /// Copy data.
    Copied { text: String },
    /// A notification.
    Notified { channel: String, payload: String },
    /// Something was shown that is not in the recording, or that nobody here can read.
    Left { bytes: u64, why: &'static str },
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// How it was shown and is kept, if the recording says so.
    pub field: Option<KeptField>,
}

impl Column {
    /// How it was shown and is kept, where that is worth saying.
    pub fn mark(&self) -> Option<String> {
        let KeptField { class, sight, kept, .. } = self.field.as_ref()?;
        let of = class.as_deref().unwrap_or("computed of what is classified, or unknown");
        match (sight, kept) {
            (Sight::Clear, Sight::Clear) if class.is_none() => None,
            (shown, kept) if shown == kept => Some(format!("{of}: {}", shown.as_str())),
            (shown, kept) => Some(format!("{of}: {}, kept as {}", shown.as_str(), kept.as_str())),
        }
    }
}

impl Moment {
    /// Whether a text occurs in it, which is given in lower case.
    pub fn says(&self, text: &str) -> bool {
        let has = |other: &str| other.to_lowercase().contains(text);
        match &self.what {
            What::Decided { record } | What::Record { record } => record.values().any(|value| match value {
                Value::String(value) => has(value),
                other => has(&other.to_string()),
            }),
            What::Columns { columns } => columns.iter().any(|column| has(&column.name)),
            What::Row { cells } => cells.iter().flatten().any(|cell| has(cell)),
            What::Complete { tag } => has(tag),
            What::Said { said, .. } => [Some(&said.message), said.detail.as_ref(), said.hint.as_ref()]
                .into_iter()
                .flatten()
                .any(|said| has(said)),
            What::Copied { text } => has(text),
            What::Notified { channel, payload } => has(channel) || has(payload),
            What::Left { .. } => false,
        }
    }

    /// As one JSON object.
    pub fn json(&self) -> Value {
        let (kind, more) = match &self.what {
            What::Decided { record } | What::Record { record } => {
                let mut record = record.clone();
                record.insert("at".to_owned(), self.at.0.into());
                return Value::Object(record);
            }
            What::Columns { columns } => {
                let column = |column: &Column| json!({"name": column.name, "shown": column.mark()});
                ("columns", json!({"columns": columns.iter().map(column).collect::<Vec<_>>()}))
            }
            What::Row { cells } => ("row", json!({"cells": cells})),
            What::Complete { tag } => ("complete", json!({"tag": tag})),
            What::Said { is_error, said } => {
                let Said { severity, code, message, detail, hint } = said;
                let said =
                    json!({"severity": severity, "code": code, "message": message, "detail": detail, "hint": hint});
                (if *is_error { "error" } else { "notice" }, said)
            }
            What::Copied { text } => ("copied", json!({"text": text})),
            What::Notified { channel, payload } => ("notified", json!({"channel": channel, "payload": payload})),
            What::Left { bytes, why } => ("left", json!({"bytes": bytes, "why": why})),
        };
        let mut object = Map::new();
        object.insert("at".to_owned(), self.at.0.into());
        object.insert("event".to_owned(), kind.into());
        if self.op > 0 {
            object.insert("op".to_owned(), self.op.into());
        }
        object.extend(more.as_object().cloned().unwrap_or_default());
        Value::Object(object)
    }
}

/// Makes moments of frames.
pub struct Story {
    player: Player,
    is_known: bool,
    op: u64,
    fields: Vec<KeptField>,
    /// What is told of an operation's end. The recording has it before the bytes of the read that it was learned from.
    held: Vec<Moment>,
}

impl Story {
    /// Of a recording.
    pub fn new(header: &Header) -> Self {
        let is_known = header.protocol == VOCABULARY.protocol;
        Self { player: Player::default(), is_known, op: 0, fields: Vec::new(), held: Vec::new() }
    }

    /// What a frame says.
    pub fn take(&mut self, kept: Kept) -> Vec<Moment> {
        let is_shown = matches!(kept.frame, KeptFrame::Shown(_) | KeptFrame::Instead { .. });
        let is_shape = matches!(kept.frame, KeptFrame::Shape(_));
        let mut moments = self.moments(kept);
        if is_shown {
            moments.append(&mut self.held);
        } else if !is_shape && !moments.is_empty() {
            moments = std::mem::take(&mut self.held).into_iter().chain(moments).collect();
        }
        let is_end = |moment: &Moment| matches!(&moment.what, What::Record { record } if record.get("event").is_some_and(|event| event == "ended"));
        if !is_shown && moments.last().is_some_and(is_end) {
            self.held.extend(moments.pop());
        }
        moments
    }

    /// What is left when there is nothing more.
    pub fn end(&mut self) -> Vec<Moment> {
        std::mem::take(&mut self.held)
    }

    fn moments(&mut self, Kept { at, frame }: Kept) -> Vec<Moment> {
        let op = self.op;
        let moment = |what| Moment { at, op, what };
        match frame {
            KeptFrame::Record(json) => vec![moment(record(&json))],
            KeptFrame::About(op) => {
                self.op = op;
                self.fields.clear();
                std::mem::take(&mut self.held)
            }
            KeptFrame::Shape(fields) => {
                let column = |field: &KeptField| PlayedColumn {
                    name: field.name.clone(),
                    type_oid: u32::try_from(field.type_id).unwrap_or(0),
                    binary: field.binary,
                };
                self.player.shape(fields.iter().map(column).collect());
                self.fields = fields;
                Vec::new()
            }
            KeptFrame::Shown(bytes) => self.play(at, &bytes),
            KeptFrame::Instead { bytes, kept } if kept.is_empty() => {
                self.player.gap();
                vec![moment(What::Left { bytes, why: "not kept in the recording" })]
            }
            KeptFrame::Instead { kept, .. } => self.play(at, &kept),
            KeptFrame::Other { payload, .. } => {
                let bytes = u64::try_from(payload.len()).unwrap_or(u64::MAX);
                vec![moment(What::Left { bytes, why: "of a kind that this version does not know" })]
            }
        }
    }

    fn play(&mut self, at: UnixMicros, bytes: &[u8]) -> Vec<Moment> {
        let mut played = Vec::new();
        let left = |why| What::Left { bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX), why };
        let broken = if self.is_known {
            self.player.feed(bytes, &mut played).is_err().then(|| left("not readable as the protocol's messages"))
        } else {
            Some(left("of a protocol that this version cannot play"))
        };
        if broken.is_some() {
            self.player.gap();
        }
        let whats = played.into_iter().map(|played| self.what(played)).collect::<Vec<_>>();
        whats.into_iter().chain(broken).map(|what| Moment { at, op: self.op, what }).collect()
    }

    fn what(&self, played: Played) -> What {
        match played {
            Played::Columns(names) => {
                let columns = names.into_iter().enumerate().map(|(at, name)| {
                    let field = self.fields.get(at).filter(|field| field.name == name).cloned();
                    Column { field, name }
                });
                What::Columns { columns: columns.collect() }
            }
            Played::Row(cells) => What::Row { cells },
            Played::Complete(tag) => What::Complete { tag },
            Played::Error(said) => What::Said { is_error: true, said },
            Played::Notice(said) => What::Said { is_error: false, said },
            Played::Copied(bytes) => What::Copied { text: String::from_utf8_lossy(&bytes).into_owned() },
            Played::Notified(channel, payload) => What::Notified { channel, payload },
            Played::Returned(value) => {
                What::Row { cells: vec![value.map(|value| String::from_utf8_lossy(&value).into_owned())] }
            }
            Played::Unreadable(what) => What::Complete { tag: what },
        }
    }
}

fn record(json: &str) -> What {
    let record = match serde_json::from_str::<Map<String, Value>>(json) {
        Ok(record) => record,
        Err(_) => Map::from_iter([("event".to_owned(), Value::from("unreadable"))]),
    };
    if record.get("event").and_then(Value::as_str) == Some("decided") {
        What::Decided { record }
    } else {
        What::Record { record }
    }
}
