//! What an operator does at a library: looking, putting in, taking out.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

use crate::cartridge::{CartridgeId, CartridgeRecord, CartridgeSpec};
use crate::create::make_cartridge;
use crate::error::{LibraryError, at};
use crate::library::{ELEMENTS_FILE, Library, lock_of};
use crate::target::{self, Changer, Content, ElementKind};

/// Where an operator puts a cartridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// The first free import/export element.
    ImportExport,
    /// The first free storage element, with the door open.
    Storage,
    /// This storage or import/export element.
    Element(u16),
}

/// An element and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElementListing {
    /// Address.
    pub address: u16,
    /// Kind.
    pub kind: ElementKind,
    /// The cartridge in it.
    pub cartridge: Option<CartridgeId>,
    /// The cartridge's label.
    pub barcode: Option<String>,
}

impl Library {
    /// Makes a cartridge and puts it in; where it is now.
    pub fn insert_new(
        &self,
        spec: &CartridgeSpec,
        destination: Destination,
    ) -> Result<(CartridgeId, u16), LibraryError> {
        let mut changer = lock_of(&self.changer);
        let index = free_element(&changer, destination)?;
        let content = make_cartridge(&self.shared.cartridges, spec, self.shared.durability)?;
        self.place(&mut changer, index, content)
    }

    /// Puts in a cartridge that was taken out before; where it is now.
    pub fn insert(
        &self,
        id: &CartridgeId,
        destination: Destination,
    ) -> Result<(CartridgeId, u16), LibraryError> {
        let mut changer = lock_of(&self.changer);
        if let Some(index) = holder(&changer, id) {
            let address = changer.elements[index].address;
            let id = id.clone();
            return Err(LibraryError::AlreadyInside { id, address });
        }
        let record = self.cartridge(id)?;
        let index = free_element(&changer, destination)?;
        let content = Content::placed(id.clone(), record.barcode, record.kind);
        self.place(&mut changer, index, content)
    }

    /// Takes a cartridge out of a storage or import/export element; its files stay.
    pub fn remove(&self, id: &CartridgeId) -> Result<u16, LibraryError> {
        let mut changer = lock_of(&self.changer);
        let missing = || LibraryError::NoSuchCartridge { id: id.clone() };
        let index = holder(&changer, id).ok_or_else(missing)?;
        let (address, kind) = (
            changer.elements[index].address,
            changer.elements[index].kind,
        );
        match kind {
            ElementKind::ImportExport if changer.is_removal_prevented() => {
                return Err(LibraryError::DoorLocked);
            }
            ElementKind::Storage | ElementKind::ImportExport => {}
            ElementKind::DataTransfer | ElementKind::MediumTransport => {
                let id = id.clone();
                return Err(LibraryError::InDrive { id, address });
            }
        }
        self.save(&changer, &[(address, None)])?;
        changer.elements[index].content = None;
        tell(&mut changer, kind);
        Ok(address)
    }

    /// All elements.
    #[must_use]
    pub fn elements(&self) -> Vec<ElementListing> {
        let changer = lock_of(&self.changer);
        let listing = |element: &target::Element| ElementListing {
            address: element.address,
            kind: element.kind,
            cartridge: element.content.as_ref().map(|held| held.cartridge.clone()),
            barcode: element
                .content
                .as_ref()
                .and_then(|held| held.barcode.clone()),
        };
        changer.elements.iter().map(listing).collect()
    }

    /// Cartridges that were taken out.
    pub fn outside(&self) -> Result<Vec<CartridgeId>, LibraryError> {
        let inside: BTreeSet<CartridgeId> = self
            .elements()
            .into_iter()
            .filter_map(|element| element.cartridge)
            .collect();
        let mut outside = Vec::new();
        let dir = &self.shared.cartridges;
        for entry in fs::read_dir(dir).map_err(|source| at(dir, source))? {
            let name = entry.map_err(|source| at(dir, source))?.file_name();
            let id = name.to_str().and_then(CartridgeId::new);
            outside.extend(id.filter(|id| !inside.contains(id)));
        }
        outside.sort();
        Ok(outside)
    }

    /// What is kept of a cartridge beside its records, as it was last saved.
    pub fn cartridge(&self, id: &CartridgeId) -> Result<CartridgeRecord, LibraryError> {
        let dir = self.shared.cartridges.join(id.as_str());
        match crate::cartridge::read_record(&dir) {
            Ok(record) => Ok(record),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(LibraryError::NoSuchCartridge { id: id.clone() })
            }
            Err(source) => Err(at(&dir, source)),
        }
    }

    fn place(
        &self,
        changer: &mut Changer,
        index: usize,
        content: Content,
    ) -> Result<(CartridgeId, u16), LibraryError> {
        let (address, kind) = (
            changer.elements[index].address,
            changer.elements[index].kind,
        );
        self.save(changer, &[(address, Some(&content))])?;
        let id = content.cartridge.clone();
        changer.elements[index].content = Some(content);
        tell(changer, kind);
        Ok((id, address))
    }

    fn save(
        &self,
        changer: &Changer,
        changes: &[(u16, Option<&Content>)],
    ) -> Result<(), LibraryError> {
        let saved = changer.save_with(changes);
        saved.map_err(|source| at(&self.dir().join(ELEMENTS_FILE), source))
    }
}

/// Tells hosts that an operator was there.
fn tell(changer: &mut Changer, kind: ElementKind) {
    if kind == ElementKind::ImportExport {
        changer.import_export_accessed();
    } else {
        changer.medium_changed();
    }
}

fn free_element(changer: &Changer, destination: Destination) -> Result<usize, LibraryError> {
    let first = |kind, what| {
        let free = |element: &target::Element| element.kind == kind && element.content.is_none();
        let index = changer.elements.iter().position(free);
        index.ok_or(LibraryError::NoFreeElement { what })
    };
    let index = match destination {
        Destination::ImportExport => first(ElementKind::ImportExport, "import/export")?,
        Destination::Storage => first(ElementKind::Storage, "storage")?,
        Destination::Element(address) => changer
            .index_of(address)
            .ok_or(LibraryError::NoSuchElement { address })?,
    };
    let element = &changer.elements[index];
    let address = element.address;
    match element.kind {
        ElementKind::ImportExport if changer.is_removal_prevented() => {
            Err(LibraryError::DoorLocked)
        }
        ElementKind::MediumTransport | ElementKind::DataTransfer => {
            Err(LibraryError::NoSuchElement { address })
        }
        ElementKind::Storage | ElementKind::ImportExport => match &element.content {
            None => Ok(index),
            Some(content) => Err(LibraryError::ElementFull {
                address,
                holds: content.cartridge.clone(),
            }),
        },
    }
}

fn holder(changer: &Changer, id: &CartridgeId) -> Option<usize> {
    let holds = |element: &target::Element| {
        element
            .content
            .as_ref()
            .is_some_and(|content| content.cartridge == *id)
    };
    changer.elements.iter().position(holds)
}
