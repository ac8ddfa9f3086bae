//! What can go wrong with the record, and what to do about it.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use super::volumes::ContentState;

/// What a row stands for, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Noun {
    /// A physical cartridge.
    Cartridge,
    /// A labelled life of a cartridge.
    Volume,
    /// A tape file on a volume.
    TapeFile,
    /// A set definition.
    SetDefinition,
    /// A backup set.
    BackupSet,
    /// A copy of a backup set.
    SetCopy,
    /// A segment of a backup set.
    Segment,
    /// A segment as written on one volume.
    SegmentCopy,
    /// A run of a job.
    Run,
    /// A step of a run.
    Step,
    /// A key.
    Key,
    /// A lease.
    Lease,
    /// A library.
    Library,
    /// A re-copy task.
    Task,
    /// Something in custody that is no cartridge.
    Thing,
    /// Anything in custody.
    Item,
    /// A person.
    Person,
    /// A movement.
    Movement,
    /// A courier run.
    CourierRun,
    /// An exception.
    Exception,
    /// A count.
    Count,
    /// A disposal.
    Disposal,
    /// A task at a scanning station.
    ScanSession,
}

impl fmt::Display for Noun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cartridge => "cartridge",
            Self::Volume => "volume",
            Self::TapeFile => "tape file",
            Self::SetDefinition => "set definition",
            Self::BackupSet => "backup set",
            Self::SetCopy => "copy of a set",
            Self::Segment => "segment",
            Self::SegmentCopy => "segment copy",
            Self::Run => "run",
            Self::Step => "step",
            Self::Key => "key",
            Self::Lease => "lease",
            Self::Library => "library",
            Self::Task => "re-copy task",
            Self::Thing => "thing",
            Self::Item => "item",
            Self::Person => "person",
            Self::Movement => "movement",
            Self::CourierRun => "courier run",
            Self::Exception => "exception",
            Self::Count => "count",
            Self::Disposal => "disposal",
            Self::ScanSession => "scan session",
        })
    }
}

/// Which rule of the schema refused a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConstraintKind {
    /// Something that must be unique is there already.
    Unique,
    /// Something refers to what does not exist, or is referred to.
    ForeignKey,
    /// A value outside its domain.
    Check,
    /// A value is missing.
    NotNull,
    /// An append-only table was to be changed.
    AppendOnly,
    /// Any other.
    Other,
}

/// An error of the catalogue. Nothing was changed: the transaction it happened in is undone.
#[derive(Debug, Error)]
pub enum CatalogueError {
    /// The database cannot be opened or made.
    #[error("cannot open the catalogue {}: {source}", path.display())]
    Open {
        /// Of the database.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The schema is of a later program.
    #[error(
        "the catalogue {} has schema version {found}, this program knows {known}: use the newer \
         program that made it", path.display()
    )]
    Newer {
        /// Of the database.
        path: PathBuf,
        /// Schema version of the database.
        found: i64,
        /// Newest schema version known here.
        known: usize,
    },
    /// SQLITE_FULL or ENOSPC.
    #[error("the disk that holds the catalogue {} is full: free some space and run it again", path.display())]
    DiskFull {
        /// Of the database.
        path: PathBuf,
    },
    /// Another process holds the catalogue longer than the busy timeout.
    #[error("another process keeps writing to the catalogue {}: try again when it is done", path.display())]
    Busy {
        /// Of the database.
        path: PathBuf,
    },
    /// SQLITE_CORRUPT or SQLITE_NOTADB.
    #[error(
        "the catalogue {} is damaged ({why}): keep it aside and restore the newest snapshot", path.display()
    )]
    Corrupt {
        /// Of the database.
        path: PathBuf,
        /// SQLite's words.
        why: String,
    },
    /// A rule of the schema refused it.
    #[error("the catalogue refuses the change: {what}")]
    Constraint {
        /// Which kind of rule.
        kind: ConstraintKind,
        /// SQLite's words, naming table and column or constraint.
        what: String,
    },
    /// No such row.
    #[error("there is no {noun} {which} in the catalogue")]
    NotFound {
        /// What was looked for.
        noun: Noun,
        /// Its id or name.
        which: String,
    },
    /// A row exists that must not.
    #[error("there is already a {noun} {which}")]
    Exists {
        /// What there is.
        noun: Noun,
        /// Its id or name.
        which: String,
    },
    /// A volume cannot go from one content state to the other.
    #[error("volume {volume} is {from}, it cannot become {to}")]
    Content {
        /// The volume.
        volume: crate::id::VolumeId,
        /// Its state.
        from: ContentState,
        /// The state asked for.
        to: ContentState,
    },
    /// A volume still holds what must be kept.
    #[error("volume {volume} ({content}) must be kept{}", until.map_or_else(String::new, |until| format!(" until {}", until.format("%Y-%m-%d"))))]
    Retained {
        /// The volume.
        volume: crate::id::VolumeId,
        /// Its content state.
        content: ContentState,
        /// The end of its retention.
        until: Option<chrono::DateTime<chrono::Utc>>,
    },
    /// The last good copy of something that is to be copied elsewhere.
    #[error(
        "volume {volume} holds the last good copy of segment {} of set {set}, for which a re-copy \
         task is open", segment.0
    )]
    LastCopy {
        /// The volume.
        volume: crate::id::VolumeId,
        /// A set on it.
        set: crate::id::SetId,
        /// A segment of it.
        segment: crate::archive::member::SegmentNumber,
    },
    /// A set that is to be copied elsewhere does not expire.
    #[error("a re-copy task of set {set} is open")]
    TaskOpen {
        /// The set.
        set: crate::id::SetId,
    },
    /// A step was observed or settled that is not open.
    #[error("step {step} is already {state}: it cannot be observed again")]
    StepClosed {
        /// The step.
        step: crate::id::StepId,
        /// Its state.
        state: super::steps::StepState,
    },
    /// The journal refuses the entry.
    #[error(transparent)]
    Journal(#[from] crate::journal::JournalError),
    /// A file of the catalogue cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// Of the file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A value in the database, or one to be stored, is not what it should be.
    #[error("the catalogue {} holds an unreadable value: {source}", path.display())]
    Value {
        /// Of the database.
        path: PathBuf,
        /// Which, as the database layer says it.
        source: rusqlite::Error,
    },
    /// Anything else SQLite says.
    #[error("the catalogue {} fails: {source}", path.display())]
    Sqlite {
        /// Of the database.
        path: PathBuf,
        /// What it says.
        source: rusqlite::Error,
    },
}

