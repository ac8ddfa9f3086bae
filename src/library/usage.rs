//! What a drive says about a mount: sense data of its commands as they go by, and the log pages
//! before the cartridge is taken out.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tapeward_drivers::sense::{SenseClass, SenseData, SenseKey};
use tapeward_drivers::spc::error_counters;
use tapeward_drivers::ssc;
use tapeward_drivers::transport::{Cdb, Data, Reply, Transport, TransportError};
use tapeward_drivers::{Drive, ScsiError};

use super::connection::Unit;
use super::mount::MoveWitness;
use super::robot::{DriveSite, Library};
use crate::error::Result;
use crate::health::{ErrorCounters, SenseTally, Usage};
use crate::id::Barcode;

/// What is known of the mount a drive is in.
#[derive(Debug, Clone, Copy, Default)]
struct Current {
    sense: SenseTally,
    /// Counters of writing and reading when the mount began; some drives count from power on, so
    /// without them nothing can be said about this mount.
    begun: Option<(ErrorCounters, ErrorCounters)>,
}

/// The mounts of a library's drives.
#[derive(Debug, Default)]
pub(super) struct Mounts(Mutex<HashMap<String, Arc<Mutex<Current>>>>);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mounts {
    fn of(&self, unit: &Unit) -> Arc<Mutex<Current>> {
        Arc::clone(locked(&self.0).entry(unit.to_string()).or_default())
    }

    /// A path to a drive that counts the errors which go by.
    pub(super) fn watch(&self, unit: &Unit, inner: Box<dyn Transport>) -> Box<dyn Transport> {
        Box::new(Watched {
            inner,
            current: self.of(unit),
        })
    }
}

struct Watched {
    inner: Box<dyn Transport>,
    current: Arc<Mutex<Current>>,
}

impl Transport for Watched {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        let reply = self.inner.execute(cdb, data, timeout)?;
        if let Some(sense) = SenseData::parse(&reply.sense) {
            count(&mut locked(&self.current).sense, &sense);
        }
        Ok(reply)
    }

    fn path(&self) -> &str {
        self.inner.path()
    }
}

fn count(tally: &mut SenseTally, sense: &SenseData) {
    match (sense.key, sense.class()) {
        (_, SenseClass::EndOfMedium | SenseClass::IncompatibleMedium) => {}
        (SenseKey::MediumError | SenseKey::HardwareError, _) => {
            tally.hard = tally.hard.saturating_add(1);
        }
        (SenseKey::RecoveredError, SenseClass::Recovered) => {
            tally.recovered = tally.recovered.saturating_add(1);
        }
        _ => {}
    }
}

impl Library {
    /// A mount begins: errors are counted from here. The cartridge is ready.
    pub(super) fn begin_use(&self, drive: &mut Drive, site: &DriveSite) {
        let mut asking = Asking::new(drive);
        let begun = Current {
            sense: SenseTally::default(),
            begun: Some((asking.write_errors(), asking.read_errors())),
        };
        *locked(&self.mounts().of(&site.unit)) = begun;
    }

    /// A mount ends, and the cartridge is still in the drive: what the drive says about it is
    /// asked for, once, and recorded before anything else happens. A drive that lacks a page, or
    /// does not answer any more, keeps nobody from taking the cartridge out.
    pub(super) fn end_use(
        &self,
        drive: &mut Drive,
        site: &DriveSite,
        barcode: &Barcode,
        witness: &dyn MoveWitness,
    ) -> Result<()> {
        witness.used(barcode, site, &self.ask_usage(drive, site))
    }

    /// What a drive says about the mount it is in, asked for once: TapeAlert flags are gone then.
    pub fn ask_usage(&self, drive: &mut Drive, site: &DriveSite) -> Usage {
        let current = std::mem::take(&mut *locked(&self.mounts().of(&site.unit)));
        let mut asking = Asking::new(drive);
        let (write, read) = match current.begun {
            Some((write, read)) => (
                since(asking.write_errors(), write),
                since(asking.read_errors(), read),
            ),
            None => Default::default(),
        };
        Usage {
            write,
            read,
            sense: current.sense,
            volume: asking.page("17h", ssc::Drive::volume_statistics),
            device: asking.page("14h", ssc::Drive::device_statistics),
            sequential: asking.page("0Ch", ssc::Drive::sequential_access_counters),
            alerts: asking
                .page("2Eh", ssc::Drive::tape_alerts)
                .unwrap_or_default(),
            missing: asking.missing,
        }
    }
}

/// Asks a drive for pages. One that does not answer is not asked again.
struct Asking<'a> {
    drive: &'a mut Drive,
    missing: Vec<String>,
    gone: bool,
}

impl<'a> Asking<'a> {
    fn new(drive: &'a mut Drive) -> Self {
        Self {
            drive,
            missing: Vec::new(),
            gone: false,
        }
    }

    /// A page, or why there is none; a drive that lacks it is no trouble.
    fn page<T>(
        &mut self,
        page: &str,
        ask: impl FnOnce(&mut ssc::Drive) -> Result<Option<T>, ScsiError>,
    ) -> Option<T> {
        if self.gone {
            return None;
        }
        // The kernel's own driver does not pass log pages on.
        ask(self.drive.scsi()?).unwrap_or_else(|error| {
            self.gone = matches!(error, ScsiError::Transport(_));
            self.missing.push(format!("log page {page}: {error}"));
            None
        })
    }

