//! How members are put back.

use serde::{Deserialize, Serialize};

/// What to do about a name that exists in the target. Directories are entered in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Existing {
    /// Leave it and report a problem.
    Refuse,
    /// Replace it. A directory is replaced only if it is empty.
    Replace,
    /// Leave it, metadata of directories included, and say nothing.
    Keep,
    /// Give it another name first: `.kept-1`, `.kept-2` ... is added to it.
    Rename,
}

/// Whose restored files become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ownership {
    /// By the numbers in the archive.
    Numbers,
    /// By the names in the archive where this host knows them, else by the numbers.
    Names,
    /// The restoring user's.
    Mine,
}

/// Whether device nodes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceNodes {
    /// Make them (takes root).
    Make,
    /// Leave them out and report each.
    Skip,
}

/// Whether what gives a program more rights than whoever starts it is restored: the set-user-ID and
/// set-group-ID bits of what is not a directory, and file capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrivilegedModes {
    /// As the archive has them.
    Restore,
    /// Leave them out and report each.
    LeaveOut,
}

/// How to restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ExtractOptions {
    /// Names that exist.
    pub existing: Existing,
    /// Owners and groups.
    pub ownership: Ownership,
    /// Device nodes.
    pub devices: DeviceNodes,
    /// Set-ID bits and file capabilities.
    pub privileged: PrivilegedModes,
}

impl ExtractOptions {
    /// Owners by number, and nothing that an archive of somebody else could do harm with: no device
    /// nodes, no set-ID bits, no file capabilities. Everyone gets a problem for each thing that is
    /// not kept.
    #[must_use]
    pub fn new(existing: Existing) -> Self {
        Self {
            existing,
            ownership: Ownership::Numbers,
            devices: DeviceNodes::Skip,
            privileged: PrivilegedModes::LeaveOut,
        }
    }

    /// As [`ExtractOptions::new`] with device nodes, set-ID bits and file capabilities.
    #[must_use]
    pub fn with_everything(existing: Existing) -> Self {
        Self {
            devices: DeviceNodes::Make,
            privileged: PrivilegedModes::Restore,
            ..Self::new(existing)
        }
    }
}
