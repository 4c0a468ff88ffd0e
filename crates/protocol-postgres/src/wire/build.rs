//! Messages that Weir itself writes, to callers and to targets.

use gate::Refusal;

/// Appends a frame of this type, with its body written by `body`.
pub fn frame(out: &mut Vec<u8>, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind);
    untyped(out, body);
}

/// Appends a frame without a type byte, as startup packets are.
pub fn untyped(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out);
    let length = i32::try_from(out.len().saturating_sub(at)).unwrap_or(i32::MAX);
    if let Some(place) = out.get_mut(at..at.saturating_add(4)) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

/// Appends a text and its terminator. A zero byte inside would end it early, so the text ends there.
pub fn cstr(out: &mut Vec<u8>, text: &[u8]) {
    out.extend(text.iter().copied().take_while(|byte| *byte != 0));
    out.push(0);
}

/// How bad a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The session ends.
    Fatal,
    /// The statement ends.
    Error,
    /// Nothing ends.
    Notice,
}

impl Severity {
    fn as_str(self) -> &'static str {
        match self {
            Self::Fatal => "FATAL",
            Self::Error => "ERROR",
            Self::Notice => "NOTICE",
        }
    }
}

/// A report in Weir's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnReport {
    /// How bad.
    pub severity: Severity,
    /// The SQLSTATE.
    pub code: &'static str,
    /// The sentence.
    pub message: String,
    /// More of it.
    pub detail: Option<String>,
    /// What would help.
    pub hint: Option<String>,
    /// Where in the caller's own text, counted in characters from 1.
    pub position: Option<usize>,
}

impl OwnReport {
    /// A report with nothing but its sentence.
    pub fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self { severity, code, message: message.into(), detail: None, hint: None, position: None }
    }

    /// An error that ends the session.
    pub fn fatal(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Fatal, code, message)
    }

    /// The same with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A refusal, as an error of this code.
    pub fn refusal(severity: Severity, code: &'static str, refusal: &Refusal) -> Self {
        let Refusal { message, detail, hint } = refusal.clone();
        Self { severity, code, message, detail, hint, position: None }
    }

    /// Appends it as an ErrorResponse or NoticeResponse.
    pub fn write(&self, out: &mut Vec<u8>) {
        let kind = if self.severity == Severity::Notice { b'N' } else { b'E' };
        let position = self.position.map(|at| at.to_string());
        frame(out, kind, |out| {
            let mut field = |kind: u8, text: Option<&str>| {
                if let Some(text) = text {
                    out.push(kind);
                    cstr(out, text.as_bytes());
                }
            };
            field(b'S', Some(self.severity.as_str()));
            field(b'V', Some(self.severity.as_str()));
            field(b'C', Some(self.code));
            field(b'M', Some(&self.message));
            field(b'D', self.detail.as_deref());
            field(b'H', self.hint.as_deref());
            field(b'P', position.as_deref());
            out.push(0);
        });
    }

    /// It as a message.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }
}
