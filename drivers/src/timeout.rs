//! How long a command may take before its outcome counts as unknown, per class of command.
//!
//! All of them are generous: a command that is given up while the device still works on it is
//! worse than a long wait.

use std::time::Duration;

/// Commands answered from memory: TEST UNIT READY, INQUIRY, MODE and LOG SENSE.
pub const SHORT: Duration = Duration::from_secs(60);

/// MODE SELECT and MAM commands, which may wait for buffered data to be written.
pub const SETTING: Duration = Duration::from_secs(20 * 60);

/// READ, WRITE, WRITE FILEMARKS: retries over a bad stretch of tape included.
pub const BLOCK: Duration = Duration::from_secs(30 * 60);

/// SPACE, LOCATE and REWIND: the whole length of the tape and recovery.
pub const POSITIONING: Duration = Duration::from_secs(60 * 60);

/// LOAD UNLOAD: the first load of an LTO-9 cartridge calibrates for up to two hours.
pub const LOAD: Duration = Duration::from_secs(150 * 60);

/// ERASE with LONG: the whole tape at native speed.
pub const LONG_ERASE: Duration = Duration::from_secs(24 * 60 * 60);

/// VERIFY and FORMAT MEDIUM: the whole tape at native speed, with retries.
pub const WHOLE_TAPE: Duration = Duration::from_secs(24 * 60 * 60);

/// READ ELEMENT STATUS: from memory, or after a door was opened from a scan.
pub const ELEMENT_STATUS: Duration = Duration::from_secs(15 * 60);

/// INITIALIZE ELEMENT STATUS: a scan of every element of a large library.
pub const SCAN: Duration = Duration::from_secs(60 * 60);

/// MOVE MEDIUM: robot, pass-through and the drive's own unload.
pub const MOVE: Duration = Duration::from_secs(20 * 60);
