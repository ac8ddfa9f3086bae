//! Where an index is read from.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::error::IndexError;

#[derive(Debug)]
enum Bytes {
    File(File),
    Memory(Vec<u8>),
}

/// The bytes of an index, in a file or in memory.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: String,
    bytes: Bytes,
    pub(super) length: u64,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self, IndexError> {
        let name = path.display().to_string();
        let wrong = |source| IndexError::Read {
            name: name.clone(),
            source,
        };
        let file = File::open(path).map_err(wrong)?;
        let length = file.metadata().map_err(wrong)?.len();
        Ok(Self {
            name,
            bytes: Bytes::File(file),
            length,
        })
    }

    pub(super) fn memory(name: &str, bytes: Vec<u8>) -> Self {
        Self {
            name: name.to_owned(),
            length: bytes.len() as u64,
            bytes: Bytes::Memory(bytes),
        }
    }

    /// The bytes at an offset, or `None` when they go beyond the end.
    pub(super) fn read(&self, offset: u64, length: u64) -> Result<Option<Vec<u8>>, IndexError> {
        let fits = offset
            .checked_add(length)
            .is_some_and(|end| end <= self.length);
        let (Ok(start), Ok(size)) = (usize::try_from(offset), usize::try_from(length)) else {
            return Ok(None);
        };
        if !fits {
            return Ok(None);
        }
        match &self.bytes {
            Bytes::Memory(bytes) => Ok(bytes.get(start..start + size).map(<[u8]>::to_vec)),
            Bytes::File(file) => {
                let mut buffer = vec![0; size];
                file.read_exact_at(&mut buffer, offset)
                    .map_err(|source| IndexError::Read {
                        name: self.name.clone(),
                        source,
                    })?;
                Ok(Some(buffer))
            }
        }
    }
}
