//! A set as a POSIX pax tar stream: scanning a tree, writing members, reading and extracting them.
//!
//! The stream is made for GNU tar and bsdtar too. What those two cannot do with any archive (seen
//! with GNU tar 1.34 and bsdtar 3.6.2):
//!
//! - GNU tar warns of times before 1970 and after now (`--warning=no-timestamp` stops that), and
//!   cannot extract paths longer than `PATH_MAX` (4,096 bytes). With `--xattrs` alone it restores
//!   `user.` attributes; `--xattrs-include=*` asks for all.
//! - bsdtar reads the decimals of a time before 1970 as counting forward, leaves the time of the
//!   directory it extracts into alone, and of what lies beyond `PATH_MAX` cannot make hard links
//!   nor set times of directories and symbolic links.

pub mod acl;
mod ahead;
mod block;
mod descent;
pub mod extract;
mod gather;
pub mod header;
pub mod links;
pub mod member;
pub mod order;
pub mod owner;
mod pax;
pub mod problem;
pub mod reader;
mod records;
pub mod scan;
pub mod sparse;
mod spilled_names;
pub mod writer;

#[cfg(test)]
mod reader_tests;
#[cfg(test)]
mod record_tests;
#[cfg(test)]
mod scan_tests;
#[cfg(test)]
mod vector_tests;

/// Hashes `count` zeros, as a hole reads.
pub(crate) fn hash_zeros(hasher: &mut blake3::Hasher, mut count: u64) {
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    while count > 0 {
        let part = usize::try_from(count)
            .unwrap_or(ZEROS.len())
            .min(ZEROS.len());
        hasher.update(&ZEROS[..part]);
        count -= part as u64;
    }
}
