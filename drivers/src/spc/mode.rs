//! MODE SENSE and MODE SELECT, 6 and 10 bytes (SPC-5, MODE SENSE(6) and the following, mode
//! parameters).

use serde::{Deserialize, Serialize};

use crate::bytes::{low24, slice_at, u8_at, u16_at, u24_at};
use crate::command::Command;
use crate::error::ScsiError;
use crate::timeout;
use crate::transport::Transport;

/// OPERATION CODE of MODE SELECT(6).
pub const MODE_SELECT_6: u8 = 0x15;
/// OPERATION CODE of MODE SENSE(6).
pub const MODE_SENSE_6: u8 = 0x1a;
/// OPERATION CODE of MODE SELECT(10).
pub const MODE_SELECT_10: u8 = 0x55;
/// OPERATION CODE of MODE SENSE(10).
pub const MODE_SENSE_10: u8 = 0x5a;

/// PAGE CODE and SUBPAGE CODE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PageCode {
    /// PAGE CODE, 00h to 3Fh.
    pub page: u8,
    /// SUBPAGE CODE, 0 for a page without subpages.
    pub subpage: u8,
}

impl PageCode {
    /// Data compression (SSC-4, data compression mode page).
    pub const DATA_COMPRESSION: Self = Self::new(0x0f, 0);
    /// Device configuration (SSC-4, device configuration mode page).
    pub const DEVICE_CONFIGURATION: Self = Self::new(0x10, 0);
    /// Device configuration extension (SSC-4, mode page of that name), with the size behind
    /// programmable early warning.
    pub const DEVICE_CONFIGURATION_EXTENSION: Self = Self::new(0x10, 1);
    /// Control (SPC-4, control mode page).
    pub const CONTROL: Self = Self::new(0x0a, 0);
    /// Control extension (SPC-4, mode page of that name).
    pub const CONTROL_EXTENSION: Self = Self::new(0x0a, 1);
    /// Medium partition (SSC-4, mode page of that name).
    pub const MEDIUM_PARTITION: Self = Self::new(0x11, 0);
    /// Informational exceptions control (SPC-4, mode page of that name).
    pub const INFORMATIONAL_EXCEPTIONS: Self = Self::new(0x1c, 0);
    /// Transport geometry parameters (SMC-3, mode page of that name).
    pub const TRANSPORT_GEOMETRY: Self = Self::new(0x1e, 0);
    /// Device capabilities (SMC-3, mode page of that name).
    pub const DEVICE_CAPABILITIES: Self = Self::new(0x1f, 0);
    /// Control data protection (SSC-4): logical block protection.
    pub const CONTROL_DATA_PROTECTION: Self = Self::new(0x0a, 0xf0);
    /// Element address assignment (SMC-3, mode page of that name).
    pub const ELEMENT_ADDRESS_ASSIGNMENT: Self = Self::new(0x1d, 0);
    /// No page: header and block descriptor only (SPC-5: page 00h is vendor specific
    /// and need not have the page format).
    pub const NONE: Self = Self::new(0x00, 0);

    /// A page and a subpage.
    #[must_use]
    pub const fn new(page: u8, subpage: u8) -> Self {
        Self { page, subpage }
    }
}

/// Which of the two forms of the commands is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ModeForm {
    /// 6-byte CDB, 4-byte header, at most 255 bytes.
    Six,
    /// 10-byte CDB, 8-byte header.
    Ten,
}

/// Which of a page's values are meant (PC field, SPC-5, MODE SENSE(6)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PageControl {
    /// Those in force.
    Current,
    /// Ones in each bit that can be changed.
    Changeable,
    /// Those after power on without saved pages.
    Default,
    /// Those saved.
    Saved,
}

impl PageControl {
    const fn bits(self) -> u8 {
        match self {
            Self::Current => 0x00,
            Self::Changeable => 0x40,
            Self::Default => 0x80,
            Self::Saved => 0xc0,
        }
    }
}

/// The eight bytes of a tape drive's general block descriptor (SPC-5, mode parameter
/// block descriptors).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockDescriptor {
    /// DENSITY CODE; 7Fh on MODE SELECT leaves it as it is.
    pub density: u8,
    /// NUMBER OF LOGICAL BLOCKS, 24 bits, 0 for all that follow.
    pub blocks: u32,
    /// BLOCK LENGTH in bytes, 24 bits, 0 for variable.
    pub block_length: u32,
}