impl CatalogueError {
    /// Names what SQLite reports, keeping its words.
    pub(super) fn from_sqlite(path: PathBuf, error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        use rusqlite::ffi::ErrorCode as Code;
        let (code, extended, text) = match &error {
            E::SqliteFailure(failure, text) => {
                let text = text.clone().unwrap_or_else(|| failure.to_string());
                (failure.code, failure.extended_code, text)
            }
            E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::InvalidColumnType(..)
            | E::ToSqlConversionFailure(..) => {
                return Self::Value {
                    path,
                    source: error,
                };
            }
            _ => {
                return Self::Sqlite {
                    path,
                    source: error,
                };
            }
        };
        match code {
            Code::DiskFull => Self::DiskFull { path },
            Code::SystemIoFailure if no_space(&path, extended) => Self::DiskFull { path },
            Code::DatabaseBusy | Code::DatabaseLocked => Self::Busy { path },
            Code::DatabaseCorrupt | Code::NotADatabase => Self::Corrupt { path, why: text },
            Code::ConstraintViolation => Self::Constraint {
                kind: constraint_kind(extended),
                what: text,
            },
            _ => Self::Sqlite {
                path,
                source: error,
            },
        }
    }

    /// Whether a rule of this kind refused the change.
    #[must_use]
    pub fn is_constraint(&self, wanted: ConstraintKind) -> bool {
        matches!(self, Self::Constraint { kind, .. } if *kind == wanted)
    }
}

/// SQLite reports a full disk as an I/O error when it happens in the shared-memory file or at
/// fsync, without the errno; so the file system is asked.
fn no_space(path: &std::path::Path, extended: i32) -> bool {
    use rusqlite::ffi;
    let writing = matches!(
        extended,
        ffi::SQLITE_IOERR_WRITE
            | ffi::SQLITE_IOERR_FSYNC
            | ffi::SQLITE_IOERR_SHMSIZE
            | ffi::SQLITE_IOERR_TRUNCATE
    );
    let folder = path.parent().unwrap_or(path);
    writing && nix::sys::statvfs::statvfs(folder).is_ok_and(|space| space.blocks_available() == 0)
}

fn constraint_kind(extended: i32) -> ConstraintKind {
    use rusqlite::ffi;
    match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => ConstraintKind::Unique,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ConstraintKind::ForeignKey,
        ffi::SQLITE_CONSTRAINT_CHECK => ConstraintKind::Check,
        ffi::SQLITE_CONSTRAINT_NOTNULL => ConstraintKind::NotNull,
        ffi::SQLITE_CONSTRAINT_TRIGGER => ConstraintKind::AppendOnly,
        _ => ConstraintKind::Other,
    }
}
