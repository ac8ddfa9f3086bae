//! Whatever initiators register, reserve, release, clear and preempt: what the unit tells of its
//! reservations agrees with itself and with what it lets through.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::{CHANGER, Unit, World};
use tapeward_drivers::socket::InitiatorId;
use tapeward_drivers::spc::ReservationType;
use tapeward_drivers::spc::reservation::{FullStatus, RegisteredKeys, ReservationStatus};
use tapeward_drivers::transport::Status;
use tapeward_sim::LibrarySpec;

const INITIATORS: usize = 3;

#[derive(Debug, Clone, Copy)]
struct Step {
    by: usize,
    action: u8,
    kind: u8,
    key: u64,
    other: u64,
}

fn step() -> impl Strategy<Value = Step> {
    let kinds = prop_oneof![8 => prop::sample::select(vec![1_u8, 3, 5, 6, 7, 8]), 1 => 0_u8..16];
    (0..INITIATORS, 0_u8..8, kinds, 0_u64..4, 0_u64..4).prop_map(
        |(by, action, kind, key, other)| Step {
            by,
            action,
            kind,
            key,
            other,
        },
    )
}

fn read(unit: &mut Unit, action: u8) -> Vec<u8> {
    loop {
        let answer = unit.send_in(&[0x5e, action, 0, 0, 0, 0, 0, 2, 0, 0], 512);
        if answer.sense().0 != 6 {
            return answer.good();
        }
    }
}

/// Whether the unit is this initiator's to use.
fn admits(unit: &mut Unit, writes: bool) -> bool {
    loop {
        // MODE SENSE is refused where reading is only shared; MODE SELECT without data likewise.
        let answer = if writes {
            unit.send(&[0x15, 0x10, 0, 0, 0, 0])
        } else {
            unit.send_in(&[0x1a, 8, 0x1d, 0, 64, 0], 64)
        };
        if answer.reply.status != Status::CheckCondition {
            return answer.reply.status == Status::Good;
        }
    }
}

fn check(units: &mut [Unit]) -> Result<(), TestCaseError> {
    let full = FullStatus::parse(&read(&mut units[0], 3)).unwrap();
    let keys = RegisteredKeys::parse(&read(&mut units[0], 0)).unwrap();
    let held = ReservationStatus::parse(&read(&mut units[0], 1)).unwrap();
    let told: Vec<_> = full.registrations.iter().map(|one| one.key).collect();
    prop_assert_eq!(&told, &keys.keys);
    prop_assert!(told.iter().all(|key| key.0 != 0));
    prop_assert_eq!(full.generation, keys.generation);
    let holders: Vec<_> = full.registrations.iter().filter(|one| one.holder).collect();
    let Some(reservation) = held.reservation else {
        prop_assert!(holders.is_empty());
        for unit in units {
            prop_assert!(admits(unit, true));
        }
        return Ok(());
    };
    let kind = reservation.kind.unwrap();
    let all = matches!(
        kind,
        ReservationType::WriteExclusiveAllRegistrants
            | ReservationType::ExclusiveAccessAllRegistrants
    );
    prop_assert!(!holders.is_empty());
    prop_assert!(holders.iter().all(|one| one.kind == Some(kind)));
    if all {
        prop_assert_eq!((holders.len(), reservation.key.0), (told.len(), 0));
    } else {
        prop_assert_eq!((holders.len(), reservation.key), (1, holders[0].key));
    }
    let registrants_only = !matches!(
        kind,
        ReservationType::WriteExclusive | ReservationType::ExclusiveAccess
    );
    for (index, unit) in units.iter_mut().enumerate() {
        let name = format!("{:032x}", u128::from_be_bytes(initiator(index).0));
        let registration = full.registrations.iter().find(|one| {
            let text = String::from_utf8_lossy(&one.transport_id).into_owned();
            text.contains(&name)
        });
        let expected = registration.is_some_and(|one| one.holder || registrants_only);
        prop_assert_eq!(admits(unit, true), expected);
        prop_assert_eq!(admits(unit, false), expected);
    }
    Ok(())
}

fn initiator(index: usize) -> InitiatorId {
    InitiatorId([u8::try_from(index).unwrap() + 1; 16])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn reservations_agree_with_themselves(steps in vec(step(), 1..40)) {
        let world = World::new(&LibrarySpec::new("generic", "TWTEST"));
        let mut units: Vec<Unit> =
            (0..INITIATORS).map(|index| world.unit(CHANGER, initiator(index))).collect();
        for Step { by, action, kind, key, other } in steps {
            let mut list = key.to_be_bytes().to_vec();
            list.extend(other.to_be_bytes());
            list.extend([0; 8]);
            units[by].drain_attentions();
            units[by].send_out(&[0x5f, action, kind, 0, 0, 0, 0, 0, 24, 0], &list);
            check(&mut units)?;
        }
    }
}
