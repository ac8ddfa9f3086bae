//! The handle: one writer, a few readers, short transactions.

use std::fmt;
use std::fs::File;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Params, Row};

use super::error::{CatalogueError, Noun};
use super::migrations;

/// How long to wait for another process's transaction. Ours are short.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);
/// Idle read-only connections kept for the next reader.
const IDLE_READERS: usize = 4;

/// The catalogue: share it by reference or `Arc` between threads. Calls block; never make them on
/// an async worker.
pub struct Catalogue {
    path: PathBuf,
    readers: Mutex<Vec<Connection>>,
    // Dropped last: only a connection that can write puts the write-ahead log into the database.
    writer: Mutex<Connection>,
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Catalogue {
    /// Opens the database at `path`, makes it if it is not there, and brings its schema up to
    /// date.
    ///
    /// # Errors
    /// [`CatalogueError::Newer`] when a later program made it, [`CatalogueError::Corrupt`] when it
    /// is not a database, [`CatalogueError::Open`] otherwise.
    pub fn open(path: &Path) -> Result<Self, CatalogueError> {
        let wrong = |error| opening(path, error);
        let mut writer = Connection::open(path).map_err(wrong)?;
        configure(&writer).map_err(wrong)?;
        writer
            .pragma_update(None, "journal_mode", "WAL")
            .and_then(|()| writer.pragma_update(None, "synchronous", "FULL"))
            .map_err(wrong)?;
        migrations::apply(&mut writer, path)?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::new(Vec::new()),
        })
    }

    /// Where the database is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` in one transaction: all of it happens or nothing. When this returns `Ok`, it is
    /// on stable storage. Keep it short: nobody else can write meanwhile, and calling this again
    /// within `work` would wait for itself.
    ///
    /// # Errors
    /// Whatever `work` returns, then everything is undone; or [`CatalogueError::Busy`],
    /// [`CatalogueError::DiskFull`] and the like from the transaction itself.
    pub fn write<T, E: From<CatalogueError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        // A panic in `work` leaves the connection usable: the transaction is undone on unwinding.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error| E::from(CatalogueError::from_sqlite(self.path.clone(), error));
        let transaction = writer
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(failed)?;
        let tx = Tx {
            view: View {
                connection: &transaction,
                path: &self.path,
            },
        };
        let result = work(&tx)?;
        transaction.commit().map_err(failed)?;
        Ok(result)
    }

    /// Runs `work` on one consistent state of the catalogue, beside any writer.
    ///
    /// # Errors
    /// Whatever `work` returns, or an error of the database.
    pub fn read<T, E: From<CatalogueError>>(
        &self,
        work: impl FnOnce(&View<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let failed = |error| E::from(CatalogueError::from_sqlite(self.path.clone(), error));
        let mut reader = self.reader()?;
        let result = {
            let transaction = reader.transaction().map_err(failed)?;
            work(&View {
                connection: &transaction,
                path: &self.path,
            })
        };
        let mut idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS {
            idle.push(reader);
        }
        drop(idle);
        result
    }

    /// Writes a consistent copy of the whole catalogue to `target` while others go on. The file
    /// appears under its name only when it is whole and on stable storage.
    ///
    /// # Errors
    /// [`CatalogueError::DiskFull`], [`CatalogueError::File`] naming the target, or an error of
    /// the database.
    pub fn snapshot(&self, target: &Path) -> Result<(), CatalogueError> {
        let mut partial = target.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let file = |source| CatalogueError::File {
            path: target.to_owned(),
            source,
        };
        match std::fs::remove_file(&partial) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(file(error)),
            _ => {}
        }
        let reader = self.reader()?;
        let failed = |error| CatalogueError::from_sqlite(partial.clone(), error);
        {
            let mut copy = Connection::open(&partial).map_err(failed)?;
            let backup = rusqlite::backup::Backup::new(&reader, &mut copy).map_err(failed)?;
            // All pages in one step: a writer in between would make it start again.
            match backup.step(-1).map_err(failed)? {
                rusqlite::backup::StepResult::Done => {}
                _ => {
                    return Err(CatalogueError::Busy {
                        path: self.path.clone(),
                    });
                }
            }
            drop(backup);
            // What proves who somebody is stays here. Overwritten, not only let go of.
            copy.pragma_update(None, "secure_delete", true)
                .and_then(|()| copy.execute("DELETE FROM person_pin", []))
                .map_err(failed)?;
            // A single file without a log beside it.
            copy.pragma_update(None, "journal_mode", "DELETE")
                .map_err(failed)?;
        }
        File::open(&partial)
            .and_then(|copy| copy.sync_all())
            .and_then(|()| std::fs::rename(&partial, target))
            .and_then(|()| File::open(folder_of(target))?.sync_all())
            .map_err(file)
    }

    /// Takes over everything from a snapshot, whatever is here now; others see the one or the
    /// other. A snapshot of an earlier program is brought up to date on the way.
    ///
    /// # Errors
    /// As for opening the snapshot; nothing has changed then.
    pub fn take_over(&self, snapshot: &Path) -> Result<(), CatalogueError> {
        let source = Self::open(snapshot)?;
        source.check()?;
        let source = source
            .writer
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error| CatalogueError::from_sqlite(self.path.clone(), error);
        let backup = rusqlite::backup::Backup::new(&source, &mut writer).map_err(failed)?;
        match backup.step(-1).map_err(failed)? {
            rusqlite::backup::StepResult::Done => Ok(()),
            _ => Err(CatalogueError::Busy {
                path: self.path.clone(),
            }),
        }
    }

    /// Has SQLite check the whole database and its references.
    ///
    /// # Errors
    /// [`CatalogueError::Corrupt`] with the first finding.
    pub fn check(&self) -> Result<(), CatalogueError> {
        self.read(|view| {
            let finding = view.one("PRAGMA integrity_check(1)", [], |row| {
                row.get::<_, String>(0)
            })?;
            let dangling = view.find("PRAGMA foreign_key_check", [], |row| {
                row.get::<_, String>(0)
            })?;
            let why = match (finding, dangling) {
                (finding, _) if finding != "ok" => finding,
                (_, Some(table)) => format!("a row of {table} refers to nothing"),
                _ => return Ok(()),
            };
            Err(CatalogueError::Corrupt {
                path: self.path.clone(),
                why,
            })
        })
    }

    #[cfg(test)]
    pub(super) fn writer(&self) -> &Mutex<Connection> {
        &self.writer
    }

    fn reader(&self) -> Result<Connection, CatalogueError> {
        let idle = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        if let Some(reader) = idle {
            return Ok(reader);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&self.path, flags)
            .and_then(|reader| configure(&reader).map(|()| reader))
            .map_err(|error| opening(&self.path, error))
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

fn opening(path: &Path, error: rusqlite::Error) -> CatalogueError {
    match CatalogueError::from_sqlite(path.to_owned(), error) {
        CatalogueError::Sqlite { path, source } => CatalogueError::Open {
            path,
            source: source.into(),
        },
        named => named,
    }
}

/// One consistent state of the catalogue; the queries are methods on it.
pub struct View<'a> {
    connection: &'a Connection,
    path: &'a Path,
}

