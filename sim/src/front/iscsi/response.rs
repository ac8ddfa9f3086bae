//! What the target sends, laid out (RFC 7143 clause 11). Nothing here writes to a socket; the
//! length of the data is filled in when the unit is framed.

use super::request::{HEADER_LENGTH, LunField, NO_TAG, Stage};

/// The numbers that nearly every response carries (RFC 7143 clauses 4.2.2 and 11.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// StatSN of the next response with a status.
    pub(crate) status: u32,
    /// ExpCmdSN.
    pub(crate) expected_command: u32,
    /// MaxCmdSN.
    pub(crate) highest_command: u32,
}

/// Difference between what the initiator expected to move and what was moved (RFC 7143
/// clause 11.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Residual {
    None,
    /// So many bytes fewer than expected (the U bit).
    Underflow(u32),
    /// So many bytes more were there (the O bit).
    Overflow(u32),
}

impl Residual {
    /// Of a transfer of `moved` bytes where `expected` were expected.
    pub(crate) fn new(expected: u32, moved: usize) -> Self {
        let moved = u32::try_from(moved).unwrap_or(u32::MAX);
        match moved.checked_sub(expected) {
            Some(0) => Self::None,
            Some(more) => Self::Overflow(more),
            None => Self::Underflow(expected - moved),
        }
    }

    fn flags(self) -> u8 {
        match self {
            Self::None => 0x00,
            Self::Underflow(_) => 0x02,
            Self::Overflow(_) => 0x04,
        }
    }

    fn count(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Underflow(count) | Self::Overflow(count) => count,
        }
    }
}

/// Response of a task management function (RFC 7143 clause 11.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskResponse {
    Complete = 0,
    NoSuchTask = 1,
    NoSuchUnit = 2,
    ReassignNotSupported = 4,
    NotSupported = 5,
}

/// Why a request is rejected (RFC 7143 clause 11.17.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RejectReason {
    DataDigest = 0x02,
    Snack = 0x03,
    ProtocolError = 0x04,
    NotSupported = 0x05,
    TooManyImmediate = 0x06,
    InvalidField = 0x09,
}

/// Status-Class and Status-Detail of a login (RFC 7143 clause 11.13.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginStatus {
    Success = 0x0000,
    InitiatorError = 0x0200,
    AuthenticationFailure = 0x0201,
    NotFound = 0x0203,
    UnsupportedVersion = 0x0205,
    TooManyConnections = 0x0206,
    MissingParameter = 0x0207,
    SessionTypeNotSupported = 0x0209,
    SessionDoesNotExist = 0x020a,
}

/// Login Response (RFC 7143 clause 11.13), without its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LoginResponse {
    /// The T bit: the next stage begins.
    pub(crate) transit: bool,
    pub(crate) current: Stage,
    pub(crate) next: Stage,
    pub(crate) isid: [u8; 6],
    pub(crate) tsih: u16,
    pub(crate) tag: u32,
    pub(crate) status: LoginStatus,
}

/// A response; what goes with it as data is given beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Response {
    NopIn {
        lun: LunField,
        tag: u32,
        transfer_tag: u32,
    },
    Command {
        tag: u32,
        /// SCSI status (SAM-5).
        status: u8,
        residual: Residual,
        /// ExpDataSN: Data-In and R2T units sent for the command.
        data_units: u32,
    },
    TaskManagement {
        tag: u32,
        response: TaskResponse,
    },
    Login(LoginResponse),
    Text {
        tag: u32,
        transfer_tag: u32,
    },
    DataIn {
        tag: u32,
        number: u32,
        /// Buffer Offset, in bytes.
        offset: u32,
        /// End of a sequence (the F bit).
        is_final: bool,
        /// GOOD status goes with it (the S bit).
        with_good: Option<Residual>,
    },
    Logout {
        tag: u32,
        response: LogoutResponse,
        /// DefaultTime2Wait and DefaultTime2Retain, in seconds.
        times: [u16; 2],
    },
    ReadyToTransfer {
        lun: LunField,
        tag: u32,
        transfer_tag: u32,
        number: u32,
        /// Buffer Offset, in bytes.
        offset: u32,
        /// Desired Data Transfer Length, in bytes.
        length: u32,
    },
    Async {
        event: AsyncEvent,
        times: [u16; 2],
    },
    Reject(RejectReason),
}

/// Response of a logout (RFC 7143 clause 11.15.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogoutResponse {
    Closed = 0,
    CidNotFound = 1,
    RecoveryNotSupported = 2,
}

/// AsyncEvent (RFC 7143 clause 11.9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AsyncEvent {
    /// The target will drop all connections of the session.
    DropsSession = 3,
}

