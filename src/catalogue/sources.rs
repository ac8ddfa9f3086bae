//! What a definition's sets are read from, and the commands around it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::sql::Json;

/// What is backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// Everything below a folder.
    Folder(PathBuf),
    /// What a command writes to its standard output.
    Command(CommandSource),
    /// Folders of several systems and kinds, each a set of its own.
    Pattern(PatternSource),
}

/// A command whose output is a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandSource {
    /// The command.
    pub command: CommandLine,
    /// A folder its output is written to before any of it goes to tape; without one it goes there
    /// as it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spool: Option<PathBuf>,
}

/// How a command is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandLine {
    /// A program and its arguments.
    Argv(Vec<String>),
    /// A line for `sh -c`.
    Shell(String),
}

/// Folders found by their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatternSource {
    /// An absolute path with `{system}`, `{kind}` and `{date}`.
    pub pattern: String,
    /// Which dates.
    pub dates: DateChoice,
}

/// Which of several dates of one system and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateChoice {
    /// The newest one at or before the run.
    Newest,
    /// All of the run's month, and what came after the run of an earlier one.
    Month,
}

/// What is run around the reading of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commands {
    /// Before the source is read; if it fails, nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<CommandLine>,
    /// Whenever `before` was begun, whatever came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<CommandLine>,
    /// What all commands of the definition find in their environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<Variable>,
}

/// A variable of a command's environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value; without one that of the job's own environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Source {
    /// The folder, if it is one.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::Command(_) | Self::Pattern(_) => None,
        }
    }

    /// The column that tells what it is.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::Command(_) => "command",
            Self::Pattern(_) => "pattern",
        }
    }

    /// What its path does not tell.
    pub(super) fn detail(&self) -> Option<Json<Self>> {
        (!matches!(self, Self::Folder(_))).then(|| Json(self.clone()))
    }

    /// Its path, or what people read in the place of one.
    #[must_use]
    pub fn as_path(&self) -> PathBuf {
        match self {
            Self::Folder(path) => path.clone(),
            other => PathBuf::from(other.to_string()),
        }
    }
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        Self::Folder(path)
    }
}

impl From<&str> for Source {
    fn from(path: &str) -> Self {
        Self::Folder(path.into())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Command(source) => source.command.fmt(f),
            Self::Pattern(source) => f.pad(&source.pattern),
        }
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // What has a NUL in it is refused when it is defined.
            Self::Argv(words) => f.pad(
                &shlex::try_join(words.iter().map(String::as_str))
                    .unwrap_or_else(|_| words.join(" ")),
            ),
            Self::Shell(line) => f.pad(line),
        }
    }
}
