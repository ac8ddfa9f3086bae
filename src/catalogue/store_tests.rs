//! What the handle does when the database cannot go on.

#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of View is not general enough over its lifetime"
)]

use std::sync::PoisonError;
use std::time::Duration;

use super::*;

fn catalogue() -> (tempfile::TempDir, Catalogue) {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::open(&folder.path().join("catalogue.sqlite")).unwrap();
    (folder, catalogue)
}

fn lease(resource: &str) -> Lease {
    Lease {
        resource: resource.to_owned(),
        host: "here".to_owned(),
        pid: 1,
        run: None,
        purpose: "x".repeat(1000),
        since: chrono::DateTime::UNIX_EPOCH,
    }
}

fn add(catalogue: &Catalogue, number: u32) -> Result<(), CatalogueError> {
    catalogue.write(|tx| {
        for part in 0..20 {
            let outcome = tx.take_lease(&lease(&format!("{number}-{part}")))?;
            assert_eq!(outcome, LeaseOutcome::Taken);
        }
        Ok(())
    })
}

fn count(catalogue: &Catalogue) -> usize {
    catalogue
        .read(|view| view.leases())
        .map(|leases| leases.len())
        .unwrap()
}

#[test]
fn a_full_disk_is_named_undone_and_survived() {
    let (_folder, catalogue) = catalogue();
    let limit = |pages: u32| {
        let writer = catalogue.writer_for_test();
        writer.pragma_update(None, "max_page_count", pages).unwrap();
    };
    limit(100);
    let mut number = 0;
    let error = loop {
        match add(&catalogue, number) {
            Ok(()) => number += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, CatalogueError::DiskFull { .. }), "{error}");
    assert!(error.to_string().contains("catalogue.sqlite"), "{error}");
    assert_eq!(count(&catalogue), 20 * number as usize);
    limit(10_000);
    add(&catalogue, number).unwrap();
    catalogue.check().unwrap();
}

#[test]
fn another_writer_is_waited_for_and_then_named() {
    let (folder, catalogue) = catalogue();
    let other = rusqlite::Connection::open(folder.path().join("catalogue.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    catalogue
        .writer_for_test()
        .busy_timeout(Duration::ZERO)
        .unwrap();
    let error = add(&catalogue, 0).unwrap_err();
    assert!(matches!(error, CatalogueError::Busy { .. }), "{error}");
    assert_eq!(count(&catalogue), 0);
    other.execute_batch("ROLLBACK").unwrap();
    add(&catalogue, 0).unwrap();
}

#[test]
fn a_panic_within_a_transaction_undoes_it() {
    let (_folder, catalogue) = catalogue();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        catalogue.write(|tx| {
            let _ = tx.take_lease(&lease("a"))?;
            assert!(tx.lease("a")?.is_none(), "seen within");
            Ok::<(), CatalogueError>(())
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(count(&catalogue), 0);
    add(&catalogue, 1).unwrap();
}

#[test]
fn the_journal_and_the_events_are_append_only() {
    let (_folder, catalogue) = catalogue();
    let actor = crate::journal::Actor {
        person: "anna".to_owned(),
        account: None,
        station: "desk".to_owned(),
    };
    let event = crate::journal::Event::CatalogueCreated {
        program: "test".to_owned(),
    };
    let now = chrono::DateTime::UNIX_EPOCH;
    catalogue
        .write(|tx| crate::journal::append(tx, now, &actor, &event))
        .unwrap();
    for sql in [
        "UPDATE journal SET body = body",
        "DELETE FROM journal",
        "INSERT INTO journal (sequence, body, hash) \
         SELECT 3, replace(body, '\"sequence\":1', '\"sequence\":3'), hash FROM journal",
        "INSERT OR REPLACE INTO journal (sequence, body, hash) \
         SELECT sequence, body, hash FROM journal",
    ] {
        let error = catalogue.write(|tx| tx.execute(sql, [])).unwrap_err();
        assert!(
            error.is_constraint(ConstraintKind::AppendOnly),
            "{sql}: {error}"
        );
    }
    let rows = catalogue.read(|view| view.journal_after(0, 10)).unwrap();
    assert_eq!(rows.len(), 1);
}

#[test]
fn settings_are_what_the_promise_needs() {
    let (_folder, catalogue) = catalogue();
    let writer = catalogue.writer_for_test();
    let pragma = |name: &str| {
        writer
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
            .unwrap()
    };
    assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
    assert_eq!(pragma("synchronous"), 2.into());
    assert_eq!(pragma("foreign_keys"), 1.into());
}

impl Catalogue {
    fn writer_for_test(&self) -> std::sync::MutexGuard<'_, rusqlite::Connection> {
        self.writer().lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[test]
fn the_last_one_to_close_leaves_the_database_alone_without_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalogue.db");
    let catalogue = Catalogue::open(&path).unwrap();
    add(&catalogue, 1).unwrap();
    // Leaves a connection behind that only reads.
    assert_eq!(count(&catalogue), 20);
    drop(catalogue);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

/// PINs stay with the record: a copy of it has neither the rows nor their bytes.
#[test]
fn a_snapshot_has_no_pin() {
    let (folder, catalogue) = catalogue();
    let person = Person {
        code: "P07".parse().unwrap(),
        name: "Anna Weber".to_owned(),
        roles: vec!["clerk".to_owned()],
        telephone: None,
        mail: None,
        organisation: None,
        added_at: chrono::DateTime::UNIX_EPOCH,
        closed_at: None,
    };
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g";
    catalogue
        .write(|tx| {
            tx.add_person(&person)?;
            tx.set_pin_hash(&person.code, hash, person.added_at)
        })
        .unwrap();
    let target = folder.path().join("copy.sqlite");
    catalogue.snapshot(&target).unwrap();
    let bytes = std::fs::read(&target).unwrap();
    let has = |text: &str| bytes.windows(text.len()).any(|at| at == text.as_bytes());
    assert!(has("Anna Weber"));
    assert!(!has(hash));
    let copy = Catalogue::open(&target).unwrap();
    assert_eq!(copy.read(|view| view.pin_hash(&person.code)).unwrap(), None);
    let kept = catalogue.read(|view| view.pin_hash(&person.code)).unwrap();
    assert_eq!(kept.as_deref(), Some(hash));
}