    fn write_errors(&mut self) -> ErrorCounters {
        self.page("02h", |drive| {
            error_counters::write_errors(drive.transport_mut())
        })
        .unwrap_or_default()
    }

    fn read_errors(&mut self) -> ErrorCounters {
        self.page("03h", |drive| {
            error_counters::read_errors(drive.transport_mut())
        })
        .unwrap_or_default()
    }
}

/// What was counted since the mount began. Drives that count from zero at each load were at zero
/// then; one that was reset meanwhile has less now than before, and all of that is new.
fn since(now: ErrorCounters, then: ErrorCounters) -> ErrorCounters {
    let less = |now: Option<u64>, then: Option<u64>| {
        now.map(|now| now.checked_sub(then.unwrap_or(0)).unwrap_or(now))
    };
    ErrorCounters {
        corrected_at_once: less(now.corrected_at_once, then.corrected_at_once),
        corrected_with_delay: less(now.corrected_with_delay, then.corrected_with_delay),
        retries: less(now.retries, then.retries),
        corrected: less(now.corrected, then.corrected),
        corrections: less(now.corrections, then.corrections),
        uncorrected: less(now.uncorrected, then.uncorrected),
        bytes: less(now.bytes, then.bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fixed format sense data (SPC-5): key in byte 2, additional sense in bytes 12 and 13.
    fn sense(key: u8, code: u8, qualifier: u8) -> SenseData {
        let mut raw = vec![
            0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, code, qualifier, 0, 0, 0, 0,
        ];
        raw.truncate(18);
        SenseData::parse(&raw).unwrap()
    }

    #[test]
    fn hard_and_recovered_errors_count_and_the_ordinary_does_not() {
        let mut tally = SenseTally::default();
        for (key, code, qualifier) in [
            (0x3, 0x0c, 0x00), // WRITE ERROR
            (0x3, 0x11, 0x00), // UNRECOVERED READ ERROR
            (0x4, 0x44, 0x00), // INTERNAL TARGET FAILURE
        ] {
            count(&mut tally, &sense(key, code, qualifier));
        }
        assert_eq!(tally.hard, 3);
        for (key, code, qualifier) in [
            (0x0, 0x00, 0x01), // FILEMARK DETECTED
            (0x0, 0x00, 0x02), // END-OF-PARTITION/MEDIUM DETECTED
            (0x3, 0x00, 0x02), // the same at the end of data
            (0x3, 0x30, 0x00), // INCOMPATIBLE MEDIUM INSTALLED
            (0x2, 0x04, 0x01), // BECOMING READY
            (0x5, 0x24, 0x00), // INVALID FIELD IN CDB
            (0x6, 0x28, 0x00), // MEDIUM MAY HAVE CHANGED
            (0x7, 0x27, 0x00), // WRITE PROTECTED
            (0x8, 0x00, 0x05), // END-OF-DATA DETECTED
        ] {
            count(&mut tally, &sense(key, code, qualifier));
        }
        assert_eq!(
            tally,
            SenseTally {
                hard: 3,
                recovered: 0
            }
        );
        count(&mut tally, &sense(0x1, 0x17, 0x01)); // RECOVERED DATA WITH RETRIES
        assert_eq!(tally.recovered, 1);
    }

    /// A drive that is gone, counting who asks.
    struct Gone(Arc<Mutex<u32>>);

    impl Transport for Gone {
        fn execute(&mut self, _: &Cdb, _: Data<'_>, _: Duration) -> Result<Reply, TransportError> {
            *locked(&self.0) += 1;
            let path = "gone".to_owned();
            Err(TransportError::Gone { path })
        }

        fn path(&self) -> &'static str {
            "gone"
        }
    }

    #[test]
    fn a_drive_that_is_gone_is_asked_once() {
        let asked = Arc::new(Mutex::new(0));
        let mut drive: Drive = Box::new(ssc::Drive::new(Box::new(Gone(Arc::clone(&asked)))));
        let mut asking = Asking::new(&mut drive);
        assert_eq!(asking.write_errors(), ErrorCounters::default());
        assert!(asking.page("2Eh", ssc::Drive::tape_alerts).is_none());
        assert_eq!(asking.missing.len(), 1, "{:?}", asking.missing);
        assert_eq!(*locked(&asked), 1);
    }

    #[test]
    fn counters_are_taken_from_the_beginning_of_the_mount() {
        let at = |corrected, bytes| ErrorCounters {
            corrected,
            bytes,
            ..ErrorCounters::default()
        };
        let cumulative = since(at(Some(50), Some(900)), at(Some(20), Some(400)));
        assert_eq!(cumulative, at(Some(30), Some(500)));
        let reset = since(at(Some(5), Some(100)), at(Some(20), Some(400)));
        assert_eq!(reset, at(Some(5), Some(100)));
        assert_eq!(
            since(at(None, Some(7)), at(Some(1), None)),
            at(None, Some(7))
        );
    }
}
