//! Addresses of electronic mail, as people write them.
//!
//! Not RFC 5322 with its quotes and comments: what is neither typed into a form nor sent to.

/// Bytes before the `@`, and in all behind it.
const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// Ends of file names that are no top-level domain: `logo@2x.png` is no address.
const FILES: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "webp", "bmp", "ico", "tiff", "css", "scss", "js", "jsx", "mjs", "cjs", "tsx",
    "html", "htm", "json", "xml", "yaml", "yml", "toml", "ini", "cfg", "conf", "txt", "log", "csv", "pdf", "doc",
    "docx", "xls", "xlsx", "ppt", "pptx", "exe", "dll", "jar", "war", "tar", "gz", "tgz", "bz2", "bak", "tmp", "lock",
    "sql", "java", "class",
];

/// A local part and a domain of two labels or more, as they stand. Letters beyond ASCII may be in both; in a domain in UTF-8 alone, since bytes that
/// mean nothing are full of what could be others.
pub fn email(text: &[u8]) -> bool {
    let Some(at) = text.iter().rposition(|&byte| byte == b'@') else { return false };
    let Some((local, domain)) = text.split_at_checked(at) else { return false };
    is_local(local)
        && domain.strip_prefix(b"@").is_some_and(is_domain)
        && (domain.is_ascii() || std::str::from_utf8(text).is_ok())
}

fn is_local(local: &[u8]) -> bool {
    let is_atom = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80 || b"!#$%&'*+-/=?^_`{|}~".contains(byte);
    local.len() <= LOCAL_BYTES_MAX
        && local.split(|&byte| byte == b'.').all(|atom| !atom.is_empty() && atom.iter().all(is_atom))
}

fn is_domain(domain: &[u8]) -> bool {
    let is_label = |label: &[u8]| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte >= 0x80)
            && !label.starts_with(b"-")
            && !label.ends_with(b"-")
    };
    // `name@4.17.2-beta.x` is a package and its version.
    let is_number = |label: &[u8]| label.iter().all(u8::is_ascii_digit);
    if domain.split(|&byte| byte == b'.').take(2).all(is_number) {
        return false;
    }
    let mut labels = domain.split(|&byte| byte == b'.');
    let Some(top) = labels.next_back() else { return false };
    domain.len() <= DOMAIN_BYTES_MAX
        && is_label(top)
        && is_top(top)
        && labels.clone().count() > 0
        && labels.all(is_label)
}

/// Letters only, or a name of other scripts as it is in ASCII; no country or business is called like a file.
fn is_top(label: &[u8]) -> bool {
    let is_international = label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"xn--"));
    // In one case, but for the first letter: `d@dA.dC` is something else.
    let is_lower = label.iter().skip(1).all(|byte| !byte.is_ascii_uppercase());
    let is_one_case = is_lower || !label.iter().any(u8::is_ascii_lowercase);
    let is_name =
        label.len() >= 2 && is_one_case && label.iter().all(|&byte| byte.is_ascii_alphabetic() || byte >= 0x80);
    // The first letters are compared apart, as that is most of what there is to compare.
    let first = label.first().map(u8::to_ascii_lowercase);
    let is_file = |end: &[u8]| end.first().copied() == first && label.eq_ignore_ascii_case(end);
    (is_international || is_name) && !FILES.iter().any(|end| is_file(end.as_bytes()))
}
