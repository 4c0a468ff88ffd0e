//! What is given to a name like `password`, in programs, settings and logs: a secret, or a word that stands for one.
//!
//! A secret may be any text, so this tells what it surely is not: a variable, a template, a mask, a path, a type, a word of a form.

/// Marks of a template or a mask.
const MARKS: &[&[u8]] = &[b"${", b"$(", b"{{", b"}}", b"<%", b"%(", b"#{", b"***", b"...", b"://", b"redacted"];

/// Words that stand for a secret or speak about one. A text of nothing else is none.
const WORDS: &[&str] = &[
    "a",
    "access",
    "and",
    "api",
    "apikey",
    "app",
    "arg",
    "args",
    "auth",
    "bool",
    "bytes",
    "client",
    "config",
    "confirm",
    "confirmation",
    "contraseña",
    "credential",
    "credentials",
    "current",
    "database",
    "db",
    "default",
    "dummy",
    "empty",
    "enter",
    "env",
    "example",
    "false",
    "field",
    "for",
    "form",
    "from",
    "get",
    "hash",
    "hidden",
    "id",
    "incorrect",
    "input",
    "int",
    "invalid",
    "is",
    "kennwort",
    "key",
    "label",
    "login",
    "missing",
    "mot",
    "de",
    "my",
    "name",
    "new",
    "nil",
    "no",
    "none",
    "null",
    "number",
    "object",
    "old",
    "optional",
    "or",
    "param",
    "parameter",
    "pass",
    "passe",
    "passphrase",
    "passwd",
    "passwort",
    "password",
    "passwords",
    "pin",
    "placeholder",
    "please",
    "prompt",
    "public",
    "pwd",
    "repeat",
    "required",
    "reset",
    "root",
    "secret",
    "secrets",
    "self",
    "senha",
    "server",
    "session",
    "set",
    "show",
    "str",
    "string",
    "text",
    "the",
    "this",
    "to",
    "token",
    "true",
    "type",
    "undefined",
    "user",
    "username",
    "value",
    "var",
    "varchar",
    "variable",
    "weak",
    "word",
    "wrong",
    "your",
];

/// Words that say that a sentence is about secrets.
const ABOUT: &[&str] =
    &["password", "passwords", "passwort", "kennwort", "passe", "contraseña", "senha", "secret", "secrets"];

/// A secret in quotes, as it stands: not a template, a mask, a path, or words that stand for it.
pub fn password(text: &[u8]) -> bool {
    let lower = |byte: &u8| byte.to_ascii_lowercase();
    let has = |mark: &&[u8]| text.windows(mark.len()).any(|part| part.iter().map(lower).eq(mark.iter().copied()));
    let is_variable = match text {
        [b'$', name @ ..] | [b'%', name @ .., b'%'] => is_name(name),
        b"%s" | b"%r" | b"%d" => true,
        [b'<' | b'{' | b'[', .., b'>' | b'}' | b']'] => true,
        _ => false,
    };
    let is_path = matches!(text, [b'/', first, ..] if first.is_ascii_alphabetic())
        || matches!(text, [b'.' | b'~', b'/', ..] | [b'.', b'.', b'/', ..] | [_, b':', b'\\' | b'/', ..]);
    let is_one_byte = text.first().is_some_and(|first| text.iter().all(|byte| byte == first));
    if is_variable || is_path || is_one_byte || MARKS.iter().any(has) {
        return false;
    }
    let is_in = |list: &[&str], word: &[u8]| {
        let word = word.trim_ascii_end();
        let digits = word.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let letters = word.get(..word.len().saturating_sub(digits)).unwrap_or_default();
        list.iter().any(|known| letters.iter().map(lower).eq(known.bytes()))
    };
    let words = || text.split(|byte| !byte.is_ascii_alphanumeric() && *byte < 0x80).filter(|word| !word.is_empty());
    let has_digits_alone = words().any(|word| word.iter().all(u8::is_ascii_digit));
    let is_sentence = text.contains(&b' ') && words().any(|word| is_in(ABOUT, word));
    let stands_for_it = words().next().is_none() || words().all(|word| is_humps_in(word, |part| is_in(WORDS, part)));
    !(is_sentence || (stands_for_it && !has_digits_alone))
}

/// A secret without quotes, as it stands: what is a secret in quotes, and not a name or type of a program: it has a digit, or a sign that
/// neither has, and is no chain of names.
pub fn password_word(text: &[u8]) -> bool {
    let is_telling = |byte: &u8| byte.is_ascii_digit() || b"!@#%^+~?|".contains(byte) || *byte >= 0x80;
    let is_chain = text.contains(&b'.') && text.split(|byte| *byte == b'.').all(is_name);
    text.iter().any(is_telling) && !is_chain && password(text)
}

/// Whether it is a name of a program.
fn is_name(text: &[u8]) -> bool {
    text.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Whether the word, or each part of it where its humps are, is in a list: `newPassword`.
fn is_humps_in(word: &[u8], is_in: impl Fn(&[u8]) -> bool) -> bool {
    if is_in(word) {
        return true;
    }
    let mut rest = word;
    while let Some(behind) = rest.get(1..) {
        let hump = behind.iter().position(u8::is_ascii_uppercase).map_or(rest.len(), |hump| hump.saturating_add(1));
        let (part, more) = rest.split_at_checked(hump).unwrap_or((rest, &[]));
        if !is_in(part) {
            return false;
        }
        rest = more;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_what_stands_for_them() {
        for secret in [
            "hunter2!",
            "hunter",
            "%BpmWebxq",
            "f9%SZ",
            "Zx81-qqTr",
            "correct horse battery staple",
            "changeme",
            "1234",
            "user1234x",
        ] {
            assert!(password(secret.as_bytes()), "{secret}");
        }
        for none in [
            "${DB_PASSWORD}",
            "{{ password }}",
            "%s",
            "$PASSWORD",
            "%PASSWORD%",
            "<secret>",
            "{password}",
            "/run/secrets/db",
            "C:\\Users",
            "xxxxxxxx",
            "********",
            "[redacted]",
            "password",
            "newPassword",
            "client_secret",
            "password2",
            "Enter your password",
            "Your password must have a digit",
            "None",
            "string",
            "----",
            "https://example.com/x",
        ] {
            assert!(!password(none.as_bytes()), "{none}");
        }
    }

    #[test]
    fn without_quotes_it_is_no_name() {
        for secret in ["s3cr3t-x", "hunter22", "p@ss", "1234"] {
            assert!(password_word(secret.as_bytes()), "{secret}");
        }
        for none in ["None", "self.password", "load_secret", "base64.b64decode", "password2", "required", "*const"] {
            assert!(!password_word(none.as_bytes()), "{none}");
        }
    }
}
