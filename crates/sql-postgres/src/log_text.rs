//! A statement's text as the log may keep it.
//!
//! Constants of statements that touch something classified are replaced by tokens, with PostgreSQL's own lexer, and comments
//! are left out: nothing of a value stays, but equal values are seen to be equal. So are those of statements that carry
//! passwords.

use std::borrow::Cow;
use std::sync::Arc;

use model::LogText;
use pg_query::protobuf::{ScanToken, Token};

/// The longest text that the log keeps, in bytes.
pub const LOG_TEXT_BYTES_MAX: usize = 16 * 1024;

/// What the log keeps of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The text.
    pub text: LogText,
    /// Whether its constants are withheld: it is tainted, or brings a password.
    pub withheld: bool,
}

/// The text for the log. For a `tainted` one, `token` gives what stands for a constant.
pub fn log_text(sql: &str, tainted: bool, token: &dyn Fn(&[u8]) -> String) -> Logged {
    // The lexer takes the whole text, whatever is kept of it: a cut could fall into a constant.
    let scanned = pg_query::scan(sql).ok().map(|result| result.tokens);
    let secret = scanned.as_deref().is_none_or(|tokens| tokens.iter().any(brings_a_secret));
    let withheld = tainted || secret;
    let text = match scanned {
        _ if !withheld => Some(sql.into()),
        Some(tokens) => without_constants(sql, &tokens, token).map(Cow::Owned),
        None => None,
    }
    .unwrap_or_else(|| format!("(text withheld: {} bytes)", sql.len()).into());
    Logged { text: LogText(cut(text)), withheld }
}

/// Words of statements that carry a password or a connection string.
fn brings_a_secret(token: &ScanToken) -> bool {
    matches!(
        Token::try_from(token.token),
        Ok(Token::Password | Token::Connection | Token::Mapping | Token::Server | Token::Subscription | Token::Options)
    )
}

/// The text with tokens for constants and without comments. `None` if the lexer's places don't fit the text.
fn without_constants(sql: &str, tokens: &[ScanToken], token: &dyn Fn(&[u8]) -> String) -> Option<String> {
    let mut text = String::with_capacity(sql.len());
    let mut at = 0;
    for scanned in tokens {
        let (start, end) = (usize::try_from(scanned.start).ok()?, usize::try_from(scanned.end).ok()?);
        let between = sql.get(at..start)?;
        let written = sql.get(start..end)?;
        text.push_str(between);
        match Token::try_from(scanned.token).ok()? {
            Token::Sconst | Token::Usconst | Token::Iconst | Token::Fconst | Token::Bconst | Token::Xconst => {
                text.push_str(&token(content(written).as_bytes()));
            }
            Token::SqlComment | Token::CComment => text.push(' '),
            _ => text.push_str(written),
        }
        at = end;
    }
    // Only space can follow the last token.
    sql.get(at..)?.trim().is_empty().then_some(text)
}

/// What a constant holds, where that is simply what stands between its quotes: so that `'5'` and `5` have one token.
pub(crate) fn content(written: &str) -> Cow<'_, str> {
    match written.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(inner) => inner.replace("''", "'").into(),
        None => written.into(),
    }
}

/// At most [`LOG_TEXT_BYTES_MAX`] of it, and a mark where it was cut.
pub(crate) fn cut(text: Cow<'_, str>) -> Arc<str> {
    let length = text.len();
    if length <= LOG_TEXT_BYTES_MAX {
        return text.into();
    }
    let kept = text.get(..text.floor_char_boundary(LOG_TEXT_BYTES_MAX)).unwrap_or_default();
    format!("{kept}… (cut: {length} bytes in all)").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(sql: &str, tainted: bool) -> String {
        log_text(sql, tainted, &|value| format!("<{}>", value.len())).text.0.to_string()
    }

    #[test]
    fn constants_of_tainted_texts_become_tokens_and_comments_go() {
        let sql = "SELECT 'secret', 12345, 1.5, B'0101', X'ff', $tag$dollar$tag$, U&'\\0041', E'\\n', $1 /* secret */ -- secret\n, \"Col\"";
        let text = kept(sql, true);
        for gone in ["secret", "12345", "1.5", "0101", "ff", "dollar", "0041", "\\n"] {
            assert!(!text.contains(gone), "{gone} stayed in {text}");
        }
        assert!(text.contains("$1") && text.contains("\"Col\""), "{text}");
        assert_eq!(kept("SELECT 'it''s' FROM t WHERE a='it''s'", true), "SELECT <4> FROM t WHERE a=<4>");
        assert_eq!(kept("SELECT '5', 5", true), "SELECT <1>, <1>");
    }

    #[test]
    fn untainted_texts_stay_as_they_are() {
        let sql = "SELECT 1 /* who */ FROM orders -- é";
        assert_eq!(kept(sql, false), sql);
    }

    #[test]
    fn passwords_never_stay() {
        for sql in [
            "ALTER ROLE x PASSWORD 'hunter2'",
            "CREATE USER MAPPING FOR x SERVER s OPTIONS (password 'hunter2')",
            "CREATE SUBSCRIPTION s CONNECTION 'password=hunter2' PUBLICATION p",
        ] {
            assert!(!kept(sql, false).contains("hunter2"), "{sql}");
        }
    }

    #[test]
    fn what_cannot_be_scanned_is_withheld() {
        assert_eq!(kept("SELECT 'open", true), "(text withheld: 12 bytes)");
        assert_eq!(kept("ALTER ROLE x PASSWORD 'hunter2", false), "(text withheld: 30 bytes)");
    }

    #[test]
    fn long_texts_are_cut_at_a_letter_and_marked() {
        let sql = format!("SELECT '{}'", "é".repeat(LOG_TEXT_BYTES_MAX));
        let text = kept(&sql, false);
        assert!(text.len() < LOG_TEXT_BYTES_MAX + 64 && text.ends_with(&format!("(cut: {} bytes in all)", sql.len())));
    }
}
