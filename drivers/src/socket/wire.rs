//! What goes over the socket: a fixed greeting each way, then frames of bounded length. Numbers
//! are big-endian.

use std::io::{self, Read, Write};

use super::{InitiatorId, Lun};
use crate::transport::{Cdb, MAX_CDB_LENGTH, MAX_SENSE_LENGTH, Status};

/// First bytes of both greetings.
const MAGIC: [u8; 4] = *b"TWVL";
/// Raised whenever a frame changes.
pub const VERSION: u16 = 1;
/// Longest data phase: a transfer length has three bytes (SSC-4).
pub const MAX_DATA_LENGTH: usize = 1 << 24;
/// Longest message of an operator.
pub const MAX_MESSAGE_LENGTH: usize = 16 << 20;

fn broken(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// SCSI commands to this logical unit.
    Commands(Lun),
    /// An operator's messages.
    Control,
}

/// First frame from the client: 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// What the connection is for.
    pub purpose: Purpose,
    /// Who connects.
    pub initiator: InitiatorId,
}

impl Hello {
    const LENGTH: usize = 32;

    /// Sends it.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        let (kind, lun) = match self.purpose {
            Purpose::Commands(lun) => (0, lun.0),
            Purpose::Control => (1, 0),
        };
        let mut bytes = [0; Self::LENGTH];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&VERSION.to_be_bytes());
        bytes[6] = kind;
        bytes[8..10].copy_from_slice(&lun.to_be_bytes());
        bytes[16..].copy_from_slice(&self.initiator.0);
        to.write_all(&bytes)
    }

    /// Receives it.
    pub fn read(mut from: impl Read) -> io::Result<Self> {
        let mut bytes = [0; Self::LENGTH];
        from.read_exact(&mut bytes)?;
        check_greeting(&bytes)?;
        let purpose = match bytes[6] {
            0 => Purpose::Commands(Lun(u16::from_be_bytes([bytes[8], bytes[9]]))),
            1 => Purpose::Control,
            other => return Err(broken(format!("connection of unknown kind {other}"))),
        };
        let mut initiator = [0; 16];
        initiator.copy_from_slice(&bytes[16..]);
        Ok(Self {
            purpose,
            initiator: InitiatorId(initiator),
        })
    }
}

/// First frame from the library: 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Welcome {
    /// Connected.
    Connected {
        /// Number of logical units.
        units: u16,
    },
    /// There is no such logical unit.
    NoSuchUnit {
        /// Number of logical units.
        units: u16,
    },
}

impl Welcome {
    const LENGTH: usize = 16;

    /// Sends it.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        let (code, units) = match self {
            Self::Connected { units } => (0, units),
            Self::NoSuchUnit { units } => (1, units),
        };
        let mut bytes = [0; Self::LENGTH];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&VERSION.to_be_bytes());
        bytes[6] = code;
        bytes[8..10].copy_from_slice(&units.to_be_bytes());
        to.write_all(&bytes)
    }

    /// Receives it.
    pub fn read(mut from: impl Read) -> io::Result<Self> {
        let mut bytes = [0; Self::LENGTH];
        from.read_exact(&mut bytes)?;
        check_greeting(&bytes)?;
        let units = u16::from_be_bytes([bytes[8], bytes[9]]);
        match bytes[6] {
            0 => Ok(Self::Connected { units }),
            1 => Ok(Self::NoSuchUnit { units }),
            other => Err(broken(format!("greeting with unknown code {other}"))),
        }
    }
}

fn check_greeting(bytes: &[u8]) -> io::Result<()> {
    let version = u16::from_be_bytes([bytes[4], bytes[5]]);
    if bytes[..4] != MAGIC {
        return Err(broken("the other side is no virtual library"));
    }
    if version != VERSION {
        let text = format!("the other side speaks version {version}, this side {VERSION}");
        return Err(broken(text));
    }
    Ok(())
}

/// Data phase of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// None.
    None,
    /// To the host.
    In,
    /// From the host.
    Out,
}

/// A command: 24 bytes, then the data that goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandFrame {
    /// The command.
    pub cdb: Cdb,
    /// Direction of the data phase.
    pub direction: Direction,
    /// Bytes of data that follow, or room for data that comes back.
    pub length: usize,
}

impl CommandFrame {
    /// Bytes before the data.
    pub const LENGTH: usize = 24;

    /// Lays it out; `None` if the data is longer than [`MAX_DATA_LENGTH`].
    #[must_use]
    pub fn encode(&self) -> Option<[u8; Self::LENGTH]> {
        let length = u32::try_from(self.length)
            .ok()
            .filter(|_| self.length <= MAX_DATA_LENGTH)?;
        let cdb = self.cdb.as_bytes();
        let mut bytes = [0; Self::LENGTH];
        bytes[0] = u8::try_from(cdb.len()).ok()?;
        bytes[1] = match self.direction {
            Direction::None => 0,
            Direction::In => 1,
            Direction::Out => 2,
        };
        bytes[4..8].copy_from_slice(&length.to_be_bytes());
        bytes[8..8 + cdb.len()].copy_from_slice(cdb);
        Some(bytes)
    }

