//! What an initiator sends, taken apart (RFC 7143 clause 11). Nothing here reads a socket.

use crate::bytes::{u16_at, u32_at};

/// Length of a basic header segment (RFC 7143 clause 11.2.1).
pub(crate) const HEADER_LENGTH: usize = 48;
/// A tag that names nothing (Initiator Task Tag and Target Transfer Tag).
pub(crate) const NO_TAG: u32 = 0xffff_ffff;

/// A protocol data unit as it came: 48 bytes, additional header segments, data without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pdu {
    pub(crate) header: [u8; HEADER_LENGTH],
    pub(crate) additional: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) integrity: Integrity,
}

/// Whether the data arrived as it was sent (data digest, RFC 7143 clause 11.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Integrity {
    Whole,
    Corrupt,
}

/// Whether a request waits for its turn (the I bit, RFC 7143 clause 11.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Immediate,
    Ordered,
}

/// OPCODE of a request (RFC 7143 clause 11.2.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opcode {
    NopOut,
    Command,
    TaskManagement,
    Login,
    Text,
    DataOut,
    Logout,
    Snack,
    Unknown,
}

impl Pdu {
    pub(crate) fn new(header: [u8; HEADER_LENGTH]) -> Self {
        Self {
            header,
            additional: Vec::new(),
            data: Vec::new(),
            integrity: Integrity::Whole,
        }
    }

    pub(crate) fn opcode(&self) -> Opcode {
        match self.header[0] & 0x3f {
            0x00 => Opcode::NopOut,
            0x01 => Opcode::Command,
            0x02 => Opcode::TaskManagement,
            0x03 => Opcode::Login,
            0x04 => Opcode::Text,
            0x05 => Opcode::DataOut,
            0x06 => Opcode::Logout,
            0x10 => Opcode::Snack,
            _ => Opcode::Unknown,
        }
    }

    pub(crate) fn delivery(&self) -> Delivery {
        if self.header[0] & 0x40 == 0 {
            Delivery::Ordered
        } else {
            Delivery::Immediate
        }
    }

    /// The F bit.
    pub(crate) fn is_final(&self) -> bool {
        self.header[1] & 0x80 != 0
    }

    /// Initiator Task Tag.
    pub(crate) fn tag(&self) -> u32 {
        u32_at(&self.header, 16)
    }

    /// Target Transfer Tag of the requests that have one.
    pub(crate) fn transfer_tag(&self) -> u32 {
        u32_at(&self.header, 20)
    }

    /// CmdSN of the requests that have one: all but Data-Out and SNACK.
    pub(crate) fn command_number(&self) -> u32 {
        u32_at(&self.header, 24)
    }

    /// Logical unit number as it stands in the header.
    pub(crate) fn lun(&self) -> LunField {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.header[8..16]);
        LunField(bytes)
    }
}

/// A logical unit number in the eight bytes of SAM-5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LunField(pub(crate) [u8; 8]);

impl LunField {
    /// The number, if it is one level of peripheral device addressing on bus 0 (00b) or of flat
    /// space addressing (01b) (SAM-5, single level LUN structure).
    pub(crate) fn single_level(self) -> Option<u16> {
        let [high, low, rest @ ..] = self.0;
        match (high >> 6, rest) {
            (0, [0, 0, 0, 0, 0, 0]) if high == 0 => Some(u16::from(low)),
            (1, [0, 0, 0, 0, 0, 0]) => Some(u16::from_be_bytes([high & 0x3f, low])),
            _ => None,
        }
    }
}

/// SCSI Command (RFC 7143 clause 11.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) reads: bool,
    pub(crate) writes: bool,
    /// Expected Data Transfer Length, in bytes.
    pub(crate) expected: u32,
    /// 16 bytes, more with an extended CDB.
    pub(crate) cdb: Vec<u8>,
}

impl Command {
    /// `None` if the additional header segments are not laid out as clause 11.2.2 says.
    pub(crate) fn parse(pdu: &Pdu) -> Option<Self> {
        let mut cdb = pdu.header[32..48].to_vec();
        let mut rest = &pdu.additional[..];
        while !rest.is_empty() {
            // AHSLength counts neither itself nor AHSType nor the padding to four bytes.
            let length = usize::from(u16_at(rest, 0));
            let specific = rest.get(3..3 + length)?;
            if rest[2] == 0x01 {
                // Extended CDB: a reserved byte, then the CDB from byte 16 on.
                cdb.extend(specific.get(1..)?);
            }
            rest = rest.get((3 + length).next_multiple_of(4)..)?;
        }
        Some(Self {
            reads: pdu.header[1] & 0x40 != 0,
            writes: pdu.header[1] & 0x20 != 0,
            expected: u32_at(&pdu.header, 20),
            cdb,
        })
    }
}

