//! An examination under way: runs checks, keeps what came of them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tapeward_drivers::ScsiError;
use tapeward_drivers::ssc::WriteError;

use super::certificate::{Certificate, Check, Device, Figure, Finding, Outcome};
use crate::error::{Error, Result};
use crate::id::Barcode;
use crate::job::step::RunContext;
use crate::library::robot::DriveSite;
use crate::library::view::Place;

/// What a check that passed has to say.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub(super) detail: String,
    pub(super) figures: Vec<Figure>,
}

impl Passed {
    pub(super) fn new(detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            figures: Vec::new(),
        }
    }

    pub(super) fn figure(mut self, what: &str, value: f64, unit: &'static str) -> Self {
        self.figures.push(Figure {
            what: what.to_owned(),
            value,
            unit,
        });
        self
    }

    /// Seconds it took.
    pub(super) fn took(self, what: &str, time: Duration) -> Self {
        self.figure(what, time.as_secs_f64(), "s")
    }

    /// Megabytes (10^6 bytes) a second.
    pub(super) fn rate(self, what: &str, bytes: u64, time: Duration) -> Self {
        let megabytes = f64::from(u32::try_from(bytes / 1000).unwrap_or(u32::MAX)) / 1000.0;
        let seconds = time.as_secs_f64();
        if seconds > 0.0 {
            self.figure(what, megabytes / seconds, "MB/s")
        } else {
            self
        }
    }
}

/// Why a check did not pass.
#[derive(Debug)]
pub(super) struct NotPassed {
    outcome: Outcome,
    why: String,
}

impl NotPassed {
    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Failed,
            why: why.into(),
        }
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.outcome == Outcome::Unsupported
    }

    pub(super) fn unsupported(why: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Unsupported,
            why: why.into(),
        }
    }

    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Skipped,
            why: why.into(),
        }
    }
}

impl From<ScsiError> for NotPassed {
    fn from(error: ScsiError) -> Self {
        if error.is_unsupported() {
            Self::unsupported(error.to_string())
        } else {
            Self::failed(error.to_string())
        }
    }
}

impl From<WriteError> for NotPassed {
    fn from(error: WriteError) -> Self {
        let words = error.to_string();
        if error.scsi().is_unsupported() {
            Self::unsupported(words)
        } else {
            Self::failed(words)
        }
    }
}

impl From<Error> for NotPassed {
    fn from(error: Error) -> Self {
        Self::failed(error.to_string())
    }
}

pub(super) type Checked = std::result::Result<Passed, NotPassed>;

/// Compares, and says both when they differ.
pub(super) fn same<T: PartialEq + std::fmt::Display>(
    what: &str,
    found: &T,
    expected: &T,
) -> std::result::Result<(), NotPassed> {
    if found == expected {
        return Ok(());
    }
    Err(NotPassed::failed(format!(
        "{what}: {found}, {expected} was expected"
    )))
}

/// What is examined, with what, and what came of it so far.
pub(super) struct Exam {
    pub(super) context: RunContext,
    /// Where the scratch cartridge is at home.
    pub(super) home: Option<Place>,
    devices: Vec<Device>,
    findings: Vec<Finding>,
    started: DateTime<Utc>,
}

impl Exam {
    pub(super) fn new(context: RunContext, home: Option<Place>) -> Self {
        let started = context.app.clock.now();
        Self {
            context,
            home,
            devices: Vec::new(),
            findings: Vec::new(),
            started,
        }
    }

    pub(super) fn device(&mut self, device: Device) {
        self.devices.push(device);
    }

    /// Time since an arbitrary moment.
    pub(super) fn elapsed(&self) -> Duration {
        self.context.app.clock.monotonic()
    }

    /// Runs a check and keeps what came of it; says whether it passed.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Interrupted`] when somebody asked to stop: a check is the
    /// smallest thing that is not left half done.
    pub(super) fn check(
        &mut self,
        subject: &str,
        check: Check,
        work: impl FnOnce(&Self) -> Checked,
    ) -> Result<bool> {
        self.context.app.interrupt.check()?;
        self.context
            .app
            .say(format!("{subject}: {}", check.title()));
        let outcome = work(self);
        Ok(self.keep(subject, check, outcome))
    }

    /// Keeps what came of a check.
    pub(super) fn keep(&mut self, subject: &str, check: Check, outcome: Checked) -> bool {
        let (outcome, detail, figures) = match outcome {
            Ok(passed) => (Outcome::Passed, passed.detail, passed.figures),
            Err(not) => (not.outcome, not.why, Vec::new()),
        };
        self.findings.push(Finding {
            subject: subject.to_owned(),
            check,
            outcome,
            detail,
            figures,
        });
        outcome == Outcome::Passed
    }

    /// Without a cartridge nothing is moved and nothing written.
    pub(super) fn skip_cartridge_checks(&mut self, sites: &[DriveSite]) {
        let why = "needs a blank cartridge: name one with --scratch";
        self.keep("mail slots", Check::MailSlot, Err(NotPassed::skipped(why)));
        self.skip_drives(sites, why);
    }

    /// Drives that are not loaded, and why.
    pub(super) fn skip_drives(&mut self, sites: &[DriveSite], why: &str) {
        for site in sites {
            let subject = subject(site);
            self.keep(&subject, Check::Load, Err(NotPassed::skipped(why)));
        }
    }

    pub(super) fn certificate(self, scratch: Option<Barcode>, interrupted: bool) -> Certificate {
        let app = &self.context.app;
        Certificate {
            format: 1,
            program: format!("tapeward {}", env!("CARGO_PKG_VERSION")),
            library: self.context.library.name().to_owned(),
            devices: self.devices,
            scratch,
            person: app.actor.person.clone(),
            station: app.actor.station.clone(),
            run: self.context.run,
            started: self.started,
            finished: app.clock.now(),
            interrupted,
            findings: self.findings,
        }
    }
}

/// How a drive is called in a certificate.
pub(super) fn subject(site: &DriveSite) -> String {
    format!("{} (serial {})", site.name, site.serial)
}
