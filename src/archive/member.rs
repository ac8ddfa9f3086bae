//! What the archive, the segmenter and the index say to each other about one tar member.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::buffer::Stretch;
use crate::id::IdError;

/// Number of a segment within its set, from 0, without gaps in the tar stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SegmentNumber(pub u32);

/// What the bytes of a set are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetForm {
    /// A tree of files: a pax tar stream.
    #[default]
    Tree,
    /// What a command wrote: its bytes as they came, one member without a header.
    Stream,
}

impl SetForm {
    /// Whether it is what it is where nothing is said.
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde hands over a reference
    pub fn is_tree(&self) -> bool {
        *self == Self::Tree
    }
}

impl std::fmt::Display for SetForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Tree => "tree",
            Self::Stream => "stream",
        })
    }
}

impl std::str::FromStr for SetForm {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        match text {
            "tree" => Ok(Self::Tree),
            "stream" => Ok(Self::Stream),
            _ => Err(IdError {
                text: text.to_owned(),
                expected: "tree or stream",
            }),
        }
    }
}

/// Where a member's first tar header starts: `offset` bytes into the plaintext (after decryption
/// and decompression) of segment `segment`. Headers, data and padding of one member are
/// contiguous in the tar stream and may continue in the following segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MemberAddress {
    /// Segment that holds the first byte of the member.
    pub segment: SegmentNumber,
    /// Plaintext bytes before it in that segment.
    pub offset: u64,
}

/// Seconds and nanoseconds since 1970-01-01T00:00:00Z; `nanos` always counts forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileTime {
    /// Whole seconds, rounded towards minus infinity.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanos: u32,
}

/// Kind of a member (POSIX pax typeflag).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberKind {
    /// Regular file, sparse or not.
    File,
    /// Directory.
    Directory,
    /// Symbolic link.
    Symlink,
    /// A later name of a file, symbolic link, device or fifo that is already in the stream.
    HardLink,
    /// Character device.
    CharacterDevice,
    /// Block device.
    BlockDevice,
    /// Fifo.
    Fifo,
}

/// How faithful the bytes of a member are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberState {
    /// Read whole while its size, times and inode stood still.
    Intact,
    /// Changed, shrank or grew while it was read: padded or cut to its header; the digest is of
    /// the bytes written.
    Changed,
    /// Incomplete: filled with zeros after it changed or vanished between two sessions, or a
    /// read error. A whole copy follows later in the stream when the file still exists.
    Superseded,
}

/// One member as the index keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// Raw bytes of the path below the set's root, without leading or trailing slash; the root
    /// directory itself is `.`.
    pub path: Vec<u8>,
    /// Kind of the member.
    pub kind: MemberKind,
    /// Logical size of a regular file in bytes (holes included), 0 for all else.
    pub size: u64,
    /// Modification time.
    pub modified: FileTime,
    /// Permission bits including setuid, setgid and sticky (07777).
    pub mode: u32,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Where the member starts.
    pub address: MemberAddress,
    /// Bytes in the tar stream from the first header to the end of padding.
    pub length: u64,
    /// BLAKE3 of a regular file's logical bytes as written (holes read as zeros).
    pub digest: Option<[u8; 32]>,
    /// For a hard link: the member that carries the data.
    pub link: Option<MemberAddress>,
    /// How faithful it is.
    pub state: MemberState,
}

/// What identifies a source file between two sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SourceIdentity {
    /// `st_dev`
    pub device: u64,
    /// `st_ino`
    pub inode: u64,
    /// `st_size`
    pub size: u64,
    /// `st_mtim`
    pub modified: FileTime,
    /// `st_ctim`
    pub changed: FileTime,
}