    /// Takes it apart.
    pub fn decode(bytes: &[u8; Self::LENGTH]) -> io::Result<Self> {
        let cdb_length = usize::from(bytes[0]);
        let cdb = Some(&bytes[8..])
            .filter(|_| cdb_length <= MAX_CDB_LENGTH)
            .and_then(|cdb| Cdb::from_slice(&cdb[..cdb_length]))
            .ok_or_else(|| broken(format!("command of {cdb_length} bytes")))?;
        let direction = match bytes[1] {
            0 => Direction::None,
            1 => Direction::In,
            2 => Direction::Out,
            other => return Err(broken(format!("data phase of unknown direction {other}"))),
        };
        let length = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) as usize;
        if length > MAX_DATA_LENGTH {
            return Err(broken(format!("data phase of {length} bytes")));
        }
        Ok(Self {
            cdb,
            direction,
            length,
        })
    }
}

/// An answer: 8 bytes, then the sense data, then the data that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyFrame {
    /// Status of the command.
    pub status: Status,
    /// Bytes of sense data that follow.
    pub sense_length: usize,
    /// Bytes moved in the data phase; with data coming in they follow.
    pub transferred: usize,
}

impl ReplyFrame {
    /// Bytes before the sense data.
    pub const LENGTH: usize = 8;

    /// Lays it out; `None` if a length is out of bounds.
    #[must_use]
    pub fn encode(&self) -> Option<[u8; Self::LENGTH]> {
        let sense_length = u16::try_from(self.sense_length).ok()?;
        let transferred = u32::try_from(self.transferred).ok()?;
        let mut bytes = [0; Self::LENGTH];
        bytes[0] = self.status.into();
        bytes[2..4].copy_from_slice(&sense_length.to_be_bytes());
        bytes[4..].copy_from_slice(&transferred.to_be_bytes());
        Some(bytes)
    }

    /// Takes it apart.
    pub fn decode(bytes: &[u8; Self::LENGTH]) -> io::Result<Self> {
        let sense_length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        let transferred = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) as usize;
        if sense_length > MAX_SENSE_LENGTH || transferred > MAX_DATA_LENGTH {
            let text = format!("answer with {sense_length} and {transferred} bytes");
            return Err(broken(text));
        }
        Ok(Self {
            status: bytes[0].into(),
            sense_length,
            transferred,
        })
    }
}

/// Sends an operator's message or the answer to one: its length in four bytes, then itself.
pub fn write_message(mut to: impl Write, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len())
        .ok()
        .filter(|_| message.len() <= MAX_MESSAGE_LENGTH)
        .ok_or_else(|| broken(format!("message of {} bytes", message.len())))?;
    to.write_all(&[&length.to_be_bytes()[..], message].concat())
}

/// Receives a message; `None` when the other side has closed.
pub fn read_message(mut from: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_MESSAGE_LENGTH {
        return Err(broken(format!("message of {length} bytes")));
    }
    let mut message = vec![0; length];
    from.read_exact(&mut message)?;
    Ok(Some(message))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn commands_survive_the_wire(opcode: u8, direction in 0_u8..3, length in 0..=MAX_DATA_LENGTH) {
            let direction = [Direction::None, Direction::In, Direction::Out][usize::from(direction)];
            let mut bytes = [0x5a; 16];
            bytes[0] = opcode;
            let frame = CommandFrame { cdb: Cdb::new(bytes), direction, length };
            prop_assert_eq!(CommandFrame::decode(&frame.encode().unwrap()).unwrap(), frame);
        }

        #[test]
        fn any_bytes_are_a_frame_or_an_error(command: [u8; 24], reply: [u8; 8], hello: [u8; 32]) {
            if let Ok(frame) = CommandFrame::decode(&command) {
                prop_assert!(frame.length <= MAX_DATA_LENGTH);
            }
            if let Ok(frame) = ReplyFrame::decode(&reply) {
                prop_assert!(frame.sense_length <= MAX_SENSE_LENGTH);
            }
            prop_assert!(Hello::read(&hello[..]).is_err() || hello[..4] == MAGIC);
        }
    }

    #[test]
    fn greetings_survive_the_wire() {
        for purpose in [Purpose::Control, Purpose::Commands(Lun(3))] {
            let hello = Hello {
                purpose,
                initiator: InitiatorId([7; 16]),
            };
            let mut bytes = Vec::new();
            hello.write(&mut bytes).unwrap();
            assert_eq!(Hello::read(&bytes[..]).unwrap(), hello);
            bytes[5] = 2;
            let error = Hello::read(&bytes[..]).unwrap_err().to_string();
            assert_eq!(error, "the other side speaks version 2, this side 1");
        }
        for welcome in [
            Welcome::Connected { units: 3 },
            Welcome::NoSuchUnit { units: 1 },
        ] {
            let mut bytes = Vec::new();
            welcome.write(&mut bytes).unwrap();
            assert_eq!(Welcome::read(&bytes[..]).unwrap(), welcome);
        }
    }

    #[test]
    fn a_message_of_unreasonable_length_is_refused() {
        let error = read_message(&[0xff; 8][..]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(read_message(&[][..]).unwrap(), None);
    }
}
