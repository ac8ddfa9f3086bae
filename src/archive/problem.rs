//! What could not be read or kept, and what stops an archive altogether.

use std::fmt;
use std::io;

use thiserror::Error;

use super::member::SinkError;

/// One thing about one path that could not be read or restored; the rest went on.
#[derive(Debug, Error)]
#[error("{}: {what}", show(.path))]
pub struct Problem {
    /// Raw bytes of the path below the tree's root; the root itself is `.`.
    pub path: Vec<u8>,
    /// What it is.
    #[source]
    pub what: ProblemKind,
}

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth saying; nothing that belongs in a backup is missing.
    Note,
    /// Something is missing or not as it was.
    Loss,
}

/// What was asked of the file system when it refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Reading type, size, owner and times.
    Status,
    /// Opening a directory.
    OpenDirectory,
    /// Listing a directory.
    List,
    /// Opening a file.
    Open,
    /// Reading a symbolic link's target.
    ReadLink,
    /// Reading extended attributes.
    Attributes,
    /// Creating a file, directory, link or node.
    Create,
    /// Writing data.
    Write,
    /// Putting a complete file in its place.
    Publish,
    /// Removing what stood in the way.
    Remove,
    /// Giving what stood in the way another name.
    SetAside,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "read its status",
            Self::OpenDirectory => "open the directory",
            Self::List => "list the directory",
            Self::Open => "open it",
            Self::ReadLink => "read the link's target",
            Self::Attributes => "read its extended attributes",
            Self::Create => "create it",
            Self::Write => "write its data",
            Self::Publish => "put it in its place",
            Self::Remove => "remove what stands in its place",
            Self::SetAside => "rename what stands in its place",
        })
    }
}

/// A property of a file that the file system or the user's rights did not let us restore.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Property {
    /// Owner and group, as wanted.
    Owner {
        /// Numeric owner.
        uid: u32,
        /// Numeric group.
        gid: u32,
    },
    /// Permission bits, as wanted.
    Mode(u32),
    /// The set-user-ID and set-group-ID bits, left out because the owner could not be set.
    SetId,
    /// Modification time.
    Modified,
    /// An extended attribute, by name.
    Attribute(Vec<u8>),
    /// POSIX access ACL.
    AccessAcl,
    /// POSIX default ACL.
    DefaultAcl,
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner { uid, gid } => write!(f, "owner {uid}, group {gid}"),
            Self::Mode(mode) => write!(f, "mode {mode:04o}"),
            Self::SetId => f.write_str("set-user-ID and set-group-ID bits"),
            Self::Modified => f.write_str("modification time"),
            Self::Attribute(name) => write!(f, "extended attribute {}", show(name)),
            Self::AccessAcl => f.write_str("access ACL"),
            Self::DefaultAcl => f.write_str("default ACL"),
        }
    }
}

