//! Data that does not compress and tells which block it is.

/// The bytes of a block; the same number and length always give the same.
pub(super) fn block(number: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new()
        .update(b"tapeward doctor")
        .update(&number.to_be_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_differ_by_number_and_repeat() {
        assert_eq!(block(7, 4096), block(7, 4096));
        assert_ne!(block(7, 4096), block(8, 4096));
        assert_eq!(block(7, 1).len(), 1);
    }
}
