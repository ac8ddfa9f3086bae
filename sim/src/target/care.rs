//! What a drive does with a cartridge before it can be used: calibration of a new LTO-9
//! cartridge, and cleaning with one that is for that.

use std::time::Duration;

use super::alert::Alert;
use super::drive::Drive;
use super::medium::{Fitness, Medium, Mounted};
use crate::cartridge::{CartridgeKind, Generation};
use crate::clock::{Activity, CALIBRATION, CLEANING, Timing};
use crate::sense::{Sense, SenseKey};

/// Tape motion after which a drive asks to be cleaned.
const CLEANING_INTERVAL: Duration = Duration::from_secs(250 * 60 * 60);

/// A calibration that has begun, by the host's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Calibration {
    start: Duration,
}

impl Calibration {
    /// In 65,536ths; `None` when it is over.
    fn progress(self, now: Duration) -> Option<u16> {
        let passed = now.saturating_sub(self.start);
        if passed >= CALIBRATION {
            return None;
        }
        let parts = passed.as_nanos() * 65_536 / CALIBRATION.as_nanos();
        u16::try_from(parts).ok()
    }
}

impl Drive {
    /// An LTO-9 drive calibrates an LTO-9 cartridge that no drive has calibrated; one that was
    /// interrupted begins anew. Without virtual time it takes none.
    pub(super) fn start_calibration(&mut self) {
        self.calibration = None;
        if self.shared.clock.timing() == Timing::Off {
            return;
        }
        let Medium::Loaded(mounted) = &self.medium else {
            return;
        };
        let record = &mounted.cartridge.record;
        let new = matches!(
            record.kind,
            CartridgeKind::Data {
                generation: Generation::Lto9,
                ..
            }
        );
        if new && !record.calibrated && mounted.fitness == Fitness::Usable {
            let start = self.shared.clock.monotonic();
            self.calibration = Some(Calibration { start });
        }
    }

    /// NOT READY, LOGICAL UNIT IS IN PROCESS OF BECOMING READY, while it calibrates.
    pub(super) fn check_calibration(&mut self) -> Result<(), Sense> {
        let Some(calibration) = self.calibration else {
            return Ok(());
        };
        if let Some(progress) = calibration.progress(self.shared.clock.monotonic()) {
            let sense = Sense::new(SenseKey::NotReady, (0x04, 0x01));
            return Err(sense.with_progress(progress));
        }
        self.calibration = None;
        self.charge(Activity::Mechanical(CALIBRATION));
        if let Medium::Loaded(mounted) = &mut self.medium {
            mounted.cartridge.record.calibrated = true;
            if let Err(error) = mounted.cartridge.save() {
                tracing::error!(cartridge = %mounted.cartridge.id, %error, "calibration not saved");
            }
        }
        Ok(())
    }

    /// What is threaded, usable or not: its memory can be read.
    pub(super) fn threaded(&mut self) -> Result<&mut Mounted, Sense> {
        match &mut self.medium {
            Medium::Loaded(mounted) => Ok(mounted),
            Medium::Empty | Medium::Unloaded(_) => Err(Sense::no_medium()),
        }
    }

    /// What a new cartridge means for the TapeAlert flags; cleaning happens here.
    pub(super) fn alert_medium(&mut self, fitness: Fitness) {
        self.alerts.new_medium();
        match fitness {
            Fitness::Usable if self.counters.motion_since_cleaning() >= CLEANING_INTERVAL => {
                self.alerts.raise(Alert::CleanPeriodic);
            }
            Fitness::Usable => {}
            Fitness::Incompatible => self.alerts.raise(Alert::UnsupportedFormat),
            Fitness::Cleaning => {
                self.alerts.raise(Alert::CleaningMedia);
                self.alerts.clear(Alert::CleanNow);
                self.alerts.clear(Alert::CleanPeriodic);
                self.counters.cleaned();
                self.charge(Activity::Mechanical(CLEANING));
            }
            Fitness::CleaningExpired => self.alerts.raise(Alert::ExpiredCleaningMedia),
        }
    }
}
