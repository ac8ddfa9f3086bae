//! Cartridges, volumes, places and the catalogue's own file.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of View is not general enough over its lifetime"
)]

#[path = "support/record.rs"]
mod record;

use std::path::PathBuf;

use record::*;
use serde_json::json;
use tapeward::catalogue::*;
use tapeward::id::*;

#[test]
fn a_cartridge_seen_where_another_was_displaces_it() {
    let world = world();
    let other = new_cartridge("TWV002L8");
    let element = |address| Place::Element {
        library: world.library,
        kind: ElementKind::Storage,
        address: ElementAddress(address),
    };
    let seen = |cartridge: CartridgeId, place| NewPlace {
        item: cartridge.into(),
        place,
        at: now(),
        entered_at: now(),
        witness: Witness::Robot,
        run: None,
        note: None,
    };
    write(&world, |tx| {
        tx.add_cartridge(&other)?;
        assert_eq!(
            tx.record_place(&seen(world.cartridge, element(1000)))?,
            None
        );
        assert_eq!(
            tx.record_place(&seen(other.id, element(1000)))?,
            Some(world.cartridge)
        );
        assert_eq!(tx.record_place(&seen(other.id, element(1001)))?, None);
        let safe = Place::Kept {
            kind: PlaceKind::Safe,
            code: "CELLAR".parse().unwrap(),
        };
        tx.record_place(&seen(world.cartridge, safe))
    })
    .unwrap();
    let history = read(&world, |view| view.place_history(world.cartridge));
    let places: Vec<_> = history.iter().map(|event| &event.place).collect();
    let safe = Place::Kept {
        kind: PlaceKind::Safe,
        code: "CELLAR".parse().unwrap(),
    };
    assert_eq!(places, [&element(1000), &Place::Unknown, &safe]);
    assert_eq!(history[1].witness, Witness::Derived);
    let found = read(&world, |view| view.cartridge(world.cartridge));
    assert_eq!(found.place, safe);
    assert_eq!(
        read(&world, |view| view.cartridges_in(world.library)),
        [(ElementAddress(1001), other.id)]
    );
}

#[test]
fn barcodes_and_serials_are_unique_while_they_live() {
    let world = world();
    let twin = new_cartridge("TWV001L8");
    let error = write(&world, |tx| tx.add_cartridge(&twin)).unwrap_err();
    assert_eq!(error.to_string(), "there is already a cartridge TWV001L8");
    let other = new_cartridge("TWV002L8");
    for volume in [
        new_volume(other.id, "TWV001"),
        new_volume(world.cartridge, "OTHER1"),
    ] {
        let result = write(&world, |tx| {
            tx.add_cartridge(&other)?;
            tx.add_volume(&volume, None)
        });
        assert!(matches!(result, Err(CatalogueError::Exists { .. })));
    }
    let kept = write(&world, |tx| tx.retire_cartridge(world.cartridge, now()));
    assert!(matches!(kept, Err(CatalogueError::Retained { .. })));
}

#[test]
fn nothing_is_ended_before_its_time_and_ending_loses_what_is_on_it() {
    let world = world();
    commit(&world, 0, 1).unwrap();
    let set = |content, at| {
        write(&world, |tx| {
            tx.set_content(world.volume, content, at, "test", Some(world.run))
        })
    };
    write(&world, |tx| {
        tx.extend_retention(world.volume, days(30))?;
        tx.extend_retention(world.volume, days(10))
    })
    .unwrap();
    set(ContentState::Full, now()).unwrap();
    let early = set(ContentState::Expired, days(29)).unwrap_err();
    assert!(early.to_string().contains("2026-12-21"), "{early}");
    let skipped = set(ContentState::Destroyed, days(31)).unwrap_err();
    assert!(matches!(skipped, CatalogueError::Content { .. }));
    let kept = write(&world, |tx| tx.end_volume(world.volume, days(31)));
    assert!(matches!(kept, Err(CatalogueError::Retained { .. })));
    set(ContentState::Expired, days(30)).unwrap();
    set(ContentState::Held, days(31)).unwrap();
    assert!(write(&world, |tx| tx.end_volume(world.volume, days(32))).is_err());
    set(ContentState::Expired, days(33)).unwrap();
    assert_eq!(
        read(&world, |view| view.sets_needing(world.key)),
        [world.set]
    );
    let next = new_volume(world.cartridge, "TWV001");
    write(&world, |tx| {
        tx.end_volume(world.volume, days(34))?;
        tx.add_volume(&next, None)
    })
    .unwrap();
    let copies = read(&world, |view| view.segment_copies(world.set));
    assert_eq!(copies[0].state, SegmentCopyState::Lost);
    assert_eq!(read(&world, |view| view.sets_needing(world.key)), []);
    let living = read(&world, |view| view.volume_on(world.cartridge)).unwrap();
    assert_eq!(living.id, next.id);
    let states: Vec<_> = read(&world, |view| view.volume_history(world.volume))
        .into_iter()
        .map(|event| event.content.as_str())
        .collect();
    assert_eq!(states, ["scratch", "full", "expired", "held", "expired"]);
}