impl Response {
    /// Whether the response takes a StatSN (RFC 7143 clause 4.2.2.2).
    pub(crate) fn takes_status_number(&self) -> bool {
        match self {
            Self::NopIn { tag, .. } => *tag != NO_TAG,
            Self::DataIn { with_good, .. } => with_good.is_some(),
            Self::ReadyToTransfer { .. } => false,
            _ => true,
        }
    }

    pub(crate) fn encode(&self, numbers: Numbers) -> [u8; HEADER_LENGTH] {
        let mut header = Header::new(numbers);
        match *self {
            Self::NopIn {
                lun,
                tag,
                transfer_tag,
            } => {
                header.opcode(0x20, 0x80).lun(lun);
                header.word(16, tag).word(20, transfer_tag);
            }
            Self::Command {
                tag,
                status,
                residual,
                data_units,
            } => {
                header.opcode(0x21, 0x80 | residual.flags()).byte(3, status);
                header.word(16, tag).word(36, data_units);
                header.word(44, residual.count());
            }
            Self::TaskManagement { tag, response } => {
                header.opcode(0x22, 0x80).byte(2, response as u8);
                header.word(16, tag);
            }
            Self::Login(login) => header.login(&login),
            Self::Text { tag, transfer_tag } => {
                let last = if transfer_tag == NO_TAG { 0x80 } else { 0x00 };
                header.opcode(0x24, last).word(16, tag);
                header.word(20, transfer_tag);
            }
            Self::DataIn {
                tag,
                number,
                offset,
                is_final,
                with_good,
            } => {
                let residual = with_good.unwrap_or(Residual::None);
                let flags = u8::from(is_final) << 7 | u8::from(with_good.is_some());
                header.opcode(0x25, flags | residual.flags());
                header.word(16, tag).word(20, NO_TAG).word(36, number);
                header.word(40, offset).word(44, residual.count());
                if with_good.is_none() {
                    header.word(24, 0); // StatSN is reserved without a status
                }
            }
            Self::Logout {
                tag,
                response,
                times,
            } => {
                header.opcode(0x26, 0x80).byte(2, response as u8);
                header.word(16, tag).half(40, times[0]).half(42, times[1]);
            }
            Self::ReadyToTransfer {
                lun,
                tag,
                transfer_tag,
                number,
                offset,
                length,
            } => {
                header.opcode(0x31, 0x80).lun(lun).word(16, tag);
                header.word(20, transfer_tag).word(36, number);
                header.word(40, offset).word(44, length);
            }
            Self::Async { event, times } => {
                header.opcode(0x32, 0x80).word(16, NO_TAG);
                header.byte(36, event as u8);
                // Parameter1 is reserved for this event; 2 and 3 are times.
                header.half(40, times[0]).half(42, times[1]);
            }
            Self::Reject(reason) => {
                header.opcode(0x3f, 0x80).byte(2, reason as u8);
                header.word(16, NO_TAG);
            }
        }
        header.0
    }
}

/// A header while it is filled in.
struct Header([u8; HEADER_LENGTH]);

impl Header {
    fn new(numbers: Numbers) -> Self {
        let mut header = Self([0; HEADER_LENGTH]);
        header.word(24, numbers.status);
        header.word(28, numbers.expected_command);
        header.word(32, numbers.highest_command);
        header
    }

    fn byte(&mut self, at: usize, value: u8) -> &mut Self {
        self.0[at] = value;
        self
    }

    fn half(&mut self, at: usize, value: u16) -> &mut Self {
        self.0[at..at + 2].copy_from_slice(&value.to_be_bytes());
        self
    }

    fn word(&mut self, at: usize, value: u32) -> &mut Self {
        self.0[at..at + 4].copy_from_slice(&value.to_be_bytes());
        self
    }

    fn opcode(&mut self, opcode: u8, flags: u8) -> &mut Self {
        self.byte(0, opcode).byte(1, flags)
    }

    fn lun(&mut self, lun: LunField) -> &mut Self {
        self.0[8..16].copy_from_slice(&lun.0);
        self
    }

