//! A device that expects exactly these commands and gives exactly these answers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tapeward_drivers::transport::{Cdb, Data, Reply, Status, Transport, TransportError};

/// Hex digits in pairs, blanks and line ends between them ignored.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    assert!(
        digits.len().is_multiple_of(2),
        "odd number of digits in {text:?}"
    );
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex digits"))
        .collect()
}

/// Fixed format sense data of 18 bytes: key with flags, ASC, ASCQ (SPC-5).
pub(crate) fn fixed(key_and_flags: u8, asc: u8, ascq: u8) -> Vec<u8> {
    let mut sense = vec![0; 18];
    sense[0] = 0x70;
    sense[2] = key_and_flags;
    sense[7] = 10;
    sense[12] = asc;
    sense[13] = ascq;
    sense
}

/// The same with VALID and INFORMATION.
pub(crate) fn fixed_with_information(key_and_flags: u8, asc: u8, ascq: u8, value: i32) -> Vec<u8> {
    let mut sense = fixed(key_and_flags, asc, ascq);
    sense[0] |= 0x80;
    sense[3..7].copy_from_slice(&value.to_be_bytes());
    sense
}

/// ILLEGAL REQUEST, INVALID FIELD IN CDB.
pub(crate) fn invalid_field() -> Vec<u8> {
    fixed(0x05, 0x24, 0x00)
}

/// ILLEGAL REQUEST, INVALID COMMAND OPERATION CODE.
pub(crate) fn invalid_opcode() -> Vec<u8> {
    fixed(0x05, 0x20, 0x00)
}

/// One command and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    cdb: Vec<u8>,
    sent: Option<Vec<u8>>,
    status: Status,
    sense: Vec<u8>,
    data: Vec<u8>,
    transferred: Option<usize>,
    lost: bool,
}

/// Expects this CDB (hex), and answers GOOD without data unless told otherwise.
pub(crate) fn on(cdb: &str) -> Step {
    Step {
        cdb: hex(cdb),
        sent: None,
        status: Status::Good,
        sense: Vec::new(),
        data: Vec::new(),
        transferred: None,
        lost: false,
    }
}

impl Step {
    /// Sends this data to the host.
    pub(crate) fn data(mut self, data: &[u8]) -> Self {
        self.data = data.to_vec();
        self
    }

    /// Expects this data from the host.
    pub(crate) fn sent(mut self, data: &[u8]) -> Self {
        self.sent = Some(data.to_vec());
        self
    }

    /// CHECK CONDITION with this sense data.
    pub(crate) fn check(mut self, sense: Vec<u8>) -> Self {
        self.status = Status::CheckCondition;
        self.sense = sense;
        self
    }

    /// Another status.
    pub(crate) fn status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// Reports this number of bytes, whatever moved.
    pub(crate) fn transferred(mut self, count: usize) -> Self {
        self.transferred = Some(count);
        self
    }

    /// The transport times out.
    pub(crate) fn lost(mut self) -> Self {
        self.lost = true;
        self
    }
}

/// What is left of a script; keep it to see that everything was asked.
#[derive(Debug, Clone)]
pub(crate) struct Rest(Arc<Mutex<VecDeque<Step>>>);

impl Rest {
    /// Fails unless all commands came.
    pub(crate) fn is_empty(&self) {
        let left = self.0.lock().unwrap();
        assert!(left.is_empty(), "these commands did not come: {left:02x?}");
    }
}

struct Script(Arc<Mutex<VecDeque<Step>>>);

/// A device that follows the steps.
pub(crate) fn script(steps: Vec<Step>) -> (Box<dyn Transport>, Rest) {
    let steps = Arc::new(Mutex::new(VecDeque::from(steps)));
    (Box::new(Script(Arc::clone(&steps))), Rest(steps))
}

impl Transport for Script {
    fn execute(
        &mut self,
        cdb: &Cdb,
        data: Data<'_>,
        timeout: Duration,
    ) -> Result<Reply, TransportError> {
        assert!(timeout >= Duration::from_secs(1), "no time for {cdb:?}");
        let step = self.0.lock().unwrap().pop_front();
        let step = step.unwrap_or_else(|| panic!("nothing more was expected, but {cdb:?} came"));
        assert_eq!(
            cdb.as_bytes(),
            step.cdb,
            "{:02x?} came, not {:02x?}",
            cdb.as_bytes(),
            step.cdb
        );
        if step.lost {
            return Err(TransportError::Timeout {
                path: "script".to_owned(),
                after: timeout,
            });
        }
        let moved = match data {
            Data::None => {
                assert!(step.data.is_empty(), "no data phase, but the step has data");
                0
            }
            Data::In(buffer) => {
                let moved = step.data.len().min(buffer.len());
                buffer[..moved].copy_from_slice(&step.data[..moved]);
                moved
            }
            Data::Out(bytes) => {
                if let Some(sent) = &step.sent {
                    assert_eq!(bytes, sent, "{bytes:02x?} was sent, not {sent:02x?}");
                }
                bytes.len()
            }
        };
        Ok(Reply {
            status: step.status,
            sense: step.sense,
            transferred: step.transferred.unwrap_or(moved),
        })
    }

    fn path(&self) -> &'static str {
        "script"
    }
}
