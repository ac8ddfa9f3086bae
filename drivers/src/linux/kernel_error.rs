//! What the kernel's own drivers say went wrong: an error number.

use nix::errno::Errno;

use crate::error::ScsiError;
use crate::sense::SenseClass;
use crate::transport::TransportError;

/// The error of an ioctl or system call; a class that is known better goes before the one the
/// error number means by itself.
pub(super) fn kernel_error(
    path: &str,
    operation: &'static str,
    errno: Errno,
    better: Option<SenseClass>,
) -> ScsiError {
    if matches!(errno, Errno::ENODEV | Errno::ENXIO) {
        return ScsiError::Transport(TransportError::Gone {
            path: path.to_owned(),
        });
    }
    ScsiError::Kernel {
        operation,
        path: path.to_owned(),
        class: better.or_else(|| class(errno)),
        source: errno.into(),
    }
}

/// What an error number means whichever driver gives it. `ch` translates sense data into the
/// numbers of the second half (drivers/scsi/ch.c of Linux).
fn class(errno: Errno) -> Option<SenseClass> {
    Some(match errno {
        Errno::ENOMEDIUM => SenseClass::NotReadyNoMedium,
        Errno::EBUSY => SenseClass::NotReadyTransient,
        Errno::ENOSPC => SenseClass::VolumeOverflow,
        Errno::EROFS | Errno::EACCES => SenseClass::WriteProtected,
        Errno::EINVAL | Errno::EOVERFLOW => SenseClass::IllegalRequest,
        Errno::EBADSLT => SenseClass::InvalidElement,
        Errno::EXFULL => SenseClass::DestinationFull,
        Errno::EBADE => SenseClass::SourceEmpty,
        Errno::EBADRQC | Errno::ENOSYS | Errno::ENOTTY => SenseClass::Unsupported,
        _ => return None,
    })
}
