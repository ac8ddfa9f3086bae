//! TEST UNIT READY, and waiting.

use std::time::Duration;

use rstest::rstest;
use tapeward_drivers::TapeDrive as _;
use tapeward_drivers::ssc::{Drive, Pause, Readiness, WaitError};
use tapeward_drivers::transport::Status;

use crate::script::{Step, fixed, on, script};

fn tur() -> Step {
    on("00 00 00 00 00 00")
}

#[rstest]
#[case::ready(tur(), "Ready")]
#[case::changed(tur().check(fixed(0x06, 0x28, 0x00)), "UnitAttention")]
#[case::reset(tur().check(fixed(0x06, 0x29, 0x00)), "UnitAttention")]
#[case::loading(tur().check(fixed(0x02, 0x04, 0x01)), "BecomingReady")]
#[case::empty(tur().check(fixed(0x02, 0x3a, 0x00)), "NoMedium")]
#[case::cleaning(tur().check(fixed(0x02, 0x30, 0x03)), "Cleaning")]
#[case::by_hand(tur().check(fixed(0x02, 0x04, 0x03)), "NeedsAttention")]
#[case::broken(tur().check(fixed(0x04, 0x44, 0x00)), "Other")]
#[case::busy(tur().status(Status::Busy), "Other")]
#[case::silent(tur().lost(), "Other")]
fn states(#[case] step: Step, #[case] expected: &str) {
    let (device, _) = script(vec![step]);
    let state = format!("{:?}", Drive::new(device).readiness());
    assert!(state.starts_with(expected), "{state}");
}

/// A deferred error is no state of the drive: it must not be waited away.
#[test]
fn a_deferred_error_is_not_a_state() {
    let mut sense = fixed(0x02, 0x04, 0x01);
    sense[0] = 0x71;
    let (device, _) = script(vec![tur().check(sense)]);
    assert!(
        matches!(Drive::new(device).readiness(), Readiness::Other(error) if error.is_deferred())
    );
}

/// A clock that only moves when somebody waits.
#[derive(Default)]
struct Paused(Duration);

impl Pause for Paused {
    fn pause(&mut self, duration: Duration) {
        self.0 += duration;
    }

    fn elapsed(&self) -> Duration {
        self.0
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn waits_while_loading() {
    let loading = || tur().check(fixed(0x02, 0x04, 0x01));
    let (device, rest) = script(vec![
        tur().check(fixed(0x06, 0x28, 0x00)),
        loading(),
        loading(),
        tur(),
    ]);
    let mut paused = Paused::default();
    Drive::new(device)
        .wait_ready(&mut paused, SECOND, 10 * SECOND)
        .unwrap();
    assert_eq!(paused.0, 2 * SECOND);
    rest.is_empty();
}

#[test]
fn does_not_wait_for_an_empty_drive() {
    let (device, _) = script(vec![tur().check(fixed(0x02, 0x3a, 0x00))]);
    let mut paused = Paused::default();
    let error = Drive::new(device)
        .wait_ready(&mut paused, SECOND, 10 * SECOND)
        .unwrap_err();
    assert_eq!(error.to_string(), "script: no cartridge is loaded");
    assert_eq!(paused.0, Duration::ZERO);
}

#[test]
fn gives_up_after_the_limit() {
    let (device, rest) = script(vec![tur().check(fixed(0x02, 0x04, 0x01)); 3]);
    let mut paused = Paused::default();
    let error = Drive::new(device)
        .wait_ready(&mut paused, SECOND, 3 * SECOND)
        .unwrap_err();
    assert!(matches!(error, WaitError::TooLong { after, .. } if after == 3 * SECOND));
    rest.is_empty();
}
