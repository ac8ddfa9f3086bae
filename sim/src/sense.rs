//! Sense data as this device reports it (SPC-5).

use bitflags::bitflags;

/// SENSE KEY (SPC-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SenseKey {
    /// 0h
    NoSense,
    /// 2h
    NotReady,
    /// 3h
    MediumError,
    /// 4h
    HardwareError,
    /// 5h
    IllegalRequest,
    /// 6h
    UnitAttention,
    /// 7h
    DataProtect,
    /// 8h
    BlankCheck,
    /// Bh
    AbortedCommand,
    /// Dh
    VolumeOverflow,
}

impl SenseKey {
    fn code(self) -> u8 {
        match self {
            Self::NoSense => 0x0,
            Self::NotReady => 0x2,
            Self::MediumError => 0x3,
            Self::HardwareError => 0x4,
            Self::IllegalRequest => 0x5,
            Self::UnitAttention => 0x6,
            Self::DataProtect => 0x7,
            Self::BlankCheck => 0x8,
            Self::AbortedCommand => 0xb,
            Self::VolumeOverflow => 0xd,
        }
    }
}

bitflags! {
    /// The bits of byte 2 of fixed format sense that belong to stream devices (SPC-5).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct StreamBits: u8 {
        /// A filemark was met.
        const FILEMARK = 0x80;
        /// Beyond early warning, or at the beginning of the medium.
        const END_OF_MEDIUM = 0x40;
        /// The block's length is not the one asked for.
        const INCORRECT_LENGTH = 0x20;
    }
}

/// Where in the CDB or the parameter list the fault is (SPC-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldPointer {
    /// Byte of the CDB.
    Cdb(u16),
    /// Byte of the parameter list.
    ParameterList(u16),
}

/// How sense data is laid out: chosen by the D_SENSE bit of the control mode page (SPC-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SenseFormat {
    /// Response codes 70h and 71h.
    Fixed,
    /// Response codes 72h and 73h.
    Descriptor,
}

/// ADDITIONAL SENSE CODE and ADDITIONAL SENSE CODE QUALIFIER.
pub type Additional = (u8, u8);

/// One set of sense data before it is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sense {
    /// Sense key.
    pub key: SenseKey,
    /// Additional sense code and qualifier.
    pub additional: Additional,
    /// INFORMATION, if valid; negative for a block longer than asked for.
    pub information: Option<i64>,
    /// FILEMARK, EOM, ILI.
    pub stream: StreamBits,
    /// About an earlier command that already returned GOOD.
    pub deferred: bool,
    /// The field in error.
    pub field: Option<FieldPointer>,
}

impl Sense {
    /// Sense with a key and code, nothing else.
    #[must_use]
    pub const fn new(key: SenseKey, additional: Additional) -> Self {
        Self {
            key,
            additional,
            information: None,
            stream: StreamBits::empty(),
            deferred: false,
            field: None,
        }
    }

    /// ILLEGAL REQUEST / INVALID COMMAND OPERATION CODE.
    #[must_use]
    pub fn invalid_opcode() -> Self {
        Self::new(SenseKey::IllegalRequest, (0x20, 0x00)).at(FieldPointer::Cdb(0))
    }

    /// ILLEGAL REQUEST / INVALID FIELD IN CDB at this byte.
    #[must_use]
    pub fn invalid_cdb_field(byte: u16) -> Self {
        Self::new(SenseKey::IllegalRequest, (0x24, 0x00)).at(FieldPointer::Cdb(byte))
    }

    /// ILLEGAL REQUEST / INVALID FIELD IN PARAMETER LIST at this byte.
    #[must_use]
    pub fn invalid_parameter(byte: usize) -> Self {
        let byte = u16::try_from(byte).unwrap_or(u16::MAX);
        Self::new(SenseKey::IllegalRequest, (0x26, 0x00)).at(FieldPointer::ParameterList(byte))
    }

    /// ILLEGAL REQUEST / PARAMETER LIST LENGTH ERROR.
    #[must_use]
    pub const fn parameter_list_length() -> Self {
        Self::new(SenseKey::IllegalRequest, (0x1a, 0x00))
    }

    /// ILLEGAL REQUEST / INVALID ELEMENT ADDRESS.
    #[must_use]
    pub const fn invalid_element() -> Self {
        Self::new(SenseKey::IllegalRequest, (0x21, 0x01))
    }

    /// ILLEGAL REQUEST / MEDIUM REMOVAL PREVENTED.
    #[must_use]
    pub const fn removal_prevented() -> Self {
        Self::new(SenseKey::IllegalRequest, (0x53, 0x02))
    }

    /// NOT READY / MEDIUM NOT PRESENT.
    #[must_use]
    pub const fn no_medium() -> Self {
        Self::new(SenseKey::NotReady, (0x3a, 0x00))
    }

    /// HARDWARE ERROR / INTERNAL TARGET FAILURE.
    #[must_use]
    pub const fn internal_failure() -> Self {
        Self::new(SenseKey::HardwareError, (0x44, 0x00))
    }

    /// The same with the field in error.
    #[must_use]
    pub const fn at(mut self, field: FieldPointer) -> Self {
        self.field = Some(field);
        self
    }

    /// The same with INFORMATION.
    #[must_use]
    pub const fn with_information(mut self, information: i64) -> Self {
        self.information = Some(information);
        self
    }

    /// The same with a residual count as INFORMATION.
    #[must_use]
    pub fn with_residual(self, residual: u64) -> Self {
        self.with_information(i64::try_from(residual).unwrap_or(i64::MAX))
    }