/// SCSI Data-Out (RFC 7143 clause 11.7), without its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DataOut {
    /// Target Transfer Tag of the R2T it answers; `None` for unsolicited data.
    pub(crate) solicited_by: Option<u32>,
    pub(crate) number: u32,
    /// Buffer Offset, in bytes.
    pub(crate) offset: u32,
    pub(crate) is_final: bool,
}

impl DataOut {
    pub(crate) fn parse(pdu: &Pdu) -> Self {
        Self {
            solicited_by: Some(pdu.transfer_tag()).filter(|tag| *tag != NO_TAG),
            number: u32_at(&pdu.header, 36),
            offset: u32_at(&pdu.header, 40),
            is_final: pdu.is_final(),
        }
    }
}

/// What a task management request asks for (RFC 7143 clause 11.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskFunction {
    AbortTask {
        /// Referenced Task Tag.
        tag: u32,
        /// RefCmdSN.
        command_number: u32,
    },
    AbortTaskSet,
    ClearTaskSet,
    LogicalUnitReset,
    TargetWarmReset,
    TargetColdReset,
    TaskReassign,
    /// CLEAR ACA and what is not defined.
    Unsupported,
}

impl TaskFunction {
    pub(crate) fn parse(pdu: &Pdu) -> Self {
        match pdu.header[1] & 0x7f {
            1 => Self::AbortTask {
                tag: u32_at(&pdu.header, 20),
                command_number: u32_at(&pdu.header, 32),
            },
            2 => Self::AbortTaskSet,
            4 => Self::ClearTaskSet,
            5 => Self::LogicalUnitReset,
            6 => Self::TargetWarmReset,
            7 => Self::TargetColdReset,
            8 => Self::TaskReassign,
            _ => Self::Unsupported,
        }
    }
}

/// Text Request and the text part of a Login Request: whether more follows (the C bit, RFC 7143
/// clauses 11.10.2 and 11.12.2).
pub(crate) fn is_continued(pdu: &Pdu) -> bool {
    pdu.header[1] & 0x40 != 0
}

/// Why an initiator logs out (RFC 7143 clause 11.14.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogoutReason {
    CloseSession,
    /// Close the connection with this CID.
    CloseConnection(u16),
    /// Remove the connection for recovery, and what is not defined.
    Recovery,
}

impl LogoutReason {
    pub(crate) fn parse(pdu: &Pdu) -> Self {
        match pdu.header[1] & 0x7f {
            0 => Self::CloseSession,
            1 => Self::CloseConnection(u16_at(&pdu.header, 20)),
            _ => Self::Recovery,
        }
    }
}

/// Login Request (RFC 7143 clause 11.12), without its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LoginRequest {
    /// The T bit: ready for the next stage.
    pub(crate) transit: bool,
    pub(crate) current: Option<Stage>,
    pub(crate) next: Option<Stage>,
    /// Version-min.
    pub(crate) lowest_version: u8,
    pub(crate) isid: [u8; 6],
    /// 0 for a new session.
    pub(crate) tsih: u16,
    pub(crate) tag: u32,
    /// Connection ID.
    pub(crate) cid: u16,
    pub(crate) command_number: u32,
    /// ExpStatSN.
    pub(crate) expected_status_number: u32,
}

/// Stages of a login (CSG and NSG, RFC 7143 clause 11.12.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Security = 0,
    Operational = 1,
    FullFeature = 3,
}

impl Stage {
    fn from_bits(bits: u8) -> Option<Self> {
        match bits & 0x03 {
            0 => Some(Self::Security),
            1 => Some(Self::Operational),
            3 => Some(Self::FullFeature),
            _ => None,
        }
    }
}

