//! Walking a source tree in the one order that sets are written in.
//!
//! Names are sorted by their raw bytes within each directory and a directory comes before what is
//! in it, so two sessions over the same tree meet the same paths in the same order.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, stat};

use super::descent::{Descent, components};
use super::problem::{Access, ArchiveError, Problem, ProblemKind};

/// Whether a walk enters directories of other file systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MountBoundary {
    /// Everything below the root, whatever file system it is on.
    Cross,
    /// Mount points are kept as empty directories.
    Stay,
}

/// A directory that is backed up.
#[derive(Debug)]
pub struct SourceTree {
    path: PathBuf,
    root: OwnedFd,
    boundary: MountBoundary,
    excluded_paths: HashSet<Vec<u8>>,
    excluded_inodes: HashSet<(u64, u64)>,
}

impl SourceTree {
    /// Opens the root. A symbolic link given as the root is followed, none below it are.
    ///
    /// # Errors
    /// [`ArchiveError::Root`] when it is not a directory or cannot be opened.
    pub fn open(path: &Path, boundary: MountBoundary) -> Result<Self, ArchiveError> {
        let root = open(
            path,
            OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
            Mode::empty(),
        )
        .map_err(|errno| root_error(path, errno))?;
        // A root that cannot be listed is refused here: a set of nothing helps nobody.
        list_names(root.as_fd()).map_err(|errno| root_error(path, errno))?;
        Ok(Self {
            path: path.to_owned(),
            root,
            boundary,
            excluded_paths: HashSet::new(),
            excluded_inodes: HashSet::new(),
        })
    }

    /// Leaves out a path below the root, by its raw bytes, and everything in it.
    #[must_use]
    pub fn without_path(mut self, path: &[u8]) -> Self {
        let joined = components(path).collect::<Vec<_>>().join(&b'/');
        self.excluded_paths.insert(joined);
        self
    }

    /// Leaves out a directory by its identity, wherever below the root it may show up.
    ///
    /// # Errors
    /// When the directory's status cannot be read; one that does not exist is no error.
    pub fn without_directory(mut self, directory: &Path) -> Result<Self, ArchiveError> {
        match stat(directory) {
            Ok(status) => {
                self.excluded_inodes.insert((status.st_dev, status.st_ino));
                Ok(self)
            }
            Err(Errno::ENOENT) => Ok(self),
            Err(errno) => Err(root_error(directory, errno)),
        }
    }

    /// The path it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Starts a walk.
    ///
    /// # Errors
    /// [`ArchiveError::Root`] when no file descriptor is left.
    pub fn walk(&self) -> Result<Walk<'_>, ArchiveError> {
        Ok(Walk {
            tree: self,
            descent: self.descent()?,
            frames: Vec::new(),
            path: Vec::new(),
            state: State::Start,
            pending: None,
            files: AskFiles::Here,
        })
    }

    /// Counts what a walk meets, for plans and progress. Problems are not reported here: the walk
    /// that writes reports them.
    ///
    /// # Errors
    /// As [`Self::walk`].
    pub fn measure(&self) -> Result<Totals, ArchiveError> {
        self.measure_while(&mut |_| true)
            .map(Option::unwrap_or_default)
    }

    /// As [`Self::measure`], for as long as `go_on` says so of what was counted so far; none when
    /// it said no.
    ///
    /// # Errors
    /// As [`Self::walk`].
    pub fn measure_while(
        &self,
        go_on: &mut dyn FnMut(&Totals) -> bool,
    ) -> Result<Option<Totals>, ArchiveError> {
        let mut walk = self.walk()?;
        let mut totals = Totals::default();
        while let Some(step) = walk.step() {
            if !go_on(&totals) {
                return Ok(None);
            }
            if let Step::Entry(status) = step {
                totals.entries += 1;
                if file_type(&status) == SFlag::S_IFREG {
                    totals.bytes += u64::try_from(status.st_size).unwrap_or(0);
                }
            }
        }
        Ok(Some(totals))
    }

    pub(super) fn descent(&self) -> Result<Descent, ArchiveError> {
        let root = self.root.try_clone().map_err(|source| ArchiveError::Root {
            path: self.path.clone(),
            source,
        })?;
        Ok(Descent::new(root))
    }
}

/// What a tree holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Files, directories, links, nodes.
    pub entries: u64,
    /// Logical bytes of regular files; each name of a hard-linked file counts.
    pub bytes: u64,
}

