//! Reading a segment back and comparing it with what was written.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use thiserror::Error;

use super::codec::{CodecError, PlaintextReader, decode, recipient_stanzas};
use super::content::{Cut, FileCheck};
use super::document::PartDocument;
use super::error::VolumeError;
use super::layout::{SegmentFiles, TapeFile};
use super::volume::VolumeReader;
use crate::archive::member::SegmentNumber;
use crate::index::{IndexError, IndexReader, Scope};
use crate::key::Identities;

/// How closely to look.
#[derive(Debug, Clone, Copy)]
pub enum Depth<'a> {
    /// Labels, lengths, block counts, digests of the bytes on tape, `part.json`. Takes no key but for what
    /// the drive encrypted.
    Bytes,
    /// All that, and the segment and its index part are decoded: every frame and chunk is
    /// authentic, every row of the index is readable, every member is what its row says, and every
    /// file has its digest.
    Content(&'a Identities),
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What `part.json` says.
    pub facts: PartDocument,
    /// Bytes read off the tape.
    pub bytes: u64,
    /// Rows of the index part, when it was decoded.
    pub rows: Option<u64>,
    /// Files whose content has the digest in the index, when it was decoded.
    pub files: u64,
    /// Files that end here of which an earlier part was not read just before, so that nobody
    /// compared them.
    pub apart: u64,
}

/// A segment on a volume is not as it was written.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// It cannot be read, or its bytes or labels differ.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// `part.json` does not describe the files beside it.
    #[error("part.json of segment {} disagrees with the tape: {what}", .segment.0)]
    Part {
        /// The segment.
        segment: SegmentNumber,
        /// In what.
        what: String,
    },
    /// It cannot be decoded.
    #[error("segment {}: {source}", .segment.0)]
    Decode {
        /// The segment.
        segment: SegmentNumber,
        /// Why.
        source: CodecError,
    },
    /// The index part cannot be read.
    #[error("the index part of segment {}: {source}", .segment.0)]
    Index {
        /// The segment.
        segment: SegmentNumber,
        /// Why.
        source: IndexError,
    },
    /// The index part does not fit the segment.
    #[error("the index part of segment {} disagrees with its data: {what}", .segment.0)]
    Content {
        /// The segment.
        segment: SegmentNumber,
        /// In what.
        what: String,
    },
    /// Files are not as they were written.
    #[error("{}", with_files(*.segment, .why.as_deref(), *.count))]
    Files {
        /// The segment.
        segment: SegmentNumber,
        /// What else is wrong with it.
        why: Option<Box<VerifyError>>,
        /// How many.
        count: u64,
        /// As in [`Verified::files`].
        compared: u64,
        /// As in [`Verified::apart`].
        apart: u64,
        /// The paths of the first of them.
        names: Vec<String>,
    },
}

/// Paths named of one segment at most.
const NAMED: usize = 1000;

fn with_files(segment: SegmentNumber, why: Option<&VerifyError>, count: u64) -> String {
    let why = why.map_or_else(|| format!("segment {}", segment.0), ToString::to_string);
    let files = crate::progress::counted(
        count,
        "file cannot be read as it was written",
        "files cannot be read as they were written",
    );
    format!("{why}: {files}")
}

impl VerifyError {
    /// Whether the tape is to blame, and not the drive, the path or the library.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Volume(error) => error.is_bad_medium(),
            _ => true,
        }
    }

    /// Whether no identity at hand opens it.
    fn is_wrong_key(&self) -> bool {
        matches!(
            self,
            Self::Decode {
                source: CodecError::WrongIdentity { .. },
                ..
            }
        )
    }
}

/// Reads the three files of a segment from a volume and compares them with the record.
pub fn verify_segment(
    reader: &mut VolumeReader,
    files: &SegmentFiles,
    depth: Depth<'_>,
) -> Result<Verified, VerifyError> {
    verify_next(reader, files, depth, &mut None)
}

