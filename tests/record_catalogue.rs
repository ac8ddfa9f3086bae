//! Sets, runs and steps in the catalogue: what goes in comes out, rules are kept, a transaction is
//! all or nothing.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of View is not general enough over its lifetime"
)]

#[path = "support/record.rs"]
mod record;

use record::*;
use serde_json::json;
use tapeward::archive::member::SegmentNumber;
use tapeward::catalogue::*;
use tapeward::id::*;
use tapeward::tape::TapeDigest;

#[test]
fn what_goes_in_comes_out() {
    let world = world();
    commit(&world, 0, 1).unwrap();
    let (set, run, volume) = (world.set, world.run, world.volume);
    assert_eq!(
        read(&world, |view| view.segments(set)),
        [segment(&world, 0)]
    );
    assert_eq!(
        read(&world, |view| view.segment_copies(set)),
        [segment_copy(&world, 0, 1)]
    );
    assert_eq!(
        read(&world, |view| view.tape_files(volume)),
        [tape_file(&world, 1)]
    );
    let found = read(&world, |view| view.set(set));
    assert_eq!(found.recipients, [world.key]);
    assert_eq!(found.retain_until, days(365));
    assert_eq!(found.month.to_string(), "2026-11");
    let found = read(&world, |view| view.run(run));
    assert_eq!((found.actor, found.plan), (actor(), json!({"sets": [1]})));
    let key = read(&world, |view| view.key_by_name("site")).unwrap();
    assert_eq!(
        key.identity,
        IdentityPlace::File {
            path: "/keys/site".into()
        }
    );
    let barcode = "TWV001L8".parse().unwrap();
    let by_barcode = read(&world, |view| view.volume_by_barcode(&barcode)).unwrap();
    assert_eq!(by_barcode.id, volume);
    assert_eq!(by_barcode.capacity, 12_000_000_000_000);
    world.catalogue.check().unwrap();
}

#[test]
fn an_error_undoes_everything_before_it() {
    let world = world();
    let result = write(&world, |tx| {
        tx.add_tape_file(&tape_file(&world, 1))?;
        tx.add_segment(&segment(&world, 0))?;
        tx.add_segment_copy(&segment_copy(&world, 0, 2))
    });
    assert!(
        result
            .unwrap_err()
            .is_constraint(ConstraintKind::ForeignKey)
    );
    assert_eq!(read(&world, |view| view.segments(world.set)), []);
    assert_eq!(read(&world, |view| view.tape_files(world.volume)), []);
}

#[test]
fn the_same_segment_twice_is_one_and_another_of_its_number_is_refused() {
    let world = world();
    commit(&world, 0, 1).unwrap();
    write(&world, |tx| tx.add_segment(&segment(&world, 0))).unwrap();
    let mut other = segment(&world, 0);
    other.digest = TapeDigest::from_bytes([1; 16]);
    let error = write(&world, |tx| tx.add_segment(&other)).unwrap_err();
    assert!(matches!(error, CatalogueError::Exists { .. }), "{error}");
}

#[test]
fn one_copy_of_a_segment_lives_in_one_place_and_a_lost_one_is_missing() {
    let world = world();
    commit(&world, 0, 1).unwrap();
    commit(&world, 1, 2).unwrap();
    let again = write(&world, |tx| {
        tx.add_tape_file(&tape_file(&world, 3))?;
        tx.add_segment_copy(&segment_copy(&world, 0, 3))
    });
    assert!(matches!(again, Err(CatalogueError::Exists { .. })));
    let (set, volume) = (world.set, world.volume);
    assert!(read(&world, |view| view.missing_segments(set, COPY)).is_empty());
    assert_eq!(
        read(&world, |view| view.missing_segments(set, CopyNumber(2))).len(),
        2
    );
    write(&world, |tx| {
        let lost = SegmentCopyState::Lost;
        tx.set_segment_copy_state(volume, TapeFileNumber(1), lost, now())?;
        let verified = SegmentCopyState::Verified;
        tx.set_segment_copy_state(volume, TapeFileNumber(2), verified, days(1))
    })
    .unwrap();
    assert_eq!(
        read(&world, |view| view.missing_segments(set, COPY)),
        [SegmentNumber(0)]
    );
    let live = read(&world, |view| view.live_copies(set, COPY));
    assert_eq!(live.len(), 1);
    assert_eq!(live[0].verified_at, Some(days(1)));
    write(&world, |tx| {
        tx.add_tape_file(&tape_file(&world, 3))?;
        tx.add_segment_copy(&segment_copy(&world, 0, 3))
    })
    .unwrap();
    assert_eq!(read(&world, |view| view.segment_copies(set)).len(), 3);
}

