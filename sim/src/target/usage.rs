//! CDB usage data of every command (SPC-4, REPORT SUPPORTED OPERATION CODES): the operation
//! code, then for each byte ones where the unit looks at a bit; a service action is there as its
//! value.

/// How long a command takes, in seconds; 0 says nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    /// Without any error recovery.
    pub(super) nominal: u32,
    /// After which a host may give up.
    pub(super) recommended: u32,
}

const fn time(nominal: u32, recommended: u32) -> Time {
    Time {
        nominal,
        recommended,
    }
}

/// From memory.
const SHORT: Time = time(1, 60);
/// Writes out the buffer.
const SETTING: Time = time(10, 1200);
/// A block or filemark.
const BLOCK: Time = time(1, 1800);
/// The length of the tape.
const POSITIONING: Time = time(100, 3600);
/// Loads, unloads.
const LOAD: Time = time(20, 9000);
/// The whole tape.
const WHOLE_TAPE: Time = time(0, 86_400);
/// A move of the robot.
const MOVE: Time = time(12, 1200);
/// A look at every element.
const SCAN: Time = time(0, 3600);

/// Service action of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    None,
    /// In bits 4-0 of byte 1.
    Code(u8),
}

impl Action {
    pub(super) fn code(self) -> Option<u16> {
        match self {
            Self::None => None,
            Self::Code(code) => Some(u16::from(code)),
        }
    }

    pub(super) fn is(self, code: u16) -> bool {
        self.code() == Some(code)
    }
}

/// One command.
#[derive(Debug)]
pub(crate) struct Usage {
    pub(super) cdb: &'static [u8],
    pub(super) action: Action,
    pub(super) time: Time,
}

impl Usage {
    pub(super) fn code(&self) -> u8 {
        self.cdb[0]
    }
}

const fn plain(time: Time, cdb: &'static [u8]) -> Usage {
    Usage {
        cdb,
        action: Action::None,
        time,
    }
}

/// A command whose service action is in byte 1.
const fn acting(time: Time, cdb: &'static [u8]) -> Usage {
    Usage {
        cdb,
        action: Action::Code(cdb[1] & 0x1f),
        time,
    }
}

/// Commands of every unit (SPC-4, RESERVE and RELEASE SPC-2).
#[rustfmt::skip]
pub(super) const PRIMARY: &[Usage] = &[
    plain(SHORT, &[0x00, 0, 0, 0, 0, 0]),
    plain(SHORT, &[0x03, 0x01, 0, 0, 0xff, 0]),
    plain(SHORT, &[0x12, 0x01, 0xff, 0xff, 0xff, 0]),
    plain(SETTING, &[0x15, 0x11, 0, 0, 0xff, 0]),
    plain(SHORT, &[0x16, 0x11, 0, 0, 0, 0]),
    plain(SHORT, &[0x17, 0x11, 0, 0, 0, 0]),
    plain(SHORT, &[0x1a, 0x08, 0xff, 0xff, 0xff, 0]),
    plain(SHORT, &[0x1e, 0, 0, 0, 0x03, 0]),
    plain(SHORT, &[0x4d, 0x01, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0]),
    plain(SETTING, &[0x55, 0x11, 0, 0, 0, 0, 0, 0xff, 0xff, 0]),
    plain(SHORT, &[0x5a, 0x08, 0xff, 0xff, 0, 0, 0, 0xff, 0xff, 0]),
    acting(SHORT, &[0x5e, 0x00, 0, 0, 0, 0, 0, 0xff, 0xff, 0]),
    acting(SHORT, &[0x5e, 0x01, 0, 0, 0, 0, 0, 0xff, 0xff, 0]),
    acting(SHORT, &[0x5e, 0x02, 0, 0, 0, 0, 0, 0xff, 0xff, 0]),
    acting(SHORT, &[0x5e, 0x03, 0, 0, 0, 0, 0, 0xff, 0xff, 0]),
    acting(SHORT, &[0x5f, 0x00, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0]),
    acting(SHORT, &[0x5f, 0x01, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0]),
    acting(SHORT, &[0x5f, 0x02, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0]),
    acting(SHORT, &[0x5f, 0x03, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0]),
    acting(SHORT, &[0x5f, 0x04, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0]),
    acting(SHORT, &[0x5f, 0x05, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0]),
    acting(SHORT, &[0x5f, 0x06, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0]),
    plain(SHORT, &[0xa0, 0, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0]),
    acting(SHORT, &[0xa3, 0x0c, 0x87, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]),
    acting(SHORT, &[0xa3, 0x0f, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0]),
    acting(SHORT, &[0xa4, 0x0f, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0]),
];