/// As [`verify_segment`], for segments of one copy in their order: `cut` goes from one to the
/// next, so that files which begin in one and end in another are compared too.
pub fn verify_next(
    reader: &mut VolumeReader,
    files: &SegmentFiles,
    depth: Depth<'_>,
    cut: &mut Option<Cut>,
) -> Result<Verified, VerifyError> {
    let before = cut.take();
    for file in files.iter() {
        reader.check_labels(file)?;
    }
    let facts = reader.read_part(&files.part)?;
    compare_part(&facts, files)?;
    let segment = facts.segment;
    let coded_index = reader.read_small(&files.index)?;
    let bytes = files.iter().map(|file| file.length).sum();
    let Depth::Content(identities) = depth else {
        let mut beginning = Vec::new();
        reader.payload(&files.data)?.for_each_block(|block| {
            let wanted = block.len().min(HEADER_LIMIT - beginning.len());
            beginning.extend_from_slice(&block[..wanted]);
            Ok(())
        })?;
        check_stanzas(&facts, &beginning)?;
        return Ok(Verified {
            facts,
            bytes,
            rows: None,
            files: 0,
            apart: 0,
        });
    };
    let index = read_index(&facts, &coded_index, identities)?;
    drop(coded_index);
    let form = facts.set.form;
    let mut check = FileCheck::new(&index, segment, form, facts.plaintext_length)
        .map_err(|source| VerifyError::Index { segment, source })?;
    let why = match read_files(reader, files, &facts, identities, &mut check, before) {
        Ok(after) => {
            *cut = after;
            None
        }
        Err(error) if !error.is_damage() || error.is_wrong_key() => return Err(error),
        Err(error) => {
            read_the_rest(reader, files, &facts, &index, identities, &mut check);
            Some(error)
        }
    };
    let (count, names) = check
        .differing(&index, NAMED)
        .map_err(|source| VerifyError::Index { segment, source })?;
    match why {
        Some(why) if count == 0 => Err(why),
        why if count > 0 => Err(VerifyError::Files {
            segment,
            why: why.map(Box::new),
            count,
            compared: check.compared,
            apart: check.apart,
            names,
        }),
        _ => Ok(Verified {
            rows: Some(index.totals().rows),
            files: check.compared,
            apart: check.apart,
            facts,
            bytes,
        }),
    }
}

/// Decodes the segment from its first byte to its last.
fn read_files(
    reader: &mut VolumeReader,
    files: &SegmentFiles,
    facts: &PartDocument,
    identities: &Identities,
    check: &mut FileCheck,
    before: Option<Cut>,
) -> Result<Option<Cut>, VerifyError> {
    let segment = facts.segment;
    let mut payload = reader.payload(&files.data)?;
    let after = decode(BufReader::new(&mut payload), facts.codec, identities)
        .and_then(|mut plaintext| Ok(check.read_all(&mut plaintext, before)?))
        .map_err(|source| decoding(segment, source))?;
    // The decoder may stop before the end of the file: its last bytes count too.
    io::copy(&mut payload, &mut io::sink()).map_err(|error| decoding(segment, error.into()))?;
    if check.position == facts.plaintext_length {
        return Ok(after);
    }
    Err(VerifyError::Content {
        segment,
        what: format!(
            "{} bytes of stream, part.json says {}",
            check.position, facts.plaintext_length
        ),
    })
}

/// How often reading goes on behind something that cannot be read.
const TRIES: usize = 200;
/// Plaintext of an age chunk (age specification, "Payload").
const AGE_CHUNK: u64 = 64 << 10;