/// One step of a walk.
#[derive(Debug)]
pub enum Step {
    /// The entry at [`Walk::path`], with its status.
    Entry(FileStat),
    /// The regular file at [`Walk::path`], by what its directory says of it.
    File,
    /// Something could not be read; the walk goes on after it.
    Problem(Problem),
}

#[derive(Debug)]
enum State {
    Start,
    /// The entry just given is a directory to be entered next.
    Enter(FileStat),
    Within,
}

/// A walk over a [`SourceTree`]. Memory: the names of the directories that are open.
#[derive(Debug)]
pub struct Walk<'t> {
    tree: &'t SourceTree,
    descent: Descent,
    frames: Vec<Frame>,
    path: Vec<u8>,
    state: State,
    /// A second problem of the same step, given next.
    pending: Option<Problem>,
    files: AskFiles,
}

/// Who asks for the status of regular files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AskFiles {
    /// The walk.
    Here,
    /// Whoever opens them: what the directory says of their kind is enough for the walk.
    Elsewhere,
}

#[derive(Debug)]
struct Frame {
    names: Names,
    next: usize,
    /// Length of the directory's own path within [`Walk::path`].
    path_length: usize,
    identity: (u64, u64),
}

impl Walk<'_> {
    /// Raw bytes of the path of the entry last given; `.` for the root.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        if self.path.is_empty() {
            b"."
        } else {
            &self.path
        }
    }

    /// The directory that holds the entry last given, and its name there (`.` for the root).
    #[must_use]
    pub fn place(&self) -> (BorrowedFd<'_>, &[u8]) {
        let name = match self.frames.last() {
            Some(frame) if frame.path_length == 0 => &self.path[..],
            Some(frame) => &self.path[frame.path_length + 1..],
            None => b".",
        };
        (self.descent.current(), name)
    }

    /// As [`Self::place`], the directory to be held open for longer, and the length of the name.
    pub(super) fn shared_place(&self) -> (Arc<OwnedFd>, usize) {
        let (_, name) = self.place();
        (Arc::clone(self.descent.shared()), name.len())
    }

    /// From here on regular files come as [`Step::File`] where their directory tells them apart.
    pub(super) fn leave_files_to_others(&mut self) {
        self.files = AskFiles::Elsewhere;
    }

    /// Goes on to the next entry; `None` at the end.
    pub fn step(&mut self) -> Option<Step> {
        if let Some(problem) = self.pending.take() {
            return Some(Step::Problem(problem));
        }
        match std::mem::replace(&mut self.state, State::Within) {
            State::Start => return Some(self.start()),
            State::Enter(status) => {
                if let Err(problem) = self.enter(&status) {
                    return Some(Step::Problem(problem));
                }
            }
            State::Within => {}
        }
        loop {
            let frame = self.frames.last_mut()?;
            if frame.next == frame.names.len() {
                if let Err(problem) = self.leave() {
                    return Some(Step::Problem(problem));
                }
                continue;
            }
            let (name, known) = frame.names.get(frame.next);
            frame.next += 1;
            self.path.truncate(frame.path_length);
            if frame.path_length > 0 {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(name);
            if self.tree.excluded_paths.contains(&self.path) {
                continue;
            }
            if known == Known::File && self.files == AskFiles::Elsewhere {
                return Some(Step::File);
            }
            let (directory, name) = self.place();
            match fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
                Ok(status) => {
                    if let Some(step) = self.met(status) {
                        return Some(step);
                    }
                }
                Err(errno) => {
                    let what = ProblemKind::refused_or_vanished(Access::Status, errno);
                    return Some(Step::Problem(self.problem(what)));
                }
            }
        }
    }

    fn start(&mut self) -> Step {
        match fstat(self.descent.current()) {
            Ok(status) => {
                self.state = State::Enter(status);
                Step::Entry(status)
            }
            Err(errno) => Step::Problem(self.problem(ProblemKind::refused(Access::Status, errno))),
        }
    }

    /// What an entry leads to; `None` when it is left out on purpose.
    fn met(&mut self, status: FileStat) -> Option<Step> {
        let identity = (status.st_dev, status.st_ino);
        match file_type(&status) {
            SFlag::S_IFSOCK => Some(Step::Problem(self.problem(ProblemKind::Socket))),
            SFlag::S_IFDIR => {
                if self.tree.excluded_inodes.contains(&identity) {
                    return None;
                }
                if self.frames.iter().any(|frame| frame.identity == identity) {
                    return Some(Step::Problem(self.problem(ProblemKind::DirectoryLoop)));
                }
                let same_device = self
                    .frames
                    .last()
                    .is_none_or(|frame| frame.identity.0 == identity.0);
                if same_device || self.tree.boundary == MountBoundary::Cross {
                    self.state = State::Enter(status);
                }
                Some(Step::Entry(status))
            }
            _ => Some(Step::Entry(status)),
        }
    }

    fn enter(&mut self, status: &FileStat) -> Result<(), Problem> {
        let identity = (status.st_dev, status.st_ino);
        let listed = match self.descent.at(&self.path) {
            Ok(directory) => match fstat(directory) {
                Ok(now) if (now.st_dev, now.st_ino) == identity => list_names(directory)
                    .map_err(|errno| ProblemKind::refused_or_vanished(Access::List, errno)),
                Ok(_) => Err(ProblemKind::DirectoryMoved),
                Err(errno) => Err(ProblemKind::refused(Access::Status, errno)),
            },
            Err(Errno::ENOTDIR | Errno::ELOOP) => Err(ProblemKind::DirectoryMoved),
            Err(errno) => Err(ProblemKind::refused_or_vanished(
                Access::OpenDirectory,
                errno,
            )),
        };
        match listed {
            Ok(names) => {
                self.frames.push(Frame {
                    names,
                    next: 0,
                    path_length: self.path.len(),
                    identity,
                });
                Ok(())
            }
            Err(what) => {
                let problem = self.problem(what);
                self.pending = self.return_to_top().err();
                Err(problem)
            }
        }
    }

    /// Goes up from an exhausted directory.
    fn leave(&mut self) -> Result<(), Problem> {
        self.frames.pop();
        self.return_to_top()
    }

    /// Makes the innermost directory of the walk the current one again. When its path leads
    /// somewhere else by now, the rest of its names is given up.
    fn return_to_top(&mut self) -> Result<(), Problem> {
        let Some(frame) = self.frames.last_mut() else {
            return Ok(());
        };
        let found = self
            .descent
            .at(&self.path[..frame.path_length])
            .and_then(fstat);
        if found.is_ok_and(|status| (status.st_dev, status.st_ino) == frame.identity) {
            return Ok(());
        }
        frame.next = frame.names.len();
        self.path.truncate(frame.path_length);
        Err(self.problem(ProblemKind::DirectoryMoved))
    }

    fn problem(&self, what: ProblemKind) -> Problem {
        Problem {
            path: self.path().to_vec(),
            what,
        }
    }
}

