//! Indexes of sets, read back from tape into the folder of indexes.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::app::App;
use crate::catalogue::{ContentDigest, StoredIndex};
use crate::error::{Context, Error, Result};
use crate::files::synchronise_folder;
use crate::id::SetId;
use crate::index::{self, IndexHeader, IndexReader, Origin, Scope, Totals};
use crate::key::Identities;
use crate::tape::TapeFile;
use crate::tape::codec::decode;
use crate::tape::volume::VolumeReader;

/// An index that is in the folder of indexes now.
#[derive(Debug, Clone)]
pub(super) struct ReadIndex {
    pub(super) stored: StoredIndex,
    pub(super) totals: Totals,
    pub(super) origin: Option<Origin>,
    pub(super) extent: Extent,
}

/// How much of a set an index tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it: so many segments.
    Whole(u32),
    /// What its first segments hold.
    Segments(u32),
}

/// Reads the index of a set off a tape.
pub(super) fn read_whole(
    app: &App,
    reader: &mut VolumeReader,
    set: SetId,
    file: &TapeFile,
    identities: &Identities,
) -> Result<ReadIndex> {
    let path = app.indexes().join(format!("{set}.index"));
    fetch(reader, file, identities, &path)?;
    let read = open(app, set, &path)?;
    match read.extent {
        Extent::Whole(_) => Ok(read),
        Extent::Segments(_) => Err(Error::failed("it is the index of a part only")),
    }
}

/// Where a part of a set waits to be merged.
pub(super) fn part_path(app: &App, set: SetId, segment: u32) -> PathBuf {
    app.indexes()
        .join(format!("{set}.parts"))
        .join(format!("{segment:06}.index"))
}

/// Reads the index part of a segment off a tape.
pub(super) fn read_part(
    reader: &mut VolumeReader,
    file: &TapeFile,
    identities: &Identities,
    path: &Path,
) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder).context(format!("cannot create {}", folder.display()))?;
    fetch(reader, file, identities, path)
}

/// Makes an index of the parts of the first `segments` segments.
pub(super) fn merge_parts(app: &App, set: SetId, segments: u32) -> Result<ReadIndex> {
    let parts = (0..segments)
        .map(|segment| IndexReader::open(&part_path(app, set, segment)))
        .collect::<std::result::Result<Vec<_>, _>>()
        .context("cannot read index parts")?;
    let header = IndexHeader {
        set,
        scope: Scope::Set { segments },
        origin: None,
    };
    let path = app.indexes().join(format!("{set}.index"));
    let what = || format!("cannot write {}", path.display());
    let partial = path.with_extension("index.partial");
    let file = io::BufWriter::new(File::create(&partial).context(what())?);
    let (_, file) = index::merge(&parts, &header, file).context(what())?;
    let file = file.into_inner().context(what())?;
    keep(&file, &partial, &path)?;
    let mut read = open(app, set, &path)?;
    read.extent = Extent::Segments(segments);
    Ok(read)
}

/// Decodes a file into one that is whole or not there.
fn fetch(
    reader: &mut VolumeReader,
    file: &TapeFile,
    identities: &Identities,
    path: &Path,
) -> Result<()> {
    let codec = file.codec().context("its labels cannot be read")?;
    let what = || format!("cannot write {}", path.display());
    let partial = path.with_extension("index.partial");
    let mut out = File::create(&partial).context(what())?;
    let payload =
        BufReader::with_capacity(1 << 20, reader.payload(file).context("cannot read it")?);
    let mut decoded = decode(payload, codec, identities).context("cannot decrypt it")?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = decoded.read(&mut buffer).context("cannot read it")?;
        if read == 0 {
            break;
        }
        io::Write::write_all(&mut out, &buffer[..read]).context(what())?;
    }
    keep(&out, &partial, path)
}

fn keep(file: &File, partial: &Path, path: &Path) -> Result<()> {
    file.sync_all()
        .and_then(|()| std::fs::rename(partial, path))
        .context(format!("cannot write {}", path.display()))?;
    synchronise_folder(path)
}

fn open(app: &App, set: SetId, path: &Path) -> Result<ReadIndex> {
    let index = IndexReader::open(path).context("it is no index")?;
    let header = index.header();
    if header.set != set {
        return Err(Error::failed(format!("it is the index of {}", header.set)));
    }
    let mut hasher = blake3::Hasher::new();
    hasher
        .update_reader(File::open(path).context("cannot read it")?)
        .context("cannot read it")?;
    let name = path.strip_prefix(app.indexes()).unwrap_or(path);
    Ok(ReadIndex {
        stored: StoredIndex {
            file: name.to_string_lossy().into_owned(),
            digest: ContentDigest(*hasher.finalize().as_bytes()),
        },
        totals: index.totals(),
        origin: header.origin.clone(),
        extent: match header.scope {
            Scope::Set { segments } => Extent::Whole(segments),
            Scope::Part(number) => Extent::Segments(number.0),
        },
    })
}
