//! Making a library and its cartridges.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cartridge::{Cartridge, CartridgeId, CartridgeSpec, Generation};
use crate::clock::Timing;
use crate::error::{LibraryError, at};
use crate::files::write_atomically;
use crate::library::{CARTRIDGES, ELEMENTS_FILE, SPEC_FILE};
use crate::personality::{self, Personality};
use crate::store::Durability;
use crate::target::Content;

/// Who gives the drives of a library their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriveEncryption {
    /// Any host.
    #[default]
    Hosts,
    /// The library: hosts are kept from it.
    Library,
    /// Nobody: the drives have no tape data encryption.
    None,
}

/// A library to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibrarySpec {
    /// Name of a row of [`personality::PERSONALITIES`].
    pub personality: String,
    /// Serial number, 1 to 8 characters; the drives' start with it.
    pub serial: String,
    /// Generation of the drives; the model's own if not given.
    #[serde(default)]
    pub drive_generation: Option<Generation>,
    /// Generations of the first drives, where they are not all alike.
    #[serde(default)]
    pub first_drives: Vec<Generation>,
    /// Whether virtual time is accounted for.
    #[serde(default)]
    pub timing: Timing,
    /// Who gives the drives their keys.
    #[serde(default)]
    pub drive_encryption: DriveEncryption,
    /// The longest block the drives take, in bytes, from 1 KiB; 8 MiB if not given.
    #[serde(default)]
    pub longest_block: Option<u32>,
    /// Cartridges in the storage elements, from the first on.
    #[serde(default, skip_serializing)]
    pub cartridges: Vec<CartridgeSpec>,
}

impl LibrarySpec {
    /// A library of this model without cartridges.
    #[must_use]
    pub fn new(personality: &str, serial: &str) -> Self {
        Self {
            personality: personality.to_owned(),
            serial: serial.to_owned(),
            drive_generation: None,
            first_drives: Vec::new(),
            timing: Timing::Off,
            drive_encryption: DriveEncryption::default(),
            longest_block: None,
            cartridges: Vec::new(),
        }
    }

    /// The same with one more cartridge.
    #[must_use]
    pub fn with_cartridge(mut self, cartridge: CartridgeSpec) -> Self {
        self.cartridges.push(cartridge);
        self
    }

    /// The same with drives of this generation.
    #[must_use]
    pub fn with_drives(mut self, generation: Generation) -> Self {
        self.drive_generation = Some(generation);
        self
    }

    /// The same with the first drives of these generations.
    #[must_use]
    pub fn with_first_drives(mut self, generations: Vec<Generation>) -> Self {
        self.first_drives = generations;
        self
    }

    /// The same with another giver of keys.
    #[must_use]
    pub fn with_encryption_by(mut self, who: DriveEncryption) -> Self {
        self.drive_encryption = who;
        self
    }

    /// The same with drives that take no longer blocks than this.
    #[must_use]
    pub fn with_longest_block(mut self, bytes: u32) -> Self {
        self.longest_block = Some(bytes);
        self
    }

    /// The same with virtual time.
    #[must_use]
    pub fn with_timing(mut self) -> Self {
        self.timing = Timing::On;
        self
    }

    pub(crate) fn row(&self) -> Result<&'static Personality, LibraryError> {
        personality::find(&self.personality).ok_or_else(|| LibraryError::UnknownPersonality {
            name: self.personality.clone(),
        })
    }
}

/// Makes a library in `dir`, which must be empty or missing.
pub fn create(dir: &Path, spec: &LibrarySpec) -> Result<(), LibraryError> {
    let row = spec.row()?;
    let plain = spec.serial.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !plain || !(1..=8).contains(&spec.serial.len()) {
        return Err(LibraryError::BadSerial {
            serial: spec.serial.clone(),
        });
    }
    if spec.cartridges.len() > usize::from(row.storage.count) {
        return Err(LibraryError::NoFreeElement { what: "storage" });
    }
    let cartridges = dir.join(CARTRIDGES);
    fs::create_dir_all(dir).map_err(|source| at(dir, source))?;
    let mut there = fs::read_dir(dir).map_err(|source| at(dir, source))?;
    if there.next().is_some() {
        return Err(LibraryError::NotEmpty {
            dir: dir.to_owned(),
        });
    }
    fs::create_dir(&cartridges).map_err(|source| at(&cartridges, source))?;
    let mut filled = Vec::new();
    for (cartridge, address) in spec.cartridges.iter().zip(row.storage.first..) {
        let content = make_cartridge(&cartridges, cartridge, Durability::Machine)?;
        filled.push((address, content));
    }
    let save = |name: &str, text: Result<Vec<u8>, serde_json::Error>| {
        let path = dir.join(name);
        let saved = text
            .map_err(io::Error::other)
            .and_then(|text| write_atomically(&path, &text, Durability::Machine));
        saved.map_err(|source| at(&path, source))
    };
    save(ELEMENTS_FILE, serde_json::to_vec(&filled))?;
    // Last: a folder with this file is a whole library.
    save(SPEC_FILE, serde_json::to_vec_pretty(spec))
}

/// Makes the folder of a new cartridge, named by its label or `NOLABEL`; a number follows where
/// that is taken.
pub(crate) fn make_cartridge(
    cartridges: &Path,
    spec: &CartridgeSpec,
    durability: Durability,
) -> Result<Content, LibraryError> {
    let name = spec.barcode.as_deref().unwrap_or("NOLABEL");
    let bad = || LibraryError::BadName {
        text: name.to_owned(),
    };
    if name.len() > 32 {
        return Err(bad());
    }
    let mut id = CartridgeId::new(name).ok_or_else(bad)?;
    let mut number = 2;
    while cartridges.join(id.as_str()).exists() {
        id = CartridgeId::new(&format!("{name}~{number}")).ok_or_else(bad)?;
        number += 1;
    }
    let dir = cartridges.join(id.as_str());
    Cartridge::create(&dir, &id, spec, durability).map_err(|source| at(&dir, source))?;
    Ok(Content::placed(id, spec.barcode.clone(), spec.kind))
}