/// A transaction: a [`View`] that sees its own changes, with the changes as methods.
pub struct Tx<'a> {
    view: View<'a>,
}

impl<'a> Deref for Tx<'a> {
    type Target = View<'a>;
    fn deref(&self) -> &View<'a> {
        &self.view
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("view", &self.view).finish()
    }
}

impl View<'_> {
    fn failed(&self, error: rusqlite::Error) -> CatalogueError {
        CatalogueError::from_sqlite(self.path.to_owned(), error)
    }

    /// The first row, if any.
    pub(super) fn find<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, CatalogueError> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(parameters)?;
            rows.next()?.map(map).transpose()
        };
        run().map_err(|error| self.failed(error))
    }

    /// The row that must be there: an aggregate without `GROUP BY`, a pragma.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogueError> {
        self.find(sql, parameters, map)?
            .ok_or_else(|| self.failed(rusqlite::Error::QueryReturnedNoRows))
    }

    /// The row of something asked for by id or name.
    pub(super) fn get<T>(
        &self,
        noun: Noun,
        which: &dyn fmt::Display,
        sql: &str,
        parameters: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, CatalogueError> {
        self.find(sql, parameters, map)?
            .ok_or_else(|| CatalogueError::NotFound {
                noun,
                which: which.to_string(),
            })
    }

    /// All rows.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, CatalogueError> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement
                .query_map(parameters, map)?
                .collect::<Result<Vec<_>, _>>()
        };
        run().map_err(|error| self.failed(error))
    }
}

impl Tx<'_> {
    /// Changes rows and says how many.
    pub(super) fn execute(
        &self,
        sql: &str,
        parameters: impl Params,
    ) -> Result<usize, CatalogueError> {
        let run = || {
            self.view
                .connection
                .prepare_cached(sql)?
                .execute(parameters)
        };
        run().map_err(|error| self.view.failed(error))
    }

    /// Changes exactly one row, or says that there is none.
    pub(super) fn change(
        &self,
        noun: Noun,
        which: &dyn fmt::Display,
        sql: &str,
        parameters: impl Params,
    ) -> Result<(), CatalogueError> {
        if self.execute(sql, parameters)? == 0 {
            return Err(CatalogueError::NotFound {
                noun,
                which: which.to_string(),
            });
        }
        Ok(())
    }
}