impl BlockDescriptor {
    fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            density: u8_at(bytes, 0)?,
            blocks: u24_at(bytes, 1)?,
            block_length: u24_at(bytes, 5)?,
        })
    }

    fn encode(self) -> [u8; 8] {
        let [b0, b1, b2] = low24(self.blocks);
        let [l0, l1, l2] = low24(self.block_length);
        [self.density, b0, b1, b2, 0, l0, l1, l2]
    }
}

/// One mode page (SPC-5, page_0 and sub_page mode page formats).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModePage {
    /// Which page it is.
    pub code: PageCode,
    /// PS: the device can save it.
    pub saveable: bool,
    /// What stands behind PAGE LENGTH.
    pub body: Vec<u8>,
}

impl ModePage {
    /// Parses one page at the start of `bytes`; with it, how many bytes it takes. A page cut
    /// off is `None`.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let first = u8_at(bytes, 0)?;
        // SPF: the header has a subpage code and a two-byte length.
        let (subpage, header, length) = if first & 0x40 == 0 {
            (0, 2, usize::from(u8_at(bytes, 1)?))
        } else {
            (u8_at(bytes, 1)?, 4, usize::from(u16_at(bytes, 2)?))
        };
        let page = Self {
            code: PageCode::new(first & 0x3f, subpage),
            saveable: first & 0x80 != 0,
            body: slice_at(bytes, header, length)?.to_vec(),
        };
        Some((page, header + length))
    }

    /// The page as MODE SELECT wants it: PS is reserved there and 0.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 + self.body.len());
        match u8::try_from(self.body.len()) {
            Ok(length) if self.code.subpage == 0 => bytes.extend([self.code.page & 0x3f, length]),
            _ => {
                let length = u16::try_from(self.body.len()).unwrap_or(u16::MAX);
                bytes.extend([self.code.page & 0x3f | 0x40, self.code.subpage]);
                bytes.extend(length.to_be_bytes());
            }
        }
        bytes.extend(&self.body);
        bytes
    }

    /// Byte `at` of the page, counted from its first header byte as the standards' tables do.
    #[must_use]
    pub fn byte(&self, at: usize) -> Option<u8> {
        u8_at(&self.body, at.checked_sub(self.header_length())?)
    }

    /// Bytes from `at` of the page, counted likewise.
    #[must_use]
    pub fn u16(&self, at: usize) -> Option<u16> {
        u16_at(&self.body, at.checked_sub(self.header_length())?)
    }

    /// Sets byte `at`, counted likewise; `false` when the page is not that long.
    pub fn set_byte(&mut self, at: usize, value: u8) -> bool {
        let at = at.checked_sub(self.header_length());
        match at.and_then(|at| self.body.get_mut(at)) {
            Some(byte) => {
                *byte = value;
                true
            }
            None => false,
        }
    }

    fn header_length(&self) -> usize {
        if self.code.subpage == 0 { 2 } else { 4 }
    }
}

/// What MODE SENSE returns and MODE SELECT takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeData {
    /// How it came, and how it goes back.
    pub form: ModeForm,
    /// MEDIUM TYPE.
    pub medium_type: u8,
    /// DEVICE-SPECIFIC PARAMETER; for a drive WP, BUFFERED MODE and SPEED (SSC-4, mode parameter
    /// header).
    pub device_specific: u8,
    /// The first block descriptor, unless it is a long one (LONGLBA).
    pub block_descriptor: Option<BlockDescriptor>,
    /// The pages, as far as they are whole.
    pub pages: Vec<ModePage>,
}

impl ModeData {
    /// Parses the reply to MODE SENSE. `None` when the header is cut off.
    #[must_use]
    pub fn parse(form: ModeForm, raw: &[u8]) -> Option<Self> {
        // LONGLBA: the descriptors are longer ones, for disks.
        let long = form == ModeForm::Ten && u8_at(raw, 4)? & 0x01 != 0;
        let (stated, medium_type, device_specific, descriptors, header) = match form {
            ModeForm::Six => {
                let stated = usize::from(u8_at(raw, 0)?) + 1;
                (
                    stated,
                    u8_at(raw, 1)?,
                    u8_at(raw, 2)?,
                    usize::from(u8_at(raw, 3)?),
                    4,
                )
            }
            ModeForm::Ten => {
                let stated = usize::from(u16_at(raw, 0)?) + 2;
                (
                    stated,
                    u8_at(raw, 2)?,
                    u8_at(raw, 3)?,
                    usize::from(u16_at(raw, 6)?),
                    8,
                )
            }
        };
        let given = &raw[..raw.len().min(stated)];
        let descriptor = given.get(header..).unwrap_or_default();
        let block_descriptor = if descriptors >= 8 && !long {
            BlockDescriptor::parse(descriptor)
        } else {
            None
        };
        let mut rest = given.get(header + descriptors..).unwrap_or_default();
        let mut pages = Vec::new();
        while let Some((page, length)) = ModePage::parse(rest) {
            pages.push(page);
            rest = &rest[length..];
        }
        Some(Self {
            form,
            medium_type,
            device_specific,
            block_descriptor,
            pages,
        })
    }

