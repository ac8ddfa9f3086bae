//! The schema and its history. A migration that was released is never edited.

use std::path::Path;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations, SchemaVersion};

use super::error::CatalogueError;

const STEPS: &[M<'_>] = &[M::up(include_str!("schema_1.sql"))];

/// How many there are: the schema version this program writes.
pub(super) const NEWEST: usize = STEPS.len();

/// Brings the database to the newest schema, in one transaction for each step.
pub(super) fn apply(connection: &mut Connection, path: &Path) -> Result<(), CatalogueError> {
    let wrong = |error: rusqlite_migration::Error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => {
            CatalogueError::from_sqlite(path.to_owned(), err)
        }
        other => CatalogueError::Open {
            path: path.to_owned(),
            source: other.into(),
        },
    };
    let migrations = Migrations::from_slice(STEPS);
    match migrations.current_version(connection).map_err(wrong)? {
        SchemaVersion::Outside(found) => Err(CatalogueError::Newer {
            path: path.to_owned(),
            found: i64::try_from(found.get()).unwrap_or(i64::MAX),
            known: NEWEST,
        }),
        SchemaVersion::Inside(found) if found.get() == NEWEST => Ok(()),
        SchemaVersion::NoneSet | SchemaVersion::Inside(_) => {
            migrations.to_latest(connection).map_err(wrong)
        }
    }
}
