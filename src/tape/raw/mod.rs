//! Any tape as files: each tape file one file, and a manifest that says where every block and
//! filemark was. What cannot be read is noted and skipped.

mod manifest;
mod read;
mod write;

pub use manifest::{BadPlace, RawEnd, RawFile, RawManifest, Run, file_name};
pub use read::{RawReader, read};
pub use write::{compare, write};

use std::path::PathBuf;

use tapeward_drivers::error::ScsiError;
use thiserror::Error;

/// Largest block a drive gives or takes (SSC-4, READ(6) and WRITE(6): a transfer length of three
/// bytes), less the CRC that goes with it where blocks are protected.
pub(crate) const LARGEST_BLOCK: usize = 0xff_ffff - 4;

/// A tape was not copied to or from files.
#[derive(Debug, Error)]
pub enum RawError {
    /// The drive fails at something that is not the tape's fault.
    #[error("{doing}: {source}")]
    Drive {
        /// What was being done.
        doing: &'static str,
        /// The drive's answer.
        source: ScsiError,
    },
    /// A file or folder.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The manifest or the files do not belong together, or to this tape.
    #[error("{what}")]
    Manifest {
        /// In what.
        what: String,
    },
    /// The cartridge ends before the data does.
    #[error("the cartridge is full after tape file {tape_file}, block {block}")]
    Full {
        /// The tape file.
        tape_file: u32,
        /// The block of it that had no room.
        block: u64,
    },
    /// What was written is not what is read back.
    #[error("tape file {tape_file}, block {block}: {what}")]
    Differs {
        /// The tape file.
        tape_file: u32,
        /// The block of it.
        block: u64,
        /// In what.
        what: String,
    },
    /// Somebody asked to stop; what was done is kept.
    #[error("stopped at a safe point because of a signal")]
    Interrupted,
}

impl RawError {
    pub(crate) fn drive(doing: &'static str) -> impl Fn(ScsiError) -> Self {
        move |source| Self::Drive { doing, source }
    }

    pub(crate) fn file(path: &std::path::Path) -> impl Fn(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            path: path.clone(),
            source,
        }
    }
}
