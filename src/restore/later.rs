//! Directories and hard links, which are finished when everything else is there: their headers, on
//! disk, so that memory does not grow with them and another process can go on.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::sorted::Sorter;
use crate::archive::header::MemberHeader;
use crate::archive::reader::ArchiveReader;
use crate::error::{Context, Error, Result};

/// Bytes of a list in memory while it is sorted.
const SORT_LIMIT: usize = 64 << 20;
/// No header is longer.
const HEADER_LIMIT: u32 = 32 << 20;
/// Beginning of the names of these lists.
const DIRECTORIES: &str = "directories-";
const LINKS: &str = "links-";

/// A header on its list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Which set it is of.
    pub(super) set: u32,
    /// Its stream offset.
    pub(super) at: u64,
    /// With the path where it goes.
    pub(super) header: MemberHeader,
}

/// The lists of one thread.
#[derive(Debug)]
pub(super) struct Later {
    directories: List,
    links: List,
}

#[derive(Debug)]
struct List {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Later {
    /// New lists in this folder.
    pub(super) fn new(folder: &Path) -> Result<Self> {
        let name = uuid::Uuid::new_v4();
        Ok(Self {
            directories: List::new(folder.join(format!("{DIRECTORIES}{name}")))?,
            links: List::new(folder.join(format!("{LINKS}{name}")))?,
        })
    }

    /// A directory was made. Another process knows it from here on: to that one it would look like a
    /// directory that was there before.
    pub(super) fn directory(&mut self, set: usize, at: u64, header: &MemberHeader) -> Result<()> {
        self.directories.push(set, at, header)?;
        self.directories.flush()
    }

    pub(super) fn link(&mut self, set: usize, at: u64, header: &MemberHeader) -> Result<()> {
        self.links.push(set, at, header)
    }

    /// What is on the lists outlasts a power cut.
    pub(super) fn save(&mut self) -> Result<()> {
        self.directories.save()?;
        self.links.save()
    }
}

impl List {
    fn new(path: PathBuf) -> Result<Self> {
        let made = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = made.context(format!("cannot make {}", path.display()))?;
        Ok(Self {
            path,
            out: BufWriter::new(file),
        })
    }

    fn push(&mut self, set: usize, at: u64, header: &MemberHeader) -> Result<()> {
        let bytes = header.to_bytes();
        let set = u32::try_from(set).unwrap_or(u32::MAX);
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut write = || {
            self.out.write_all(&set.to_le_bytes())?;
            self.out.write_all(&at.to_le_bytes())?;
            self.out.write_all(&length.to_le_bytes())?;
            self.out.write_all(&bytes)
        };
        write().context(format!("cannot write {}", self.path.display()))
    }

    fn flush(&mut self) -> Result<()> {
        let flushed = self.out.flush();
        flushed.context(format!("cannot write {}", self.path.display()))
    }

    fn save(&mut self) -> Result<()> {
        self.flush()?;
        let saved = self.out.get_ref().sync_data();
        saved.context(format!("cannot write {}", self.path.display()))
    }
}

/// The hard links on all lists of a folder.
pub(super) fn links(folder: &Path) -> Result<Vec<Entries>> {
    lists(folder, LINKS)?
        .iter()
        .map(|path| Entries::open(path))
        .collect()
}

/// Calls back with every directory once, what is in another one before that.
pub(super) fn directories(folder: &Path, mut call: impl FnMut(Entry) -> Result<()>) -> Result<()> {
    let what = || format!("cannot sort the directories in {}", folder.display());
    let mut sorters: Vec<Sorter> = Vec::new();
    for path in lists(folder, DIRECTORIES)? {
        for entry in Entries::open(&path)? {
            let entry = entry?;
            while sorters.len() <= entry.set as usize {
                sorters.push(Sorter::new(folder, SORT_LIMIT).context(what())?);
            }
            // A directory is before what is in it in the stream.
            sorters[entry.set as usize]
                .push(u64::MAX - entry.at, entry.header.to_bytes())
                .context(what())?;
        }
    }
    for (set, sorter) in sorters.into_iter().enumerate() {
        let sorted = sorter.finish(folder).context(what())?;
        for row in sorted.rows() {
            let row = row.context(what())?;
            call(Entry {
                set: u32::try_from(set).unwrap_or(u32::MAX),
                at: u64::MAX - row.key,
                header: parse(&row.text)?,
            })?;
        }
    }
    Ok(())
}

fn lists(folder: &Path, start: &str) -> Result<Vec<PathBuf>> {
    let what = || format!("cannot read {}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).context(what())? {
        let entry = entry.context(what())?;
        if entry.file_name().to_string_lossy().starts_with(start) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn parse(bytes: &[u8]) -> Result<MemberHeader> {
    let header = ArchiveReader::new(bytes).next_member();
    let header = header.context("a list of what is to be finished is damaged")?;
    header.ok_or_else(|| Error::failed("a list of what is to be finished is damaged"))
}

/// The entries of a list, in its order. One that a process did not finish writing is the end.
#[derive(Debug)]
pub(super) struct Entries {
    path: PathBuf,
    input: BufReader<File>,
}

impl Entries {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).context(format!("cannot read {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            input: BufReader::new(file),
        })
    }

    fn read(&mut self) -> Result<Option<Entry>> {
        let (mut set, mut at, mut length) = ([0; 4], [0; 8], [0; 4]);
        let input = &mut self.input;
        let fixed = input
            .read_exact(&mut set)
            .and_then(|()| input.read_exact(&mut at))
            .and_then(|()| input.read_exact(&mut length));
        match fixed {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => {
                return Err(error).context(format!("cannot read {}", self.path.display()));
            }
        }
        let length = u32::from_le_bytes(length);
        if length > HEADER_LIMIT {
            return Ok(None);
        }
        let mut bytes = vec![0; length as usize];
        match self.input.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => {
                return Err(error).context(format!("cannot read {}", self.path.display()));
            }
        }
        Ok(Some(Entry {
            set: u32::from_le_bytes(set),
            at: u64::from_le_bytes(at),
            header: parse(&bytes)?,
        }))
    }
}

impl Iterator for Entries {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