/// Names of one directory, sorted, in one allocation.
#[derive(Debug)]
struct Names {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    length: u16,
    known: Known,
}

/// What a directory says of a name's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    File,
    /// Not a file, or the file system does not say.
    Other,
}

impl Names {
    fn len(&self) -> usize {
        self.spans.len()
    }

    fn get(&self, index: usize) -> (&[u8], Known) {
        let span = self.spans[index];
        (span.of(&self.bytes), span.known)
    }
}

impl Span {
    fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start..self.start + usize::from(self.length)]
    }
}

fn list_names(directory: BorrowedFd<'_>) -> Result<Names, Errno> {
    let wanted = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let listing = open_without_access_time(directory, b".", wanted)?;
    let mut names = Names {
        bytes: Vec::new(),
        spans: Vec::new(),
    };
    for entry in Dir::from_fd(listing)?.iter() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let length = u16::try_from(name.len()).map_err(|_| Errno::ENAMETOOLONG)?;
        names.spans.push(Span {
            start: names.bytes.len(),
            length,
            known: match entry.file_type() {
                Some(Type::File) => Known::File,
                _ => Known::Other,
            },
        });
        names.bytes.extend_from_slice(name);
    }
    let bytes = &names.bytes;
    names
        .spans
        .sort_unstable_by(|a, b| a.of(bytes).cmp(b.of(bytes)));
    Ok(names)
}

/// Opens for reading without touching the access time where the kernel allows that (`O_NOATIME`
/// is for the owner and root only).
pub(super) fn open_without_access_time(
    directory: BorrowedFd<'_>,
    name: &[u8],
    flags: OFlag,
) -> Result<OwnedFd, Errno> {
    match openat(directory, name, flags | OFlag::O_NOATIME, Mode::empty()) {
        Err(Errno::EPERM) => openat(directory, name, flags, Mode::empty()),
        other => other,
    }
}

/// The type bits of a status.
pub(super) fn file_type(status: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits())
}

pub(super) fn root_error(path: &Path, errno: Errno) -> ArchiveError {
    ArchiveError::Root {
        path: path.to_owned(),
        source: io::Error::from(errno),
    }
}