/// Commands of drives (SSC-4), READ and WRITE ATTRIBUTE (SPC-4).
#[rustfmt::skip]
pub(super) const DRIVE: &[Usage] = &[
    plain(POSITIONING, &[0x01, 0x01, 0, 0, 0, 0]),
    plain(WHOLE_TAPE, &[0x04, 0x03, 0x0f, 0xff, 0xff, 0]),
    plain(SHORT, &[0x05, 0x01, 0, 0, 0, 0]),
    plain(BLOCK, &[0x08, 0x03, 0xff, 0xff, 0xff, 0]),
    plain(BLOCK, &[0x0a, 0x01, 0xff, 0xff, 0xff, 0]),
    plain(WHOLE_TAPE, &[0x0b, 0x01, 0, 0xff, 0xff, 0]),
    plain(BLOCK, &[0x10, 0x03, 0xff, 0xff, 0xff, 0]),
    plain(POSITIONING, &[0x11, 0x0f, 0xff, 0xff, 0xff, 0]),
    plain(WHOLE_TAPE, &[0x13, 0x3f, 0xff, 0xff, 0xff, 0]),
    plain(WHOLE_TAPE, &[0x19, 0x03, 0, 0, 0, 0]),
    plain(LOAD, &[0x1b, 0x01, 0, 0, 0x0f, 0]),
    plain(POSITIONING, &[0x2b, 0x07, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0]),
    acting(SHORT, &[0x34, 0x00, 0, 0, 0, 0, 0, 0xff, 0xff, 0]),
    acting(SHORT, &[0x34, 0x01, 0, 0, 0, 0, 0, 0xff, 0xff, 0]),
    acting(SHORT, &[0x34, 0x06, 0, 0, 0, 0, 0, 0xff, 0xff, 0]),
    acting(SHORT, &[0x34, 0x08, 0, 0, 0, 0, 0, 0xff, 0xff, 0]),
    plain(SHORT, &[0x44, 0x03, 0, 0, 0, 0, 0, 0xff, 0xff, 0]),
    plain(BLOCK, &[0x80, 0x03, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]),
    plain(SHORT, &[0x82, 0, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
    acting(SHORT, &[0x8c, 0x00, 0, 0, 0, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]),
    acting(SHORT, &[0x8c, 0x01, 0, 0, 0, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]),
    acting(SHORT, &[0x8c, 0x02, 0, 0, 0, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]),
    acting(SHORT, &[0x8c, 0x03, 0, 0, 0, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]),
    acting(SHORT, &[0x8c, 0x05, 0, 0, 0, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]),
    plain(SETTING, &[0x8d, 0x01, 0, 0, 0, 0, 0, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0]),
    plain(POSITIONING, &[0x91, 0x0f, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
    plain(POSITIONING, &[0x92, 0x3b, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
    plain(WHOLE_TAPE, &[0x93, 0x07, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
    plain(SETTING, &[0xa2, 0xff, 0xff, 0xff, 0x80, 0, 0xff, 0xff, 0xff, 0xff, 0, 0]),
    acting(SETTING, &[0xa3, 0x9d, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x07, 0]),
    acting(SETTING, &[0xa4, 0x1d, 0x07, 0x07, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0]),
    plain(SETTING, &[0xb5, 0xff, 0xff, 0xff, 0x80, 0, 0xff, 0xff, 0xff, 0xff, 0, 0]),
];

/// Commands of changers (SMC-3).
#[rustfmt::skip]
pub(super) const CHANGER: &[Usage] = &[
    plain(SCAN, &[0x07, 0, 0, 0, 0, 0]),
    plain(MOVE, &[0x1b, 0, 0xff, 0xff, 0x1f, 0]),
    plain(MOVE, &[0x2b, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x01, 0]),
    plain(SCAN, &[0x37, 0x03, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]),
    plain(MOVE, &[0xa5, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0x01, 0]),
    plain(MOVE, &[0xa6, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03, 0]),
    plain(SHORT, &[0xb5, 0x1f, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0, 0]),
    plain(SHORT, &[0xb6, 0x0f, 0xff, 0xff, 0, 0x1f, 0, 0, 0xff, 0xff, 0, 0]),
    plain(SHORT, &[0xb8, 0x1f, 0xff, 0xff, 0xff, 0xff, 0x03, 0xff, 0xff, 0xff, 0, 0]),
];

#[cfg(test)]
mod tests {
    use super::super::{Changer, Drive, LogicalUnit};

    fn check<D: LogicalUnit>() {
        let usages = || D::USAGES.iter().flat_map(|table| table.iter());
        for row in D::OPCODES {
            let found = usages().any(|usage| usage.code() == row.code);
            assert!(found, "operation code {:02X}h has no usage", row.code);
        }
        for usage in usages() {
            let found = D::OPCODES.iter().any(|row| row.code == usage.code());
            assert!(found, "operation code {:02X}h is not there", usage.code());
            let length = match usage.code() >> 5 {
                0 => 6,
                1 | 2 => 10,
                4 => 16,
                5 => 12,
                group => panic!("group {group}"),
            };
            assert_eq!(usage.cdb.len(), length, "{:02X}h", usage.code());
        }
        let codes: Vec<u8> = D::OPCODES.iter().map(|row| row.code).collect();
        assert!(codes.is_sorted_by(|one, other| one < other), "{codes:02x?}");
    }

    #[test]
    fn every_command_has_its_usage() {
        check::<Changer>();
        check::<Drive>();
    }
}
