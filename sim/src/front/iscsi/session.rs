//! The full feature phase of a session (RFC 7143 clauses 4.2 and 11) as a machine: a unit goes in,
//! commands are carried out, responses come out. It knows no sockets.
//!
//! Commands are carried out one after the other in the order of their numbers: a tape has one
//! position. Data is asked for one command at a time, so that a session holds the data of one
//! command and the unsolicited data of a few.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use tapeward_drivers::socket::{InitiatorId, Lun};
use thiserror::Error;

use super::login::{LoggedIn, PORTAL_GROUP, SessionType};
use super::negotiate::{Answer, Parameters};
use super::request::{
    DataOut, Delivery, HEADER_LENGTH, Integrity, LogoutReason, LunField, NO_TAG, Opcode, Pdu,
    is_continued,
};
use super::response::{AsyncEvent, LogoutResponse, Numbers, RejectReason, Response};
use super::task::{Task, Violation};
use super::text::{Collector, Pairs, encode};
use crate::library::Library;

/// Commands an initiator may send ahead (MaxCmdSN).
pub(crate) const WINDOW: u32 = 32;
/// Immediate commands waiting for their data; more are rejected.
const MAX_IMMEDIATE: usize = 4;
/// Data of units that came before their turn, in bytes.
const MAX_HELD: usize = 4 << 20;

/// Where responses go.
pub(crate) trait Sink {
    fn send(&mut self, header: [u8; HEADER_LENGTH], data: &[u8]) -> io::Result<()>;
}

/// Why a session is over.
#[derive(Debug, Error)]
pub(crate) enum End {
    #[error("the initiator logged out")]
    Logout,
    #[error("the power was cut")]
    PowerCut,
    #[error("a target cold reset")]
    ColdReset,
    /// An error of a kind that only ends with the session (error recovery level 0).
    #[error("{0}")]
    Protocol(&'static str),
    #[error("{0}")]
    Violation(#[from] Violation),
    #[error("the initiator does not answer")]
    NoAnswer,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The target as a session sees it.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) library: Arc<Library>,
    pub(crate) name: String,
    /// Address and port of the portal, as this initiator reaches it.
    pub(crate) address: String,
}

/// A request that came before its turn, with the unsolicited data that belongs to it.
#[derive(Debug)]
enum Held {
    Request(Pdu, Vec<Pdu>),
    /// Aborted before it came.
    Aborted,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(super) target: Target,
    pub(super) initiator: InitiatorId,
    /// Power cuts so far: a session does not outlive one.
    pub(super) epoch: u64,
    kind: SessionType,
    cid: u16,
    pub(super) parameters: Parameters,
    status_number: u32,
    expected_command: u32,
    /// In the order in which they are carried out.
    pub(super) tasks: VecDeque<Task>,
    held: BTreeMap<u32, Held>,
    text: Collector,
    transfer_tag: u32,
    /// Tag of a NOP-In that is not answered.
    ping: Option<u32>,
    /// Data that goes to the initiator.
    pub(super) buffer: Vec<u8>,
}

impl Session {
    pub(crate) fn new(target: Target, initiator: InitiatorId, login: &LoggedIn) -> Self {
        Self {
            epoch: target.library.epoch(),
            target,
            initiator,
            kind: login.kind,
            cid: login.cid,
            parameters: login.parameters,
            status_number: login.status_number,
            expected_command: login.command_number,
            tasks: VecDeque::new(),
            held: BTreeMap::new(),
            text: Collector::default(),
            transfer_tag: 0,
            ping: None,
            buffer: Vec::new(),
        }
    }

    /// Takes a unit and does what it leads to.
    pub(crate) fn receive(&mut self, pdu: Pdu, sink: &mut dyn Sink) -> Result<(), End> {
        match pdu.opcode() {
            Opcode::DataOut => self.data_out(pdu, sink)?,
            Opcode::Snack => self.reject(RejectReason::Snack, &pdu, sink)?,
            Opcode::Unknown => self.reject(RejectReason::NotSupported, &pdu, sink)?,
            Opcode::Login => {
                self.reject(RejectReason::ProtocolError, &pdu, sink)?;
                return Err(End::Protocol("a login within a session"));
            }
            _ if pdu.integrity == Integrity::Corrupt => {
                self.reject(RejectReason::DataDigest, &pdu, sink)?;
                return Err(End::Protocol("a request that does not match its digest"));
            }
            _ => self.ordered(pdu, sink)?,
        }
        self.take_held(sink)?;
        self.carry_out_ready(sink)
    }

