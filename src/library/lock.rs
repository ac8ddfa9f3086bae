//! Who holds a drive or a changer: one lock file per serial number in one folder of the machine.
//!
//! The folder is not the state folder, because two states may share a robot. The lock is the
//! kernel's `flock`, so it ends with the process that held it; the text in the file only tells
//! the loser who won.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use tapeward_drivers::ssc::DriveModes;

use crate::error::{Context, Error, ErrorKind, Result};

/// Names the folder of lock files instead of the machine's own.
pub const FOLDER_VARIABLE: &str = "TAPEWARD_LOCK_DIR";

/// What the holder writes for others to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// What it is doing, in words.
    pub purpose: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The modes of the drive before, which it gets back; whoever comes after a holder that died
    /// gives them back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modes: Option<DriveModes>,
}

/// A device held by this process until dropped.
#[derive(Debug)]
pub struct DeviceLock {
    file: Flock<File>,
    holder: Holder,
}

/// The machine's folder for lock files.
#[must_use]
pub fn folder() -> PathBuf {
    std::env::var_os(FOLDER_VARIABLE).map_or_else(
        || {
            let shared = Path::new("/run/lock");
            if shared.is_dir() {
                shared.join("tapeward")
            } else {
                std::env::temp_dir().join("tapeward-locks")
            }
        },
        PathBuf::from,
    )
}

impl DeviceLock {
    /// Takes the lock of this name (a device's serial number), or says who has it; `device` is
    /// what messages call what is locked.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] naming holder, process and time when somebody else has it.
    pub fn acquire(
        folder: &Path,
        name: &str,
        device: &str,
        purpose: &str,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        prepare_folder(folder)?;
        let path = folder.join(format!("{}.lock", file_name(name)));
        let file = open_shared(&path)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut file) => {
                let mut text = String::new();
                let earlier = file
                    .read_to_string(&mut text)
                    .ok()
                    .and_then(|_| serde_json::from_str::<Holder>(&text).ok());
                let holder = Holder {
                    pid: std::process::id(),
                    purpose: purpose.to_owned(),
                    since: now,
                    // Not given back yet.
                    modes: earlier.and_then(|earlier| earlier.modes),
                };
                write_holder(&mut file, &holder)
                    .context(format!("cannot write {}", path.display()))?;
                Ok(Self { file, holder })
            }
            Err((mut file, nix::errno::Errno::EWOULDBLOCK)) => {
                let mut text = String::new();
                let holder = file
                    .read_to_string(&mut text)
                    .ok()
                    .and_then(|_| serde_json::from_str::<Holder>(&text).ok());
                Err(held(device, holder.as_ref()))
            }
            Err((_, errno)) => Err(Error::failed(format!("cannot lock {}", path.display()))
                .because(std::io::Error::from(errno))),
        }
    }
}

impl DeviceLock {
    /// The modes that the drive is still to get back.
    #[must_use]
    pub fn owed(&self) -> Option<DriveModes> {
        self.holder.modes
    }

    /// Notes the modes that the drive is to get back, for whoever comes after this process.
    pub fn owe(&mut self, modes: &DriveModes) -> Result<()> {
        self.holder.modes = Some(*modes);
        write_holder(&mut self.file, &self.holder).context("cannot write a lock file")
    }

    /// The drive has got its modes back.
    pub fn settle(&mut self) {
        self.holder.modes = None;
    }
}

impl Drop for DeviceLock {
    fn drop(&mut self) {
        // Who died or could not give the modes back says so.
        if self.holder.modes.is_some() {
            return;
        }
        // Only the text is cleared; the lock itself ends when the file is closed.
        if let Err(error) = self.file.set_len(0) {
            tracing::warn!(%error, "cannot clear a lock file");
        }
    }
}

