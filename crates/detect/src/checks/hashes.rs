//! The hashes that check digits are taken from, for messages as short as an address: no allocation, no library.
//!
//! They tell a mistyped address from one that is right, and keep no secret. What keeps secrets uses `aws-lc-rs`.

const SHA256_START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

#[rustfmt::skip]
const SHA256_ROUNDS: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

/// SHA-256 (FIPS 180-4) of at most 55 bytes, which are one block. None for more.
pub fn sha256(message: &[u8]) -> Option<[u8; 32]> {
    let mut block = [0_u8; 64];
    let (head, tail) = block.split_at_mut_checked(message.len())?;
    head.copy_from_slice(message);
    let (length, tail) = tail.split_last_chunk_mut::<8>().map(|(tail, length)| (length, tail))?;
    *tail.first_mut()? = 0x80;
    *length = u64::try_from(message.len()).ok()?.wrapping_mul(8).to_be_bytes();

    let mut words = [0_u32; 16];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = SHA256_START;
    for round in SHA256_ROUNDS {
        let choice = (e & f) ^ (!e & g);
        let turned = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let one = h.wrapping_add(turned).wrapping_add(choice).wrapping_add(round).wrapping_add(words[0]);
        let most = (a & b) ^ (a & c) ^ (b & c);
        let two = (a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22)).wrapping_add(most);
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(one), c, b, a, one.wrapping_add(two));
        // The words are those of the next sixteen rounds.
        let early = words[1].rotate_right(7) ^ words[1].rotate_right(18) ^ (words[1] >> 3);
        let late = words[14].rotate_right(17) ^ words[14].rotate_right(19) ^ (words[14] >> 10);
        words[0] = words[0].wrapping_add(early).wrapping_add(words[9]).wrapping_add(late);
        words.rotate_left(1);
    }
    let mut hash = [0; 32];
    for (bytes, (start, end)) in
        hash.as_chunks_mut::<4>().0.iter_mut().zip(SHA256_START.into_iter().zip([a, b, c, d, e, f, g, h]))
    {
        *bytes = start.wrapping_add(end).to_be_bytes();
    }
    Some(hash)
}

#[rustfmt::skip]
const KECCAK_ROUNDS: [u64; 24] = [
    0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808a, 0x8000_0000_8000_8000,
    0x0000_0000_0000_808b, 0x0000_0000_8000_0001, 0x8000_0000_8000_8081, 0x8000_0000_0000_8009,
    0x0000_0000_0000_008a, 0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000a,
    0x0000_0000_8000_808b, 0x8000_0000_0000_008b, 0x8000_0000_0000_8089, 0x8000_0000_0000_8003,
    0x8000_0000_0000_8002, 0x8000_0000_0000_0080, 0x0000_0000_0000_800a, 0x8000_0000_8000_000a,
    0x8000_0000_8000_8081, 0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
];

/// Where each lane goes, beginning with the second one, and by how much it is turned.
#[rustfmt::skip]
const KECCAK_MOVES: [(usize, u32); 24] = [
    (10, 1), (7, 3), (11, 6), (17, 10), (18, 15), (3, 21), (5, 28), (16, 36), (8, 45), (21, 55), (24, 2), (4, 14),
    (15, 27), (23, 41), (19, 56), (13, 8), (12, 25), (2, 43), (20, 62), (14, 18), (22, 39), (9, 61), (6, 20), (1, 44),
];

/// Bytes of one block of Keccak-256.
const KECCAK_BLOCK: usize = 136;

/// Keccak-256 as Ethereum has it (the padding is not that of SHA-3) of at most 135 bytes, which are one block.
pub fn keccak256(message: &[u8]) -> Option<[u8; 32]> {
    let mut block = [0_u8; KECCAK_BLOCK];
    let (head, tail) = block.split_at_mut_checked(message.len())?;
    head.copy_from_slice(message);
    *tail.first_mut()? |= 0x01;
    *tail.last_mut()? |= 0x80;

    let mut lanes = [0_u64; 25];
    for (lane, bytes) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
        *lane = u64::from_le_bytes(*bytes);
    }
    for round in KECCAK_ROUNDS {
        keccak_round(&mut lanes, round);
    }
    let mut hash = [0; 32];
    for (bytes, lane) in hash.as_chunks_mut::<8>().0.iter_mut().zip(lanes) {
        *bytes = lane.to_le_bytes();
    }
    Some(hash)
}

fn keccak_round(lanes: &mut [u64; 25], round: u64) {
    let mut columns = [0_u64; 5];
    for row in lanes.as_chunks::<5>().0 {
        for (column, lane) in columns.iter_mut().zip(row) {
            *column ^= lane;
        }
    }
    let (mut left, mut right) = (columns, columns);
    left.rotate_right(1);
    right.rotate_left(1);
    for row in lanes.as_chunks_mut::<5>().0 {
        for (lane, (left, right)) in row.iter_mut().zip(left.iter().zip(&right)) {
            *lane ^= left ^ right.rotate_left(1);
        }
    }
    let mut moving = lanes[1];
    for (to, turn) in KECCAK_MOVES {
        if let Some(lane) = lanes.get_mut(to) {
            moving = std::mem::replace(lane, moving.rotate_left(turn));
        }
    }
    for row in lanes.as_chunks_mut::<5>().0 {
        let (mut next, mut second) = (*row, *row);
        next.rotate_left(1);
        second.rotate_left(2);
        for (lane, (next, second)) in row.iter_mut().zip(next.iter().zip(&second)) {
            *lane ^= !next & second;
        }
    }
    lanes[0] ^= round;
}

/// CRC-32 (ISO-HDLC, that of zip).
pub fn crc32(message: &[u8]) -> u32 {
    !message.iter().fold(u32::MAX, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(sum & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn published_hashes() {
        let sha256 = |message: &[u8]| sha256(message).as_ref().map(|hash| hex(hash));
        let of = |hash: &str| Some(hash.to_owned());
        assert_eq!(sha256(b"abc"), of("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
        assert_eq!(sha256(b""), of("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
        assert_eq!(sha256(&[b'a'; 56]), None);
        let keccak256 = |message: &[u8]| keccak256(message).as_ref().map(|hash| hex(hash));
        assert_eq!(keccak256(b""), of("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"));
        assert_eq!(keccak256(b"abc"), of("4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"));
        assert_eq!(keccak256(&[b'a'; 136]), None);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