    /// Nothing came for a while: asks whether somebody is there, and ends if nobody answered the
    /// last time.
    pub(crate) fn idle(&mut self, sink: &mut dyn Sink) -> Result<(), End> {
        if self.ping.is_some() {
            return Err(End::NoAnswer);
        }
        let tag = self.next_transfer_tag();
        self.ping = Some(tag);
        let response = Response::NopIn {
            lun: LunField([0; 8]),
            tag: NO_TAG,
            transfer_tag: tag,
        };
        Ok(self.send(response, &[], sink)?)
    }

    /// Tells the initiator that the session ends and when it may come back.
    pub(crate) fn announce_end(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        let response = Response::Async {
            event: AsyncEvent::DropsSession,
            times: self.parameters.times,
        };
        self.send(response, &[], sink)
    }

    pub(super) fn send(
        &mut self,
        response: Response,
        data: &[u8],
        sink: &mut dyn Sink,
    ) -> io::Result<()> {
        let header = response.encode(self.numbers());
        if response.takes_status_number() {
            self.status_number = self.status_number.wrapping_add(1);
        }
        sink.send(header, data)
    }

    pub(super) fn next_transfer_tag(&mut self) -> u32 {
        self.transfer_tag = match self.transfer_tag.wrapping_add(1) {
            NO_TAG => 0,
            tag => tag,
        };
        self.transfer_tag
    }

    fn numbers(&self) -> Numbers {
        Numbers {
            status: self.status_number,
            expected_command: self.expected_command,
            highest_command: self
                .expected_command
                .wrapping_add(self.room())
                .wrapping_sub(1),
        }
    }

    /// Commands that may still be sent: each one that waits takes a place (MaxCmdSN never goes
    /// back, as ExpCmdSN has gone on by one for each).
    fn room(&self) -> u32 {
        let waiting = self
            .tasks
            .iter()
            .filter(|task| task.delivery == Delivery::Ordered)
            .count();
        WINDOW.saturating_sub(u32::try_from(waiting).unwrap_or(WINDOW))
    }

    pub(super) fn reject(
        &mut self,
        reason: RejectReason,
        pdu: &Pdu,
        sink: &mut dyn Sink,
    ) -> io::Result<()> {
        tracing::info!(
            ?reason,
            opcode = pdu.header[0] & 0x3f,
            "iSCSI request rejected"
        );
        self.send(Response::Reject(reason), &pdu.header, sink)
    }

    /// Requests with a CmdSN: immediate ones at once, others in their order, once each (RFC 7143
    /// clause 4.2.2.1).
    fn ordered(&mut self, pdu: Pdu, sink: &mut dyn Sink) -> Result<(), End> {
        if pdu.delivery() == Delivery::Immediate {
            return self.handle(pdu, sink);
        }
        let ahead = pdu.command_number().wrapping_sub(self.expected_command);
        if ahead >= self.room() {
            return Ok(()); // outside the window: silently ignored
        }
        if ahead > 0 {
            return self.hold(pdu);
        }
        self.expected_command = self.expected_command.wrapping_add(1);
        self.handle(pdu, sink)
    }

    /// Takes the requests whose turn has come.
    fn take_held(&mut self, sink: &mut dyn Sink) -> Result<(), End> {
        while let Some(held) = self.held.remove(&self.expected_command) {
            self.expected_command = self.expected_command.wrapping_add(1);
            let Held::Request(pdu, data) = held else {
                continue;
            };
            self.handle(pdu, sink)?;
            for pdu in data {
                self.data_out(pdu, sink)?;
            }
        }
        Ok(())
    }

    fn hold(&mut self, pdu: Pdu) -> Result<(), End> {
        if self.held_length() + pdu.data.len() > MAX_HELD {
            return Err(End::Protocol("too much data before its turn"));
        }
        let number = pdu.command_number();
        let held = self.held.entry(number);
        held.or_insert(Held::Request(pdu, Vec::new()));
        Ok(())
    }

    fn held_length(&self) -> usize {
        let length = |held: &Held| match held {
            Held::Request(pdu, data) => {
                pdu.data.len()
                    + data
                        .iter()
                        .map(|pdu| HEADER_LENGTH + pdu.data.len())
                        .sum::<usize>()
            }
            Held::Aborted => 0,
        };
        self.held.values().map(length).sum()
    }

