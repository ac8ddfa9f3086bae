//! A set as a POSIX pax tar stream: scanning a tree, writing members, reading and extracting them.

pub mod acl;
mod block;
mod descent;
pub mod extract;
mod gather;
pub mod header;
pub mod links;
pub mod member;
pub mod owner;
mod pax;
pub mod problem;
pub mod reader;
mod records;
pub mod scan;
pub mod sparse;
pub mod writer;

#[cfg(test)]
mod reader_tests;
#[cfg(test)]
mod scan_tests;
#[cfg(test)]
mod vector_tests;

/// Hashes `count` zeros, as a hole reads.
fn hash_zeros(hasher: &mut blake3::Hasher, mut count: u64) {
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    while count > 0 {
        let part = usize::try_from(count)
            .unwrap_or(ZEROS.len())
            .min(ZEROS.len());
        hasher.update(&ZEROS[..part]);
        count -= part as u64;
    }
}
