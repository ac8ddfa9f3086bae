//! Which LTO cartridge a drive reads and writes, to be known before the robot moves one.
//!
//! Drives up to LTO-7 read two generations back and write one; LTO-8 reads and writes LTO-7 too,
//! and type M, an LTO-7 cartridge initialised for 9 TB; LTO-9 reads and writes LTO-8; LTO-10 nothing
//! older (IBM TS4500 manual, table 13; LTFS, ibm_tape.c, lto_drive_density).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::density::Density;
use crate::spc::inquiry::Inquiry;

/// LTO generation of a drive: its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LtoGeneration(u8);

impl LtoGeneration {
    /// The latest known.
    pub const LATEST: Self = Self(10);

    /// LTO-1 to LTO-10.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (1..=Self::LATEST.0)
            .contains(&number)
            .then_some(Self(number))
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// What the product identification of a drive says: "ULT3580-TD8", "ULTRIUM-HH9", "ULTRIUM-TDA",
    /// "Ultrium 6-SCSI", "ULTRIUM 5". `None` for anything that does not name its generation so.
    #[must_use]
    pub fn from_product(product: &str) -> Option<Self> {
        let upper = product.to_ascii_uppercase();
        let family = ["ULTRIUM", "ULT3580", "LTO"];
        let rest = family.iter().find_map(|name| upper.strip_prefix(name))?;
        let rest = rest.trim_start_matches(['-', ' ']);
        let rest = ["TD", "HH", "SCSI"]
            .iter()
            .find_map(|form| rest.strip_prefix(form))
            .unwrap_or(rest);
        let code: String = rest
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        match code.as_str() {
            "A" => Self::new(10),
            digits => digits.parse().ok().and_then(Self::new),
        }
    }

    /// What standard INQUIRY data says.
    #[must_use]
    pub fn from_inquiry(inquiry: &Inquiry) -> Option<Self> {
        Self::from_product(&inquiry.product)
    }

    /// The newest that REPORT DENSITY SUPPORT of a drive lists as one it writes.
    #[must_use]
    pub fn from_densities(densities: &[Density]) -> Option<Self> {
        let writable = densities.iter().filter(|density| density.writable);
        let formats = writable.filter_map(|density| LtoFormat::from_density(density.primary_code));
        // Type M is a format of LTO-8 drives.
        let first_drive = |format| match format {
            LtoFormat::TypeM => Self(8),
            LtoFormat::Generation(generation) => generation,
        };
        formats.map(first_drive).max()
    }
}

impl fmt::Display for LtoGeneration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LTO-{}", self.0)
    }
}

/// How a cartridge is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LtoFormat {
    /// As the generation it was made for.
    Generation(LtoGeneration),
    /// Type M, "M8": an LTO-7 cartridge initialised for 9 TB in an LTO-8 drive.
    TypeM,
}

impl LtoFormat {
    /// From the density code (LTFS, tape_ops.h, TC_DC_LTO1 to TC_DC_LTOP10; mhvtl, vtlcart.h).
    #[must_use]
    pub fn from_density(code: u8) -> Option<Self> {
        let number = match code {
            0x40 => 1,
            0x42 => 2,
            0x44 => 3,
            0x46 => 4,
            0x58 => 5,
            0x5a => 6,
            0x5c => 7,
            0x5d => return Some(Self::TypeM),
            0x5e => 8,
            0x60 => 9,
            0x62 | 0x63 => 10,
            _ => return None,
        };
        Some(Self::Generation(LtoGeneration(number)))
    }
}

impl fmt::Display for LtoFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generation(generation) => generation.fmt(f),
            Self::TypeM => f.write_str("LTO-7 type M (M8)"),
        }
    }
}

/// Whether what is written on a cartridge stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rewriting {
    /// It can be written again.
    Rewritable,
    /// WORM: it can be written once.
    Worm,
}

/// A data cartridge, as far as its format tells which drives take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LtoCartridge {
    /// How it is recorded.
    pub format: LtoFormat,
    /// Whether it is WORM.
    pub rewriting: Rewriting,
}

impl LtoCartridge {
    /// From the two characters of the media identifier at the end of a label: L1 to L9 and LA, PA
    /// data, M8 type M, LT to LZ WORM of LTO-3 to LTO-9, LH WORM of LTO-10. `None` for others,
    /// cleaning cartridges among them.
    #[must_use]
    pub fn from_media_identifier(identifier: &str) -> Option<Self> {
        let (format, rewriting) = match identifier {
            "M8" => (LtoFormat::TypeM, Rewriting::Rewritable),
            "LA" | "PA" => (generation(10), Rewriting::Rewritable),
            "LH" => (generation(10), Rewriting::Worm),
            _ => match identifier.as_bytes() {
                [b'L', digit @ b'1'..=b'9'] => (generation(digit - b'0'), Rewriting::Rewritable),
                [b'L', letter @ b'T'..=b'Z'] => (generation(letter - b'T' + 3), Rewriting::Worm),
                _ => return None,
            },
        };
        Some(Self { format, rewriting })
    }
}

/// `number` is one of those there are.
fn generation(number: u8) -> LtoFormat {
    LtoFormat::Generation(LtoGeneration(number))
}

impl fmt::Display for LtoCartridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.format.fmt(f)?;
        match self.rewriting {
            Rewriting::Rewritable => Ok(()),
            Rewriting::Worm => f.write_str(" WORM"),
        }
    }
}

/// What a drive can do with a cartridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CartridgeAccess {
    /// Reads and writes it.
    ReadWrite,
    /// Reads it only.
    ReadOnly,
    /// Neither.
    No(Incompatible),
}

/// Why a drive does not take a cartridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Incompatible {
    /// The cartridge is of a later generation.
    TooNew,
    /// The cartridge is of a generation the drive no longer reads.
    TooOld,
    /// Type M is for LTO-8 drives.
    TypeM,
}

impl fmt::Display for Incompatible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooNew => "the cartridge is newer than the drive",
            Self::TooOld => "drives of that generation no longer read cartridges that old",
            Self::TypeM => "only LTO-8 drives read type M",
        })
    }
}

/// What a drive of this generation can do with this cartridge. Whether it is WORM makes no
/// difference: each generation takes the WORM cartridges of the generations it takes.
#[must_use]
pub fn may(drive: LtoGeneration, cartridge: LtoCartridge) -> CartridgeAccess {
    let LtoFormat::Generation(made_for) = cartridge.format else {
        return if drive.0 == 8 {
            CartridgeAccess::ReadWrite
        } else {
            CartridgeAccess::No(Incompatible::TypeM)
        };
    };
    let Some(back) = drive.0.checked_sub(made_for.0) else {
        return CartridgeAccess::No(Incompatible::TooNew);
    };
    match (drive.0, back) {
        (_, 0) | (..=9, 1) => CartridgeAccess::ReadWrite,
        (..=7, 2) => CartridgeAccess::ReadOnly,
        _ => CartridgeAccess::No(Incompatible::TooOld),
    }
}
