//! Files that are whole or not there.

use std::io::Write;
use std::path::Path;

use crate::error::{Context, Result};

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
