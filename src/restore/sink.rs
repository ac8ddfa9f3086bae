//! Where members go.

use crate::archive::header::MemberHeader;
use crate::archive::reader::ArchiveReader;
use crate::error::Result;

use super::pieces::StretchReader;
use super::problems::ProblemList;
use super::select::Range;

/// A member that is wanted.
#[derive(Debug)]
pub(super) struct Member<'a> {
    /// Which set it is of.
    pub(super) set: usize,
    /// Its stream offset.
    pub(super) at: u64,
    /// Where it goes, below the folder of its set.
    pub(super) path: &'a [u8],
    pub(super) header: &'a MemberHeader,
    /// BLAKE3 of a regular file's bytes.
    pub(super) digest: Option<[u8; 32]>,
}

/// What became of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// It is there, whole.
    Restored,
    /// What was there stays.
    Kept,
    /// It is made at the end and counted then.
    Later,
    /// It is not there, and why not was told.
    NotRestored,
    /// Its data is not what was written.
    Damaged,
    /// Its data did not come whole.
    CutShort,
}

/// Members of one stretch.
pub(super) type Members<'a> = ArchiveReader<&'a mut StretchReader>;

/// Takes members, one after the other; a thread has its own.
pub(super) trait Sink {
    /// Members of one stretch follow.
    fn begin_stretch(&mut self) -> Result<()> {
        Ok(())
    }
    /// Takes a member. A later member of the same path may follow when this one is damaged.
    ///
    /// # Errors
    /// What keeps every member from being taken.
    fn member(
        &mut self,
        member: &Member<'_>,
        reader: &mut Members<'_>,
        problems: &ProblemList,
    ) -> Result<Done>;
    /// The members of the stretch are over.
    fn end_stretch(&mut self) {}
    /// Makes what was taken outlast a power cut; these stretches of sets are done.
    fn save(&mut self, done: &[(usize, Range)]) -> Result<()>;
}

/// Makes a sink for each thread.
pub(super) trait Sinks: Sync + std::fmt::Debug {
    /// One more.
    fn open(&self) -> Result<Box<dyn Sink + '_>>;
}