/// A second volume with a tape file for each of these, which take the places of the segments from
/// number 0 on.
fn replace(world: &World, files: u32) -> VolumeId {
    let cartridge = new_cartridge("TWV002L8");
    let volume = new_volume(cartridge.id, "TWV002");
    write(world, |tx| {
        tx.add_cartridge(&cartridge)?;
        tx.add_volume(&volume, None)?;
        for number in 0..files {
            let file = TapeFile {
                volume: volume.id,
                ..tape_file(world, number)
            };
            tx.add_tape_file(&file)?;
            tx.add_segment_copy(&SegmentCopy {
                volume: volume.id,
                state: SegmentCopyState::Replacing,
                committed_at: days(1),
                ..segment_copy(world, number, number)
            })?;
        }
        Ok(())
    })
    .unwrap();
    volume.id
}

#[test]
fn what_was_to_take_the_place_of_what_is_lost_counts() {
    use SegmentCopyState::{Committed, Replacing};
    let world = world();
    commit(&world, 0, 1).unwrap();
    commit(&world, 1, 2).unwrap();
    let new = replace(&world, 2);
    let set = world.set;
    let on_new = || {
        let rows = read(&world, |view| view.segment_copies_on(new));
        rows.iter().map(|row| row.state).collect::<Vec<_>>()
    };
    let (first, lost) = (TapeFileNumber(1), SegmentCopyState::Lost);
    write(&world, |tx| {
        tx.set_segment_copy_state(world.volume, first, lost, days(2))
    })
    .unwrap();
    assert_eq!(on_new(), [Committed, Replacing]);
    assert!(read(&world, |view| view.missing_segments(set, COPY)).is_empty());
    // Nobody has read it back, whenever that is asked for.
    let unread = read(&world, |view| view.unread_copies(set, COPY, days(3)));
    assert_eq!(unread.len(), 2);
    // The new one is lost: the old one, which is left, is not touched.
    write(&world, |tx| {
        tx.set_segment_copy_state(new, TapeFileNumber(1), lost, days(2))
    })
    .unwrap();
    let live = read(&world, |view| view.live_copies(set, COPY));
    assert_eq!(live.len(), 2);
    assert_eq!(live[1].volume, world.volume);
}

#[test]
fn what_was_to_take_the_place_of_a_volume_that_is_gone_counts() {
    let world = world();
    commit(&world, 0, 1).unwrap();
    let new = replace(&world, 1);
    write(&world, |tx| tx.lose_volume(world.volume, days(2))).unwrap();
    let live = read(&world, |view| view.live_copies(world.set, COPY));
    assert_eq!((live.len(), live[0].volume), (1, new));
    let old = write(&world, |tx| tx.take_place(&live[0], days(3))).unwrap();
    assert_eq!(old, None);
    let live = read(&world, |view| view.live_copies(world.set, COPY));
    assert_eq!(live[0].state, SegmentCopyState::Verified);
}

/// A damaged segment can be read in part where it was lost, and nowhere else.
#[test]
fn what_is_left_of_a_damaged_segment_keeps_its_volume() {
    let world = world();
    commit(&world, 0, 1).unwrap();
    let (first, lost) = (TapeFileNumber(1), SegmentCopyState::Lost);
    write(&world, |tx| {
        tx.set_segment_copy_state(world.volume, first, lost, now())?;
        tx.set_content(world.volume, ContentState::Full, now(), "test", None)
    })
    .unwrap();
    let expire = || {
        write(&world, |tx| {
            tx.set_content(world.volume, ContentState::Expired, days(1), "test", None)
        })
    };
    let refused = expire().unwrap_err();
    assert!(
        matches!(refused, CatalogueError::LastCopy { .. }),
        "{refused}"
    );
    let release = write(&world, |tx| tx.release_retention(world.volume, days(1)));
    assert!(matches!(release, Err(CatalogueError::Retained { .. })));
    // Another place has all of it.
    let whole = replace(&world, 1);
    write(&world, |tx| {
        let state = SegmentCopyState::Committed;
        tx.set_segment_copy_state(whole, TapeFileNumber(0), state, days(1))
    })
    .unwrap();
    expire().unwrap();
}

