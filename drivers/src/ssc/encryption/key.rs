//! The key, which nobody gets to see.

use std::fmt;

use zeroize::Zeroizing;

/// A data encryption key in plain form. Its bytes are neither shown nor logged, and are
/// overwritten when it is dropped.
pub struct EncryptionKey(Zeroizing<Vec<u8>>);

impl EncryptionKey {
    /// Takes the bytes over.
    #[must_use]
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKey({} bytes)", self.0.len())
    }
}
