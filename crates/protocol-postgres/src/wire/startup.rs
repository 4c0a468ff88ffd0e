//! The first packets of a connection, before and instead of a login: they have no type byte.

use sql_postgres::ReplicationOf;

use super::{Fields, Malformed};

/// The longest first packet that PostgreSQL takes, in bytes.
pub const STARTUP_BYTES_MAX: usize = 10_000;

/// The protocol's name in ALPN.
pub const ALPN: &[u8] = b"postgresql";
/// What a TLS handshake begins with, and no packet can: it would be the length of one far too long.
pub const TLS_FIRST_BYTE: u8 = 0x16;

const CANCEL: i32 = 80_877_102;
const SSL: i32 = 80_877_103;
const GSSENC: i32 = 80_877_104;
/// Protocol 3.0, the oldest that is spoken.
pub const PROTOCOL_3_0: i32 = 196_608;
/// Protocol 3.2, the newest that is spoken. Beside 3.0 it has longer cancel keys. There is no 3.1.
pub const PROTOCOL_3_2: i32 = 196_610;
/// The minor part of [`PROTOCOL_3_2`].
const MINOR_MAX: u16 = 2;
/// Bytes of a cancel key's secret in protocol 3.0.
const SECRET_BYTES_3_0: usize = 4;
/// Bytes of the secret that is given to a caller of protocol 3.2, which takes up to 256: what stands between this Weir
/// and the caller has room to add its own.
const SECRET_BYTES_3_2: usize = 32;

/// A first packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstPacket {
    /// May we speak TLS?
    Ssl,
    /// May we speak GSSAPI encryption?
    GssEnc,
    /// Stop what another connection runs.
    Cancel(CancelKey),
    /// A login.
    Startup(Startup),
}

/// Names a running session to whoever was told its key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CancelKey {
    /// The process id, as the caller was told it.
    pub pid: i32,
    /// The secret.
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for CancelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CancelKey(pid {})", self.pid)
    }
}

/// A login packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Startup {
    /// The minor version of protocol 3 that is asked for.
    pub minor: u16,
    /// The parameters in order, each name once.
    pub parameters: Vec<(String, String)>,
}

impl Startup {
    /// The version that the connection goes on with: what was asked for, but none that is newer than what is spoken here.
    pub fn version(&self) -> i32 {
        PROTOCOL_3_0.saturating_add(i32::from(self.minor.min(MINOR_MAX)))
    }

    /// How long the secret of this caller's cancel key is, in bytes.
    pub fn secret_bytes(&self) -> usize {
        if self.version() >= PROTOCOL_3_2 { SECRET_BYTES_3_2 } else { SECRET_BYTES_3_0 }
    }

    /// What the caller must be told before it is asked who it is: the version that will be spoken, and the protocol
    /// options that are not known. `None` if it gets what it asked for.
    pub fn negotiation(&self) -> Option<(i32, Vec<&str>)> {
        let unknown: Vec<&str> = self.protocol_options().collect();
        (self.minor > MINOR_MAX || !unknown.is_empty()).then(|| (self.version(), unknown))
    }

    /// A parameter's value.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }

    /// Protocol options (`_pq_.*`) that are asked for. None is known.
    fn protocol_options(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|(name, _)| name.as_str()).filter(|name| name.starts_with("_pq_."))
    }
}

impl Startup {
    /// What replication connection is asked for, if any, in the words that the server takes.
    pub fn replication(&self) -> Result<Option<ReplicationOf>, Malformed> {
        let Some(value) = self.parameter("replication") else { return Ok(None) };
        match (value, boolean(value)) {
            ("database", _) => Ok(Some(ReplicationOf::Database)),
            (_, Some(true)) => Ok(Some(ReplicationOf::Server)),
            (_, Some(false)) => Ok(None),
            (_, None) => {
                Err(Malformed(format!("invalid value for parameter \"replication\": \"{}\"", value.escape_debug())))
            }
        }
    }
}

/// A boolean as PostgreSQL reads one: any unambiguous beginning of its words.
fn boolean(text: &str) -> Option<bool> {
    let text = text.to_ascii_lowercase();
    let begins = |word: &str, bytes_min: usize| text.len() >= bytes_min && word.starts_with(&text);
    let yes = text == "1" || begins("true", 1) || begins("yes", 1) || begins("on", 2);
    let no = text == "0" || begins("false", 1) || begins("no", 1) || begins("off", 2);
    (yes || no).then_some(yes)
}

impl FirstPacket {
    /// How long the packet is, from its first four bytes. They count themselves.
    pub fn length(head: [u8; 4]) -> Result<usize, Malformed> {
        let length = i32::from_be_bytes(head);
        usize::try_from(length)
            .ok()
            .filter(|length| (8..=STARTUP_BYTES_MAX).contains(length))
            .ok_or_else(|| Malformed(format!("invalid length of startup packet: {length}")))
    }

    /// The packet after its length.
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        let mut fields = Fields::of("startup", body);
        let code = fields.int32()?;
        match code {
            SSL => fields.end().map(|()| Self::Ssl),
            GSSENC => fields.end().map(|()| Self::GssEnc),
            CANCEL => {
                let (pid, secret) = (fields.int32()?, fields.rest().to_vec());
                if !(4..=256).contains(&secret.len()) {
                    return Err(Malformed::new("cancel request without a key of 4 to 256 bytes"));
                }
                Ok(Self::Cancel(CancelKey { pid, secret }))
            }
            version if version >> 16 == 3 => {
                let minor = u16::try_from(version & 0xffff).unwrap_or(u16::MAX);
                Ok(Self::Startup(Startup { minor, parameters: parameters(&mut fields)? }))
            }
            other => {
                let (major, minor) = (other >> 16, other & 0xffff);
                Err(Malformed(format!("unsupported frontend protocol {major}.{minor}: Weir speaks 3.0 to 3.2")))
            }
        }
    }
}

fn parameters(fields: &mut Fields<'_>) -> Result<Vec<(String, String)>, Malformed> {
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec()).map_err(|_| Malformed::new("a startup parameter is not UTF-8 text"))
    };
    let mut parameters: Vec<(String, String)> = Vec::new();
    loop {
        let name = text(fields.cstr()?)?;
        if name.is_empty() {
            break;
        }
        let value = text(fields.cstr()?)?;
        if parameters.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            return Err(Malformed(format!("startup parameter \"{name}\" is given twice")));
        }
        parameters.push((name, value));
    }
    fields.end()?;
    Ok(parameters)
}

/// The settings in an `options` parameter: `-c name=value` and `--name=value`, with backslash escapes, as the server's
/// own command line takes them. Anything else is refused.
pub fn options(text: &str) -> Result<Vec<(String, String)>, Malformed> {
    let mut settings = Vec::new();
    let mut words = words(text).into_iter();
    while let Some(word) = words.next() {
        let setting = if word == "-c" {
            words.next().ok_or_else(|| Malformed::new("option -c needs a name and a value"))?
        } else if let Some(setting) = word.strip_prefix("-c").or_else(|| word.strip_prefix("--")) {
            setting.to_owned()
        } else {
            return Err(Malformed(format!(
                "option \"{}\" is not carried: only -c name=value is",
                word.escape_default()
            )));
        };
        match setting.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                // The server reads a dash in an option's name as an underscore.
                settings.push((name.replace('-', "_"), value.to_owned()));
            }
            _ => return Err(Malformed(format!("option \"{}\" is not name=value", setting.escape_default()))),
        }
    }
    Ok(settings)
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
