//! Reading a segment back and comparing it with what was written.

use std::io::{self, BufReader, Read};

use thiserror::Error;

use super::codec::{CodecError, decode, recipient_stanzas};
use super::document::PartDocument;
use super::error::VolumeError;
use super::layout::{SegmentFiles, TapeFile};
use super::volume::VolumeReader;
use crate::archive::member::{IndexEntry, SegmentNumber};
use crate::index::{IndexError, IndexReader, Scope};
use crate::key::Identities;

/// How closely to look.
#[derive(Debug, Clone, Copy)]
pub enum Depth<'a> {
    /// Labels, lengths, block counts, digests of the bytes on tape, `part.json`. Takes no key but for what
    /// the drive encrypted.
    Bytes,
    /// All that, and the segment and its index part are decoded: every frame and chunk is
    /// authentic, every row of the index is readable, and a tar header stands at every address.
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
}

/// Reads the three files of a segment from a volume and compares them with the record.
pub fn verify_segment(
    reader: &mut VolumeReader,
    files: &SegmentFiles,
    depth: Depth<'_>,
) -> Result<Verified, VerifyError> {
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
        });
    };
    let index = read_index(&facts, &coded_index, identities)?;
    let mut headers = HeaderCheck::new(&index, &facts)?;
    let mut payload = reader.payload(&files.data)?;
    decode(BufReader::new(&mut payload), facts.codec, identities)
        .and_then(|mut plaintext| Ok(io::copy(&mut plaintext, &mut headers)?))
        .map_err(|source| decoding(segment, source))?;
    // The decoder may stop before the end of the file: its last bytes count too.
    io::copy(&mut payload, &mut io::sink()).map_err(|error| decoding(segment, error.into()))?;
    headers.finish()?;
    Ok(Verified {
        rows: Some(index.totals().rows),
        facts,
        bytes,
    })
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

/// Looks for `ustar` at the offset of every member that begins in the segment and ends in it.
struct HeaderCheck {
    segment: SegmentNumber,
    expected_length: u64,
    /// Offsets still to be looked at, the nearest last.
    offsets: Vec<u64>,
    position: u64,
    /// Bytes of the header being collected.
    header: Vec<u8>,
    bad: Option<u64>,
}

/// Bytes of a tar header up to the end of its magic (POSIX.1-2017 pax, "ustar Interchange
/// Format": `magic` is at offset 257).
const MAGIC_END: usize = 262;

impl HeaderCheck {
    fn new(index: &IndexReader, facts: &PartDocument) -> Result<Self, VerifyError> {
        let segment = facts.segment;
        // What a command wrote has no headers.
        let members = facts.set.form.is_tree().then(|| index.entries());
        let mut offsets = members
            .into_iter()
            .flatten()
            .filter_map(|entry| match entry {
                Ok(IndexEntry { address, .. }) if address.segment != segment => None,
                Ok(IndexEntry { address, .. }) => Some(Ok(address.offset)),
                Err(error) => Some(Err(error)),
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|source| VerifyError::Index { segment, source })?;
        offsets.sort_unstable_by(|one, other| other.cmp(one));
        Ok(Self {
            segment,
            expected_length: facts.plaintext_length,
            offsets,
            position: 0,
            header: Vec::new(),
            bad: None,
        })
    }

    fn look(&mut self, mut bytes: &[u8]) {
        while let Some(offset) = self.offsets.last().copied() {
            let next = offset + self.header.len() as u64;
            // Not backwards: members do not overlap by less than a header.
            let skip = usize::try_from(next.saturating_sub(self.position)).unwrap_or(usize::MAX);
            if skip >= bytes.len() {
                break;
            }
            let rest = &bytes[skip..];
            let wanted = rest.len().min(MAGIC_END - self.header.len());
            self.header.extend_from_slice(&rest[..wanted]);
            self.position += (skip + wanted) as u64;
            bytes = &rest[wanted..];
            if self.header.len() < MAGIC_END {
                break;
            }
            if !self.header.ends_with(b"ustar") {
                self.bad = self.bad.or(Some(offset));
            }
            self.header.clear();
            self.offsets.pop();
        }
        self.position += bytes.len() as u64;
    }

    fn finish(self) -> Result<(), VerifyError> {
        let what = if self.position != self.expected_length {
            format!(
                "{} bytes of stream, part.json says {}",
                self.position, self.expected_length
            )
        } else if let Some(offset) = self.bad {
            format!("no tar header at offset {offset}")
        } else {
            // A header at the very end may be cut; its member ends in a later segment.
            return Ok(());
        };
        Err(VerifyError::Content {
            segment: self.segment,
            what,
        })
    }
}

impl io::Write for HeaderCheck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.look(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
