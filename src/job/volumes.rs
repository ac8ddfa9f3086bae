//! Volumes between the record and the tape.

use tapeward_drivers::ssc::BlockAddress;

use crate::catalogue::{TapeFileKind, Tx, View};
use crate::error::{Context, Error, Result};
use crate::id::VolumeId;
use crate::tape::label::Trailer;
use crate::tape::volume::VolumeRecord;
use crate::tape::{FileKind, SegmentFiles, TapeFile};

/// What the record says is on a volume.
pub fn record(view: &View<'_>, volume: VolumeId) -> Result<VolumeRecord> {
    let files = view
        .tape_files(volume)?
        .into_iter()
        .map(|row| from_row(&row))
        .collect::<Result<Vec<_>>>()?;
    Ok(VolumeRecord { volume, files })
}

/// The files on a volume that hold keys of what drives encrypted.
pub fn key_files(view: &View<'_>, volume: VolumeId) -> Result<Vec<TapeFile>> {
    view.tape_files(volume)?
        .iter()
        .filter(|row| row.kind == TapeFileKind::DriveKey)
        .map(from_row)
        .collect()
}

/// A tape file as the record keeps it: the labels say all but its place.
pub fn from_row(row: &crate::catalogue::TapeFile) -> Result<TapeFile> {
    let trailer: Trailer = row
        .trailer
        .parse()
        .context("the record holds a trailer that cannot be read")?;
    TapeFile::from_trailer(
        row.volume,
        row.number,
        BlockAddress(row.first_block),
        trailer,
    )
    .context("the record holds a trailer that cannot be read")
}

/// Records committed tape files.
pub fn add_files(
    tx: &Tx<'_>,
    volume: VolumeId,
    files: &[TapeFile],
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), Error> {
    for file in files {
        tx.add_tape_file(&crate::catalogue::TapeFile {
            volume,
            number: file.tape_file,
            kind: match file.kind {
                FileKind::VolumeHeader => TapeFileKind::VolumeHeader,
                FileKind::Segment => TapeFileKind::SegmentData,
                FileKind::PartDescription => TapeFileKind::Part,
                FileKind::IndexPart => TapeFileKind::IndexPart,
                FileKind::SetIndex => TapeFileKind::SetIndex,
                FileKind::Catalogue => TapeFileKind::Catalogue,
                FileKind::Directory => TapeFileKind::Directory,
                FileKind::DriveKey => TapeFileKind::DriveKey,
            },
            first_block: file.first_block.0,
            blocks: file.blocks,
            bytes: file.length,
            digest: file.xxh3_128,
            trailer: file.trailer.as_str().to_owned(),
            written_at: now,
        })?;
    }
    Ok(())
}

/// The three tape files of a segment on a volume, as the record has them.
pub fn segment_files(
    view: &View<'_>,
    copy: &crate::catalogue::SegmentCopy,
) -> Result<SegmentFiles> {
    let files = view
        .tape_files(copy.volume)?
        .iter()
        .filter(|row| row.number >= copy.tape_file)
        .take(3)
        .map(from_row)
        .collect::<Result<Vec<_>>>()?;
    as_segment(files)
}

/// Data, part description and index part, in this order.
pub fn as_segment(files: Vec<TapeFile>) -> Result<SegmentFiles> {
    let kinds = [
        FileKind::Segment,
        FileKind::PartDescription,
        FileKind::IndexPart,
    ];
    match <[TapeFile; 3]>::try_from(files) {
        Ok(three) if three.iter().map(|file| file.kind).eq(kinds) => {
            let [data, part, index] = three;
            Ok(SegmentFiles { data, part, index })
        }
        _ => Err(Error::failed(
            "the record does not have the three files of a segment",
        )),
    }
}
