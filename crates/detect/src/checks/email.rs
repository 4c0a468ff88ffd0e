//! Addresses of electronic mail, as people write them.
//!
//! Not RFC 5322 with its quotes and comments: what is neither typed into a form nor sent to.

/// Bytes before the `@`, and in all behind it.
const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// Ends of file names that are no top-level domain, in order: `logo@2x.png` is no address.
#[expect(clippy::indexing_slicing, reason = "made by the compiler")]
const FILES: [u64; 50] = {
    let names = [
        "bak", "bmp", "bz2", "cfg", "cjs", "class", "conf", "css", "csv", "dll", "doc", "docx", "exe", "gif", "gz",
        "htm", "html", "ico", "ini", "jar", "java", "jpeg", "jpg", "js", "json", "jsx", "lock", "log", "mjs", "pdf",
        "png", "ppt", "pptx", "scss", "sql", "svg", "tar", "tgz", "tiff", "tmp", "toml", "tsx", "txt", "war", "webp",
        "xls", "xlsx", "xml", "yaml", "yml",
    ];
    let mut files = [0; 50];
    let mut at = 0;
    while at < names.len() {
        files[at] = packed(names[at].as_bytes());
        at += 1;
    }
    files
};

/// The first eight bytes as a number, by which texts have the order that they have.
#[expect(
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "within the length, and within eight bytes"
)]
const fn packed(text: &[u8]) -> u64 {
    let (mut packed, mut at) = (0, 0);
    while at < text.len() && at < 8 {
        packed |= (text[at] as u64) << (56 - 8 * at);
        at += 1;
    }
    packed
}

/// What a byte may be in an address, a bit for each.
#[expect(clippy::indexing_slicing, clippy::as_conversions, reason = "made by the compiler")]
const LETTERS: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut at = 0;
    while at < bytes.len() {
        let byte = at as u8;
        let is_any = byte.is_ascii_alphanumeric() || byte >= 0x80;
        let is_sign = matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'/'
                | b'='
                | b'?'
                | b'^'
                | b'_'
                | b'`'
                | b'{'
                | b'|'
                | b'}'
                | b'~'
        );
        bytes[at] = match byte {
            b'0'..=b'9' => ATOM | LABEL | DIGIT,
            b'-' => ATOM | LABEL,
            b'.' => POINT,
            _ if is_any => ATOM | LABEL,
            _ if is_sign => ATOM,
            _ => 0,
        };
        at += 1;
    }
    bytes
};
/// Of a part of what stands before the `@`, and of one of what stands behind it.
const ATOM: u8 = 1;
const LABEL: u8 = 2;
const DIGIT: u8 = 4;
const POINT: u8 = 8;

fn kinds(byte: u8) -> u8 {
    LETTERS.get(usize::from(byte)).copied().unwrap_or(0)
}

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
    // No part is empty.
    let (mut before, mut are_parts) = (0, true);
    for byte in local {
        let kinds = kinds(*byte);
        // A point is behind what is none.
        are_parts &= kinds & ATOM != 0 || kinds & POINT != 0 && before & ATOM != 0;
        before = kinds;
    }
    are_parts && before & ATOM != 0 && local.len() <= LOCAL_BYTES_MAX
}

fn is_domain(domain: &[u8]) -> bool {
    if domain.len() > DOMAIN_BYTES_MAX {
        return false;
    }
    let (mut rest, mut labels, mut numbers) = (domain, 0_usize, 0_usize);
    loop {
        let (mut length, mut all) = (0_usize, LABEL | DIGIT);
        for byte in rest.iter().take_while(|byte| **byte != b'.') {
            all &= kinds(*byte);
            length = length.saturating_add(1);
        }
        let (label, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        if all & LABEL == 0
            || !(1..=LABEL_BYTES_MAX).contains(&length)
            || label.first() == Some(&b'-')
            || label.last() == Some(&b'-')
        {
            return false;
        }
        // `name@4.17.2-beta.x` is a package and its version.
        if labels < 2 && all & DIGIT != 0 {
            numbers = numbers.saturating_add(1);
        }
        labels = labels.saturating_add(1);
        match behind {
            [] => return labels > 1 && numbers < 2 && is_top(label),
            [_, behind @ ..] => rest = behind,
        }
    }
}

/// Letters only, or a name of other scripts as it is in ASCII; no country or business is called like a file.
fn is_top(label: &[u8]) -> bool {
    let is_international = label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"xn--"));
    // In one case, but for the first letter: `d@dA.dC` is something else.
    let is_lower = label.iter().skip(1).all(|byte| !byte.is_ascii_uppercase());
    let is_one_case = is_lower || !label.iter().any(u8::is_ascii_lowercase);
    let is_name =
        label.len() >= 2 && is_one_case && label.iter().all(|&byte| byte.is_ascii_alphabetic() || byte >= 0x80);
    // Letters in lower case; digits have that bit.
    let small = 0x2020_2020_2020_2020 & !(u64::MAX >> label.len().saturating_mul(8).min(63));
    let is_file = || FILES.binary_search(&(packed(label) | small)).is_ok();
    (is_international || is_name) && !(label.len() <= 5 && is_file())
}
