//! The device side of the commands: tables of operation codes and what each does.

// All handlers have the type of a table's row, whether or not they need all of it.
#![allow(clippy::unnecessary_wraps, clippy::unused_self)]

pub(crate) mod absent;
mod alert;
mod attention;
mod changer;
mod density;
mod drive;
mod element_status;
mod inquiry;
mod log;
mod mam;
mod medium;
mod mode;
mod move_medium;
mod reset;
mod ssc_block;
mod ssc_position;
mod ssc_read;
mod ssc_write;

use tapeward_drivers::socket::InitiatorId;
use tapeward_drivers::transport::{Data, Reply, Status};

use crate::bytes::u24_at;
use crate::sense::{Sense, SenseFormat, SenseKey};

pub use changer::ElementKind;
pub(crate) use changer::{Changer, ChangerIdentity, Content, Element, Placement};
pub(crate) use drive::{Drive, DriveIdentity};
pub(crate) use inquiry::{DeviceType, Identity};

/// One command while it is carried out.
#[derive(Debug)]
pub(crate) struct Exchange<'a> {
    pub(crate) cdb: &'a [u8],
    pub(crate) initiator: InitiatorId,
    out: &'a [u8],
    input: &'a mut [u8],
    moved: usize,
}

impl<'a> Exchange<'a> {
    pub(crate) fn new(cdb: &'a [u8], initiator: InitiatorId, data: Data<'a>) -> Self {
        let (out, input): (&[u8], &mut [u8]) = match data {
            Data::None => (&[], &mut []),
            Data::In(input) => (&[], input),
            Data::Out(out) => (out, &mut []),
        };
        Self {
            cdb,
            initiator,
            out,
            input,
            moved: 0,
        }
    }

    /// Sends a reply to the host, cut to the allocation length (SPC-5).
    pub(crate) fn reply(&mut self, bytes: &[u8], allocation: usize) {
        let length = bytes.len().min(allocation).min(self.input.len());
        self.input[..length].copy_from_slice(&bytes[..length]);
        self.moved = length;
    }

    /// The host's data, of which the CDB says that it is this long.
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Sense> {
        let bytes = self
            .out
            .get(..length)
            .ok_or(Sense::new(SenseKey::AbortedCommand, (0x4b, 0x00)))?;
        self.moved = length;
        Ok(bytes)
    }

    /// Room for the next block that goes to the host, at most `length` bytes.
    pub(crate) fn room(&mut self, length: usize) -> &mut [u8] {
        let end = self.input.len().min(self.moved.saturating_add(length));
        &mut self.input[self.moved..end]
    }

    /// Bytes of that room that were filled.
    pub(crate) fn advance(&mut self, length: usize) {
        self.moved += length;
    }

    fn finish(self, status: Status, sense: Vec<u8>) -> Reply {
        Reply {
            status,
            sense,
            transferred: self.moved,
        }
    }
}

/// Why a command did not end with GOOD.
#[derive(Debug)]
pub(crate) enum Stop {
    /// CHECK CONDITION.
    Check(Sense),
    /// The power failed: there is no answer.
    PowerCut,
}

impl From<Sense> for Stop {
    fn from(sense: Sense) -> Self {
        Self::Check(sense)
    }
}

/// What became of a command.
#[derive(Debug)]
pub(crate) enum Outcome {
    Reply(Reply),
    PowerCut,
}

/// Whether a command reports a pending unit attention instead of being carried out (SAM-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attention {
    Reports,
    /// INQUIRY, REPORT LUNS, REQUEST SENSE.
    Passes,
}

/// A row of a table of operation codes.
pub(crate) struct Opcode<D> {
    pub(crate) code: u8,
    pub(crate) attention: Attention,
    pub(crate) handler: fn(&mut D, &mut Exchange<'_>) -> Result<(), Stop>,
}

impl<D> Opcode<D> {
    pub(crate) const fn new(
        code: u8,
        handler: fn(&mut D, &mut Exchange<'_>) -> Result<(), Stop>,
    ) -> Self {
        Self {
            code,
            attention: Attention::Reports,
            handler,
        }
    }

    pub(crate) const fn passing(
        code: u8,
        handler: fn(&mut D, &mut Exchange<'_>) -> Result<(), Stop>,
    ) -> Self {
        Self {
            code,
            attention: Attention::Passes,
            handler,
        }
    }
}

/// What both kinds of device have.
pub(crate) trait LogicalUnit: Sized + 'static {
    /// Its commands; any other operation code is refused.
    const OPCODES: &'static [Opcode<Self>];

    /// Takes what must be told to this initiator before its command is carried out.
    fn take_pending(&mut self, initiator: InitiatorId) -> Option<Sense>;

    fn sense_format(&self) -> SenseFormat;
}

/// Carries out one command.
pub(crate) fn execute<D: LogicalUnit>(unit: &mut D, mut exchange: Exchange<'_>) -> Outcome {
    let row = D::OPCODES.iter().find(|row| row.code == exchange.cdb[0]);
    let result = match row {
        Some(row) if row.attention == Attention::Passes => (row.handler)(unit, &mut exchange),
        row => match (unit.take_pending(exchange.initiator), row) {
            (Some(sense), _) => Err(Stop::Check(sense)),
            (None, Some(row)) => (row.handler)(unit, &mut exchange),
            (None, None) => Err(Stop::Check(Sense::invalid_opcode())),
        },
    };
    match result {
        Ok(()) => Outcome::Reply(exchange.finish(Status::Good, Vec::new())),
        Err(Stop::Check(sense)) => {
            let bytes = sense.encode(unit.sense_format());
            Outcome::Reply(exchange.finish(Status::CheckCondition, bytes))
        }
        Err(Stop::PowerCut) => Outcome::PowerCut,
    }
}

/// A transfer length of three bytes, as a count.
pub(crate) fn length24(cdb: &[u8], at: usize) -> usize {
    u24_at(cdb, at) as usize
}
