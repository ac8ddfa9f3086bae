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
    M::up(include_str!("schema_5.sql")).foreign_key_check(),
    M::up(include_str!("schema_6.sql")),
    M::up(include_str!("schema_7.sql")),
    M::up(include_str!("schema_8.sql")),
    M::up(include_str!("schema_9.sql")).foreign_key_check(),
    M::up(include_str!("schema_10.sql")),
    M::up(include_str!("schema_11.sql")).foreign_key_check(),
    M::up(include_str!("schema_12.sql")),
    M::up(include_str!("schema_13.sql")),
    M::up(include_str!("schema_14.sql")),
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
            let sqlite = |error: rusqlite::Error| wrong(error.into());
            // A table that is made anew is gone for a moment; within a transaction this cannot be
            // said any more.
            connection
                .pragma_update(None, "foreign_keys", false)
                .map_err(sqlite)?;
            migrations.to_latest(connection).map_err(wrong)?;
            connection
                .pragma_update(None, "foreign_keys", true)
                .map_err(sqlite)
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

    /// Tables whose rows step aside come out with them, and with what refers to them.
    #[test]
    fn rows_survive_tables_that_are_made_anew() {
        let mut old = Connection::open_in_memory().unwrap();
        old.pragma_update(None, "foreign_keys", true).unwrap();
        let steps = Migrations::from_slice(STEPS);
        steps.to_version(&mut old, 3).unwrap();
        old.execute_batch(
            "INSERT INTO cartridge (id, barcode, generation, medium_use, added_at, place_since)
                VALUES ('c', 'TWV001L8', 'LTO-8', 'data', 't', 't');
             INSERT INTO run (id, kind, month, plan, state, person, station, started_at)
                VALUES ('r', 'backup', '2026-10', '{}', 'done', 'a', 'b', 't');
             INSERT INTO volume (id, cartridge, serial, pool, content, capacity, block_size, worm,
                labelled_at) VALUES ('v', 'c', 'TWV001', 'p', 'filling', 1, 1024, 0, 't');
             INSERT INTO tape_file VALUES ('v', 4, 'segment_data', 9, 1, 5,
                '00000000000000000000000000000000', 'EOF1', 't');
             INSERT INTO set_definition VALUES ('d', 'docs', x'2f', 'none', NULL, 't', 't', NULL);
             INSERT INTO backup_set (id, definition, run, month, state, started_at, retain_until)
                VALUES ('s', 'd', 'r', '2026-10', 'open', 't', 't');
             INSERT INTO set_copy VALUES ('s', 1, 'p', 'writing', 't');
             INSERT INTO segment VALUES ('s', 0, 0, 5, 5, 'zstd+age',
                '00000000000000000000000000000000', 1, '{}', NULL, NULL, 't');
             INSERT INTO segment_copy VALUES ('s', 0, 1, 'v', 4, 9, 'committed', 't', NULL);",
        )
        .unwrap();
        apply(&mut old, Path::new("(in memory)")).unwrap();
        let joined: i64 = old
            .query_row(
                "SELECT count(*) FROM segment_copy JOIN segment USING (backup_set)
                 JOIN tape_file USING (volume) JOIN backup_set
                    ON backup_set.id = segment_copy.backup_set
                 JOIN set_copy ON set_copy.backup_set = backup_set.id
                 WHERE codec = 'zstd+age' AND tape_file.kind = 'segment_data'
                    AND encryption = 'age' AND set_copy.retain_until = 't'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(joined, 1);
        // What refers to them is guarded as before.
        old.execute("DELETE FROM tape_file", []).unwrap_err();
        old.execute("DELETE FROM segment", []).unwrap_err();
    }

    /// What was written before there was an index of it is found by it.
    #[test]
    fn the_index_of_the_journal_has_the_entries_that_were_there_before() {
        let mut old = Connection::open_in_memory().unwrap();
        Migrations::from_slice(STEPS)
            .to_version(&mut old, 10)
            .unwrap();
        let entry = |number: u32, rest: &str| {
            format!(
                "INSERT INTO journal (sequence, body, hash) VALUES ({number},
                    '{{\"at\":\"2026-11-21T09:16:00Z\",\"kind\":\"k\",\"sequence\":{number},{rest}}}',
                    '{}')",
                "0".repeat(64)
            )
        };
        let first = r#""subjects":{"cartridge":"c1","run":"r1"},"details":{"reason":"x"}"#;
        let second = r#""subjects":{},"details":{"cartridges":["TWV001L8"],"a":{"volume":"v1"}}"#;
        old.execute_batch(&entry(1, first)).unwrap();
        old.execute_batch(&entry(2, second)).unwrap();
        apply(&mut old, Path::new("(in memory)")).unwrap();
        old.execute_batch(&entry(3, second)).unwrap();
        let mut statement = old
            .prepare("SELECT subject, sequence FROM journal_subject ORDER BY sequence, subject")
            .unwrap();
        let found: Vec<(String, u32)> = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let expected = [
            ("c1", 1),
            ("TWV001L8", 2),
            ("v1", 2),
            ("TWV001L8", 3),
            ("v1", 3),
        ];
        assert_eq!(
            found,
            expected.map(|(subject, number)| (subject.to_owned(), number))
        );
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
