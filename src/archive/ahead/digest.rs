//! BLAKE3 of a file from its pieces, which may be hashed at the same time: BLAKE3 is a tree, and a
//! piece whose length is a power of two and that begins at a multiple of it is a subtree.

use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root,
};

use super::PIECE;

const _: () = assert!(PIECE.is_power_of_two() && PIECE >= 1024);

/// What a piece adds to its file's digest.
#[derive(Debug, Clone, Copy)]
pub(in crate::archive) enum Subtree {
    /// The piece is the whole file.
    Root([u8; 32]),
    /// A part of it.
    Part(ChainingValue),
}

/// Hashes one piece.
pub(super) struct PieceHasher {
    hasher: blake3::Hasher,
    whole: bool,
}

impl PieceHasher {
    /// For the bytes from `offset` on, a multiple of [`PIECE`], of a file of `size` bytes.
    pub(super) fn new(offset: u64, size: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        let whole = size <= PIECE as u64;
        if !whole {
            hasher.set_input_offset(offset);
        }
        Self { hasher, whole }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    pub(super) fn finish(&self) -> Subtree {
        if self.whole {
            Subtree::Root(*self.hasher.finalize().as_bytes())
        } else {
            Subtree::Part(self.hasher.finalize_non_root())
        }
    }
}

/// Joins the pieces of one file, given in order: whole ones, the last of any length.
#[derive(Debug, Default)]
pub(in crate::archive) struct PieceDigests {
    /// Of subtrees that are each at least twice as large as the next.
    stack: Vec<ChainingValue>,
    /// The latest piece: only when another follows is it not the last.
    last: Option<Subtree>,
    pieces: u64,
}

impl PieceDigests {
    /// The digest of zeros at this place.
    pub(in crate::archive) fn of_zeros(offset: u64, length: usize, size: u64) -> Subtree {
        let mut hasher = PieceHasher::new(offset, size);
        crate::archive::hash_zeros(&mut hasher.hasher, length as u64);
        hasher.finish()
    }

    /// The next piece.
    pub(in crate::archive) fn push(&mut self, piece: Subtree) {
        if let Some(Subtree::Part(mut value)) = self.last.replace(piece) {
            // As many subtrees are complete as there are ones in the binary number of pieces.
            self.pieces += 1;
            let mut pieces = self.pieces;
            while pieces & 1 == 0
                && let Some(left) = self.stack.pop()
            {
                value = merge_subtrees_non_root(&left, &value, Mode::Hash);
                pieces >>= 1;
            }
            self.stack.push(value);
        }
    }

    /// The file's digest; that of no bytes if there was no piece.
    pub(in crate::archive) fn finish(mut self) -> [u8; 32] {
        let mut value = match self.last {
            None => return *blake3::hash(&[]).as_bytes(),
            Some(Subtree::Root(digest)) => return digest,
            Some(Subtree::Part(value)) => value,
        };
        while let Some(left) = self.stack.pop() {
            if self.stack.is_empty() {
                return *merge_subtrees_root(&left, &value, Mode::Hash).as_bytes();
            }
            value = merge_subtrees_non_root(&left, &value, Mode::Hash);
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_digest_of_the_whole() {
        let bytes: Vec<u8> = (0..9 * PIECE + 3000)
            .map(|at| (at * 7 + at / 251).to_le_bytes()[0])
            .collect();
        let lengths = [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 5];
        let more = (3..=9).flat_map(|pieces| [pieces * PIECE, pieces * PIECE + 1025]);
        for length in lengths.into_iter().chain(more) {
            let file = &bytes[..length];
            let mut digests = PieceDigests::default();
            for (number, piece) in file.chunks(PIECE).enumerate() {
                let mut hasher = PieceHasher::new((number * PIECE) as u64, length as u64);
                piece.chunks(100_000).for_each(|part| hasher.update(part));
                digests.push(hasher.finish());
            }
            assert_eq!(digests.finish(), *blake3::hash(file).as_bytes(), "{length}");
        }
    }

    #[test]
    fn pieces_of_zeros_are_as_good_as_read_ones() {
        let size = 2 * PIECE + 77;
        let mut digests = PieceDigests::default();
        for offset in (0..size).step_by(PIECE) {
            let length = PIECE.min(size - offset);
            digests.push(PieceDigests::of_zeros(offset as u64, length, size as u64));
        }
        assert_eq!(digests.finish(), *blake3::hash(&vec![0; size]).as_bytes());
    }
}
