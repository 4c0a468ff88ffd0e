//! The form of a signed token (RFC 7519 in the compact form of RFC 7515), and the claims that say when and where it holds.
//!
//! Nothing here is trusted before the signature was checked, except to find the key to check it with.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::UnixSeconds;
use serde_json::{Map, Number, Value};

use crate::claims::Claims;
use crate::json;
use crate::key_set::KID_BYTES_MAX;
use crate::names::quote;
use crate::rejection::{Reason, Rejection};

/// The longest token. It has to fit into a password message or a header line.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// What `typ` may say. Tokens for another purpose, such as a logout, have a type of their own and are refused by it.
const TYPES: [&str; 5] = ["JWT", "AT+JWT", "APPLICATION/JWT", "APPLICATION/AT+JWT", "JOSE"];

/// A token that was read and not checked.
#[derive(Debug)]
pub(crate) struct Unchecked<'a> {
    pub(crate) algorithm: String,
    pub(crate) kid: Option<String>,
    pub(crate) claims: Claims,
    /// What is signed.
    pub(crate) message: &'a str,
    pub(crate) signature: &'a str,
}

/// Whether a text could be a token of this kind. Its header is a JSON object, and `{"` is `ey` in base64.
pub(crate) fn is_alike(text: &str) -> bool {
    text.starts_with("ey") && text.contains('.')
}

/// Takes a token apart.
pub(crate) fn read(text: &str) -> Result<Unchecked<'_>, Rejection> {
    let malformed = |detail: String| Rejection::new(Reason::Malformed, detail);
    if text.len() > TOKEN_BYTES_MAX {
        return Err(malformed(format!("{} bytes; {TOKEN_BYTES_MAX} at most are read", text.len())));
    }
    let Some((message, signature)) = text.rsplit_once('.') else {
        return Err(malformed("no dot in it".to_owned()));
    };
    let (header, payload) = match message.split_once('.') {
        Some((header, payload)) if !payload.contains('.') => (header, payload),
        _ => return Err(malformed("not three parts; encrypted tokens (five parts) are not supported".to_owned())),
    };
    let object = |what: &str, part: &str| -> Result<Map<String, Value>, Rejection> {
        let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed(format!("its {what} is not base64url")))?;
        json::object(&bytes).map_err(|fault| malformed(format!("its {what} is {fault}")))
    };
    let header = object("header", header)?;
    let claims = object("payload", payload)?;

    let text_of = |name: &str| -> Result<Option<&str>, Rejection> {
        match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(malformed(format!("`{name}` in its header is not a text"))),
        }
    };
    // Headers that change what the rest means.
    if let Some(name) = ["crit", "enc", "zip", "b64"].into_iter().find(|name| header.contains_key(*name)) {
        return Err(malformed(format!("`{name}` in its header is not supported")));
    }
    if let Some(content) = text_of("cty")? {
        return Err(malformed(format!("it holds {}, and tokens inside tokens are not supported", quote(content))));
    }
    if let Some(kind) = text_of("typ")?.filter(|kind| !TYPES.contains(&kind.to_ascii_uppercase().as_str())) {
        return Err(malformed(format!("its type {} is not one for access", quote(kind))));
    }
    let algorithm = text_of("alg")?.ok_or_else(|| malformed("no `alg` in its header".to_owned()))?.to_owned();
    let kid = text_of("kid")?.map(str::to_owned);
    if kid.as_ref().is_some_and(|kid| kid.len() > KID_BYTES_MAX) {
        return Err(malformed(format!("`kid` is longer than {KID_BYTES_MAX} bytes")));
    }
    Ok(Unchecked { algorithm, kid, claims: Claims::new(claims), message, signature })
}

/// Checks that the token is for this audience: the text itself, or a list with it inside.
pub(crate) fn check_audience(claims: &Claims, audience: &str) -> Result<(), Rejection> {
    let given = match claims.get("aud") {
        None => return Err(Rejection::new(Reason::MissingClaim, "`aud` is missing")),
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(many)) => many
            .iter()
            .map(Value::as_str)
            .collect::<Option<_>>()
            .ok_or_else(|| Rejection::new(Reason::InvalidClaim, "`aud` holds something that is not a text"))?,
        Some(_) => return Err(Rejection::new(Reason::InvalidClaim, "`aud` is neither a text nor a list")),
    };
    if given.contains(&audience) {
        return Ok(());
    }
    Err(Rejection::new(Reason::WrongAudience, format!("`aud` is {}, not `{audience}`", quote(&given.join(", ")))))
}

