//! Paths to drives that are not quite like others.
#![allow(dead_code, unreachable_pub)] // each test program uses its own part

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tapeward_drivers::transport::{Cdb, Data, Reply, Status, Transport, TransportError};

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
            let mut sense = vec![0x70, 0, 0x05, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0];
            sense.resize(18, 0);
            return Ok(Reply {
                status: Status::CheckCondition,
                sense,
                transferred: 0,
            });
        }
        self.0.execute(cdb, data, timeout)
    }

    fn path(&self) -> &str {
        self.0.path()
    }
}
