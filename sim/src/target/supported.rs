//! REPORT SUPPORTED OPERATION CODES (SPC-4), from the tables of operation codes and of usages.

use super::usage::{Action, Usage};
use super::{Exchange, LogicalUnit};
use crate::bytes::{u16, u16_at, u32, u32_at};
use crate::sense::Sense;

/// SUPPORT of the one_command format.
const NOT_SUPPORTED: u8 = 0x01;
const AS_IN_THE_STANDARD: u8 = 0x03;

/// The usages a unit has, in the order of operation codes and service actions.
fn usages<D: LogicalUnit>() -> impl Iterator<Item = &'static Usage> {
    D::OPCODES.iter().flat_map(|row| {
        let all = D::USAGES.iter().flat_map(|table| table.iter());
        all.filter(move |usage| usage.code() == row.code)
    })
}

/// RCTD is bit 7 of byte 2, REPORTING OPTIONS bits 2-0; the operation code asked for byte 3, the
/// service action bytes 4-5, ALLOCATION LENGTH bytes 6-9.
pub(super) fn answer<D: LogicalUnit>(exchange: &mut Exchange<'_>) -> Result<(), Sense> {
    let cdb = exchange.cdb;
    let timeouts = cdb[2] & 0x80 != 0;
    let (code, action) = (cdb[3], u16_at(cdb, 4));
    let of_code = || usages::<D>().filter(move |usage| usage.code() == code);
    let has_actions = of_code().any(|usage| usage.action != Action::None);
    let found = match cdb[2] & 0x07 {
        0 => {
            let bytes = all_commands(usages::<D>(), timeouts);
            exchange.reply(&bytes, u32_at(cdb, 6) as usize);
            return Ok(());
        }
        1 if has_actions => return Err(Sense::invalid_cdb_field(2)),
        1 => of_code().next(),
        2 if of_code().next().is_some() && !has_actions => {
            return Err(Sense::invalid_cdb_field(2));
        }
        2 => of_code().find(|usage| usage.action.is(action)),
        3 if has_actions => of_code().find(|usage| usage.action.is(action)),
        3 if action == 0 => of_code().next(),
        3 => None,
        _ => return Err(Sense::invalid_cdb_field(2)),
    };
    let bytes = one_command(found, timeouts);
    exchange.reply(&bytes, u32_at(cdb, 6) as usize);
    Ok(())
}

/// Each command: operation code, service action bytes 2-3, CTDP (bit 1) and SERVACTV (bit 0) of
/// byte 5, CDB length bytes 6-7, and a timeouts descriptor if asked for.
fn all_commands(usages: impl Iterator<Item = &'static Usage>, timeouts: bool) -> Vec<u8> {
    let mut list = Vec::new();
    for usage in usages {
        let [action_high, action_low] = usage.action.code().unwrap_or(0).to_be_bytes();
        let flags = u8::from(timeouts) << 1 | u8::from(usage.action.code().is_some());
        let [length_high, length_low] = u16(usage.cdb.len());
        list.extend([usage.code(), 0, action_high, action_low, 0, flags]);
        list.extend([length_high, length_low]);
        if timeouts {
            list.extend(timeouts_descriptor(usage));
        }
    }
    let mut bytes = u32(list.len() as u64).to_vec();
    bytes.extend(list);
    bytes
}

/// CTDP (bit 7) and SUPPORT (bits 2-0) of byte 1, CDB SIZE bytes 2-3, the usage data, the
/// timeouts descriptor.
fn one_command(usage: Option<&Usage>, timeouts: bool) -> Vec<u8> {
    let Some(usage) = usage else {
        return vec![0, NOT_SUPPORTED, 0, 0];
    };
    let [high, low] = u16(usage.cdb.len());
    let flags = u8::from(timeouts) << 7 | AS_IN_THE_STANDARD;
    let mut bytes = vec![0, flags, high, low];
    bytes.extend(usage.cdb);
    if timeouts {
        bytes.extend(timeouts_descriptor(usage));
    }
    bytes
}

/// DESCRIPTOR LENGTH 10, a reserved byte, a command specific one, nominal and recommended time
/// in seconds.
fn timeouts_descriptor(usage: &Usage) -> Vec<u8> {
    let mut bytes = vec![0, 10, 0, 0];
    bytes.extend(usage.time.nominal.to_be_bytes());
    bytes.extend(usage.time.recommended.to_be_bytes());
    bytes
}
