//! Files that are whole or not there.

use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use crate::error::{Context, Error, Result};

/// Writes a file under another name, synchronises it, gives it its name, synchronises the folder.
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<()> {
    let what = || format!("cannot write {}", path.display());
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let mut file = std::fs::File::create(&partial).context(what())?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&partial, path))
        .context(what())?;
    synchronise_folder(path)
}

/// Writes a file that only this user can read and that must not exist yet: whole and synchronised
/// before it has its name.
pub fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let cannot = |source: std::io::Error| {
        Error::failed(format!("cannot create {}", path.display())).because(source)
    };
    // Mode 0600 by the crate's promise.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(cannot)?;
    file.write_all(content)
        .and_then(|()| file.as_file().sync_all())
        .map_err(cannot)?;
    file.persist_noclobber(path)
        .map_err(|failed| cannot(failed.error))?;
    synchronise_folder(path)
}

/// Makes a folder, and those above it, that only this user can look into; one that is there stays
/// as it is.
pub fn create_private_folder(folder: &Path) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .context(format!("cannot create {}", folder.display()))
}

/// Makes the names in a file's folder durable.
pub fn synchronise_folder(path: &Path) -> Result<()> {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .context(format!("cannot synchronise {}", folder.display()))
}

/// Bytes an ordinary user can still write to the file system of a folder.
pub fn free_space(folder: &Path) -> Result<u64> {
    let space = nix::sys::statvfs::statvfs(folder)
        .context(format!("cannot ask for free space at {}", folder.display()))?;
    Ok(space.blocks_available() * space.fragment_size())
}
