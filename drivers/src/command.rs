//! Sends one command and sorts its reply into success and error. Nothing is retried.

use std::time::Duration;

use crate::error::ScsiError;
use crate::sense::{SenseData, SenseKey};
use crate::transport::{Cdb, Data, Status, Transport};

/// A command that was performed.
#[derive(Debug)]
pub(crate) struct Completion {
    /// Bytes moved in the data phase.
    pub(crate) transferred: usize,
    /// What the device had to say nevertheless (RECOVERED ERROR).
    pub(crate) sense: Option<Box<SenseData>>,
}

/// One command with its standard's name and its time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) cdb: Cdb,
    pub(crate) timeout: Duration,
}

impl Command {
    pub(crate) const fn new<const N: usize>(
        name: &'static str,
        timeout: Duration,
        cdb: [u8; N],
    ) -> Self {
        Self {
            name,
            cdb: Cdb::new(cdb),
            timeout,
        }
    }

    /// Sends the command. GOOD and RECOVERED ERROR are success; a deferred error is an error
    /// whatever its key, since the command it came with was not performed (SPC-5, deferred errors).
    pub(crate) fn send(
        &self,
        transport: &mut dyn Transport,
        data: Data<'_>,
    ) -> Result<Completion, ScsiError> {
        let reply = transport.execute(&self.cdb, data, self.timeout)?;
        let sense = SenseData::parse(&reply.sense).map(Box::new);
        let path = transport.path();
        match (reply.status, sense) {
            (Status::Good | Status::ConditionMet, None) => Ok(Completion {
                transferred: reply.transferred,
                sense: None,
            }),
            (Status::Good | Status::ConditionMet, Some(sense)) if !sense.deferred => {
                tracing::debug!(path, command = self.name, %sense, "sense data with GOOD");
                Ok(Completion {
                    transferred: reply.transferred,
                    sense: None,
                })
            }
            (Status::CheckCondition, Some(sense))
                if sense.key == SenseKey::RecoveredError && !sense.deferred =>
            {
                tracing::warn!(path, command = self.name, %sense, "recovered error");
                Ok(Completion {
                    transferred: reply.transferred,
                    sense: Some(sense),
                })
            }
            (Status::CheckCondition | Status::Good | Status::ConditionMet, Some(sense)) => {
                Err(ScsiError::Check {
                    command: self.name,
                    path: path.to_owned(),
                    cdb: self.cdb,
                    sense,
                })
            }
            (Status::CheckCondition, None) => Err(ScsiError::NoSenseData {
                command: self.name,
                path: path.to_owned(),
                cdb: self.cdb,
                raw: reply.sense,
            }),
            (status, _) => Err(ScsiError::Status {
                command: self.name,
                path: path.to_owned(),
                cdb: self.cdb,
                status,
            }),
        }
    }

    /// A command without a data phase.
    pub(crate) fn run(&self, transport: &mut dyn Transport) -> Result<Completion, ScsiError> {
        self.send(transport, Data::None)
    }

    /// A command that brings at most `length` bytes; what came, and no more, is returned.
    pub(crate) fn read(
        &self,
        transport: &mut dyn Transport,
        length: usize,
    ) -> Result<Vec<u8>, ScsiError> {
        let mut buffer = vec![0; length];
        let completion = self.send(transport, Data::In(&mut buffer))?;
        buffer.truncate(completion.transferred);
        Ok(buffer)
    }

    /// A command that sends `bytes`.
    pub(crate) fn write(
        &self,
        transport: &mut dyn Transport,
        bytes: &[u8],
    ) -> Result<Completion, ScsiError> {
        self.send(transport, Data::Out(bytes))
    }

    /// The reply is too short to say what it has to.
    pub(crate) fn short(&self, path: &str, needed: usize, bytes: &[u8]) -> ScsiError {
        ScsiError::ShortReply {
            command: self.name,
            path: path.to_owned(),
            needed,
            bytes: bytes.to_vec(),
        }
    }

    /// The reply makes no sense.
    pub(crate) fn malformed(&self, path: &str, what: impl Into<String>, bytes: &[u8]) -> ScsiError {
        ScsiError::Malformed {
            command: self.name,
            path: path.to_owned(),
            what: what.into(),
            bytes: bytes[..bytes.len().min(1024)].to_vec(),
        }
    }
}
