//! The Merkle tree of RFC 6962 §2.1, grown leaf by leaf.
//!
//! ```text
//!   leaf = SHA-256(0x00 | bytes)      node = SHA-256(0x01 | left | right)      empty tree = SHA-256("")
//! ```

use alloc::vec::Vec;
use sha2::{Digest, Sha256};

/// A tree that keeps one hash for each complete subtree, so 64 hashes at most.
#[derive(Clone, Default)]
pub struct Tree {
    /// Roots of complete subtrees, largest first, with the number of leaves under each.
    peaks: Vec<(u64, [u8; 32])>,
}

impl Tree {
    /// Adds a leaf.
    pub fn push(&mut self, leaf: &[u8]) {
        let mut hash = Sha256::new();
        hash.update([0]);
        hash.update(leaf);
        self.push_subtree(hash.finalize().into());
    }

    /// Adds a complete subtree by its root; every subtree of one tree must have the same power of two of leaves.
    ///
    /// RFC 6962 splits at the largest power of two below the size, so the root over segments of 2^16 leaves
    /// is the root over all their leaves.
    pub fn push_subtree(&mut self, root: [u8; 32]) {
        let mut new = (1u64, root);
        while let Some((leaves, left)) = self.peaks.pop_if(|(leaves, _)| *leaves == new.0) {
            new = (leaves.saturating_mul(2), node(&left, &new.1));
        }
        self.peaks.push(new);
    }

    /// Returns the root over everything added so far.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            Some((_, smallest)) => peaks.fold(*smallest, |right, (_, left)| node(left, &right)),
            None => Sha256::digest([]).into(),
        }
    }
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::canonical::hex;
    use std::string::String;

    /// The eight leaves and roots that Certificate Transparency implementations test with.
    const LEAVES: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let mut tree = Tree::default();
        let mut roots = std::vec![tree.root()];
        for leaf in LEAVES {
            tree.push(leaf);
            roots.push(tree.root());
        }
        let roots: Vec<_> = roots.iter().map(|root| String::from_utf8(hex(root).to_vec()).unwrap()).collect();
        assert_eq!(roots, ROOTS);
    }

    #[test]
    fn a_tree_of_subtrees_has_the_root_of_all_leaves() {
        let leaves: Vec<[u8; 2]> = (0u16..24).map(u16::to_be_bytes).collect();
        let (mut whole, mut of_segments) = (Tree::default(), Tree::default());
        for segment in leaves.chunks(8) {
            let mut part = Tree::default();
            for leaf in segment {
                part.push(leaf);
                whole.push(leaf);
            }
            of_segments.push_subtree(part.root());
        }
        assert_eq!(whole.root(), of_segments.root());
    }
}
