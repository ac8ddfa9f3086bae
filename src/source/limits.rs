//! How long sources may take.

use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

/// Sources and the commands around them: the section `[source]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SourceConfig {
    /// Seconds a command may write nothing, or go on after its output ended, before its set is
    /// given up.
    pub stall_seconds: u32,
    /// Seconds without anything from a command or folder after which drives are let go until more
    /// comes.
    pub release_seconds: u32,
    /// Seconds a command that runs before or after may take.
    pub command_seconds: u32,
    /// What a spooled set leaves free of the file system it is spooled to.
    pub spool_reserve: ByteSize,
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self {
            stall_seconds: 60 * 60,
            release_seconds: 5 * 60,
            command_seconds: 30 * 60,
            spool_reserve: ByteSize::gib(1),
        }
    }
}

impl SourceConfig {
    /// How long a command may write nothing.
    #[must_use]
    pub fn stall(&self) -> Duration {
        Duration::from_secs(self.stall_seconds.into())
    }

    /// How long drives wait for a source.
    #[must_use]
    pub fn release(&self) -> Duration {
        Duration::from_secs(self.release_seconds.into())
    }

    /// How long a command before or after may take.
    #[must_use]
    pub fn command(&self) -> Duration {
        Duration::from_secs(self.command_seconds.into())
    }
}