/// Tells which of the files behind a bad place can be read all the same.
fn read_the_rest(
    reader: &mut VolumeReader,
    files: &SegmentFiles,
    facts: &PartDocument,
    index: &IndexReader,
    identities: &Identities,
    check: &mut FileCheck,
) {
    let table = index.frames_of(facts.segment);
    let frames = table.and_then(|table| (table, facts.plaintext_length).try_into().ok());
    // What is read as a whole or not at all.
    let unit = match table {
        Some(table) => table.frame_plaintext.max(1),
        None if facts.codec.is_age() => AGE_CHUNK,
        None => files.data.block_size.as_u64(),
    };
    for _ in 0..TRIES {
        check.give_up((check.position / unit + 1) * unit);
        let Some(offset) = check.next_offset() else {
            return;
        };
        let Ok(payload) = reader.payload(&files.data) else {
            break;
        };
        let opened = PlaintextReader::open(
            payload,
            facts.codec,
            facts.plaintext_length,
            frames.clone(),
            identities,
        );
        let Ok(mut plain) = opened else {
            break;
        };
        check.position = offset;
        let read = plain.seek(SeekFrom::Start(offset));
        if read.and_then(|_| check.read_rows(&mut plain)).is_ok() {
            return;
        }
    }
    check.give_up(u64::MAX);
}

/// No age header of ours is longer: a stanza for each of a few hundred keys.
const HEADER_LIMIT: usize = 64 << 10;

/// The age header has a stanza for each key that the segment is encrypted to.
fn check_stanzas(facts: &PartDocument, beginning: &[u8]) -> Result<(), VerifyError> {
    let keys = facts.set.keys.len();
    if !facts.codec.is_age() || recipient_stanzas(beginning) == Some(keys) {
        return Ok(());
    }
    Err(VerifyError::Part {
        segment: facts.segment,
        what: "the number of keys".to_owned(),
    })
}

/// An error of the tape travels inside the decoder's; it goes back to where it belongs.
fn decoding(segment: SegmentNumber, source: CodecError) -> VerifyError {
    match source {
        CodecError::Io(error) => match error.downcast::<VolumeError>() {
            Ok(volume) => VerifyError::Volume(volume),
            Err(error) => VerifyError::Decode {
                segment,
                source: CodecError::Io(error),
            },
        },
        source => VerifyError::Decode { segment, source },
    }
}

fn compare_part(facts: &PartDocument, files: &SegmentFiles) -> Result<(), VerifyError> {
    let what = |file: &TapeFile| (file.length, file.xxh3_128);
    let same = [
        ("the set", Some(facts.set.set) == files.data.set),
        (
            "the segment's number",
            Some(facts.segment) == files.data.segment,
        ),
        (
            "length or digest",
            (facts.length, facts.xxh3_128) == what(&files.data),
        ),
        (
            "length or digest of the index part",
            (facts.index.length, facts.index.xxh3_128) == what(&files.index),
        ),
    ];
    match same.iter().find(|(_, same)| !same) {
        None => Ok(()),
        Some((what, _)) => Err(VerifyError::Part {
            segment: facts.segment,
            what: (*what).to_owned(),
        }),
    }
}

/// Decodes an index part and checks every digest in it.
fn read_index(
    facts: &PartDocument,
    coded: &[u8],
    identities: &Identities,
) -> Result<IndexReader, VerifyError> {
    let segment = facts.segment;
    let mut plaintext = Vec::new();
    decode(coded, facts.index.codec, identities)
        .and_then(|mut reader| Ok(reader.read_to_end(&mut plaintext)?))
        .map_err(|source| VerifyError::Decode { segment, source })?;
    let name = format!("part of segment {}", segment.0);
    let index = IndexReader::from_bytes(&name, plaintext)
        .map_err(|source| VerifyError::Index { segment, source })?;
    index
        .verify()
        .map_err(|source| VerifyError::Index { segment, source })?;
    let header = index.header();
    let disagrees = |what: &str| {
        Err(VerifyError::Content {
            segment,
            what: what.to_owned(),
        })
    };
    if header.set != facts.set.set || header.scope != Scope::Part(segment) {
        return disagrees("it is of another segment");
    }
    if index.totals().rows != facts.members {
        return disagrees("the number of members");
    }
    Ok(index)
}