    fn login(&mut self, login: &LoginResponse) {
        let mut flags = (login.current as u8) << 2;
        if login.transit {
            flags |= 0x80 | login.next as u8;
        }
        // Version-max and Version-active are 00h.
        self.opcode(0x23, flags);
        self.0[8..14].copy_from_slice(&login.isid);
        self.half(14, login.tsih).word(16, login.tag);
        self.half(36, login.status as u16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: Numbers = Numbers {
        status: 0x0102_0304,
        expected_command: 0x1112_1314,
        highest_command: 0x2122_2324,
    };
    const LUN: LunField = LunField([0, 1, 0, 0, 0, 0, 0, 0]);

    /// Bytes from `at` on.
    fn part<const N: usize>(response: Response, at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&response.encode(NUMBERS)[at..at + N]);
        bytes
    }

    /// Figure of RFC 7143 clause 11.8.
    #[test]
    fn ready_to_transfer_places_every_field() {
        let response = Response::ReadyToTransfer {
            lun: LUN,
            tag: 0xa1a2_a3a4,
            transfer_tag: 0xb1b2_b3b4,
            number: 0xc1,
            offset: 0xd1d2,
            length: 0xe1e2,
        };
        #[rustfmt::skip]
        assert_eq!(response.encode(NUMBERS), [
            0x31, 0x80, 0, 0, 0, 0, 0, 0,
            0, 1, 0, 0, 0, 0, 0, 0,
            0xa1, 0xa2, 0xa3, 0xa4, 0xb1, 0xb2, 0xb3, 0xb4,
            1, 2, 3, 4, 0x11, 0x12, 0x13, 0x14, 0x21, 0x22, 0x23, 0x24,
            0, 0, 0, 0xc1, 0, 0, 0xd1, 0xd2, 0, 0, 0xe1, 0xe2,
        ]);
        assert!(!response.takes_status_number());
    }

    /// Figure of RFC 7143 clause 11.4.
    #[test]
    fn a_command_response_places_every_field() {
        let response = Response::Command {
            tag: 0xa1a2_a3a4,
            status: 0x02,
            residual: Residual::new(0x100, 0x40),
            data_units: 3,
        };
        #[rustfmt::skip]
        assert_eq!(response.encode(NUMBERS), [
            0x21, 0x82, 0, 0x02, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0,
            0xa1, 0xa2, 0xa3, 0xa4, 0, 0, 0, 0,
            1, 2, 3, 4, 0x11, 0x12, 0x13, 0x14, 0x21, 0x22, 0x23, 0x24,
            0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0xc0,
        ]);
    }

    /// Figure of RFC 7143 clause 11.7: F bit 7 and S bit 0 of byte 1, O bit 2, U bit 1.
    #[test]
    fn data_in_has_a_status_number_only_with_a_status() {
        let data = |with_good| Response::DataIn {
            tag: 1,
            number: 5,
            offset: 0x600,
            is_final: true,
            with_good,
        };
        let bare = data(None);
        assert_eq!(part(bare, 0), [0x25, 0x80, 0, 0]);
        assert_eq!(part(bare, 24), [0; 4]);
        assert_eq!(part(bare, 36), [0, 0, 0, 5, 0, 0, 6, 0]);
        assert!(!bare.takes_status_number());
        let good = data(Some(Residual::Overflow(9)));
        assert_eq!(part(good, 0), [0x25, 0x85, 0, 0]);
        assert_eq!(part(good, 20), [0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]);
        assert_eq!(part(good, 44), [0, 0, 0, 9]);
        assert!(good.takes_status_number());
    }

    /// Figures of RFC 7143 clauses 11.9, 11.15, 11.17 and 11.19.
    #[test]
    fn the_rest_has_its_fields_in_place() {
        let times = [2, 20];
        let event = AsyncEvent::DropsSession;
        let message = Response::Async { event, times };
        assert_eq!(part(message, 0), [0x32, 0x80]);
        assert_eq!(part(message, 36), [3, 0, 0, 0, 0, 2, 0, 20]);
        let logout = Response::Logout {
            tag: 7,
            response: LogoutResponse::CidNotFound,
            times,
        };
        assert_eq!(part(logout, 0), [0x26, 0x80, 1, 0]);
        assert_eq!(part(logout, 40), [0, 2, 0, 20]);
        let reject = Response::Reject(RejectReason::Snack);
        assert_eq!(part(reject, 0), [0x3f, 0x80, 3, 0]);
        assert_eq!(part(reject, 16), [0xff; 4]);
        let ping = Response::NopIn {
            lun: LUN,
            tag: NO_TAG,
            transfer_tag: 8,
        };
        assert_eq!(part(ping, 16), [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 8]);
        assert!(!ping.takes_status_number());
    }

    /// Figure of RFC 7143 clause 11.13: T bit 7, CSG bits 3-2, NSG bits 1-0.
    #[test]
    fn a_login_response_places_every_field() {
        let response = Response::Login(LoginResponse {
            transit: true,
            current: Stage::Operational,
            next: Stage::FullFeature,
            isid: [1, 2, 3, 4, 5, 6],
            tsih: 0x0708,
            tag: 9,
            status: LoginStatus::NotFound,
        });
        assert_eq!(part(response, 0), [0x23, 0x87, 0, 0]);
        assert_eq!(part(response, 8), [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 9]);
        assert_eq!(part(response, 36), [2, 3]);
    }
}