    /// The parameter list for MODE SELECT (MODE DATA LENGTH is reserved there and 0).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let descriptor = self.block_descriptor.map(BlockDescriptor::encode);
        let descriptor_length = if descriptor.is_some() { 8 } else { 0 };
        let mut bytes = match self.form {
            ModeForm::Six => vec![0, self.medium_type, self.device_specific, descriptor_length],
            ModeForm::Ten => {
                vec![
                    0,
                    0,
                    self.medium_type,
                    self.device_specific,
                    0,
                    0,
                    0,
                    descriptor_length,
                ]
            }
        };
        bytes.extend(descriptor.iter().flatten());
        bytes.extend(self.pages.iter().flat_map(ModePage::encode));
        bytes
    }

    /// The page with this code.
    #[must_use]
    pub fn page(&self, code: PageCode) -> Option<&ModePage> {
        self.pages.iter().find(|page| page.code == code)
    }
}

/// Asks for one page's values, with the 10-byte command when the device lacks the 6-byte one.
pub fn mode_sense(
    transport: &mut dyn Transport,
    code: PageCode,
    control: PageControl,
) -> Result<ModeData, ScsiError> {
    match mode_sense_form(transport, ModeForm::Six, code, control) {
        Err(ScsiError::Check { sense, .. }) if sense.asc.code == 0x20 => {
            mode_sense_form(transport, ModeForm::Ten, code, control)
        }
        other => other,
    }
}

/// The current values of one page; `None` when the device lacks it.
pub fn current_page(
    transport: &mut dyn Transport,
    code: PageCode,
) -> Result<Option<ModePage>, ScsiError> {
    match mode_sense(transport, code, PageControl::Current) {
        Ok(data) => Ok(data.page(code).cloned()),
        Err(error) if error.is_unsupported() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Asks for one page's values in one form only.
pub fn mode_sense_form(
    transport: &mut dyn Transport,
    form: ModeForm,
    code: PageCode,
    control: PageControl,
) -> Result<ModeData, ScsiError> {
    let page = code.page & 0x3f | control.bits();
    let (command, length) = match form {
        ModeForm::Six => (
            Command::new(
                "MODE SENSE(6)",
                timeout::SHORT,
                [MODE_SENSE_6, 0, page, code.subpage, 0xff, 0],
            ),
            0xff,
        ),
        ModeForm::Ten => (
            Command::new(
                "MODE SENSE(10)",
                timeout::SHORT,
                [MODE_SENSE_10, 0, page, code.subpage, 0, 0, 0, 0x10, 0, 0],
            ),
            0x1000,
        ),
    };
    let raw = command.read(transport, length)?;
    ModeData::parse(form, &raw).ok_or_else(|| command.short(transport.path(), 4, &raw))
}

/// Sends mode parameters. Pages have the page format (PF), nothing is saved (SP is 0).
pub fn mode_select(transport: &mut dyn Transport, data: &ModeData) -> Result<(), ScsiError> {
    let list = data.encode();
    let command = match data.form {
        ModeForm::Six => {
            let length = u8::try_from(list.len()).map_err(|_| ScsiError::NotSent {
                command: "MODE SELECT(6)",
                path: transport.path().to_owned(),
                what: format!("{} bytes of parameters, at most 255 fit", list.len()),
            })?;
            Command::new(
                "MODE SELECT(6)",
                timeout::SETTING,
                [MODE_SELECT_6, 0x10, 0, 0, length, 0],
            )
        }
        ModeForm::Ten => {
            let length = u16::try_from(list.len()).map_err(|_| ScsiError::NotSent {
                command: "MODE SELECT(10)",
                path: transport.path().to_owned(),
                what: format!("{} bytes of parameters, at most 65,535 fit", list.len()),
            })?;
            let [high, low] = length.to_be_bytes();
            Command::new(
                "MODE SELECT(10)",
                timeout::SETTING,
                [MODE_SELECT_10, 0x10, 0, 0, 0, 0, 0, high, low, 0],
            )
        }
    };
    command.write(transport, &list)?;
    Ok(())
}
