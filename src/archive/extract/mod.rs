//! Putting members back below a target directory, and never anywhere else.
//!
//! Every path is walked component by component through directory descriptors that refuse symbolic
//! links. Whatever is not a directory is made under a temporary name, complete with its metadata,
//! and then renamed: a name in the target is either absent or whole. Temporary names begin with
//! `.tapeward-` and end in `.partial`; only a killed process leaves one behind.

mod any_order;
mod content;
mod metadata;
mod options;
mod outcome;
mod parents;
mod place;

pub use options::{DeviceNodes, Existing, ExtractOptions, Ownership, PrivilegedModes};
pub use outcome::{Finished, Outcome};
pub use parents::Parents;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, SFlag, makedev, mkdirat, mknodat};
use nix::unistd::symlinkat;

use self::content::write_content;
use self::metadata::{Metadata, apply_to_file, apply_to_node};
use self::place::{
    Temporary, exists, is_of_time, is_same_file, link_name, publish, remove, safe_path, set_aside,
};
use super::descent::{Descent, components, split_last};
use super::gather::Place;
use super::header::MemberHeader;
use super::member::MemberKind;
use super::order::{is_below, walk_order};
use super::problem::{Access, ArchiveError, DeviceRefusal, Problem, ProblemKind};
use super::reader::ArchiveReader;
use super::scan::root_error;

/// Restores members below a target directory. [`Extractor::finish`] must be called at the end: it
/// gives the last directories their modes and times.
#[derive(Debug)]
pub struct Extractor {
    target: PathBuf,
    root: OwnedFd,
    descent: Descent,
    options: ExtractOptions,
    metadata: Metadata,
    /// Directories whose own metadata waits until all in them is done, outermost first.
    open_directories: Vec<MemberHeader>,
    /// Hard links whose data is still to be supplied.
    waiting: HashSet<Vec<u8>>,
    /// Directories passed by but kept open for those.
    kept_open: Vec<MemberHeader>,
    /// Paths that are not there as the archive has them: no hard link may lead to them.
    absent: HashSet<Vec<u8>>,
    /// Path restored last, to notice when the stream steps back.
    previous: Option<Vec<u8>>,
    /// Paths this run restored from a member that the stream replaces by a later one.
    superseded: HashSet<Vec<u8>>,
    order: MemberOrder,
    /// Directories made before their own member came.
    parents: Arc<Parents>,
    /// How many things that were there got another name.
    renamed: u64,
}

/// In which order members come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MemberOrder {
    /// That of the stream.
    Stream,
    /// Any; directories and hard links last.
    Any,
}

impl Extractor {
    /// Restores below `target`, which is made if it does not exist.
    ///
    /// # Errors
    /// [`ArchiveError::Root`] when the target cannot be made or opened.
    pub fn new(target: &Path, options: ExtractOptions) -> Result<Self, ArchiveError> {
        Self::with_order(target, options, MemberOrder::Stream)
    }

    /// As [`Extractor::new`] for members that come in any order, through several extractors if
    /// need be: a directory is only made, and gets its metadata by [`Extractor::close_directory`]
    /// when nothing more comes for it; a hard link is extracted when its data is there, and is made
    /// only to something with its own modification time. Memory does not grow with the members.
    ///
    /// # Errors
    /// As [`Extractor::new`].
    pub fn in_any_order(target: &Path, options: ExtractOptions) -> Result<Self, ArchiveError> {
        Self::with_order(target, options, MemberOrder::Any)
    }

    fn with_order(
        target: &Path,
        options: ExtractOptions,
        order: MemberOrder,
    ) -> Result<Self, ArchiveError> {
        std::fs::create_dir_all(target).map_err(|source| ArchiveError::Root {
            path: target.to_owned(),
            source,
        })?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = open(target, flags, Mode::empty()).map_err(|errno| root_error(target, errno))?;
        let descent = Descent::new(root.try_clone().map_err(|source| ArchiveError::Root {
            path: target.to_owned(),
            source,
        })?);
        Ok(Self {
            target: target.to_owned(),
            root,
            descent,
            options,
            metadata: Metadata::new(options.ownership, options.privileged),
            open_directories: Vec::new(),
            waiting: HashSet::new(),
            kept_open: Vec::new(),
            absent: HashSet::new(),
            previous: None,
            superseded: HashSet::new(),
            order,
            parents: Arc::default(),
            renamed: 0,
        })
    }

    /// Shares with other extractors, and with later processes, which directories were made before
    /// their own member came.
    #[must_use]
    pub fn with_parents(mut self, parents: Arc<Parents>) -> Self {
        self.parents = parents;
        self
    }

    /// How many things that were there got another name ([`Existing::Rename`]).
    #[must_use]
    pub fn renamed(&self) -> u64 {
        self.renamed
    }

