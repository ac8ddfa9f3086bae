//! Data of regular files.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use super::Stop;
use crate::archive::hash_zeros;
use crate::archive::header::MemberHeader;
use crate::archive::problem::{Access, ProblemKind};
use crate::archive::reader::ArchiveReader;

/// Writes a file's data, leaving its holes. With `digest`, checks the BLAKE3 of its logical bytes.
pub(super) fn write_content<R: Read>(
    file: &File,
    header: &MemberHeader,
    reader: &mut ArchiveReader<R>,
    digest: Option<[u8; 32]>,
) -> Result<(), Stop> {
    let refused = |source: io::Error| {
        Stop::from(ProblemKind::Refused {
            access: Access::Write,
            source,
        })
    };
    let mut hasher = digest.map(|_| blake3::Hasher::new());
    let mut logical = 0;
    while let Some(chunk) = reader.next_data().map_err(Stop::Archive)? {
        if let Some(hasher) = &mut hasher {
            hash_zeros(hasher, chunk.offset - logical);
            hasher.update(chunk.bytes);
        }
        file.write_all_at(chunk.bytes, chunk.offset)
            .map_err(refused)?;
        logical = chunk.offset + chunk.bytes.len() as u64;
    }
    if logical < header.size {
        file.set_len(header.size).map_err(refused)?;
    }
    if let Some(mut hasher) = hasher {
        hash_zeros(&mut hasher, header.size - logical);
        if digest != Some(*hasher.finalize().as_bytes()) {
            return Err(ProblemKind::DigestMismatch.into());
        }
    }
    Ok(())
}