#[test]
fn a_lease_tells_who_holds_it() {
    let world = world();
    let lease = |pid| Lease {
        resource: "DRV1".to_owned(),
        host: "a".to_owned(),
        pid,
        run: Some(world.run),
        purpose: "monthly run".to_owned(),
        since: now(),
    };
    let take = |pid| write(&world, |tx| tx.take_lease(&lease(pid))).unwrap();
    assert_eq!(take(1), LeaseOutcome::Taken);
    assert_eq!(take(2), LeaseOutcome::HeldBy(lease(1)));
    write(&world, |tx| tx.release_lease("DRV1", "a", 2)).unwrap();
    assert_eq!(take(1), LeaseOutcome::Taken);
    write(&world, |tx| tx.take_over_lease(&lease(2), &lease(1))).unwrap();
    let faster = write(&world, |tx| tx.take_over_lease(&lease(3), &lease(1)));
    assert!(faster.is_err());
    assert_eq!(read(&world, |view| view.leases()), [lease(2)]);
}

#[test]
fn values_outside_their_domain_are_refused() {
    let world = world();
    let mut copy = new_definition("other");
    copy.copies = vec![(CopyNumber(0), pool("x"))];
    let id = SetDefinitionId::generate(now());
    let error = write(&world, |tx| tx.save_definition(id, &copy, now())).unwrap_err();
    assert!(error.is_constraint(ConstraintKind::Check), "{error}");
    let mut unknown = tape_file(&world, 1);
    unknown.volume = VolumeId::generate(now());
    let error = write(&world, |tx| tx.add_tape_file(&unknown)).unwrap_err();
    assert!(error.is_constraint(ConstraintKind::ForeignKey), "{error}");
    let mut long = tape_file(&world, 1);
    long.bytes = u64::MAX;
    let error = write(&world, |tx| tx.add_tape_file(&long)).unwrap_err();
    assert!(matches!(error, CatalogueError::Value { .. }), "{error}");
}

#[test]
fn a_drive_moves_and_its_element_is_anothers() {
    let world = world();
    let drive = |serial: &str, element| Drive {
        serial: serial.to_owned(),
        vendor: "IBM".to_owned(),
        product: "ULT3580-TD8".to_owned(),
        place: Some((world.library, ElementAddress(element))),
        seen_at: now(),
    };
    write(&world, |tx| {
        tx.record_drive(&drive("A", 256))?;
        tx.record_drive(&drive("B", 257))?;
        tx.record_drive(&drive("B", 256))
    })
    .unwrap();
    let drives = read(&world, |view| view.drives());
    let places: Vec<_> = drives
        .iter()
        .map(|drive| (drive.serial.as_str(), drive.place.map(|(_, at)| at.0)))
        .collect();
    assert_eq!(places, [("A", None), ("B", Some(256))]);
}

#[test]
fn a_snapshot_is_one_file_that_opens_and_holds_everything() {
    let world = world();
    commit(&world, 0, 1).unwrap();
    let target = world.path.with_file_name("snapshot.sqlite");
    world.catalogue.snapshot(&target).unwrap();
    commit(&world, 1, 2).unwrap();
    world.catalogue.snapshot(&target).unwrap();
    for beside in ["-wal", "-shm", ".partial"] {
        let name = format!("{}{beside}", target.display());
        assert!(!PathBuf::from(&name).exists(), "{name}");
    }
    let copy = Catalogue::open(&target).unwrap();
    copy.check().unwrap();
    let segments = |catalogue: &Catalogue| catalogue.read(|view| view.segments(world.set)).unwrap();
    assert_eq!(segments(&copy), segments(&world.catalogue));
    let error = world
        .catalogue
        .snapshot(&world.path.with_file_name("none/snapshot"))
        .unwrap_err();
    assert!(error.to_string().contains("none/snapshot"), "{error}");
}

#[test]
fn what_is_not_a_catalogue_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("garbage");
    std::fs::write(&garbage, vec![b'x'; 10_000]).unwrap();
    let error = Catalogue::open(&garbage).unwrap_err();
    assert!(matches!(error, CatalogueError::Corrupt { .. }), "{error}");
    let nowhere = folder.path().join("no/where");
    let error = Catalogue::open(&nowhere).unwrap_err();
    assert!(matches!(error, CatalogueError::Open { .. }), "{error}");
    assert!(error.to_string().contains("no/where"), "{error}");
}

#[test]
fn several_writers_and_readers_do_not_lose_anything() {
    let world = world();
    let kind: StepKind = "count".parse().unwrap();
    let other = Catalogue::open(&world.path).unwrap();
    std::thread::scope(|scope| {
        for catalogue in [&world.catalogue, &other, &world.catalogue, &other] {
            scope.spawn(|| {
                for number in 0..25 {
                    let step = StepId::generate(now());
                    catalogue
                        .write(|tx| tx.intend(step, world.run, &kind, &json!(number), now()))
                        .unwrap();
                    let seen = catalogue.read(|view| view.step(step)).unwrap();
                    assert_eq!(seen.intent, json!(number));
                }
            });
        }
    });
    let steps = read(&world, |view| view.steps(world.run));
    let ordinals: Vec<_> = steps.iter().map(|step| step.ordinal).collect();
    assert_eq!(ordinals, (0..100).collect::<Vec<_>>());
}