/// What happened to a path.
#[derive(Debug, Error)]
pub enum ProblemKind {
    /// The file system refused; nothing of this path (for a directory: of what is in it) follows.
    #[error("cannot {access}: {source}")]
    Refused {
        /// What was asked.
        access: Access,
        /// What it said.
        source: io::Error,
    },
    /// It was there when the directory was listed and is gone now.
    #[error("it vanished while the tree was read")]
    Vanished,
    /// A directory that is one of its own parents (a bind mount); not entered again.
    #[error("the directory is one of its own parents; not entered")]
    DirectoryLoop,
    /// The directory was moved or replaced while it was read; the rest of it was left out.
    #[error("the directory was moved or replaced while it was read; the rest of it was left out")]
    DirectoryMoved,
    /// Sockets have no content and are made anew by their programs.
    #[error("a socket; left out")]
    Socket,
    /// Size, times or inode moved while it was read; padded or cut to its header.
    #[error("it changed while it was read (size {before} before, {after} after); marked")]
    Changed {
        /// Size in its header.
        before: u64,
        /// Size after reading.
        after: u64,
    },
    /// Reading failed part-way; the rest was filled with zeros.
    #[error("reading failed at byte {offset}; filled with zeros from there: {source}")]
    ReadError {
        /// First byte that could not be read.
        offset: u64,
        /// What the file system said.
        source: io::Error,
    },
    /// It was cut by the end of a session and is not the same any more; the part in the stream
    /// was filled with zeros, and a whole copy follows if it still exists.
    #[error("it changed or vanished between two sessions; the first part was filled with zeros")]
    Superseded,
    /// An ACL that is not as the kernel writes it; left out.
    #[error("its {which} cannot be understood; left out")]
    MalformedAcl {
        /// Access or default.
        which: Property,
    },
    /// A property that could not be restored.
    #[error("{property} not kept: {source}")]
    NotKept {
        /// Which.
        property: Property,
        /// What the file system said.
        source: io::Error,
    },
    /// Something that gives more rights than its user has, and was not asked for.
    #[error("{property} left out: not asked for")]
    LeftOut {
        /// Which.
        property: Property,
    },
    /// A device node that could not be made, or was not to be made.
    #[error("device node not made: {reason}")]
    DeviceNotMade {
        /// Why.
        reason: DeviceRefusal,
    },
    /// Something with this name exists and was left as it is.
    #[error("it exists already; left as it is")]
    Exists,
    /// A name that would lead out of the target directory; not restored.
    #[error("the name leads out of the target directory; not restored")]
    UnsafeName,
    /// The data is not what was written to tape; the file was not put in its place.
    #[error("its content differs from what was backed up (BLAKE3); not restored")]
    DigestMismatch,
    /// The archive ends inside this member; it was not put in its place.
    #[error("the archive ends inside it; not restored")]
    Truncated,
    /// The file that carries the data of this hard link is not there to link to.
    #[error("the file it is a hard link to ({}) was not restored", show(.first))]
    LinkTargetMissing {
        /// Path of the first name.
        first: Vec<u8>,
    },
}

/// Why a device node was not made.
#[derive(Debug, Error)]
pub enum DeviceRefusal {
    /// The caller asked for no device nodes.
    #[error("device nodes are to be left out")]
    NotWanted,
    /// The system refused (it takes root).
    #[error("{0}")]
    Refused(#[source] io::Error),
}

impl ProblemKind {
    /// Whether anything is missing because of it.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Socket => Severity::Note,
            _ => Severity::Loss,
        }
    }

    pub(super) fn refused(access: Access, errno: nix::errno::Errno) -> Self {
        Self::Refused {
            access,
            source: errno.into(),
        }
    }

    /// As [`Self::refused`] for something that was listed a moment ago: gone is not refused.
    pub(super) fn refused_or_vanished(access: Access, errno: nix::errno::Errno) -> Self {
        if errno == nix::errno::Errno::ENOENT {
            Self::Vanished
        } else {
            Self::refused(access, errno)
        }
    }
}

/// Why writing, reading or extracting an archive could not go on.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The source or target directory itself cannot be used.
    #[error("{}: {source}", .path.display())]
    Root {
        /// The directory.
        path: std::path::PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The stream cannot go on.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// Reading the archive's bytes failed.
    #[error("reading the archive at byte {offset}: {source}")]
    Read {
        /// Bytes of archive read before.
        offset: u64,
        /// What came back.
        source: io::Error,
    },
    /// The archive is not a tar stream as this program, GNU tar or libarchive write it.
    #[error("byte {offset} of the archive: {what}")]
    Malformed {
        /// Bytes of archive before the structure in question.
        offset: u64,
        /// What is wrong.
        what: Malformation,
    },
}

/// What is wrong with an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Malformation {
    /// A header block's sum does not match its checksum field.
    #[error("header checksum does not match")]
    Checksum,
    /// A numeric field is neither octal nor base-256, or out of range.
    #[error("a number in a header cannot be read")]
    Number,
    /// A pax extended header is not a list of `length key=value` records.
    #[error("extended header records cannot be read")]
    PaxRecord,
    /// An extended header, long name or sparse map above the limits.
    #[error("an extended header is larger than any that is written")]
    TooLarge,
    /// A sparse map is out of order, overlaps, or does not match the data's length.
    #[error("the map of a sparse file cannot be read")]
    SparseMap,
    /// A type of member that has data or meaning unknown here.
    #[error("a member of unknown type")]
    UnknownType,
    /// The archive ends inside a member or header.
    #[error("the archive ends too early")]
    UnexpectedEnd,
}

/// Bytes of a name for people: UTF-8 as it is, all else escaped.
#[must_use]
pub fn show(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || character == '\\' {
                text.extend(character.escape_default());
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            text.extend(std::ascii::escape_default(*byte).map(char::from));
        }
    }
    text
}
