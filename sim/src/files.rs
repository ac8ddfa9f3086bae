//! Small files replaced whole.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use crate::store::Durability;

/// Replaces a file so that a reader finds the old or the new content, never a part.
pub(crate) fn write_atomically(
    path: &Path,
    content: &[u8],
    durability: Durability,
) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    let mut file = File::create(&fresh)?;
    file.write_all(content)?;
    if durability == Durability::Machine {
        file.sync_all()?;
    }
    fs::rename(&fresh, path)?;
    if durability == Durability::Machine
        && let Some(folder) = path.parent()
    {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
