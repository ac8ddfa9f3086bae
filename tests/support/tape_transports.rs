//! Paths to drives that are not quite like others.
#![allow(dead_code, unreachable_pub)] // each test program uses its own part
#![allow(clippy::unwrap_used)] // a test's helpers fail as the test itself does

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use tapeward_drivers::transport::{Cdb, Data, Reply, Status, Transport, TransportError};

/// CHECK CONDITION with this sense key and code.
fn refused(key: u8, code: u8) -> Reply {
    let mut sense = vec![0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, code, 0];
    sense.resize(18, 0);
    Reply {
        status: Status::CheckCondition,
        sense,
        transferred: 0,
    }
}

/// Hides early warning, as a drive that does not give any: writes go on to the physical end.
pub struct Deaf(pub Box<dyn Transport>);

impl Transport for Deaf {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        let length = match &data {
            Data::Out(out) => out.len(),
            _ => 0,
        };
        let mut reply = self.0.execute(cdb, data, timeout)?;
        let warning = matches!(cdb.opcode(), 0x0a | 0x10)
            && reply.status == Status::CheckCondition
            && reply.sense.get(2).is_some_and(|flags| flags & 0x4f == 0x40);
        if warning {
            reply = Reply {
                status: Status::Good,
                sense: Vec::new(),
                transferred: length,
            };
        }
        Ok(reply)
    }

    fn path(&self) -> &str {
        self.0.path()
    }
}

/// Loses its device at the nth WRITE, from 1.
pub struct Dying {
    pub inner: Box<dyn Transport>,
    pub writes_left: u64,
}

impl Transport for Dying {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        if cdb.opcode() == 0x0a {
            self.writes_left = self.writes_left.saturating_sub(1);
        }
        if self.writes_left == 0 {
            return Err(TransportError::Gone {
                path: self.inner.path().to_owned(),
            });
        }
        self.inner.execute(cdb, data, timeout)
    }

    fn path(&self) -> &str {
        self.inner.path()
    }
}

/// Counts WRITEs; at the nth, from 1, waits until another drive has done so many, and then has a
/// bad tape.
pub struct Gated {
    pub inner: Box<dyn Transport>,
    pub own: u64,
    pub fails_at: u64,
    pub other: Arc<(Mutex<u64>, Condvar)>,
    pub until: u64,
}

impl Transport for Gated {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        if cdb.opcode() == 0x0a {
            self.own += 1;
            if self.own == self.fails_at {
                let (count, changed) = &*self.other;
                let mut count = count.lock().unwrap();
                while *count < self.until {
                    count = changed.wait(count).unwrap();
                }
                return Ok(refused(0x03, 0x0c));
            }
        }
        self.inner.execute(cdb, data, timeout)
    }

    fn path(&self) -> &str {
        self.inner.path()
    }
}

/// Has a bad tape at one WRITE, from 1, and tells how many it did.
pub struct Told {
    pub inner: Box<dyn Transport>,
    pub fails_at: u64,
    pub count: Arc<(Mutex<u64>, Condvar)>,
}

impl Transport for Told {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        if cdb.opcode() == 0x0a {
            let (count, changed) = &*self.count;
            let mut count = count.lock().unwrap();
            *count += 1;
            changed.notify_all();
            if *count == self.fails_at {
                return Ok(refused(0x03, 0x0c));
            }
        }
        self.inner.execute(cdb, data, timeout)
    }

    fn path(&self) -> &str {
        self.inner.path()
    }
}

/// Counts READ, LOCATE and SPACE commands.
pub struct Counting {
    pub inner: Box<dyn Transport>,
    pub reads: Arc<AtomicU64>,
    pub locates: Arc<AtomicU64>,
}

impl Transport for Counting {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        match cdb.opcode() {
            0x08 => self.reads.fetch_add(1, Ordering::Relaxed),
            0x2b | 0x92 | 0x11 | 0x91 => self.locates.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        self.inner.execute(cdb, data, timeout)
    }

    fn path(&self) -> &str {
        self.inner.path()
    }
}

/// A drive without programmable early warning: it lacks the page, and does not warn early.
pub struct NoPews(pub Box<dyn Transport>);

impl Transport for NoPews {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        let bytes = cdb.as_bytes();
        // MODE SENSE(6) and (10) of page 10h, subpage 01h.
        if matches!(bytes[0], 0x1a | 0x5a) && bytes[2] & 0x3f == 0x10 && bytes[3] == 1 {
            return Ok(refused(0x05, 0x24));
        }
        self.0.execute(cdb, data, timeout)
    }

    fn path(&self) -> &str {
        self.0.path()
    }
}

/// A gate in front of a drive.
#[derive(Default)]
pub struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    somebody_waits: bool,
    is_open: bool,
}

impl Gate {
    /// Lets whoever waits go on.
    pub fn open(&self) {
        self.state.lock().unwrap().is_open = true;
        self.changed.notify_all();
    }

    /// From when somebody waits until the gate is open, calls this again and again.
    pub fn meanwhile(&self, mut tick: impl FnMut()) {
        let state = self.state.lock().unwrap();
        let mut state = self
            .changed
            .wait_while(state, |state| !state.somebody_waits && !state.is_open)
            .unwrap();
        while !state.is_open {
            tick();
            let moment = Duration::from_millis(2);
            state = self.changed.wait_timeout(state, moment).unwrap().0;
        }
    }

    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.somebody_waits = true;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| !state.is_open));
    }
}

/// Stands still at the nth WRITE, from 1, until its gate is open.
pub struct Standing {
    pub inner: Box<dyn Transport>,
    pub writes_left: u64,
    pub gate: Arc<Gate>,
}

impl Transport for Standing {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        if cdb.opcode() == 0x0a {
            self.writes_left = self.writes_left.saturating_sub(1);
            if self.writes_left == 0 {
                self.gate.pass();
            }
        }
        self.inner.execute(cdb, data, timeout)
    }

    fn path(&self) -> &str {
        self.inner.path()
    }
}