    fn handle(&mut self, mut pdu: Pdu, sink: &mut dyn Sink) -> Result<(), End> {
        let discovers = self.kind == SessionType::Discovery;
        match pdu.opcode() {
            Opcode::Command | Opcode::TaskManagement if discovers => {
                Ok(self.reject(RejectReason::ProtocolError, &pdu, sink)?)
            }
            Opcode::Command => self.command(&mut pdu, sink),
            Opcode::TaskManagement => self.manage(&pdu, sink),
            Opcode::NopOut => Ok(self.nop_out(&pdu, sink)?),
            Opcode::Text => Ok(self.text(&pdu, sink)?),
            Opcode::Logout => self.logout(&pdu, sink),
            // `receive` has seen to these.
            Opcode::Login | Opcode::DataOut | Opcode::Snack | Opcode::Unknown => Ok(()),
        }
    }

    fn command(&mut self, pdu: &mut Pdu, sink: &mut dyn Sink) -> Result<(), End> {
        let immediate = |task: &&Task| task.delivery == Delivery::Immediate;
        if pdu.delivery() == Delivery::Immediate
            && self.tasks.iter().filter(immediate).count() >= MAX_IMMEDIATE
        {
            return Ok(self.reject(RejectReason::TooManyImmediate, pdu, sink)?);
        }
        if self.tasks.iter().any(|task| task.tag == pdu.tag()) {
            self.reject(RejectReason::InvalidField, pdu, sink)?;
            return Err(End::Protocol("an Initiator Task Tag that is in use"));
        }
        let task = Task::new(pdu, &self.parameters)?;
        // Immediate commands come before those that wait.
        let at = match task.delivery {
            Delivery::Immediate => self.tasks.iter().filter(immediate).count(),
            Delivery::Ordered => self.tasks.len(),
        };
        self.tasks.insert(at, task);
        Ok(())
    }