#[test]
fn a_session_goes_on_after_the_last_segment_on_tape() {
    let world = world();
    assert_eq!(
        read(&world, |view| view.last_committed_segment(world.set)),
        None
    );
    commit(&world, 0, 1).unwrap();
    commit(&world, 1, 2).unwrap();
    write(&world, |tx| tx.add_segment(&segment(&world, 2))).unwrap();
    let last = read(&world, |view| view.last_committed_segment(world.set)).unwrap();
    assert_eq!(last, segment(&world, 1));
    let file = read(&world, |view| view.last_tape_file(world.volume)).unwrap();
    assert_eq!(file.trailer, tape_file(&world, 2).trailer);
    assert_eq!(
        read(&world, |view| view.bytes_on(world.volume)),
        2 * 2_621_440
    );
}

#[test]
fn completing_a_set_hands_over_the_parts_and_happens_once() {
    let world = world();
    commit(&world, 0, 1).unwrap();
    let index = StoredIndex {
        file: "set-1".to_owned(),
        digest: ContentDigest([3; 32]),
    };
    let totals = SetTotals {
        members: 12,
        bytes: 1 << 40,
        problems: 1,
    };
    let parts = write(&world, |tx| {
        tx.complete_set(world.set, &totals, &index, days(1))?;
        tx.set_copy_state(world.set, COPY, SetCopyState::Complete, days(1))?;
        tx.take_parts(world.set)
    })
    .unwrap();
    assert_eq!(parts, [segment(&world, 0).part.unwrap()]);
    let newest = read(&world, |view| view.newest_set(world.definition)).unwrap();
    assert_eq!((newest.totals, newest.index), (totals, Some(index.clone())));
    assert_eq!(newest.finished_at, Some(days(1)));
    let again = write(&world, |tx| {
        tx.complete_set(world.set, &totals, &index, days(2))
    });
    assert!(matches!(again, Err(CatalogueError::NotFound { .. })));
    let early = write(&world, |tx| tx.expire_set(world.set, days(364)));
    assert!(early.is_err());
    write(&world, |tx| tx.expire_set(world.set, days(365))).unwrap();
}

#[test]
fn an_intent_is_observed_once_and_stays_open_until_then() {
    let world = world();
    let kind: StepKind = "move_medium".parse().unwrap();
    let steps: Vec<_> = (0..3).map(|_| StepId::generate(now())).collect();
    write(&world, |tx| {
        for (number, step) in steps.iter().enumerate() {
            tx.intend(*step, world.run, &kind, &json!({"to": number}), now())?;
        }
        tx.observe(steps[0], StepOutcome::Done, &json!({"at": 5}), days(1))
    })
    .unwrap();
    let open = read(&world, |view| view.open_intents(world.run));
    let ordinals: Vec<_> = open.iter().map(|step| step.ordinal).collect();
    assert_eq!(ordinals, [1, 2]);
    let error = write(&world, |tx| {
        tx.observe(steps[0], StepOutcome::Failed, &json!(null), days(1))
    })
    .unwrap_err();
    assert!(
        matches!(
            error,
            CatalogueError::StepClosed {
                state: StepState::Done,
                ..
            }
        ),
        "{error}"
    );
    write(&world, |tx| {
        tx.observe(
            steps[1],
            StepOutcome::Settled,
            &json!({"found": 1}),
            days(1),
        )
    })
    .unwrap();
    let all = read(&world, |view| view.steps(world.run));
    assert_eq!(all[1].state, StepState::Settled);
    assert_eq!(all[1].observation, Some(json!({"found": 1})));
    assert_eq!(all[2].intent, json!({"to": 2}));
}

#[test]
fn defining_again_changes_the_definition_and_keeps_its_id() {
    let world = world();
    let mut changed = new_definition("finance");
    changed.excludes = vec!["a".into(), "b".into()];
    changed.compression = Compression::None;
    changed.recipients = vec![world.key];
    let fresh = SetDefinitionId::generate(days(1));
    let id = write(&world, |tx| {
        tx.retire_definition(world.definition, days(1))?;
        tx.save_definition(fresh, &changed, days(2))
    })
    .unwrap();
    assert_eq!(id, world.definition);
    let found = read(&world, |view| view.definition_by_name("finance")).unwrap();
    assert_eq!(found.excludes, changed.excludes);
    assert_eq!(found.recipients, [world.key]);
    assert_eq!(
        (found.created_at, found.changed_at, found.retired_at),
        (now(), days(2), None)
    );
    assert_eq!(read(&world, |view| view.definitions()), [found]);
}