/// A member that is about to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberStart {
    /// As in [`IndexEntry::path`].
    pub path: Vec<u8>,
    /// Kind of the member.
    pub kind: MemberKind,
    /// Exactly how many bytes will follow, headers, data and padding; [`MemberStart::UNKNOWN`] of
    /// a stream.
    pub length: u64,
    /// How many of them are headers (pax records, GNU `L`, the header, the sparse map).
    pub header_length: u64,
    /// Those headers as written. A later session that finds the file changed or gone still has to
    /// complete a header that the end of a segment cut through.
    pub headers: Bytes,
    /// The source as it was when the headers were made.
    pub source: SourceIdentity,
    /// The index entry as known so far (address, digest and state not yet final).
    pub entry: IndexEntry,
}

impl MemberStart {
    /// The length of what ends when it ends.
    pub const UNKNOWN: u64 = u64::MAX;
}

/// Where a later session goes on. Stored with each committed segment: the state of the tar
/// stream at the end of that segment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ResumePoint {
    /// Last path, in walk order, whose member is complete in this or an earlier segment.
    pub last_path: Option<Vec<u8>>,
    /// The member the segment's end cut through.
    pub partial: Option<PartialMember>,
    /// Bytes of tar stream up to here.
    pub stream_offset: u64,
    /// Whether another member may follow.
    #[serde(default)]
    pub phase: StreamPhase,
}

/// How far a tar stream has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamPhase {
    /// Members may follow.
    #[default]
    Members,
    /// Bytes were written outside a member: some of the end-of-archive blocks are in the stream,
    /// and a reader looks no further.
    Ending,
}

/// A member the end of a segment cut through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialMember {
    /// What was begun.
    pub start: MemberStart,
    /// Where its first header is.
    pub address: MemberAddress,
    /// How many of its bytes are in the stream already.
    pub written: u64,
    /// Whether they are what the source has.
    #[serde(default)]
    pub faith: Faith,
}

/// Whether what is in the stream of a member is what its source has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Faith {
    /// As far as it was read.
    #[default]
    Kept,
    /// Zeros stand for something that could not be read: the member cannot become whole.
    Broken,
}

/// Why the stream cannot go on.
#[derive(Debug, Error)]
pub enum SinkError {
    /// Asked to stop at a safe point (SIGINT).
    #[error("interrupted")]
    Interrupted,
    /// Every copy failed; the reasons were reported where they happened.
    #[error("no copy is left to write to: {0}")]
    NoCopyLeft(String),
    /// No copy holds this segment: what came after the [`ResumePoint`] of the one before it has
    /// to be written again from the source, in a new session.
    #[error("segment {} was lost by every copy", .0.0)]
    SegmentLost(SegmentNumber),
    /// Encoding failed.
    #[error("encoding the stream: {0}")]
    Encode(#[source] std::io::Error),
}

/// Takes a tar stream member by member. The segmenter is one; tests have their own.
pub trait MemberSink {
    /// Announces a member. Exactly `start.length` bytes follow by [`MemberSink::write`]. A member
    /// that a session goes on with ([`ResumePoint::partial`]) is not announced again: its remaining
    /// bytes come first, then its [`MemberSink::end`].
    fn begin(&mut self, start: &MemberStart) -> Result<MemberAddress, SinkError>;
    /// The next bytes of the stream. Between members only the end-of-archive blocks are written.
    fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError>;
    /// As [`MemberSink::write`], for bytes that the sink may keep as long as it needs them.
    fn write_shared(&mut self, bytes: Bytes) -> Result<(), SinkError> {
        self.write(&bytes)
    }
    /// As [`MemberSink::write_shared`], for bytes that may lie right behind each other.
    fn write_stretch(&mut self, stretch: Stretch) -> Result<(), SinkError> {
        self.write_shared(stretch.to_bytes())
    }
    /// The source may give nothing for a long time: what holds something only to write to it may let
    /// it go until then.
    fn pause(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
    /// What comes next of the member is not what its source has: something could not be read.
    fn break_faith(&mut self) {}
    /// The member is complete; its entry belongs to the index part of the segment it ends in.
    fn end(&mut self, entry: IndexEntry) -> Result<(), SinkError>;
}