impl LoginRequest {
    pub(crate) fn parse(pdu: &Pdu) -> Self {
        let header = &pdu.header;
        let mut isid = [0; 6];
        isid.copy_from_slice(&header[8..14]);
        Self {
            transit: pdu.is_final(),
            current: Stage::from_bits(header[1] >> 2),
            next: Stage::from_bits(header[1]),
            lowest_version: header[3],
            isid,
            tsih: u16_at(header, 14),
            tag: pdu.tag(),
            cid: u16_at(header, 20),
            command_number: pdu.command_number(),
            expected_status_number: u32_at(header, 28),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pdu(header: &[u8]) -> Pdu {
        let mut whole = [0; HEADER_LENGTH];
        whole[..header.len()].copy_from_slice(header);
        Pdu::new(whole)
    }

    /// Sent by libiscsi 1.19.0 (iscsi-inq): Login Request, SCSI Command with INQUIRY, Logout
    /// Request.
    #[test]
    fn requests_of_libiscsi_are_understood() {
        let login = pdu(&[
            0x43, 0x87, 0, 0, 0, 0, 0x01, 0xaf, 0x80, 0xeb, 0x85, 0xb8, 0, 0, 0, 0, 0x16, 0x9f,
            0x4d, 0x0b, 0, 0, 0, 0, 0x57, 0x19, 0x62, 0x9b, 0, 0, 0, 1,
        ]);
        assert_eq!(login.opcode(), Opcode::Login);
        let request = LoginRequest::parse(&login);
        assert_eq!(
            request,
            LoginRequest {
                transit: true,
                current: Some(Stage::Operational),
                next: Some(Stage::FullFeature),
                lowest_version: 0,
                isid: [0x80, 0xeb, 0x85, 0xb8, 0, 0],
                tsih: 0,
                tag: 0x169f_4d0b,
                cid: 0,
                command_number: 0x5719_629b,
                expected_status_number: 1,
            }
        );
        let inquiry = pdu(&[
            0x01, 0xc1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16, 0x9f, 0x4d, 0x0e, 0, 0, 0,
            0x40, 0x57, 0x19, 0x62, 0x9d, 0, 0, 0, 4, 0x12, 0, 0, 0, 0x40, 0,
        ]);
        let command = Command::parse(&inquiry).unwrap();
        assert_eq!(
            (inquiry.opcode(), inquiry.delivery()),
            (Opcode::Command, Delivery::Ordered)
        );
        assert_eq!(
            (command.reads, command.writes, command.expected),
            (true, false, 64)
        );
        assert_eq!(command.cdb[..6], [0x12, 0, 0, 0, 0x40, 0]);
        let logout = pdu(&[0x46, 0x80]);
        assert_eq!(
            (logout.opcode(), logout.delivery()),
            (Opcode::Logout, Delivery::Immediate)
        );
        assert_eq!(LogoutReason::parse(&logout), LogoutReason::CloseSession);
    }

    /// RFC 7143 clause 11.2.2.3, extended CDB: AHSLength is the CDB's length less 15.
    #[test]
    fn an_extended_cdb_is_put_together() {
        let mut long = pdu(&[0x01, 0x80]);
        long.header[32] = 0x7f;
        long.header[47] = 15;
        long.additional = vec![0, 5, 0x01, 0, 16, 17, 18, 19];
        let command = Command::parse(&long).unwrap();
        assert_eq!(command.cdb[15..], [15, 16, 17, 18, 19]);
        // A bidirectional length (type 2, clause 11.2.2.4) before it.
        long.additional = vec![0, 5, 0x02, 0, 0, 0, 2, 0, 0, 2, 0x01, 0, 16, 0, 0, 0];
        assert_eq!(Command::parse(&long).unwrap().cdb[15..], [15, 16]);
        long.additional = vec![0, 9, 0x01, 0, 16, 17, 18, 19];
        assert_eq!(Command::parse(&long), None);
    }

    #[test]
    fn two_forms_of_lun_are_understood() {
        for (bytes, number) in [
            ([0, 2, 0, 0, 0, 0, 0, 0], Some(2)),
            ([0x40, 2, 0, 0, 0, 0, 0, 0], Some(2)),
            ([0x41, 2, 0, 0, 0, 0, 0, 0], Some(258)),
            ([1, 2, 0, 0, 0, 0, 0, 0], None),
            ([0, 2, 0, 1, 0, 0, 0, 0], None),
            ([0xc1, 1, 0, 0, 0, 0, 0, 0], None),
        ] {
            assert_eq!(LunField(bytes).single_level(), number, "{bytes:02x?}");
        }
    }

    proptest! {
        #[test]
        fn additional_segments_of_any_kind_end(
            additional in proptest::collection::vec(any::<u8>(), 0..1020),
        ) {
            let mut pdu = pdu(&[0x01]);
            pdu.additional = additional;
            if let Some(command) = Command::parse(&pdu) {
                prop_assert!(command.cdb.len() <= 16 + pdu.additional.len());
            }
        }
    }
}
