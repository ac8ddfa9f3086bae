//! Going down a directory tree by file descriptors, one component at a time: no limit on the
//! length of a path, and no symbolic link is ever followed.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

/// Levels whose descriptors are kept open; deeper trees re-open their upper levels when needed.
const OPEN_LEVELS: usize = 48;

/// The components of a path below a root; the root itself, `.`, has none.
pub(super) fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|component| !component.is_empty() && *component != b".")
}

/// Splits a path into its directory (`.` at the top) and its last component.
pub(super) fn split_last(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b".", path),
    }
}

#[derive(Debug)]
struct Level {
    name: Vec<u8>,
    directory: Option<Arc<OwnedFd>>,
}

/// A root directory and the chain of directories below it that was last asked for.
#[derive(Debug)]
pub(super) struct Descent {
    root: Arc<OwnedFd>,
    levels: Vec<Level>,
}

impl Descent {
    pub(super) fn new(root: OwnedFd) -> Self {
        Self {
            root: Arc::new(root),
            levels: Vec::new(),
        }
    }

    /// The directory at `path` below the root, as an `O_PATH` descriptor.
    ///
    /// # Errors
    /// What the first component that cannot be opened gave; `ENOTDIR` or `ELOOP` for a symbolic
    /// link or anything else that is not a directory.
    pub(super) fn at(&mut self, path: &[u8]) -> Result<BorrowedFd<'_>, Errno> {
        let same = self
            .levels
            .iter()
            .zip(components(path))
            .take_while(|(level, component)| level.name == *component)
            .count();
        self.levels.truncate(same);
        self.levels
            .extend(components(path).skip(same).map(|component| Level {
                name: component.to_vec(),
                directory: None,
            }));
        let mut depth = self.levels.len();
        while depth > 0 && self.levels[depth - 1].directory.is_none() {
            depth -= 1;
        }
        for level in depth..self.levels.len() {
            match self.open(level) {
                Ok(directory) => self.levels[level].directory = Some(Arc::new(directory)),
                Err(errno) => {
                    self.levels.truncate(level);
                    return Err(errno);
                }
            }
            if level >= OPEN_LEVELS {
                self.levels[level - OPEN_LEVELS].directory = None;
            }
        }
        Ok(self.current())
    }

    /// The directory last asked for.
    pub(super) fn current(&self) -> BorrowedFd<'_> {
        self.shared().as_fd()
    }

    /// The directory last asked for, to be held open for longer.
    pub(super) fn shared(&self) -> &Arc<OwnedFd> {
        self.levels
            .last()
            .and_then(|level| level.directory.as_ref())
            .unwrap_or(&self.root)
    }

    /// Forgets every descriptor at and below `path`, after it was removed or replaced.
    pub(super) fn forget(&mut self, path: &[u8]) {
        let wanted = components(path).count();
        let same = self
            .levels
            .iter()
            .zip(components(path))
            .take_while(|(level, component)| level.name == *component)
            .count();
        if wanted > 0 && same == wanted {
            self.levels.truncate(wanted - 1);
        }
    }

    fn open(&self, level: usize) -> Result<OwnedFd, Errno> {
        let parent = match level.checked_sub(1) {
            Some(above) => self.levels[above].directory.as_ref(),
            None => None,
        }
        .unwrap_or(&self.root);
        openat(
            parent,
            self.levels[level].name.as_slice(),
            OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC,
            Mode::empty(),
        )
    }
}
