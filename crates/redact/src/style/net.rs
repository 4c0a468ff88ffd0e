//! Parts of addresses, as values and as people write them in texts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const V4_BITS: u8 = 24;
const V6_BITS: u8 = 48;

/// The network that an address is in, with its other bits zero. A network that is no smaller has no such part: it would be
/// shown whole.
pub(super) fn network(addr: IpAddr, prefix: u8) -> Option<(IpAddr, u8)> {
    let (network, bits): (IpAddr, u8) = match addr {
        IpAddr::V4(addr) => {
            let mask = u32::MAX << 32_u8.saturating_sub(V4_BITS);
            (Ipv4Addr::from_bits(addr.to_bits() & mask).into(), V4_BITS)
        }
        IpAddr::V6(addr) => {
            let mask = u128::MAX << 128_u8.saturating_sub(V6_BITS);
            (Ipv6Addr::from_bits(addr.to_bits() & mask).into(), V6_BITS)
        }
    };
    let shown = (network, prefix.min(bits));
    (shown != (addr, prefix)).then_some(shown)
}

/// The network of an address in a text.
pub(super) fn network_of_text(text: &str) -> Option<String> {
    let (addr, prefix) = match text.split_once('/') {
        Some((addr, prefix)) => (addr.parse().ok()?, prefix.parse().ok()?),
        None => {
            let addr: IpAddr = text.parse().ok()?;
            (addr, if addr.is_ipv4() { 32 } else { 128 })
        }
    };
    let (addr, prefix) = network(addr, prefix)?;
    Some(format!("{addr}/{prefix}"))
}

/// The vendor's bytes of a hardware address in a text, in pairs of hexadecimal digits.
pub(super) fn vendor_of_text(text: &str) -> Option<String> {
    let separator = text.chars().find(|c| matches!(c, ':' | '-'))?;
    let pairs: Vec<&str> = text.split(separator).collect();
    let is_pair = |pair: &&str| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !matches!(pairs.len(), 6 | 8) || !pairs.iter().all(is_pair) {
        return None;
    }
    let shown = pairs.iter().enumerate().map(|(at, pair)| if at < 3 { *pair } else { "00" });
    Some(shown.collect::<Vec<_>>().join(&separator.to_string()))
}
