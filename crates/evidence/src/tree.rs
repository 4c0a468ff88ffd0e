//! The Merkle tree over all records: RFC 6962, section 2.1 (RFC 9162 has the same one).
//!
//! A leaf is `SHA-256(0x00 ‖ a record's hash)`, a node `SHA-256(0x01 ‖ left ‖ right)`. The record's hash covers its payload and the
//! record before it in its lane ([`crate::format`]), so a leaf covers both.
//!
//! Nothing here holds the tree. What grows it is its [`Edge`], one hash for each bit of its size; a proof is the roots of a few
//! ranges of leaves, which [`roots`] computes in one pass over them.

use crate::format::Hash;

const LEAF: u8 = 0;
const NODE: u8 = 1;

/// The leaf of a record with this hash.
pub(crate) fn leaf(record: &Hash) -> Hash {
    let mut bytes = [LEAF; 33];
    bytes.iter_mut().skip(1).zip(record.0).for_each(|(to, from)| *to = from);
    Hash::of(&bytes)
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [NODE; 65];
    bytes.iter_mut().skip(1).zip(left.0.iter().chain(&right.0)).for_each(|(to, from)| *to = *from);
    Hash::of(&bytes)
}

/// The right edge of a tree: the roots of the complete trees that it is made of, the largest first. There is one for each bit
/// that is set in its size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edge {
    size: u64,
    roots: Vec<Hash>,
}

impl Edge {
    /// One that was written down. `None` if there are not as many roots as the size takes.
    pub fn of(size: u64, roots: Vec<Hash>) -> Option<Self> {
        (usize::try_from(size.count_ones()) == Ok(roots.len())).then_some(Self { size, roots })
    }

    /// Leaves in the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut whole = leaf;
        // Each complete tree that is as large as what is added becomes one with it.
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.roots.pop() else { break };
            whole = node(&left, &whole);
        }
        self.roots.push(whole);
        self.size = self.size.saturating_add(1);
    }

    /// The tree's root. That of an empty one is the hash of nothing.
    pub fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev();
        let Some(last) = roots.next() else { return Hash::of(b"") };
        roots.fold(*last, |right, left| node(left, &right))
    }
}

/// Leaves from the first, and before the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub start: u64,
    pub end: u64,
}

impl Range {
    /// The two subtrees of a tree over these leaves: the left one is the largest complete one that is not all.
    fn halves(self) -> (Self, Self) {
        let length = self.end.saturating_sub(self.start);
        let left = length.saturating_sub(1).checked_ilog2().map_or(0, |bits| 1_u64.checked_shl(bits).unwrap_or(0));
        let middle = self.start.saturating_add(left);
        (Self { start: self.start, end: middle }, Self { start: middle, end: self.end })
    }

    fn is_one(self) -> bool {
        self.end.saturating_sub(self.start) <= 1
    }
}

/// The ranges whose roots prove that the leaf `index` is in a tree of `size`, from the leaf upwards.
pub(crate) fn inclusion(index: u64, size: u64) -> Vec<Range> {
    let mut ranges = Vec::new();
    let mut within = Range { start: 0, end: size };
    while !within.is_one() {
        let (left, right) = within.halves();
        let (next, sibling) = if index < left.end { (left, right) } else { (right, left) };
        ranges.push(sibling);
        within = next;
    }
    ranges.reverse();
    ranges
}

/// The ranges whose roots prove that a tree of `old` leaves is the beginning of one of `size`, in the order of RFC 6962.
pub(crate) fn consistency(old: u64, size: u64) -> Vec<Range> {
    let mut ranges = Vec::new();
    if old == 0 || old >= size {
        return ranges;
    }
    let mut within = Range { start: 0, end: size };
    // Whether all of the old tree's leaves so far are in a subtree that the verifier has the root of.
    let mut known = true;
    while within.end != old {
        let (left, right) = within.halves();
        if old <= left.end {
            ranges.push(right);
            within = left;
        } else {
            ranges.push(left);
            (within, known) = (right, false);
        }
    }
    if !known {
        ranges.push(within);
    }
    ranges.reverse();
    ranges
}

/// The root of a tree of `size` in which the leaf `index` is, by its proof. `None` if the proof is not as long as it must be.
pub(crate) fn root_by_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    let ranges = inclusion(index, size);
    if index >= size || ranges.len() != proof.len() {
        return None;
    }
    let joined = ranges.iter().zip(proof).fold(leaf, |hash, (range, sibling)| {
        if range.start > index { node(&hash, sibling) } else { node(sibling, &hash) }
    });
    Some(joined)
}

/// Whether a tree with the root `old_root` is the beginning of one with the root `root`, by its proof.
pub(crate) fn is_consistent((old, old_root): (u64, Hash), (size, root): (u64, Hash), proof: &[Hash]) -> bool {
    if old == 0 || old >= size {
        return proof.is_empty() && old <= size && (old == 0 || old_root == root);
    }
    let ranges = consistency(old, size);
    // Where the old tree is one complete subtree of the new one, its root is not in the proof.
    let is_subtree = ranges.first().is_none_or(|range| range.start >= old);
    let mut given = proof.iter().copied();
    let Some(first) = (if is_subtree { Some(old_root) } else { given.next() }) else { return false };
    let rest = ranges.iter().skip(usize::from(!is_subtree));
    if ranges.len() != proof.len() {
        return false;
    }
    let (before, after) = rest.zip(given).fold((first, first), |(before, after), (range, hash)| {
        if range.start >= old { (before, node(&after, &hash)) } else { (node(&hash, &before), node(&hash, &after)) }
    });
    before == old_root && after == root
}

