//! The kernel's own tape device of a drive, held open while the drive is ours, so that no other
//! program uses it meanwhile.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::connection::Unit;
use crate::error::{Error, ErrorKind, Result};

/// Opens the non-rewinding node of the drive behind a SCSI generic node, without waiting for a
/// cartridge. `None` where the kernel has none: `st` is not loaded, or the drive is virtual.
///
/// # Errors
/// [`ErrorKind::Locked`] when another program has it open.
pub fn hold(unit: &Unit) -> Result<Option<File>> {
    let Unit::Node(config) = unit else {
        return Ok(None);
    };
    let Some(node) = tape_node(&config.device, Path::new("/sys/class/scsi_generic")) else {
        return Ok(None);
    };
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(&node);
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => Err(Error::new(
            ErrorKind::Locked,
            format!("{} is in use by another program", node.display()),
        )
        .hint("wait until it has finished; \"fuser\" shows which one it is")),
        Err(error) => Err(Error::failed(format!("cannot open {}", node.display())).because(error)),
    }
}

/// The SCSI generic node of a changer or drive, given as that or as the kernel's own node for it
/// (`schN`, `nstN`) or as a link to one; `sys` is where sysfs is.
///
/// # Errors
/// A usage error for a rewinding node (`stN`), whose tape would be rewound with every close, and
/// for a node without a SCSI generic one.
pub fn generic_node(given: &Path, sys: &Path) -> Result<PathBuf> {
    let device = std::fs::canonicalize(given).unwrap_or_else(|_| given.to_owned());
    let name = device.file_name().unwrap_or_default().to_string_lossy();
    let numbered = |prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    if numbered("st") {
        let other = device.with_file_name(format!("n{name}"));
        return Err(Error::usage(format!(
            "{} rewinds the tape when it is closed and cannot be written through",
            given.display()
        ))
        .hint(format!("use {}", other.display())));
    }
    let class = if numbered("nst") {
        "scsi_tape"
    } else if numbered("sch") {
        "scsi_changer"
    } else {
        return Ok(given.to_owned());
    };
    let folder = sys.join("class").join(class).join(&*name);
    std::fs::read_dir(folder.join("device/scsi_generic"))
        .ok()
        .and_then(|mut names| Some(names.next()?.ok()?.file_name()))
        .map(|node| device.with_file_name(node))
        .ok_or_else(|| {
            Error::usage(format!("{} has no SCSI generic node", given.display()))
                .hint("load the kernel module sg; \"lsscsi -g\" shows which node is which")
        })
}

/// `/dev/nstN` for `/dev/sgM`, from sysfs.
fn tape_node(generic: &Path, class: &Path) -> Option<PathBuf> {
    let device = std::fs::canonicalize(generic).ok()?;
    let folder = class.join(device.file_name()?).join("device/scsi_tape");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        // nst0, not its variants nst0l, nst0m, nst0a.
        .filter(|name| {
            name.strip_prefix("nst")
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
        })
        .collect();
    names.sort();
    names.first().map(|name| Path::new("/dev").join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_non_rewinding_node_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let generic = folder.path().join("sg7");
        std::fs::write(&generic, "").unwrap();
        let class = folder.path().join("class");
        for name in ["nst3a", "nst3", "st3", "nst3l"] {
            std::fs::create_dir_all(class.join("sg7/device/scsi_tape").join(name)).unwrap();
        }
        assert_eq!(
            tape_node(&generic, &class),
            Some(PathBuf::from("/dev/nst3"))
        );
        assert_eq!(tape_node(&folder.path().join("sg8"), &class), None);
    }
}
