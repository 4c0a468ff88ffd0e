//! The nearest known word to one that is not known, and how a word of the user's is quoted back.

/// The most alike of the known words, if one is alike enough to be a slip of the keyboard.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let alike = |known: &str| strsim::jaro_winkler(&word.to_lowercase(), &known.to_lowercase());
    known
        .into_iter()
        .map(|known| (alike(known), known))
        .filter(|(score, _)| *score >= 0.82)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// The word in quotes if it can't be a secret in the wrong place: short, and of the characters of names and addresses.
/// Anything else (a connection URL with a password in it) is only called "this value".
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:*/[] ".contains(c);
    if word.len() <= 64 && word.chars().all(plain) && !word.contains("://") {
        format!("\"{word}\"")
    } else {
        "this value".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = ["address", "database", "databases", "user", "password"];
        for (word, near) in
            [("addres", Some("address")), ("PASSWORD", Some("password")), ("usr", Some("user")), ("colour", None)]
        {
            assert_eq!(nearest(word, known), near, "{word}");
        }
        assert_eq!(nearest("anything", []), None);
    }

    #[test]
    fn what_may_hold_a_secret_is_not_quoted() {
        assert_eq!(quoted("localhost:99999"), "\"localhost:99999\"");
        for secret in ["postgres://u:hunter2@db/shop", "user:hunter2@db", "a\nb", &"x".repeat(65)] {
            assert_eq!(quoted(secret), "this value");
        }
    }
}
