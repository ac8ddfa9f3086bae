//! The schema and its history. A migration that was released is never edited.

use std::path::Path;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations, SchemaVersion};

use super::error::CatalogueError;

const STEPS: &[M<'_>] = &[
    M::up(include_str!("schema_1.sql")),
    M::up(include_str!("schema_2.sql")),
    M::up(include_str!("schema_3.sql")),
    M::up(include_str!("schema_4.sql")),
];

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

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(connection: &Connection) -> Vec<(String, Option<String>)> {
        let mut statement = connection
            .prepare("SELECT name, sql FROM sqlite_schema ORDER BY type, name")
            .unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn a_database_of_each_earlier_version_comes_up_to_date() {
        let path = Path::new("(in memory)");
        let mut fresh = Connection::open_in_memory().unwrap();
        apply(&mut fresh, path).unwrap();
        assert!(schema(&fresh).iter().any(|(name, _)| name == "journal"));
        for version in 0..=NEWEST {
            let mut old = Connection::open_in_memory().unwrap();
            Migrations::from_slice(STEPS)
                .to_version(&mut old, version)
                .unwrap();
            apply(&mut old, path).unwrap();
            assert_eq!(schema(&old), schema(&fresh), "from version {version}");
        }
    }

    #[test]
    fn a_later_schema_is_refused_and_left_alone() {
        let mut later = Connection::open_in_memory().unwrap();
        let version = i64::try_from(NEWEST).unwrap() + 1;
        later.pragma_update(None, "user_version", version).unwrap();
        let error = apply(&mut later, Path::new("x.sqlite")).unwrap_err();
        assert!(
            matches!(error, CatalogueError::Newer { found, known, .. }
                if found == version && known == NEWEST),
            "{error}"
        );
        assert!(schema(&later).is_empty());
    }
}