    /// Gives a directory its metadata, after everything in it ([`Extractor::in_any_order`]).
    pub fn close_directory(&mut self, header: &MemberHeader, problems: &mut dyn FnMut(Problem)) {
        self.finish_directory(header, problems);
    }

    /// Restores the member that `reader` stands at, whose header is `header`, at `path`: its own
    /// path, or that of a hard link to it whose data it carries. Members come in the order of the
    /// stream, so that a directory is done when the next member lies outside it; only data asked
    /// for by [`Outcome::NeedsData`] may come at any later time.
    ///
    /// A hard link is made to `header.link` in the target. A caller who restores the data under
    /// another path puts that one there; one who does not restore it in the same run supplies the
    /// data at once, since something else may stand there. With [`Existing::Keep`] a link is made
    /// to what stands there already only if that has the link's modification time.
    ///
    /// With `digest`, a regular file is put in its place only if its content has that BLAKE3.
    ///
    /// # Errors
    /// [`ArchiveError::Read`] and [`ArchiveError::Malformed`] from the reader. What the target's
    /// file system refuses is a [`Problem`].
    pub fn extract<R: Read>(
        &mut self,
        path: &[u8],
        header: &MemberHeader,
        reader: &mut ArchiveReader<R>,
        digest: Option<[u8; 32]>,
        problems: &mut dyn FnMut(Problem),
    ) -> Result<Outcome, ArchiveError> {
        let Some(path) = safe_path(path, header.kind) else {
            problems(Problem {
                path: path.to_vec(),
                what: ProblemKind::UnsafeName,
            });
            return Ok(Outcome::NotRestored);
        };
        if self.order == MemberOrder::Stream {
            self.step_to(&path, problems);
        }
        let result = self.place_member(&path, header, reader, digest, problems);
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(Stop::Archive(error)) => {
                problems(Problem {
                    path,
                    what: ProblemKind::Truncated,
                });
                return Err(error);
            }
            Err(Stop::Member(what)) => {
                problems(Problem {
                    path: path.clone(),
                    what,
                });
                Outcome::NotRestored
            }
        };
        if self.order == MemberOrder::Any {
            return Ok(outcome);
        }
        if matches!(outcome, Outcome::NeedsData { .. }) {
            self.waiting.insert(path.clone());
        } else {
            self.waiting.remove(&path);
        }
        if outcome == Outcome::Restored {
            self.absent.remove(&path);
            // Data that goes elsewhere says nothing about where the stream is.
            self.previous = (path == header.path).then_some(path);
        } else {
            if outcome != Outcome::Kept {
                self.absent.insert(path);
            }
            self.previous = None;
        }
        Ok(outcome)
    }

    /// Finishes the directories that are still open.
    pub fn finish(mut self, problems: &mut dyn FnMut(Problem)) -> Finished {
        while let Some(header) = self.open_directories.pop() {
            self.finish_directory(&header, problems);
        }
        // What is inside comes first: its directory may be closed to us afterwards.
        let mut kept_open = std::mem::take(&mut self.kept_open);
        kept_open.sort_unstable_by(|a, b| walk_order(&b.path, &a.path));
        for header in &kept_open {
            self.finish_directory(header, problems);
        }
        Finished {
            target: self.target,
            root: self.root,
        }
    }

    /// Finishes directories that `path` is not in, and notices when the stream steps back: then
    /// the member before was cut between two sessions and its whole copy is still to come.
    fn step_to(&mut self, path: &[u8], problems: &mut dyn FnMut(Problem)) {
        if let Some(previous) = self.previous.take()
            && walk_order(path, &previous).is_le()
        {
            self.superseded.insert(previous);
        }
        // Data asked for earlier may lie before what is open: that closes nothing.
        let passed = |directory: &MemberHeader| {
            !is_below(path, &directory.path) && walk_order(path, &directory.path).is_gt()
        };
        while let Some(header) = self.open_directories.pop_if(|directory| passed(directory)) {
            let waited_for = |path: &Vec<u8>| is_below(path, &header.path);
            if self.waiting.iter().any(waited_for) {
                self.kept_open.push(header);
            } else {
                self.finish_directory(&header, problems);
            }
        }
    }

    fn place_member<R: Read>(
        &mut self,
        path: &[u8],
        header: &MemberHeader,
        reader: &mut ArchiveReader<R>,
        digest: Option<[u8; 32]>,
        problems: &mut dyn FnMut(Problem),
    ) -> Result<Outcome, Stop> {
        if header.kind == MemberKind::Directory {
            return self.place_directory(path, header);
        }
        let (directory, name) = split_last(path);
        let parent = self.parent(directory)?;
        let place = Place {
            path,
            directory: parent.as_fd(),
            name,
        };
        let existing = if self.superseded.remove(path) {
            Existing::Replace
        } else {
            self.options.existing
        };
        let may_stay = matches!(existing, Existing::Refuse | Existing::Keep);
        if may_stay && exists(place)? {
            return left(existing);
        }
        let made = match header.kind {
            MemberKind::HardLink => return self.place_link(place, header, existing),
            MemberKind::File => self.make_file(place, header, reader, digest, problems)?,
            _ => self.make_node(place, header, problems)?,
        };
        if publish(place, made, existing, &mut self.renamed)? {
            self.descent.forget(path);
            return Ok(Outcome::Restored);
        }
        left(existing)
    }

    /// Opens a directory, making what is missing of it for the restoring user alone.
    fn parent(&mut self, directory: &[u8]) -> Result<OwnedFd, Stop> {
        let refused = |errno| ProblemKind::refused(Access::OpenDirectory, errno);
        if matches!(self.descent.at(directory), Err(Errno::ENOENT)) {
            let mut path = Vec::with_capacity(directory.len());
            for component in components(directory) {
                let above = self.descent.at(&path).map_err(refused)?;
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(component);
                let place = Place {
                    path: &path,
                    directory: above,
                    name: component,
                };
                let make = || mkdirat(above, component, Mode::S_IRWXU);
                let is_there = || exists(place).unwrap_or(false);
                self.parents.make(&path, is_there, make)?;
            }
        }
        let opened = self.descent.at(directory).map_err(refused)?;
        let owned = opened.try_clone_to_owned();
        owned.map_err(|source| {
            ProblemKind::Refused {
                access: Access::OpenDirectory,
                source,
            }
            .into()
        })
    }

    fn place_directory(&mut self, path: &[u8], header: &MemberHeader) -> Result<Outcome, Stop> {
        let mut pending = header.clone();
        pending.path = path.to_vec();
        if path == b"." {
            if self.options.existing != Existing::Keep {
                self.leave_open(pending);
            } else if self.order == MemberOrder::Any {
                return Ok(Outcome::Kept);
            }
            return Ok(Outcome::Restored);
        }
        let (directory, name) = split_last(path);
        let parent = self.parent(directory)?;
        let place = Place {
            path,
            directory: parent.as_fd(),
            name,
        };
        let create = |errno| Stop::from(ProblemKind::refused(Access::Create, errno));
        match mkdirat(&parent, name, Mode::S_IRWXU) {
            Ok(()) => {}
            Err(Errno::EEXIST) => match self.descent.at(path) {
                Ok(_) if self.options.existing == Existing::Keep && !self.parents.made(path) => {
                    return Ok(Outcome::Kept);
                }
                Ok(existing) => metadata::make_passable(existing),
                Err(_)
                    if self.options.existing == Existing::Replace
                        || self.superseded.remove(path) =>
                {
                    remove(place)?;
                    mkdirat(&parent, name, Mode::S_IRWXU).map_err(create)?;
                }
                Err(_) if self.options.existing == Existing::Rename => {
                    set_aside(place)?;
                    self.renamed += 1;
                    mkdirat(&parent, name, Mode::S_IRWXU).map_err(create)?;
                }
                Err(_) => return left(self.options.existing),
            },
            Err(errno) => return Err(create(errno)),
        }
        self.leave_open(pending);
        Ok(Outcome::Restored)
    }

    /// Its own metadata comes when all in it is done.
    fn leave_open(&mut self, directory: MemberHeader) {
        if self.order == MemberOrder::Stream {
            self.open_directories.push(directory);
        }
    }

    fn finish_directory(&mut self, header: &MemberHeader, problems: &mut dyn FnMut(Problem)) {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let opened = self
            .descent
            .at(&header.path)
            .and_then(|directory| openat(directory, ".", flags, Mode::empty()));
        let mut report = |what| {
            problems(Problem {
                path: header.path.clone(),
                what,
            });
        };
        match opened {
            Ok(directory) => {
                apply_to_file(
                    &mut self.metadata,
                    &File::from(directory),
                    header,
                    &mut report,
                );
            }
            Err(errno) => report(ProblemKind::refused(Access::OpenDirectory, errno)),
        }
    }

    fn place_link(
        &mut self,
        place: Place<'_>,
        header: &MemberHeader,
        existing: Existing,
    ) -> Result<Outcome, Stop> {
        let needs_data = Outcome::NeedsData {
            first: header.link.clone(),
        };
        let Some(restored) = safe_path(&header.link, MemberKind::File) else {
            return Err(ProblemKind::UnsafeName.into());
        };
        if self.absent.contains(&restored) || restored == place.path {
            return Ok(needs_data);
        }
        let (directory, name) = split_last(&restored);
        let of_time = existing == Existing::Keep || self.order == MemberOrder::Any;
        let Ok(first) = self.descent.at(directory) else {
            return Ok(needs_data);
        };
        if of_time && !is_of_time(first, name, header.modified) {
            return Ok(needs_data);
        }
        if self.order == MemberOrder::Any && is_same_file(first, name, place) {
            return Ok(Outcome::Restored);
        }
        match existing {
            Existing::Replace if exists(place)? => {
                remove(place)?;
                self.descent.forget(place.path);
            }
            Existing::Rename if exists(place)? => {
                set_aside(place)?;
                self.renamed += 1;
                self.descent.forget(place.path);
            }
            _ => {}
        }
        let Ok(directory) = self.descent.at(directory) else {
            return Ok(needs_data);
        };
        match link_name(directory, name, place) {
            Ok(()) => Ok(Outcome::Restored),
            Err(Errno::EEXIST) => left(existing),
            // Not there, not linkable, or too many names: the data can still be restored.
            Err(
                Errno::ENOENT | Errno::EPERM | Errno::EOPNOTSUPP | Errno::EMLINK | Errno::EXDEV,
            ) => Ok(needs_data),
            Err(errno) => Err(ProblemKind::refused(Access::Create, errno).into()),
        }
    }

    fn make_file<'p, R: Read>(
        &mut self,
        place: Place<'p>,
        header: &MemberHeader,
        reader: &mut ArchiveReader<R>,
        digest: Option<[u8; 32]>,
        problems: &mut dyn FnMut(Problem),
    ) -> Result<Temporary<'p>, Stop> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        let (temporary, file) = Temporary::make(place.directory, |directory, name| {
            openat(directory, name, flags, mode).map(File::from)
        })?;
        write_content(&file, header, reader, digest)?;
        apply_to_file(&mut self.metadata, &file, header, &mut |what| {
            problems(Problem {
                path: place.path.to_vec(),
                what,
            });
        });
        Ok(temporary)
    }

    fn make_node<'p>(
        &mut self,
        place: Place<'p>,
        header: &MemberHeader,
        problems: &mut dyn FnMut(Problem),
    ) -> Result<Temporary<'p>, Stop> {
        let device = matches!(
            header.kind,
            MemberKind::CharacterDevice | MemberKind::BlockDevice
        );
        if device && self.options.devices == DeviceNodes::Skip {
            let reason = DeviceRefusal::NotWanted;
            return Err(ProblemKind::DeviceNotMade { reason }.into());
        }
        let node = |flag: SFlag| {
            let number = makedev(header.device.major.into(), header.device.minor.into());
            let number = if device { number } else { 0 };
            move |directory: BorrowedFd<'_>, name: &[u8]| {
                mknodat(directory, name, flag, Mode::S_IRUSR | Mode::S_IWUSR, number)
            }
        };
        let made = match header.kind {
            MemberKind::Symlink => Temporary::make(place.directory, |directory, name| {
                symlinkat(OsStr::from_bytes(&header.link), directory, name)
            }),
            MemberKind::CharacterDevice => Temporary::make(place.directory, node(SFlag::S_IFCHR)),
            MemberKind::BlockDevice => Temporary::make(place.directory, node(SFlag::S_IFBLK)),
            _ => Temporary::make(place.directory, node(SFlag::S_IFIFO)),
        };
        let (temporary, ()) = match made {
            Err(ProblemKind::Refused { source, .. }) if device => {
                let reason = DeviceRefusal::Refused(source);
                return Err(ProblemKind::DeviceNotMade { reason }.into());
            }
            other => other?,
        };
        let named = Place {
            path: place.path,
            directory: place.directory,
            name: temporary.name(),
        };
        apply_to_node(&mut self.metadata, named, header, &mut |what| {
            problems(Problem {
                path: place.path.to_vec(),
                what,
            });
        });
        Ok(temporary)
    }
}

/// Whether a path stays below the directory it is taken from.
#[must_use]
pub fn is_safe(path: &[u8]) -> bool {
    safe_path(path, MemberKind::Directory).is_some()
}

/// Why a member was not put in its place.
enum Stop {
    Archive(ArchiveError),
    Member(ProblemKind),
}

impl From<ProblemKind> for Stop {
    fn from(what: ProblemKind) -> Self {
        Self::Member(what)
    }
}

/// The answer when a name exists and is not to be replaced.
fn left(existing: Existing) -> Result<Outcome, Stop> {
    match existing {
        Existing::Keep => Ok(Outcome::Kept),
        Existing::Refuse | Existing::Replace | Existing::Rename => Err(ProblemKind::Exists.into()),
    }
}
