//! A device whose every answer is taken from the bytes of the fuzzer; gone when they are used up.

use std::time::Duration;

use tapeward_drivers::transport::{Cdb, Data, Reply, Status, Transport, TransportError};

/// Bytes taken from the front.
#[derive(Debug, Clone)]
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub fn length(&mut self) -> Option<usize> {
        let high = self.byte()?;
        Some(usize::from(u16::from_be_bytes([high, self.byte()?])))
    }

    /// As many as there are, at most `length`.
    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// The device. Each answer begins with a byte that tells its kind.
#[derive(Debug)]
pub struct Puppet {
    bytes: Vec<u8>,
    at: usize,
    /// Standard INQUIRY data, where the device is to be a known one.
    inquiry: Option<Vec<u8>>,
}

impl Puppet {
    pub fn new(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            at: 0,
            inquiry: None,
        }
    }

    /// The same that says this of itself.
    pub fn known_as(mut self, peripheral: u8, vendor: &str, product: &str) -> Self {
        let mut data = vec![peripheral, 0x80, 6, 2, 31, 0, 0, 0];
        data.extend(format!("{vendor:<8}{product:<16}0001").bytes());
        self.inquiry = Some(data);
        self
    }

    fn answer(&mut self, data: Data<'_>) -> Option<Reply> {
        let bytes = self.bytes.clone();
        let mut rest = Bytes(&bytes[self.at..]);
        let kind = rest.byte()?;
        let mut reply = Reply {
            status: Status::Good,
            sense: Vec::new(),
            transferred: 0,
        };
        match kind & 0x07 {
            0..=4 => {}
            5 | 6 => {
                reply.status = Status::CheckCondition;
                let length = usize::from(rest.byte()?);
                reply.sense = rest.take(length.min(252)).to_vec();
            }
            _ => reply.status = Status::from(rest.byte()?),
        }
        reply.transferred = match data {
            Data::None => 0,
            Data::Out(out) => out.len(),
            Data::In(buffer) => {
                let length = rest.length()?;
                let given = rest.take(length.min(buffer.len()));
                buffer[..given.len()].copy_from_slice(given);
                given.len()
            }
        };
        self.at = bytes.len() - rest.0.len();
        Some(reply)
    }
}

impl Transport for Puppet {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        _timeout: Duration,
    ) -> Result<Reply, TransportError> {
        let standard_inquiry = cdb.opcode() == 0x12 && cdb.as_bytes()[1] & 1 == 0;
        match (&self.inquiry, data) {
            (Some(inquiry), Data::In(buffer)) if standard_inquiry => {
                let length = inquiry.len().min(buffer.len());
                buffer[..length].copy_from_slice(&inquiry[..length]);
                Ok(Reply {
                    status: Status::Good,
                    sense: Vec::new(),
                    transferred: length,
                })
            }
            (_, data) => self.answer(data).ok_or_else(|| TransportError::Gone {
                path: "puppet".to_owned(),
            }),
        }
    }

    fn path(&self) -> &'static str {
        "puppet"
    }
}
