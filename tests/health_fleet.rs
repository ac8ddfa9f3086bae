//! Fleets with known faults: all of them are named, and nothing else.
//!
//! The noise: drives differ (log-normal, sigma 0.3), cartridges differ with age (sigma 0.5), each
//! mount differs again (gamma of shape 3), counts are Poisson on top of that; sound mounts fail in
//! 0.4% on average, more often with older cartridges; drives ask for cleaning now and then.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/fleet.rs"]
mod fleet;

use fleet::{Fault, Fleet, Placement};
use tapeward::health::{Action, State, assess};

const SEEDS: std::ops::Range<u64> = 0..50;

/// Those that should be out of use: numbers of drives and of cartridges.
fn named(fleet: &Fleet) -> (Vec<usize>, Vec<usize>) {
    let assessment = assess(&fleet.snapshot(), fleet.now());
    let suspect = |state| matches!(state, State::Suspect | State::Quarantined);
    let drives = assessment
        .drives
        .iter()
        .filter(|drive| suspect(drive.evidence.state))
        .map(|drive| Fleet::drive_number(&drive.drive))
        .collect();
    let cartridges = assessment
        .cartridges
        .iter()
        .filter(|cartridge| suspect(cartridge.evidence.state))
        .map(|cartridge| Fleet::cartridge_number(cartridge.cartridge))
        .collect();
    (drives, cartridges)
}

#[test]
fn one_bad_drive_and_two_bad_cartridges_are_named_and_nothing_else() {
    for seed in SEEDS {
        let fleet = Fleet::new(seed, Fault::DriveAndCartridges, Placement::Even);
        assert_eq!(
            named(&fleet),
            (vec![fleet.bad_drive], fleet.bad_cartridges.to_vec()),
            "seed {seed}"
        );
    }
}

/// A bad cartridge that was nearly always in the bad drive looks like the others there: it may stay
/// open who is at fault, but nobody else is accused.
#[test]
fn bad_cartridges_that_were_mostly_in_the_bad_drive_are_told_from_sound_ones() {
    let mut found = 0;
    for seed in SEEDS {
        let fleet = Fleet::new(seed, Fault::DriveAndCartridges, Placement::MostlyInBadDrive);
        let (drives, cartridges) = named(&fleet);
        assert_eq!(drives, [fleet.bad_drive], "seed {seed}");
        let sound = |cartridge| !fleet.bad_cartridges.contains(cartridge);
        assert!(!cartridges.iter().any(sound), "seed {seed}: {cartridges:?}");
        found += cartridges.len();
    }
    assert!(found >= 98, "{found} of 100");
}

#[test]
fn a_sound_fleet_is_never_accused() {
    for seed in SEEDS {
        let fleet = Fleet::new(seed, Fault::None, Placement::Even);
        assert_eq!(named(&fleet), (vec![], vec![]), "seed {seed}");
    }
}

/// What is only statistical is proposed to a person, with its reason.
#[test]
fn what_is_found_by_counting_is_proposed_with_its_reason() {
    let fleet = Fleet::new(3, Fault::DriveAndCartridges, Placement::Even);
    let assessment = assess(&fleet.snapshot(), fleet.now());
    let drive = &assessment.drives[fleet.bad_drive];
    assert_eq!(drive.evidence.action, Action::Propose);
    let reason = &drive.evidence.reasons[0].text;
    assert!(reason.contains("went bad, with"), "{reason}");
    let sound = &assessment.drives[(fleet.bad_drive + 1) % 6];
    assert_eq!(sound.evidence.action, Action::None);
}
