//! Addresses and keys of Bitcoin and Ethereum. All as they stand: the case of letters is part of them.

use aws_lc_rs::digest::{SHA256, digest};
use sha3::{Digest, Keccak256};

use super::arithmetic::position;

const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// What the sum of an address of the first version is, and of later ones (BIP 173, BIP 350).
const BECH32_SUM: u32 = 1;
const BECH32M_SUM: u32 = 0x2bc8_30a3;

/// A Bitcoin address of the main network: base58 with four bytes of a double SHA-256, or bech32 and bech32m with `bc1`.
pub fn btc(text: &[u8]) -> bool {
    match text {
        [b'1' | b'3', ..] => matches!(base58check::<25>(text), Some([0 | 5, ..])),
        [b'b', b'c', b'1', data @ ..] => bech32(data, |byte| byte),
        [b'B', b'C', b'1', data @ ..] if !data.iter().any(u8::is_ascii_lowercase) => {
            bech32(data, |byte| byte.to_ascii_lowercase())
        }
        _ => false,
    }
}

/// A private key of Bitcoin in the format of wallets: base58 of a byte 128, the key, and a 1 when its public key is short.
pub fn wif(text: &[u8]) -> bool {
    match text {
        [b'5', ..] => matches!(base58check::<37>(text), Some([0x80, ..])),
        [b'K' | b'L', ..] => base58check::<38>(text).is_some_and(|bytes| bytes[0] == 0x80 && bytes[33] == 1),
        _ => false,
    }
}

/// `N` bytes in base58, the last four of which are right.
fn base58check<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0_u8; N];
    for &byte in text {
        let mut carry = u32::try_from(position(BASE58, byte)?).ok()?;
        for place in bytes.iter_mut().rev() {
            carry = u32::from(*place).wrapping_mul(58).wrapping_add(carry);
            [*place, ..] = carry.to_le_bytes();
            carry >>= 8;
        }
        if carry != 0 {
            return None;
        }
    }
    let ones = text.iter().take_while(|&&byte| byte == b'1').count();
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    let (message, check) = bytes.split_last_chunk::<4>()?;
    let hash = digest(&SHA256, digest(&SHA256, message).as_ref());
    (ones == zeros && hash.as_ref().starts_with(check)).then_some(bytes)
}

/// What follows `bc1`: a version, a program of whole bytes, and a check sum of six letters.
fn bech32(data: &[u8], lower: fn(u8) -> u8) -> bool {
    if !(7..=87).contains(&data.len()) {
        return false;
    }
    // What stands before is part of the sum: "bc", its high bits first.
    let mut sum = [3, 3, 0, 2, 3].into_iter().fold(1, bech32_step);
    let mut values = [0_u8; 87];
    for (value, &byte) in values.iter_mut().zip(data) {
        let Some(at) = position(BECH32, lower(byte)).and_then(|at| u8::try_from(at).ok()) else { return false };
        *value = at;
        sum = bech32_step(sum, u32::from(at));
    }
    let program = data.len().saturating_sub(7);
    let bits = program.saturating_mul(5);
    let (bytes, over) = (bits / 8, bits % 8);
    let last = values.get(program).copied().unwrap_or(0);
    let no_padding = over < 5 && u32::from(last).trailing_zeros() >= u32::try_from(over).unwrap_or(u32::MAX);
    let right = match values[0] {
        0 => sum == BECH32_SUM && matches!(bytes, 20 | 32),
        1..=16 => sum == BECH32M_SUM && (2..=40).contains(&bytes),
        _ => false,
    };
    right && no_padding
}

fn bech32_step(sum: u32, value: u32) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let top = sum >> 25;
    let shifted = ((sum & 0x01ff_ffff) << 5) ^ value;
    GENERATOR
        .into_iter()
        .enumerate()
        .fold(shifted, |sum, (bit, term)| if (top >> bit) & 1 == 1 { sum ^ term } else { sum })
}

/// An Ethereum address: `0x` and forty hexadecimal digits. Letters of both cases must be those of EIP-55; letters of one
/// case carry no check sum and are taken as they are, so what this says of them is their form and no more:
/// [`eth_checksummed`] tells the two apart.
pub fn eth(text: &[u8]) -> bool {
    let Some(address) = eth_digits(text) else { return false };
    let (upper, lower) = (address.iter().any(u8::is_ascii_uppercase), address.iter().any(u8::is_ascii_lowercase));
    !(upper && lower) || is_eip55(address)
}

/// An Ethereum address with letters of both cases, which are those of EIP-55.
pub fn eth_checksummed(text: &[u8]) -> bool {
    eth_digits(text).is_some_and(|address| {
        address.iter().any(u8::is_ascii_uppercase) && address.iter().any(u8::is_ascii_lowercase) && is_eip55(address)
    })
}

fn eth_digits(text: &[u8]) -> Option<&[u8; 40]> {
    let address: &[u8; 40] = text.strip_prefix(b"0x")?.try_into().ok()?;
    (address.iter().all(u8::is_ascii_hexdigit) && address.iter().any(|&byte| byte != b'0')).then_some(address)
}

fn is_eip55(address: &[u8; 40]) -> bool {
    let hash = Keccak256::digest(address.map(|byte| byte.to_ascii_lowercase()));
    let halves = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    address
        .iter()
        .zip(halves)
        .all(|(byte, half)| !byte.is_ascii_alphabetic() || byte.is_ascii_uppercase() == (half >= 8))
}
