//! `inet`, `cidr`, `macaddr` and `macaddr8`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use model::Value;

use super::bytes::{from_hex, push_hex};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NetKind {
    Inet,
    Cidr,
    Mac,
    Mac8,
}

/// Families of addresses in binary: not those of any system, but PostgreSQL's own.
const V4: u8 = 2;
const V6: u8 = 3;

pub(super) fn read(kind: NetKind, binary: bool, bytes: &[u8]) -> Option<Value<'static>> {
    match kind {
        NetKind::Inet | NetKind::Cidr => {
            let (addr, prefix) = if binary { read_binary(kind, bytes)? } else { read_text(bytes)? };
            (prefix <= bits(addr)).then_some(Value::Net { addr, prefix })
        }
        NetKind::Mac => mac_bytes(binary, bytes)?.try_into().ok().map(Value::Mac),
        NetKind::Mac8 => mac_bytes(binary, bytes)?.try_into().ok().map(Value::Eui64),
    }
}

pub(super) fn write(kind: NetKind, binary: bool, value: &Value<'_>, out: &mut Vec<u8>) -> Option<()> {
    match (kind, value) {
        (NetKind::Inet | NetKind::Cidr, Value::Net { addr, prefix }) => {
            write_net(kind, binary, *addr, *prefix, out);
            Some(())
        }
        (NetKind::Mac, Value::Mac(address)) => write_mac(binary, address, out),
        (NetKind::Mac8, Value::Eui64(address)) => write_mac(binary, address, out),
        _ => None,
    }
}

fn bits(addr: IpAddr) -> u8 {
    if addr.is_ipv4() { 32 } else { 128 }
}

/// An address, and the bits of its network unless it is a host's.
fn read_text(bytes: &[u8]) -> Option<(IpAddr, u8)> {
    let text = std::str::from_utf8(bytes).ok()?;
    match text.split_once('/') {
        Some((addr, prefix)) => Some((addr.parse().ok()?, prefix.parse().ok()?)),
        None => text.parse().ok().map(|addr| (addr, bits(addr))),
    }
}

/// An address that is written in another way than the server writes it: digits of a device's in groups of any length, zeros before those of a host's,
/// and networks of which the rest is left out. `None` for all else.
pub(super) fn plainly(kind: NetKind, bytes: &[u8]) -> Option<Vec<u8>> {
    if matches!(kind, NetKind::Mac | NetKind::Mac8) {
        let groups: Vec<&[u8]> = bytes.split(|byte| matches!(byte, b':' | b'-' | b'.' | b' ')).collect();
        // Groups of one digit leave out the other.
        let digits: Vec<u8> = match groups.len() {
            6 | 8 => groups
                .iter()
                .flat_map(|group| [if group.len() == 1 { &b"0"[..] } else { b"" }, group].concat())
                .collect(),
            _ => groups.concat(),
        };
        let is_mac = matches!(digits.len(), 12 | 16) && digits.iter().all(u8::is_ascii_hexdigit);
        let pairs: Vec<&[u8]> = digits.chunks(2).collect();
        return is_mac.then(|| pairs.join(&b':'));
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let (host, _) = text.split_once('/').unwrap_or((text, ""));
    let parts = host.split('.').map(|part| part.parse::<u8>().ok()).collect::<Option<Vec<u8>>>()?;
    let missing = 4_usize
        .checked_sub(parts.len())
        .filter(|missing| *missing == 0 || kind == NetKind::Cidr || text.contains('/'))?;
    let all: Vec<String> =
        parts.into_iter().chain(std::iter::repeat_n(0, missing)).map(|part| part.to_string()).collect();
    Some(all.join(".").into_bytes())
}

/// Family, bits of the network, whether it is a `cidr`, how many bytes the address has, the address.
fn read_binary(kind: NetKind, bytes: &[u8]) -> Option<(IpAddr, u8)> {
    let [family, prefix, is_cidr, length, address @ ..] = bytes else { return None };
    if *is_cidr != u8::from(kind == NetKind::Cidr) || usize::from(*length) != address.len() {
        return None;
    }
    let addr: IpAddr = match *family {
        V4 => <[u8; 4]>::try_from(address).ok()?.into(),
        V6 => <[u8; 16]>::try_from(address).ok()?.into(),
        _ => return None,
    };
    Some((addr, *prefix))
}

/// A `cidr` has no bits behind its prefix.
fn write_net(kind: NetKind, binary: bool, addr: IpAddr, prefix: u8, out: &mut Vec<u8>) {
    let is_cidr = kind == NetKind::Cidr;
    let behind = u32::from(bits(addr).saturating_sub(prefix));
    let addr: IpAddr = match addr {
        addr if !is_cidr => addr,
        IpAddr::V4(addr) => Ipv4Addr::from_bits(addr.to_bits() & u32::MAX.checked_shl(behind).unwrap_or(0)).into(),
        IpAddr::V6(addr) => Ipv6Addr::from_bits(addr.to_bits() & u128::MAX.checked_shl(behind).unwrap_or(0)).into(),
    };
    if binary {
        match addr {
            IpAddr::V4(addr) => {
                out.extend([V4, prefix, u8::from(is_cidr), 4]);
                out.extend(addr.octets());
            }
            IpAddr::V6(addr) => {
                out.extend([V6, prefix, u8::from(is_cidr), 16]);
                out.extend(addr.octets());
            }
        }
    } else if is_cidr || prefix < bits(addr) {
        out.extend_from_slice(format!("{addr}/{prefix}").as_bytes());
    } else {
        out.extend_from_slice(addr.to_string().as_bytes());
    }
}

fn mac_bytes(binary: bool, bytes: &[u8]) -> Option<Vec<u8>> {
    if binary {
        return Some(bytes.to_vec());
    }
    // Two digits and a colon, and no colon behind the last.
    let is_colon = |at: usize| at % 3 == 2;
    let well_set = bytes.len() % 3 == 2 && bytes.iter().enumerate().all(|(at, byte)| (*byte == b':') == is_colon(at));
    let digits: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != b':').collect();
    well_set.then(|| from_hex(&digits)).flatten()
}

fn write_mac(binary: bool, address: &[u8], out: &mut Vec<u8>) -> Option<()> {
    if binary {
        out.extend_from_slice(address);
        return Some(());
    }
    for (at, byte) in address.iter().enumerate() {
        if at > 0 {
            out.push(b':');
        }
        push_hex(*byte, out);
    }
    Some(())
}
