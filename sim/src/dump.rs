//! Writing the tape files of a cartridge to a folder, for tools that know nothing of tapes.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::cartridge::CartridgeId;
use crate::library::CARTRIDGES;
use crate::store::{BlockFlags, RecordKind, RecordReader};

/// Blocks of one length that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRun {
    /// Length of each in bytes.
    pub length: u32,
    /// How many.
    pub count: u64,
    /// Whether the drive encrypted them: then what is written out is what stands on the tape, of no
    /// use without the drive and its key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub encrypted: bool,
}

/// One tape file as it was written out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpedFile {
    /// Name of the file: `file` and the number of the tape file in four digits or more.
    pub name: String,
    /// Length in bytes.
    pub length: u64,
    /// Its blocks.
    pub blocks: Vec<BlockRun>,
    /// Whether a filemark ends it; the last one may have none.
    pub filemark: bool,
}

/// Why a cartridge was not written out.
#[derive(Debug, Error)]
pub enum DumpError {
    /// There is no such cartridge.
    #[error("{}: there is no cartridge {id} here", .dir.display())]
    NoSuchCartridge {
        /// Folder of the library.
        dir: PathBuf,
        /// What was asked for.
        id: CartridgeId,
    },
    /// A file of the cartridge or of the output.
    #[error("{}: {source}", .path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Writes each tape file's blocks, one after the other, to `to/file0000` and so on, and
/// `to/blocks.json`, a list of [`DumpedFile`]s. Of a cartridge in use it is what is synchronised.
pub fn dump(library: &Path, id: &CartridgeId, to: &Path) -> Result<Vec<DumpedFile>, DumpError> {
    let folder = library.join(CARTRIDGES).join(id.as_str());
    if !folder.is_dir() {
        return Err(DumpError::NoSuchCartridge {
            dir: library.to_owned(),
            id: id.clone(),
        });
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| DumpError::Io { path, source }
    };
    let records = RecordReader::open(&folder).map_err(failed(&folder))?;
    fs::create_dir_all(to).map_err(failed(to))?;
    let mut files = Vec::new();
    let mut at = 0;
    while at < records.rows.len() {
        let name = format!("file{:04}", files.len());
        let path = to.join(&name);
        let file = write_file(&records, &mut at, name, &path).map_err(failed(&path))?;
        files.push(file);
    }
    let path = to.join("blocks.json");
    let text = serde_json::to_vec_pretty(&files).map_err(io::Error::other);
    let written = text.and_then(|text| fs::write(&path, text));
    written.map_err(failed(&path))?;
    Ok(files)
}

/// Writes the blocks up to the next filemark, which `at` is then behind.
fn write_file(
    records: &RecordReader,
    at: &mut usize,
    name: String,
    path: &Path,
) -> io::Result<DumpedFile> {
    let mut output = BufWriter::new(File::create(path)?);
    let mut file = DumpedFile {
        name,
        length: 0,
        blocks: Vec::new(),
        filemark: false,
    };
    let mut block = Vec::new();
    for row in &records.rows[*at..] {
        *at += 1;
        if row.kind == RecordKind::Filemark {
            file.filemark = true;
            break;
        }
        let encrypted = row.flags.contains(BlockFlags::SEALED);
        records.read(*row, &mut block)?;
        output.write_all(&block)?;
        file.length += u64::from(row.length);
        match file.blocks.last_mut() {
            Some(run) if run.length == row.length && run.encrypted == encrypted => run.count += 1,
            _ => file.blocks.push(BlockRun {
                length: row.length,
                count: 1,
                encrypted,
            }),
        }
    }
    output.flush()?;
    Ok(file)
}