    /// Data for a command; what belongs to no command any more is dropped.
    fn data_out(&mut self, pdu: Pdu, sink: &mut dyn Sink) -> Result<(), End> {
        let out = DataOut::parse(&pdu);
        if pdu.integrity == Integrity::Corrupt {
            self.reject(RejectReason::DataDigest, &pdu, sink)?;
        }
        let waiting = self.tasks.iter_mut();
        if let Some(task) = waiting
            .into_iter()
            .find(|task| task.awaits(pdu.tag(), &out))
        {
            return Ok(task.accept(&out, &pdu.data, pdu.integrity)?);
        }
        let room = MAX_HELD.saturating_sub(self.held_length());
        let owner = self.held.values_mut().find_map(|held| match held {
            Held::Request(command, data) if command.tag() == pdu.tag() => Some(data),
            Held::Request(..) | Held::Aborted => None,
        });
        match owner {
            Some(data) if out.solicited_by.is_none() => {
                if HEADER_LENGTH + pdu.data.len() > room {
                    return Err(End::Protocol("too much data before its turn"));
                }
                data.push(pdu);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Carries out what is complete and asks for the data of the first that is not.
    fn carry_out_ready(&mut self, sink: &mut dyn Sink) -> Result<(), End> {
        while let Some(task) = self.tasks.pop_front() {
            if !task.is_complete() {
                self.tasks.push_front(task);
                break;
            }
            self.carry_out(&task, sink)?;
        }
        let tag = self.transfer_tag.wrapping_add(1);
        let Some(task) = self.tasks.front_mut() else {
            return Ok(());
        };
        let tag = if tag == NO_TAG { 0 } else { tag };
        let Some(wanted) = task.solicit(tag, self.parameters.max_burst) else {
            return Ok(());
        };
        self.transfer_tag = tag;
        let response = Response::ReadyToTransfer {
            lun: task.lun,
            tag: task.tag,
            transfer_tag: tag,
            number: wanted.number,
            offset: wanted.offset,
            length: wanted.length,
        };
        Ok(self.send(response, &[], sink)?)
    }

    /// NOP-Out: a ping, or the answer to one (RFC 7143 clause 11.18).
    fn nop_out(&mut self, pdu: &Pdu, sink: &mut dyn Sink) -> io::Result<()> {
        if Some(pdu.transfer_tag()) == self.ping {
            self.ping = None;
        }
        if pdu.tag() == NO_TAG {
            return Ok(());
        }
        let limit = self.parameters.initiator_segment as usize;
        let response = Response::NopIn {
            lun: pdu.lun(),
            tag: pdu.tag(),
            transfer_tag: NO_TAG,
        };
        self.send(response, &pdu.data[..pdu.data.len().min(limit)], sink)
    }

    /// Text Request (RFC 7143 clause 11.10): SendTargets and declarations.
    fn text(&mut self, pdu: &Pdu, sink: &mut dyn Sink) -> io::Result<()> {
        let collected = self.text.add(&pdu.data);
        let (pairs, transfer_tag) = match (collected, is_continued(pdu)) {
            (Err(error), _) => (Err(error), NO_TAG),
            (Ok(()), true) => (Ok(Pairs::new()), self.next_transfer_tag()),
            (Ok(()), false) if pdu.is_final() => (self.text.finish(), NO_TAG),
            (Ok(()), false) => (self.text.finish(), self.next_transfer_tag()),
        };
        let Ok(pairs) = pairs else {
            return self.reject(RejectReason::ProtocolError, pdu, sink);
        };
        let mut answers = Pairs::new();
        for (key, offer) in pairs {
            self.answer_key(&key, &offer, &mut answers);
        }
        let text = encode(&answers);
        if text.len() > self.parameters.initiator_segment as usize {
            return self.reject(RejectReason::ProtocolError, pdu, sink);
        }
        let tag = pdu.tag();
        self.send(Response::Text { tag, transfer_tag }, &text, sink)
    }

    fn answer_key(&mut self, key: &str, offer: &str, answers: &mut Pairs) {
        let mut answer = |key: &str, value: String| answers.push((key.to_owned(), value));
        match key {
            // All only in a discovery session; nothing stands for the target of this session.
            "SendTargets" => match (self.kind, offer) {
                (SessionType::Normal, "All") => answer(key, "Reject".to_owned()),
                (SessionType::Discovery, "All") | (SessionType::Normal, "") => {
                    self.describe(answers);
                }
                (_, name) if name == self.target.name => self.describe(answers),
                (SessionType::Discovery, "") => answer(key, "Reject".to_owned()),
                _ => {} // no such target: nothing to tell
            },
            // The only operational key that may change within a session (clause 13.12).
            "MaxRecvDataSegmentLength" => {
                if let Answer::Value(value) = self.parameters.negotiate(key, offer) {
                    answer(key, value);
                }
            }
            _ => {
                // Whether the key is known at all; what was agreed stays.
                let value = match Parameters::default().negotiate(key, offer) {
                    Answer::Value(value) if value == "NotUnderstood" => value,
                    _ => "Reject".to_owned(),
                };
                answer(key, value);
            }
        }
    }

    fn describe(&self, answers: &mut Pairs) {
        let address = format!("{},{PORTAL_GROUP}", self.target.address);
        answers.push(("TargetName".to_owned(), self.target.name.clone()));
        answers.push(("TargetAddress".to_owned(), address));
    }

    /// Logout Request (RFC 7143 clause 11.14).
    fn logout(&mut self, pdu: &Pdu, sink: &mut dyn Sink) -> Result<(), End> {
        let response = match LogoutReason::parse(pdu) {
            LogoutReason::CloseConnection(cid) if cid != self.cid => LogoutResponse::CidNotFound,
            LogoutReason::CloseSession | LogoutReason::CloseConnection(_) => LogoutResponse::Closed,
            LogoutReason::Recovery => LogoutResponse::RecoveryNotSupported,
        };
        let times = self.parameters.times;
        let tag = pdu.tag();
        let answer = Response::Logout {
            tag,
            response,
            times,
        };
        self.send(answer, &[], sink)?;
        match response {
            LogoutResponse::Closed => Err(End::Logout),
            LogoutResponse::CidNotFound | LogoutResponse::RecoveryNotSupported => Ok(()),
        }
    }

    /// Drops the tasks for which this is true, also those that wait for their turn.
    pub(super) fn drop_tasks(&mut self, which: impl Fn(LunField, u32) -> bool) -> usize {
        let before = self.tasks.len();
        self.tasks.retain(|task| !which(task.lun, task.tag));
        let mut dropped = before - self.tasks.len();
        for held in self.held.values_mut() {
            let matches = matches!(held, Held::Request(pdu, _)
                if pdu.opcode() == Opcode::Command && which(pdu.lun(), pdu.tag()));
            if matches {
                *held = Held::Aborted;
                dropped += 1;
            }
        }
        dropped
    }

    /// Takes a command number for used whose command did not come yet, though it was sent before
    /// the request with number `before`; whether that is so.
    pub(super) fn expect_no_more(&mut self, number: u32, before: u32) -> bool {
        let ahead = number.wrapping_sub(self.expected_command);
        let limit = before.wrapping_sub(self.expected_command);
        if ahead >= self.room().min(limit) || self.held.contains_key(&number) {
            return false;
        }
        self.held.insert(number, Held::Aborted);
        true
    }

    /// The logical unit of a field; one that is not there has a number beyond all.
    pub(super) fn unit(lun: LunField) -> Lun {
        Lun(lun.single_level().unwrap_or(u16::MAX))
    }
}