/// Computes the roots of some ranges that don't overlap, while leaves pass in order.
pub(crate) struct Roots {
    /// Each range with its place in the answer, and what is known of it; in order of their starts.
    parts: Vec<(Range, usize, Edge)>,
    at: usize,
    next: u64,
}

impl Roots {
    pub fn of(ranges: &[Range]) -> Self {
        let parts = ranges.iter().enumerate().map(|(place, range)| (*range, place, Edge::default()));
        let mut parts: Vec<_> = parts.collect();
        parts.sort_by_key(|(range, ..)| range.start);
        Self { parts, at: 0, next: 0 }
    }

    /// Takes the next leaf.
    pub fn push(&mut self, leaf: Hash) {
        let index = self.next;
        self.next = index.saturating_add(1);
        while self.parts.get(self.at).is_some_and(|(range, ..)| range.end <= index) {
            self.at = self.at.saturating_add(1);
        }
        if let Some((range, _, edge)) = self.parts.get_mut(self.at)
            && range.start <= index
        {
            edge.push(leaf);
        }
    }

    /// The roots, in the order in which their ranges were given. `None` if leaves are missing.
    pub fn finish(mut self) -> Option<Vec<Hash>> {
        self.parts.sort_by_key(|(_, place, _)| *place);
        let whole = |(range, _, edge): &(Range, usize, Edge)| {
            (edge.size() == range.end.saturating_sub(range.start)).then(|| edge.root())
        };
        self.parts.iter().map(whole).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MTH of RFC 6962, as it is written there.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of(b""),
            [one] => *one,
            _ => {
                let k = leaves.len().next_power_of_two() / 2;
                node(&by_definition(&leaves[..k]), &by_definition(&leaves[k..]))
            }
        }
    }

    fn leaves(count: u8) -> Vec<Hash> {
        (0..count).map(|n| leaf(&Hash([n; 32]))).collect()
    }

    fn proof(leaves: &[Hash], ranges: &[Range]) -> Vec<Hash> {
        let mut roots = Roots::of(ranges);
        leaves.iter().for_each(|leaf| roots.push(*leaf));
        let found = roots.finish().unwrap();
        let slow = ranges.iter().map(|r| by_definition(&leaves[r.start as usize..r.end as usize]));
        assert_eq!(found, slow.collect::<Vec<_>>());
        found
    }

    #[test]
    fn the_tree_is_that_of_the_rfc() {
        // From RFC 6962's own examples as certificate transparency's reference tests have them: the empty tree, and one empty leaf.
        assert_eq!(
            Edge::default().root().to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(Hash::of(&[LEAF]).to_string(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        let leaves = leaves(70);
        let mut edge = Edge::default();
        for n in 0..leaves.len() {
            assert_eq!(edge.root(), by_definition(&leaves[..n]), "{n}");
            assert_eq!(Edge::of(edge.size(), edge.roots().to_vec()), Some(edge.clone()));
            edge.push(leaves[n]);
        }
        assert_eq!(Edge::of(3, leaves[..1].to_vec()), None);
    }

    #[test]
    fn every_inclusion_is_proved_and_no_other() {
        let leaves = leaves(40);
        for size in 1..=leaves.len() {
            let root = by_definition(&leaves[..size]);
            for index in 0..size {
                let (i, n) = (index as u64, size as u64);
                let proof = proof(&leaves[..size], &inclusion(i, n));
                assert_eq!(root_by_inclusion(leaves[index], i, n, &proof), Some(root));
                let mut wrong = vec![
                    root_by_inclusion(leaves[(index + 1) % 40], i, n, &proof),
                    root_by_inclusion(leaves[index], n, n, &proof),
                    root_by_inclusion(leaves[index], i, n, &[proof.as_slice(), &[root]].concat()),
                ];
                if let Some((_, rest)) = proof.split_first() {
                    wrong.push(root_by_inclusion(leaves[index], i, n, rest));
                    wrong.push(root_by_inclusion(leaves[index], i ^ 1, n, &proof).filter(|_| i ^ 1 < n));
                }
                for at in 0..proof.len() {
                    let mut changed = proof.clone();
                    changed[at].0[at % 32] ^= 1;
                    wrong.push(root_by_inclusion(leaves[index], i, n, &changed));
                }
                assert!(wrong.iter().all(|found| *found != Some(root)), "{index} of {size}");
            }
        }
    }

    #[test]
    fn every_consistency_is_proved_and_no_other() {
        let leaves = leaves(40);
        for size in 0..=leaves.len() {
            let new = (size as u64, by_definition(&leaves[..size]));
            for old in 0..=size {
                let older = (old as u64, by_definition(&leaves[..old]));
                let proof = proof(&leaves[..size], &consistency(older.0, new.0));
                assert!(is_consistent(older, new, &proof), "{old} of {size}");
                if old == 0 || old == size {
                    continue;
                }
                let other = Hash([9; 32]);
                assert!(!is_consistent((older.0, other), new, &proof));
                assert!(!is_consistent(older, (new.0, other), &proof));
                assert!(!is_consistent(older, new, &[proof.as_slice(), &[other]].concat()));
                for at in 0..proof.len() {
                    let mut changed = proof.clone();
                    changed[at].0[at % 32] ^= 1;
                    assert!(!is_consistent(older, new, &changed), "{old} of {size}, hash {at}");
                    changed.remove(at);
                    assert!(!is_consistent(older, new, &changed));
                }
            }
            assert!(!is_consistent((size as u64 + 1, new.1), new, &[]));
        }
    }

    #[test]
    fn a_range_without_all_its_leaves_has_no_root() {
        let mut roots = Roots::of(&[Range { start: 1, end: 3 }]);
        leaves(2).into_iter().for_each(|leaf| roots.push(leaf));
        assert_eq!(roots.finish(), None);
    }
}
