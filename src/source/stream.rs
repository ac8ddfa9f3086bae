//! Bytes of a stream into segments: one member, whose row of the index ends it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;

use crate::archive::member::{
    FileTime, IndexEntry, MemberAddress, MemberKind, MemberSink, MemberStart, MemberState,
    ResumePoint, SegmentNumber, SinkError, SourceIdentity,
};
use crate::error::{Context, Error, Result};

/// What comes of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The next bytes, not none of them.
    Bytes(Bytes),
    /// Nothing for so long.
    Nothing(Duration),
    /// It is complete and good.
    End,
}

/// Where the bytes of a stream come from, from its beginning.
pub trait ByteSource {
    /// What comes next; waits for a moment only.
    ///
    /// # Errors
    /// What came is not all of it.
    fn next(&mut self) -> Result<Piece>;
}

/// The bytes of a file.
#[derive(Debug)]
pub struct FileBytes {
    path: PathBuf,
    file: File,
}

impl FileBytes {
    /// Opens it.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).context(format!("cannot open {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }
}

impl ByteSource for FileBytes {
    fn next(&mut self) -> Result<Piece> {
        let mut buffer = vec![0; 1 << 20];
        loop {
            match self.file.read(&mut buffer) {
                Ok(0) => return Ok(Piece::End),
                Ok(read) => {
                    buffer.truncate(read);
                    return Ok(Piece::Bytes(buffer.into()));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(error).context(format!("cannot read {}", self.path.display()));
                }
            }
        }
    }
}

/// The one member of a set that is a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStream {
    /// Its name in the index.
    pub path: Vec<u8>,
    /// When the set was begun.
    pub modified: FileTime,
    /// Owner and group of the job.
    pub owner: (u32, u32),
    /// After how long without a byte the sink is told that none may come for a long time.
    pub patience: Duration,
}

/// Why a stream cannot go on.
#[derive(Debug)]
pub enum StreamError {
    /// It cannot be written.
    Sink(SinkError),
    /// It does not come whole.
    Source(Error),
}

impl From<SinkError> for StreamError {
    fn from(error: SinkError) -> Self {
        Self::Sink(error)
    }
}

impl From<Error> for StreamError {
    fn from(error: Error) -> Self {
        Self::Source(error)
    }
}

/// The name of a stream's file, from that of its set: a name that a folder can hold.
#[must_use]
pub fn member_name(set: &str) -> Vec<u8> {
    let name = set.replace('/', "_");
    match name.as_str() {
        "." | ".." => b"stream".to_vec(),
        _ => name.into_bytes(),
    }
}

/// Writes a stream, or what is left of it after `resume`: the source is read from its beginning, and
/// what an earlier session wrote of it is hashed only. `progress` is told how many bytes came.
///
/// # Errors
/// The sink gives up; the source fails, is empty, or is shorter than what was written already.
pub fn write_stream(
    new: &NewStream,
    source: &mut dyn ByteSource,
    resume: &ResumePoint,
    sink: &mut dyn MemberSink,
    progress: &mut dyn FnMut(u64),
) -> Result<(), StreamError> {
    let (start, address) = match &resume.partial {
        Some(partial) => (partial.start.clone(), partial.address),
        None => {
            let start = member_start(new);
            let address = sink.begin(&start)?;
            (start, address)
        }
    };
    let already = resume.stream_offset;
    let mut hasher = blake3::Hasher::new();
    let mut length = 0;
    // The last bytes wait until it is known that they are: then the segment that ends the stream
    // is never empty, and nothing of a command that fails late is the end of anything.
    let mut held = Bytes::new();
    let mut paused = false;
    loop {
        let mut bytes = match source.next()? {
            Piece::Bytes(bytes) => bytes,
            Piece::Nothing(since) => {
                if since >= new.patience && !paused {
                    sink.pause()?;
                    paused = true;
                }
                continue;
            }
            Piece::End => break,
        };
        paused = false;
        hasher.update(&bytes);
        let before: u64 = length;
        length += bytes.len() as u64;
        let written = already.saturating_sub(before).min(bytes.len() as u64);
        let fresh = bytes.split_off(usize::try_from(written).unwrap_or(bytes.len()));
        if fresh.is_empty() {
            continue;
        }
        let earlier = std::mem::replace(&mut held, fresh);
        if !earlier.is_empty() {
            sink.write_shared(earlier)?;
        }
        progress(length);
    }
    if length == 0 {
        return Err(Error::failed("nothing was written to its standard output").into());
    }
    if length < already {
        return Err(Error::failed(format!(
            "it has {length} bytes, and {already} of it are on tape already"
        ))
        .into());
    }
    if !held.is_empty() {
        sink.write_shared(held)?;
    }
    let mut entry = start.entry;
    entry.address = address;
    entry.size = length;
    entry.length = length;
    entry.digest = Some(*hasher.finalize().as_bytes());
    Ok(sink.end(entry)?)
}

