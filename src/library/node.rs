//! The kernel's own tape device of a drive, held open while the drive is ours, so that no other
//! program uses it meanwhile.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;

use tapeward_drivers::linux::scan::DeviceKind;

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