    /// The same with stream bits.
    #[must_use]
    pub const fn with_stream(mut self, bits: StreamBits) -> Self {
        self.stream = bits;
        self
    }

    /// The same as a deferred error (SPC-5).
    #[must_use]
    pub const fn as_deferred(mut self) -> Self {
        self.deferred = true;
        self
    }

    /// Lays the sense data out.
    #[must_use]
    pub fn encode(&self, format: SenseFormat) -> Vec<u8> {
        match format {
            SenseFormat::Fixed => self.encode_fixed(),
            SenseFormat::Descriptor => self.encode_descriptor(),
        }
    }

    /// SPC-5, fixed format: 18 bytes, INFORMATION valid if it fits four of them.
    fn encode_fixed(&self) -> Vec<u8> {
        let mut bytes = vec![0; 18];
        bytes[0] = if self.deferred { 0x71 } else { 0x70 };
        bytes[2] = self.stream.bits() | self.key.code();
        if let Some(Ok(information)) = self.information.map(i32::try_from) {
            bytes[0] |= 0x80;
            bytes[3..7].copy_from_slice(&information.to_be_bytes());
        }
        bytes[7] = 10;
        (bytes[12], bytes[13]) = self.additional;
        if let Some(specific) = self.sense_key_specific() {
            bytes[15..18].copy_from_slice(&specific);
        }
        bytes
    }

    /// SPC-5, descriptor format: information (00h), sense key specific (02h) and stream commands (04h)
    /// descriptors after the header.
    fn encode_descriptor(&self) -> Vec<u8> {
        let (code, qualifier) = self.additional;
        let response = if self.deferred { 0x73 } else { 0x72 };
        let mut bytes = vec![response, self.key.code(), code, qualifier, 0, 0, 0, 0];
        if let Some(information) = self.information {
            bytes.extend([0x00, 0x0a, 0x80, 0x00]);
            // Four bytes, where they are enough, with zeros before them.
            let wide = i32::try_from(information)
                .map_or(information, |four| i64::from(four.cast_unsigned()));
            bytes.extend(wide.to_be_bytes());
        }
        if let Some(specific) = self.sense_key_specific() {
            bytes.extend([0x02, 0x06, 0x00, 0x00]);
            bytes.extend(specific);
            bytes.push(0x00);
        }
        if !self.stream.is_empty() {
            bytes.extend([0x04, 0x02, 0x00, self.stream.bits()]);
        }
        bytes[7] = u8::try_from(bytes.len() - 8).unwrap_or(u8::MAX);
        bytes
    }

    fn sense_key_specific(&self) -> Option<[u8; 3]> {
        let (command, byte) = match self.field? {
            FieldPointer::Cdb(byte) => (0x40, byte),
            FieldPointer::ParameterList(byte) => (0x00, byte),
        };
        let [high, low] = byte.to_be_bytes();
        Some([0x80 | command, high, low])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seagate "SCSI Commands Reference Manual" Rev. J, table 27 (page 56): VALID and response
    /// code in byte 0, FILEMARK/EOM/ILI and key in byte 2,
    /// INFORMATION 3-6, additional length 7, ASC/ASCQ 12-13, sense key specific 15-17.
    #[test]
    fn fixed_format_places_every_field() {
        let sense = Sense::new(SenseKey::NoSense, (0x00, 0x01))
            .with_stream(StreamBits::FILEMARK)
            .with_information(0x0102_0304);
        assert_eq!(
            sense.encode(SenseFormat::Fixed),
            [
                0xf0, 0, 0x80, 1, 2, 3, 4, 10, 0, 0, 0, 0, 0x00, 0x01, 0, 0, 0, 0
            ]
        );
        let illegal = Sense::invalid_cdb_field(4).encode(SenseFormat::Fixed);
        assert_eq!(
            illegal,
            [
                0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0, 0, 0xc0, 0, 4
            ]
        );
    }

    /// Seagate "SCSI Commands Reference Manual" Rev. J, table 27 (page 56): without VALID the
    /// INFORMATION field says nothing, which is all that four bytes can do for a larger number.
    #[test]
    fn information_beyond_four_bytes_is_not_valid_in_fixed_format() {
        let sense = Sense::new(SenseKey::BlankCheck, (0x00, 0x05)).with_residual((1 << 40) + 5);
        let fixed = sense.encode(SenseFormat::Fixed);
        assert_eq!(fixed[..7], [0x70, 0, 8, 0, 0, 0, 0]);
        let descriptor = sense.encode(SenseFormat::Descriptor);
        assert_eq!(descriptor[8..20], [0, 10, 0x80, 0, 0, 0, 1, 0, 0, 0, 0, 5]);
    }

    /// Descriptors 00h (12 bytes) and 04h (4 bytes). Seagate "SCSI Commands Reference Manual"
    /// Rev. J, 2.4.1.1.2 (page 49): a four-byte quantity has zeros before it.
    #[test]
    fn descriptor_format_places_every_field() {
        let sense = Sense::new(SenseKey::NoSense, (0x00, 0x00))
            .with_stream(StreamBits::INCORRECT_LENGTH)
            .with_information(-2)
            .as_deferred();
        let mut expected = vec![0x73, 0, 0, 0, 0, 0, 0, 16, 0x00, 0x0a, 0x80, 0];
        expected.extend([0, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe]);
        expected.extend([0x04, 0x02, 0x00, 0x20]);
        assert_eq!(sense.encode(SenseFormat::Descriptor), expected);
    }
}