fn member_start(new: &NewStream) -> MemberStart {
    let entry = IndexEntry {
        path: new.path.clone(),
        kind: MemberKind::File,
        size: 0,
        modified: new.modified,
        mode: 0o600,
        uid: new.owner.0,
        gid: new.owner.1,
        address: MemberAddress {
            segment: SegmentNumber(0),
            offset: 0,
        },
        length: 0,
        digest: None,
        link: None,
        state: MemberState::Intact,
    };
    MemberStart {
        path: new.path.clone(),
        kind: MemberKind::File,
        length: MemberStart::UNKNOWN,
        header_length: 0,
        headers: Bytes::new(),
        source: SourceIdentity {
            device: 0,
            inode: 0,
            size: 0,
            modified: new.modified,
            changed: new.modified,
        },
        entry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::member::Faith;
    use crate::archive::member::PartialMember;

    /// Bytes in pieces, and then this.
    struct Pieces(Vec<&'static [u8]>, Option<&'static str>);

    impl ByteSource for Pieces {
        fn next(&mut self) -> Result<Piece> {
            if self.0.is_empty() {
                return match self.1 {
                    Some(why) => Err(Error::failed(why)),
                    None => Ok(Piece::End),
                };
            }
            Ok(match self.0.remove(0) {
                b"" => Piece::Nothing(Duration::from_secs(61)),
                bytes => Piece::Bytes(Bytes::from_static(bytes)),
            })
        }
    }

    #[derive(Default)]
    struct Kept {
        begun: Option<MemberStart>,
        bytes: Vec<u8>,
        ended: Option<IndexEntry>,
        pauses: usize,
    }

    impl MemberSink for Kept {
        fn begin(&mut self, start: &MemberStart) -> Result<MemberAddress, SinkError> {
            self.begun = Some(start.clone());
            Ok(start.entry.address)
        }
        fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
            self.bytes.extend_from_slice(bytes);
            Ok(())
        }
        fn pause(&mut self) -> Result<(), SinkError> {
            self.pauses += 1;
            Ok(())
        }
        fn end(&mut self, entry: IndexEntry) -> Result<(), SinkError> {
            self.ended = Some(entry);
            Ok(())
        }
    }

    fn new() -> NewStream {
        NewStream {
            path: member_name("db/main"),
            modified: FileTime {
                seconds: 1,
                nanos: 2,
            },
            owner: (3, 4),
            patience: Duration::from_secs(60),
        }
    }

    fn write(pieces: Pieces, resume: &ResumePoint) -> (Kept, Result<(), StreamError>) {
        let mut pieces = pieces;
        let mut kept = Kept::default();
        let done = write_stream(&new(), &mut pieces, resume, &mut kept, &mut |_| {});
        (kept, done)
    }

    #[test]
    fn the_bytes_are_as_they_came_and_the_row_tells_of_all_of_them() {
        let (kept, done) = write(
            Pieces(vec![b"ab", b"c", b"def"], None),
            &ResumePoint::default(),
        );
        done.unwrap();
        assert_eq!(kept.bytes, b"abcdef");
        let entry = kept.ended.unwrap();
        assert_eq!((entry.size, entry.length), (6, 6));
        assert_eq!(entry.path, b"db_main");
        assert_eq!(entry.digest, Some(*blake3::hash(b"abcdef").as_bytes()));
        assert_eq!(entry.address.offset, 0);
    }

    #[test]
    fn one_pause_for_each_time_nothing_comes() {
        let pieces = vec![b"ab" as &[u8], b"", b"", b"c", b"", b"d"];
        let (kept, done) = write(Pieces(pieces, None), &ResumePoint::default());
        done.unwrap();
        assert_eq!((kept.bytes.as_slice(), kept.pauses), (b"abcd" as &[u8], 2));
    }

    #[test]
    fn what_fails_late_has_no_row_and_not_its_last_bytes() {
        let pieces = Pieces(vec![b"ab", b"c"], Some("ended with status 3"));
        let (kept, done) = write(pieces, &ResumePoint::default());
        assert!(matches!(done, Err(StreamError::Source(_))));
        assert_eq!(kept.bytes, b"ab");
        assert!(kept.ended.is_none());
        let (kept, done) = write(Pieces(Vec::new(), None), &ResumePoint::default());
        assert!(matches!(done, Err(StreamError::Source(_))));
        assert!(kept.ended.is_none());
    }

    #[test]
    fn a_stream_that_is_read_again_goes_on_where_it_was() {
        let whole: &[u8] = b"abcdef";
        for at in 0..whole.len() {
            let resume = ResumePoint {
                partial: (at > 0).then(|| PartialMember {
                    start: member_start(&new()),
                    address: MemberAddress {
                        segment: SegmentNumber(0),
                        offset: 0,
                    },
                    written: at as u64,
                    faith: Faith::default(),
                }),
                stream_offset: at as u64,
                ..ResumePoint::default()
            };
            let (kept, done) = write(Pieces(vec![b"ab", b"c", b"def"], None), &resume);
            done.unwrap();
            assert_eq!(kept.bytes, &whole[at..], "from {at}");
            assert_eq!(kept.begun.is_some(), at == 0);
            let entry = kept.ended.unwrap();
            assert_eq!(entry.digest, Some(*blake3::hash(whole).as_bytes()));
        }
        let resume = ResumePoint {
            partial: Some(PartialMember {
                start: member_start(&new()),
                address: MemberAddress {
                    segment: SegmentNumber(0),
                    offset: 0,
                },
                written: 7,
                faith: Faith::default(),
            }),
            stream_offset: 7,
            ..ResumePoint::default()
        };
        let (_, done) = write(Pieces(vec![b"abcdef"], None), &resume);
        let Err(StreamError::Source(error)) = done else {
            panic!("{done:?}")
        };
        assert!(error.to_string().contains("6 bytes"), "{error}");
    }
}
