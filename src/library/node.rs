//! The kernel's own tape device of a drive, held open while the drive is ours, so that no other
//! program uses it meanwhile.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tapeward_drivers::linux::scan::{DeviceKind, NodeKind};

use super::attachment;
use super::connection::Unit;
use crate::config::DevicePath;
use crate::error::{Error, ErrorKind, Result};

/// Opens the non-rewinding node of a drive that is reached through its SCSI generic node, without
/// waiting for a cartridge. `None` where the kernel has none: `st` is not loaded, or the drive is
/// virtual.
///
/// # Errors
/// [`ErrorKind::Locked`] when another program has it open.
pub fn hold(unit: &Unit) -> Result<Option<File>> {
    let Unit::Attached(config) = unit else {
        return Ok(None);
    };
    let name = config.name().map_err(Error::usage)?;
    if attachment::path_of(config.path, name) == DevicePath::Kernel {
        // Whoever opens the drive by this path holds the node with it.
        return Ok(None);
    }
    let Some(node) = attachment::find(name, DeviceKind::TapeDrive)?.tape else {
        return Ok(None);
    };
    match open(&node) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) => Err(Error::new(
            ErrorKind::Locked,
            format!("{} is in use by another program", node.display()),
        )
        .hint("wait until it has finished; \"fuser\" shows which one it is")),
        Err(error) => Err(Error::failed(format!("cannot open {}", node.display())).because(error)),
    }
}

/// Opens a non-rewinding node without waiting for a cartridge.
pub(super) fn open(node: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(node)
}

/// The SCSI generic node of a changer or drive, given as that or as the kernel's own node for it
/// (`schN`, `nstN`) or as a link to one; `sys` is where sysfs is.
///
/// # Errors
/// A usage error for a rewinding node (`stN`), whose tape would be rewound with every close, and
/// for a node without a SCSI generic one.
pub fn generic_node(given: &Path, sys: &Path) -> Result<PathBuf> {
    attachment::refuse_rewinding(given)?;
    let device = std::fs::canonicalize(given).unwrap_or_else(|_| given.to_owned());
    let class = match NodeKind::of(given) {
        NodeKind::Tape { .. } => "scsi_tape",
        NodeKind::Changer => "scsi_changer",
        _ => return Ok(given.to_owned()),
    };
    let name = device.file_name().unwrap_or_default();
    let folder = sys.join("class").join(class).join(name);
    std::fs::read_dir(folder.join("device/scsi_generic"))
        .ok()
        .and_then(|mut names| Some(names.next()?.ok()?.file_name()))
        .map(|node| device.with_file_name(node))
        .ok_or_else(|| {
            Error::usage(format!("{} has no SCSI generic node", given.display()))
                .hint("load the kernel module sg; \"lsscsi -g\" shows which node is which")
        })
}