fn held(device: &str, holder: Option<&Holder>) -> Error {
    let by = holder.map_or_else(
        || "another process".to_owned(),
        |holder| {
            format!(
                "process {} ({}) since {}",
                holder.pid,
                holder.purpose,
                holder.since.to_rfc3339_opts(SecondsFormat::Secs, true)
            )
        },
    );
    Error::new(ErrorKind::Locked, format!("{device} is held by {by}"))
        .hint("wait until it has finished, or stop that process")
}

/// Serial numbers may hold any ASCII: keep letters and digits, escape the rest.
fn file_name(serial: &str) -> String {
    use std::fmt::Write as _;
    let mut name = String::new();
    for byte in serial.trim().bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            name.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(name, "_{byte:02x}");
        }
    }
    name
}

/// Everybody on the machine may take locks, whoever made the folder first.
fn prepare_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o1777)
        .create(folder)
        // The mode given to mkdir is cut by the umask.
        .and_then(|()| std::fs::set_permissions(folder, PermissionsExt::from_mode(0o1777)));
    if folder.is_dir() {
        return Ok(());
    }
    made.context(format!(
        "cannot create the folder for device locks {}",
        folder.display()
    ))
}

fn open_shared(path: &Path) -> Result<File> {
    let open = |create: bool| {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(create)
            .mode(0o666)
            // The folder is everybody's: a link there could lead to any file.
            .custom_flags(libc::O_NOFOLLOW)
            .open(path)
    };
    // Opening first: kernels refuse O_CREAT on somebody else's file in a sticky folder.
    let file = open(false).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            let made = open(true)?;
            made.set_permissions(PermissionsExt::from_mode(0o666))?;
            Ok(made)
        }
        _ => Err(error),
    });
    match file {
        // Somebody made it between our two tries.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => open(false),
        other => other,
    }
    .context(format!("cannot open the lock file {}", path.display()))
}

fn write_holder(file: &mut File, holder: &Holder) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(serde_json::to_string(holder)?.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_who_holds_it_since_when() {
        let folder = tempfile::tempdir().unwrap();
        let take = |purpose: &str| {
            DeviceLock::acquire(
                folder.path(),
                "HU 123/4",
                "drive 1",
                purpose,
                DateTime::UNIX_EPOCH,
            )
        };
        let first = take("monthly job").unwrap();
        let error = take("restore").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        let message = error.to_string();
        assert!(message.contains("monthly job"), "{message}");
        assert!(message.contains("1970-01-01T00:00:00Z"), "{message}");
        assert!(
            message.contains(&std::process::id().to_string()),
            "{message}"
        );
        drop(first);
        take("restore").unwrap();
    }

    /// What the drive is owed outlives those who do not give it back, a look at the lock included.
    #[test]
    fn what_is_owed_is_handed_on_until_it_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let take = || {
            let now = DateTime::UNIX_EPOCH;
            DeviceLock::acquire(folder.path(), "HU1", "drive 1", "job", now).unwrap()
        };
        let modes = DriveModes {
            buffering: tapeward_drivers::ssc::Buffering::Buffered,
            block_length: 512,
            compression: Some(true),
            programmable_early_warning: None,
            write_protected: false,
        };
        let mut first = take();
        assert_eq!(first.owed(), None);
        first.owe(&modes).unwrap();
        drop(first);
        drop(take());
        let mut last = take();
        assert_eq!(last.owed(), Some(modes));
        last.settle();
        drop(last);
        assert_eq!(take().owed(), None);
    }

    #[test]
    fn a_link_in_the_common_folder_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let precious = folder.path().join("precious");
        std::fs::write(&precious, "data").unwrap();
        std::os::unix::fs::symlink(&precious, folder.path().join("HU123.lock")).unwrap();
        let now = DateTime::UNIX_EPOCH;
        DeviceLock::acquire(folder.path(), "HU123", "drive 1", "job", now).unwrap_err();
        assert_eq!(std::fs::read(&precious).unwrap(), b"data");
    }

    #[test]
    fn serials_with_odd_characters_make_different_files() {
        assert_ne!(file_name("a/b"), file_name("a_b"));
        assert!(!file_name("../x").contains('/'));
    }
}
