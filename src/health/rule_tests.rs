//! Who is taken out at once, who is proposed, who is left alone.

use chrono::{DateTime, TimeDelta, Utc};
use tapeward_drivers::ssc::TapeAlert;
use uuid::Uuid;

use super::observation::{Observation, Usage};
use super::rule::*;
use crate::id::CartridgeId;

fn now() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn cartridge(number: u128) -> CartridgeId {
    CartridgeId::from_uuid(Uuid::from_u128(number))
}

/// A mount so many days ago that raised these flags.
fn mount(drive: &str, number: u128, days_ago: i64, flags: &[u8]) -> Observation {
    let mut usage = Usage::default();
    for flag in flags {
        usage.alerts.insert(TapeAlert::try_from(*flag).unwrap());
    }
    Observation {
        cartridge: cartridge(number),
        drive: drive.parse().unwrap(),
        model: "TAPEWARD ULTRIUM-TD8".to_owned(),
        at: now() - TimeDelta::days(days_ago),
        usage,
    }
}

fn snapshot(observations: Vec<Observation>) -> Snapshot {
    Snapshot {
        observations,
        ..Snapshot::default()
    }
}

fn of_cartridge(snapshot: &Snapshot, number: u128) -> Evidence {
    let assessment = assess(snapshot, now());
    let found = assessment
        .cartridges
        .into_iter()
        .find(|one| one.cartridge == cartridge(number));
    found.unwrap().evidence
}

fn of_drive(snapshot: &Snapshot, serial: &str) -> Evidence {
    let assessment = assess(snapshot, now());
    let found = assessment
        .drives
        .into_iter()
        .find(|one| one.drive.to_string() == serial);
    found.unwrap().evidence
}

fn codes(evidence: &Evidence) -> Vec<ReasonCode> {
    evidence.reasons.iter().map(|reason| reason.code).collect()
}

#[test]
fn a_critical_flag_about_the_cartridge_takes_it_out_at_once() {
    let one = of_cartridge(&snapshot(vec![mount("A", 1, 1, &[4])]), 1);
    assert_eq!((one.state, one.action), (State::Suspect, Action::TakeOut));
    assert!(codes(&one).contains(&ReasonCode::CriticalAlert), "{one:?}");
    // The drive is not to blame for having said so.
    let all = snapshot(vec![mount("A", 1, 1, &[4])]);
    assert_eq!(of_drive(&all, "A").action, Action::None);
}

#[test]
fn a_critical_flag_about_the_drive_takes_the_drive_out_and_not_the_cartridge() {
    let all = snapshot(vec![mount("A", 1, 1, &[30])]);
    assert_eq!(of_drive(&all, "A").action, Action::TakeOut);
    assert_eq!(of_cartridge(&all, 1).action, Action::None);
}

#[test]
fn a_drive_that_says_it_of_every_cartridge_is_not_believed_at_once() {
    let all = snapshot((1..=3).map(|one| mount("A", one, 1, &[4])).collect());
    assert_eq!(of_cartridge(&all, 1).action, Action::Propose);
    let all = snapshot(vec![mount("A", 1, 2, &[4]), mount("A", 2, 1, &[30])]);
    assert_eq!(of_cartridge(&all, 1).action, Action::Propose);
}

#[test]
fn cleaning_requests_and_wrong_handling_lead_to_nothing() {
    let flags = [9, 10, 11, 12, 17, 20, 21, 22, 23];
    let all = snapshot((0..5).map(|day| mount("A", 1, day, &flags)).collect());
    for evidence in [of_cartridge(&all, 1), of_drive(&all, "A")] {
        assert_eq!(
            (evidence.state, evidence.action),
            (State::Good, Action::None)
        );
        assert_eq!(evidence.reasons, []);
    }
}

#[test]
fn one_failure_is_watched_and_few_mounts_prove_nothing() {
    let all = snapshot(vec![mount("A", 1, 3, &[]), mount("A", 2, 2, &[6])]);
    assert_eq!(of_cartridge(&all, 1).state, State::Unproven);
    let failed = of_cartridge(&all, 2);
    assert_eq!((failed.state, failed.action), (State::Watch, Action::None));
    assert_eq!(codes(&failed), [ReasonCode::Failure]);
}

#[test]
fn old_evidence_and_what_was_before_a_release_do_not_count() {
    let all = snapshot(vec![mount("A", 1, WINDOW_DAYS + 1, &[4])]);
    assert!(assess(&all, now()).cartridges.is_empty());
    let mut all = snapshot(vec![mount("A", 1, 5, &[4]), mount("A", 1, 1, &[])]);
    let decided = |verdict, days| Decided {
        verdict,
        at: now() - TimeDelta::days(days),
    };
    all.cartridges
        .insert(cartridge(1), decided(Verdict::Quarantined, 4));
    let held = of_cartridge(&all, 1);
    assert_eq!(
        (held.state, held.action),
        (State::Quarantined, Action::None)
    );
    assert_eq!(held.mounts, 2);
    all.cartridges
        .insert(cartridge(1), decided(Verdict::Released, 3));
    let released = of_cartridge(&all, 1);
    assert_eq!((released.state, released.mounts), (State::Unproven, 1));
}

#[test]
fn strain_is_measured_against_drives_of_the_same_model_and_needs_peers() {
    let with_rate = |drive: &str, number, model: &str, errors| {
        let mut one = mount(drive, number, 1, &[]);
        one.model = model.to_owned();
        one.usage.write.bytes = Some(1 << 30);
        one.usage.write.corrected = Some(errors);
        one
    };
    let mut observations: Vec<_> = (0..30).map(|one| with_rate("A", one, "OLD", 5)).collect();
    observations.push(with_rate("A", 50, "OLD", 51));
    // Another model counts otherwise, and there are too few of them to say what is usual.
    observations.extend((60..65).map(|one| with_rate("B", one, "NEW", 5_000)));
    let all = snapshot(observations);
    assert_eq!(of_cartridge(&all, 50).strained, 1);
    assert_eq!(codes(&of_cartridge(&all, 50)), [ReasonCode::Strained]);
    assert_eq!(of_cartridge(&all, 1).strained, 0);
    assert_eq!(of_cartridge(&all, 60).strained, 0);
}