/// Checks that the token's time has come and is not over. Returns the first moment at which it is over.
pub(crate) fn check_time(claims: &Claims, leeway_seconds: u64, now: UnixSeconds) -> Result<UnixSeconds, Rejection> {
    let expires = moment(claims, "exp")?.ok_or_else(|| Rejection::new(Reason::MissingClaim, "`exp` is missing"))?;
    let ends = UnixSeconds(expires.saturating_add(leeway_seconds));
    if now >= ends {
        return Err(Rejection::new(Reason::Expired, format!("`exp` is {expires}, and it is {}", now.0)));
    }
    for name in ["nbf", "iat"] {
        if let Some(begins) = moment(claims, name)?
            && begins > now.0.saturating_add(leeway_seconds)
        {
            return Err(Rejection::new(Reason::NotYetValid, format!("`{name}` is {begins}, and it is {}", now.0)));
        }
    }
    Ok(ends)
}

/// A claim that is a NumericDate: whole seconds, or with a fraction that is dropped.
fn moment(claims: &Claims, name: &str) -> Result<Option<u64>, Rejection> {
    let seconds = |number: &Number| {
        let text = number.to_string();
        text.split_once('.').map_or(&*text, |(whole, _)| whole).parse().ok().filter(|_| !text.contains(['e', 'E']))
    };
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) if let Some(seconds) = seconds(number) => Ok(Some(seconds)),
        Some(_) => Err(Rejection::new(Reason::InvalidClaim, format!("`{name}` is not a time in seconds"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn claims(json: &str) -> Claims {
        Claims::new(json::object(json.as_bytes()).unwrap())
    }

    fn time(json: &str) -> Result<u64, Reason> {
        check_time(&claims(json), 30, NOW).map(|ends| ends.0).map_err(|rejection| rejection.reason)
    }

    #[test]
    fn a_token_holds_for_its_time_and_the_leeway() {
        assert_eq!(time(r#"{"exp": 1800000001}"#), Ok(1_800_000_031));
        assert_eq!(time(r#"{"exp": 1799999971}"#), Ok(1_800_000_001));
        assert_eq!(time(r#"{"exp": 1799999970}"#), Err(Reason::Expired));
        assert_eq!(time(r#"{"exp": 1799999970.9}"#), Err(Reason::Expired));
        assert_eq!(time(r#"{"exp": 1800000001, "nbf": 1800000030, "iat": 1800000030.5}"#), Ok(1_800_000_031));
        assert_eq!(time(r#"{"exp": 1800000001, "nbf": 1800000031}"#), Err(Reason::NotYetValid));
        assert_eq!(time(r#"{"exp": 1800000001, "iat": 1800000031}"#), Err(Reason::NotYetValid));
        assert_eq!(time(r#"{"exp": 18446744073709551615}"#), Ok(u64::MAX));
    }

    #[test]
    fn times_have_one_form() {
        assert_eq!(time("{}"), Err(Reason::MissingClaim));
        assert_eq!(time(r#"{"exp": null}"#), Err(Reason::MissingClaim));
        for bad in ["\"1800000001\"", "-1", "1e300", "-0.5", "true", "[1800000001]", "{}", "18446744073709551616"] {
            assert_eq!(time(&format!(r#"{{"exp": {bad}}}"#)), Err(Reason::InvalidClaim), "{bad}");
            assert_eq!(time(&format!(r#"{{"exp": 1800000001, "nbf": {bad}}}"#)), Err(Reason::InvalidClaim), "{bad}");
        }
    }

    #[test]
    fn an_audience_is_matched_whole() {
        let audience = |json: &str| check_audience(&claims(json), "weir-acme").map_err(|rejection| rejection.reason);
        assert_eq!(audience(r#"{"aud": "weir-acme"}"#), Ok(()));
        assert_eq!(audience(r#"{"aud": ["other", "weir-acme"]}"#), Ok(()));
        for (bad, reason) in [
            ("\"weir-acme-prod\"", Reason::WrongAudience),
            ("\"WEIR-ACME\"", Reason::WrongAudience),
            ("\"weir-acme \"", Reason::WrongAudience),
            ("[]", Reason::WrongAudience),
            ("[\"other, weir-acme\"]", Reason::WrongAudience),
            ("[\"weir-acme\", 1]", Reason::InvalidClaim),
            ("{\"weir-acme\": 1}", Reason::InvalidClaim),
            ("7", Reason::InvalidClaim),
            ("null", Reason::MissingClaim),
        ] {
            assert_eq!(audience(&format!(r#"{{"aud": {bad}}}"#)), Err(reason), "{bad}");
        }
    }
}
