//! How a set is coded, as it can be typed.

use clap::ValueEnum;

/// Compression of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompressionArg {
    /// Not compressed before encryption.
    None,
    /// zstd frames.
    Zstd,
}

/// Who encrypts a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EncryptionArg {
    /// This host: segments are age files.
    Age,
    /// The drive, with a key that is on the tape in an age file.
    Drive,
}
