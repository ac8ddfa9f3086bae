//! Carrying out commands and task management functions on the library.

use std::ops::Range;

use tapeward_drivers::socket::Lun;
use tapeward_drivers::transport::{Data, Reply, Status};

use super::request::{Pdu, TaskFunction};
use super::response::{Residual, Response, TaskResponse};
use super::session::{End, Session, Sink};
use super::task::{Fault as TaskFault, MAX_TRANSFER, Task};
use crate::fault::Fault;
use crate::sense::{Sense, SenseFormat, SenseKey};

/// Room for data of commands whose CDB asks for more than the initiator expects: the surplus is
/// counted, not sent (RFC 7143 clause 11.4.5).
const BUFFER_LENGTH: usize = MAX_TRANSFER as usize;

impl Session {
    pub(super) fn carry_out(&mut self, task: &Task, sink: &mut dyn Sink) -> Result<(), End> {
        let reply = match task.fault {
            Some(fault) => check(fault.sense()),
            None => self.execute(task)?,
        };
        let residual = Residual::new(task.expected, reply.transferred);
        let units = if task.writes {
            task.solicitations()
        } else {
            let moved = u32::try_from(reply.transferred).unwrap_or(u32::MAX);
            let length = moved.min(task.expected);
            let collapsed = reply.status == Status::Good && reply.sense.is_empty() && length > 0;
            let units = self.send_data(task, length, collapsed.then_some(residual), sink)?;
            if collapsed {
                return Ok(());
            }
            units
        };
        let response = Response::Command {
            tag: task.tag,
            status: reply.status.into(),
            residual,
            data_units: units,
        };
        let mut sense = Vec::new();
        if !reply.sense.is_empty() {
            // SenseLength, then the sense data (RFC 7143 clause 11.4.7).
            sense.extend(crate::bytes::u16(reply.sense.len()));
            sense.extend(reply.sense);
        }
        Ok(self.send(response, &sense, sink)?)
    }

    fn execute(&mut self, task: &Task) -> Result<Reply, End> {
        let library = &self.target.library;
        match library.next_command_fault() {
            None => {}
            Some(Fault::Abort) => std::process::abort(),
            // The process behind a network connection is not here: its connection breaks.
            Some(Fault::KillHost) => return Err(End::Protocol("a planned fault ends the session")),
            Some(_) => {
                library.power_cut();
                return Err(End::PowerCut);
            }
        }
        let unit = Self::unit(task.lun);
        let data = if task.writes {
            Data::Out(&task.data)
        } else {
            if self.buffer.is_empty() {
                self.buffer = vec![0; BUFFER_LENGTH]; // costs nothing until it is used
            }
            Data::In(&mut self.buffer)
        };
        let reply = library.execute(unit, self.initiator, self.epoch, &task.cdb, data);
        reply.ok_or(End::PowerCut)
    }

    /// Sends data in units the initiator takes and sequences of at most MaxBurstLength; the last
    /// unit has the status with it where there is one. The number of units.
    fn send_data(
        &mut self,
        task: &Task,
        length: u32,
        with_good: Option<Residual>,
        sink: &mut dyn Sink,
    ) -> Result<u32, End> {
        let (segment, burst) = (self.parameters.initiator_segment, self.parameters.max_burst);
        let buffer = std::mem::take(&mut self.buffer);
        let (mut offset, mut number) = (0, 0);
        while offset < length {
            let end_of_burst = (offset / burst + 1).saturating_mul(burst).min(length);
            let end = offset.saturating_add(segment).min(end_of_burst);
            let response = Response::DataIn {
                tag: task.tag,
                number,
                offset,
                is_final: end == end_of_burst,
                with_good: with_good.filter(|_| end == length),
            };
            self.send(response, &buffer[offset as usize..end as usize], sink)?;
            offset = end;
            number += 1;
        }
        self.buffer = buffer;
        Ok(number)
    }

    /// Task Management Function Request (RFC 7143 clause 11.5).
    pub(super) fn manage(&mut self, pdu: &Pdu, sink: &mut dyn Sink) -> Result<(), End> {
        let function = TaskFunction::parse(pdu);
        let response = self.perform(function, pdu)?;
        tracing::info!(?function, ?response, "task management");
        let tag = pdu.tag();
        self.send(Response::TaskManagement { tag, response }, &[], sink)?;
        match function {
            TaskFunction::TargetColdReset => Err(End::ColdReset),
            _ => Ok(()),
        }
    }

    fn perform(&mut self, function: TaskFunction, pdu: &Pdu) -> Result<TaskResponse, End> {
        let unit = Self::unit(pdu.lun());
        let units = 0..self.target.library.units();
        let exists = units.contains(&unit.0);
        Ok(match function {
            TaskFunction::AbortTask {
                tag,
                command_number,
            } => {
                if self.drop_tasks(|of, its| Self::unit(of) == unit && its == tag) > 0
                    || self.expect_no_more(command_number, pdu.command_number())
                {
                    TaskResponse::Complete
                } else {
                    TaskResponse::NoSuchTask
                }
            }
            TaskFunction::AbortTaskSet
            | TaskFunction::ClearTaskSet
            | TaskFunction::LogicalUnitReset
                if !exists =>
            {
                TaskResponse::NoSuchUnit
            }
            // What other sessions have not begun yet counts as not arrived: it is carried out
            // after this.
            TaskFunction::AbortTaskSet | TaskFunction::ClearTaskSet => {
                self.drop_tasks(|of, _| Self::unit(of) == unit);
                TaskResponse::Complete
            }
            TaskFunction::LogicalUnitReset => {
                self.drop_tasks(|of, _| Self::unit(of) == unit);
                self.reset(unit.0..unit.0 + 1)?;
                TaskResponse::Complete
            }
            TaskFunction::TargetWarmReset | TaskFunction::TargetColdReset => {
                self.drop_tasks(|_, _| true);
                self.reset(units)?;
                TaskResponse::Complete
            }
            TaskFunction::TaskReassign => TaskResponse::ReassignNotSupported,
            TaskFunction::Unsupported => TaskResponse::NotSupported,
        })
    }

    fn reset(&self, units: Range<u16>) -> Result<(), End> {
        for unit in units.map(Lun) {
            let done = self.target.library.reset_unit(unit, self.epoch);
            done.ok_or(End::PowerCut)?;
        }
        Ok(())
    }
}

impl TaskFault {
    fn sense(self) -> Sense {
        match self {
            // PROTOCOL SERVICE CRC ERROR
            Self::CorruptData => Sense::new(SenseKey::AbortedCommand, (0x47, 0x05)),
            // INVALID FIELD IN CDB
            Self::Bidirectional | Self::TooLong => {
                Sense::new(SenseKey::IllegalRequest, (0x24, 0x00))
            }
        }
    }
}

fn check(sense: Sense) -> Reply {
    Reply {
        status: Status::CheckCondition,
        sense: sense.encode(SenseFormat::Fixed),
        transferred: 0,
    }
}
