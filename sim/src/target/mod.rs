//! The device side of the commands: tables of operation codes and what each does.

// All handlers have the type of a table's row, whether or not they need all of it.
#![allow(clippy::unnecessary_wraps, clippy::unused_self)]

pub(crate) mod absent;
mod access_order;
mod alert;
mod append_only;
mod attention;
mod care;
mod changer;
mod coding;
mod counters;
mod density;
mod drive;
mod element_status;
mod encryption;
mod exceptions;
mod inquiry;
mod log;
mod mam;
mod medium;
mod mode;
mod move_medium;
mod partition;
mod primary;
mod reservation;
mod reservation_commands;
mod reset;
mod ssc_block;
mod ssc_position;
mod ssc_read;
mod ssc_verify;
mod ssc_write;
mod statistics;
mod supported;
mod timestamp;
mod usage;
mod volume_tag;

use tapeward_drivers::socket::InitiatorId;
use tapeward_drivers::transport::{Data, Reply, Status};

use crate::bytes::u24_at;
use crate::sense::{Sense, SenseFormat, SenseKey};

pub use changer::ElementKind;
pub(crate) use changer::{Changer, ChangerIdentity, Content, Element};
pub(crate) use drive::{Drive, DriveIdentity, MAX_BLOCK_LENGTH};
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
    /// RESERVATION CONFLICT.
    ReservationConflict,
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

/// When a command from one initiator is carried out while another holds a reservation (SPC-4,
/// commands allowed in the presence of various reservations; the same for changers and drives
/// in SMC-3 and SSC-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Always, or the command itself finds out.
    Always,
    /// Not while the unit is held by RESERVE (SPC-2), but under any persistent reservation.
    UnlessReserved,
    /// It reads: under persistent reservations that exclude writers only.
    Reads,
    /// Never.
    Exclusive,
}

/// What decides on it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AccessRule {
    Fixed(Access),
    /// A field of the CDB.
    Field(fn(&[u8]) -> Access),
}

impl AccessRule {
    fn of(self, cdb: &[u8]) -> Access {
        match self {
            Self::Fixed(access) => access,
            Self::Field(decide) => decide(cdb),
        }
    }
}

/// A row of a table of operation codes.
pub(crate) struct Opcode<D> {
    pub(crate) code: u8,
    pub(crate) attention: Attention,
    pub(crate) access: AccessRule,
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
            access: AccessRule::Fixed(Access::Exclusive),
            handler,
        }
    }

    /// A command that is answered whatever is pending and whoever holds a reservation.
    pub(crate) const fn passing(
        code: u8,
        handler: fn(&mut D, &mut Exchange<'_>) -> Result<(), Stop>,
    ) -> Self {
        Self {
            code,
            attention: Attention::Passes,
            access: AccessRule::Fixed(Access::Always),
            handler,
        }
    }

    /// The same, while another initiator holds a reservation only so far.
    pub(crate) const fn access(mut self, access: Access) -> Self {
        self.access = AccessRule::Fixed(access);
        self
    }

    /// The same, so far as a field of the CDB says.
    pub(crate) const fn access_by(mut self, decide: fn(&[u8]) -> Access) -> Self {
        self.access = AccessRule::Field(decide);
        self
    }
}

/// What both kinds of device have.
pub(crate) trait LogicalUnit: Sized + 'static {
    /// Its commands; any other operation code is refused.
    const OPCODES: &'static [Opcode<Self>];

    /// What REPORT SUPPORTED OPERATION CODES tells of them.
    const USAGES: &'static [&'static [usage::Usage]];

    /// Takes what must be told to this initiator before its command is carried out.
    fn take_pending(&mut self, initiator: InitiatorId) -> Option<Sense>;

    fn sense_format(&self) -> SenseFormat;

    fn reservations(&self) -> &reservation::Reservations;

    /// What a command that was carried out has to report nevertheless (SPC-4, informational
    /// exceptions).
    fn after_success(&mut self) -> Option<Sense> {
        None
    }
}

/// Carries out one command.
pub(crate) fn execute<D: LogicalUnit>(unit: &mut D, mut exchange: Exchange<'_>) -> Outcome {
    match run(unit, &mut exchange) {
        Ok(()) => Outcome::Reply(exchange.finish(Status::Good, Vec::new())),
        Err(Stop::Check(sense)) => {
            let bytes = sense.encode(unit.sense_format());
            Outcome::Reply(exchange.finish(Status::CheckCondition, bytes))
        }
        Err(Stop::ReservationConflict) => {
            Outcome::Reply(exchange.finish(Status::ReservationConflict, Vec::new()))
        }
        Err(Stop::PowerCut) => Outcome::PowerCut,
    }
}

/// What is pending comes first, then reservations, then the command.
fn run<D: LogicalUnit>(unit: &mut D, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
    let row = D::OPCODES.iter().find(|row| row.code == exchange.cdb[0]);
    if row.is_none_or(|row| row.attention == Attention::Reports)
        && let Some(sense) = unit.take_pending(exchange.initiator)
    {
        return Err(sense.into());
    }
    let row = row.ok_or_else(Sense::invalid_opcode)?;
    let access = row.access.of(exchange.cdb);
    if unit.reservations().conflicts(exchange.initiator, access) {
        return Err(Stop::ReservationConflict);
    }
    (row.handler)(unit, exchange)?;
    match unit.after_success() {
        Some(sense) if row.attention == Attention::Reports => Err(sense.into()),
        _ => Ok(()),
    }
}

/// A transfer length of three bytes, as a count.
pub(crate) fn length24(cdb: &[u8], at: usize) -> usize {
    u24_at(cdb, at) as usize
}
