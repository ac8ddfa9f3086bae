//! A transport to a library in the same process.

use std::sync::Arc;
use std::time::Duration;

use tapeward_drivers::socket::{InitiatorId, Lun};
use tapeward_drivers::transport::{Cdb, Data, Reply, Transport, TransportError};

use crate::library::Library;

/// One initiator's path to one logical unit.
#[derive(Debug)]
pub struct InProcess {
    library: Arc<Library>,
    lun: Lun,
    initiator: InitiatorId,
    epoch: u64,
    path: String,
}

impl InProcess {
    /// Connects; dead after the next power cut, as any connection.
    #[must_use]
    pub fn connect(library: &Arc<Library>, lun: Lun, initiator: InitiatorId) -> Self {
        Self {
            epoch: library.epoch(),
            path: format!("{} {lun}", library.dir().display()),
            library: Arc::clone(library),
            lun,
            initiator,
        }
    }
}

impl Transport for InProcess {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        _timeout: Duration,
    ) -> Result<Reply, TransportError> {
        let gone = || TransportError::Gone {
            path: self.path.clone(),
        };
        self.library
            .execute(self.lun, self.initiator, self.epoch, cdb, data)
            .ok_or_else(gone)
    }

    fn path(&self) -> &str {
        &self.path
    }
}
