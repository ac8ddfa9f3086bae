//! A command's output in a file, before any of it goes to tape.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::stream::{ByteSource, Piece};
use crate::error::{Context, Error, Result};
use crate::files::{free_space, synchronise_folder};
use crate::id::SetId;

/// Bytes written between two looks at the room that is left.
const LOOK: u64 = 64 << 20;

/// The file of one set. It is there when the output is whole, and never before.
#[derive(Debug, Clone)]
pub struct Spool {
    path: PathBuf,
}

impl Spool {
    /// That of a set in a folder.
    #[must_use]
    pub fn of(folder: &Path, set: SetId) -> Self {
        Self {
            path: folder.join(format!("tapeward-{set}.spool")),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn partial(&self) -> PathBuf {
        self.path.with_extension("partial")
    }

    /// Its length, when it is whole.
    ///
    /// # Errors
    /// Nobody can tell.
    pub fn length(&self) -> Result<Option<u64>> {
        match std::fs::symlink_metadata(&self.path) {
            Ok(found) if found.is_file() => Ok(Some(found.len())),
            Ok(_) => Err(Error::failed(format!("{} is no file", self.path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context(format!("cannot look at {}", self.path.display())),
        }
    }

    /// Writes all of a source to the file, which only its owner can read, and leaves `reserve`
    /// bytes of the file system free. Nothing stays of a source that fails.
    ///
    /// # Errors
    /// The source fails; the file system is full.
    pub fn fill(
        &self,
        source: &mut dyn ByteSource,
        reserve: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<u64> {
        let partial = self.partial();
        let filled = self.fill_partial(&partial, source, reserve, progress);
        if filled.is_err()
            && let Err(error) = remove(&partial)
        {
            tracing::warn!(%error, path = %partial.display(), "cannot remove");
        }
        filled
    }

    fn fill_partial(
        &self,
        partial: &Path,
        source: &mut dyn ByteSource,
        reserve: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<u64> {
        let what = || format!("cannot write {}", partial.display());
        remove(partial).context(what())?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(partial)
            .context(what())?;
        let mut length = 0;
        let mut looked = 0;
        leave_room(reserve, partial)?;
        loop {
            let bytes = match source.next()? {
                Piece::Bytes(bytes) => bytes,
                Piece::Nothing(_) => continue,
                Piece::End => break,
            };
            if length - looked >= LOOK {
                leave_room(reserve, partial)?;
                looked = length;
            }
            file.write_all(&bytes).context(what())?;
            length += bytes.len() as u64;
            progress(length);
        }
        if length == 0 {
            return Err(Error::failed("nothing was written to its standard output"));
        }
        file.sync_all()
            .and_then(|()| std::fs::rename(partial, &self.path))
            .context(what())?;
        synchronise_folder(&self.path)?;
        Ok(length)
    }

    /// Nobody needs it any more.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self) -> Result<()> {
        for path in [self.partial(), self.path.clone()] {
            remove(&path).context(format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn leave_room(reserve: u64, path: &Path) -> Result<()> {
    let free = free_space(path.parent().unwrap_or(path))?;
    if free > reserve.saturating_add(LOOK) {
        return Ok(());
    }
    Err(Error::failed(format!(
        "the folder {} has {} MB free, and source.spool-reserve keeps {} MB",
        path.parent().unwrap_or(path).display(),
        free / 1_000_000,
        reserve / 1_000_000
    ))
    .hint("make room, spool to another folder, or define the set without --spool"))
}

/// A folder that files can be spooled to, as an absolute path without links.
///
/// # Errors
/// Usage: there is none, or it is closed to this user.
pub fn spool_folder(path: &Path) -> Result<PathBuf> {
    let named = |what: &str| format!("{what} the folder {}", path.display());
    let folder = std::fs::canonicalize(path)
        .map_err(|error| Error::usage(named("cannot find")).because(error))?;
    tempfile::tempfile_in(&folder)
        .map_err(|error| Error::usage(named("cannot write to")).because(error))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::source::FileBytes;

    struct Fails(u32);

    impl ByteSource for Fails {
        fn next(&mut self) -> Result<Piece> {
            self.0 += 1;
            if self.0 > 3 {
                return Err(Error::failed("ended with status 3"));
            }
            Ok(Piece::Bytes(bytes::Bytes::from_static(b"part")))
        }
    }

    #[test]
    fn a_spool_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::of(folder.path(), SetId::generate(chrono::Utc::now()));
        let empty = || std::fs::read_dir(folder.path()).unwrap().next().is_none();
        spool.fill(&mut Fails(0), 0, &mut |_| {}).unwrap_err();
        assert!(empty());
        assert_eq!(spool.length().unwrap(), None);

        let source = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(source.path(), vec![7; 3 << 20]).unwrap();
        // What a process that was killed left.
        std::fs::write(spool.partial(), b"old").unwrap();
        let mut bytes = FileBytes::open(source.path()).unwrap();
        assert_eq!(spool.fill(&mut bytes, 0, &mut |_| {}).unwrap(), 3 << 20);
        assert_eq!(spool.length().unwrap(), Some(3 << 20));
        assert_eq!(std::fs::read(spool.path()).unwrap(), vec![7; 3 << 20]);
        let mode = std::fs::metadata(spool.path())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        spool.remove().unwrap();
        spool.remove().unwrap();
        assert!(empty());
    }

    #[test]
    fn room_is_left_for_others() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::of(folder.path(), SetId::generate(chrono::Utc::now()));
        let error = spool
            .fill(&mut Fails(0), u64::MAX, &mut |_| {})
            .unwrap_err();
        assert!(error.to_string().contains("spool-reserve"), "{error}");
        assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
    }
}
