//! Element address assignment mode page (SMC-3): which addresses each kind has.

use serde::{Deserialize, Serialize};

use super::element::{ElementAddress, ElementKind};
use crate::spc::mode::ModePage;

/// Addresses of the elements of one kind: `first`, and `count` in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ElementRange {
    /// The lowest address.
    pub first: ElementAddress,
    /// How many there are; 0 for none.
    pub count: u16,
}

impl ElementRange {
    /// Whether the address is one of these.
    #[must_use]
    pub fn contains(self, address: ElementAddress) -> bool {
        address
            .0
            .checked_sub(self.first.0)
            .is_some_and(|offset| offset < self.count)
    }
}

/// Which addresses each kind of element has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ElementAssignment {
    /// Pickers.
    pub medium_transport: ElementRange,
    /// Slots.
    pub storage: ElementRange,
    /// Mail slots.
    pub import_export: ElementRange,
    /// Drives.
    pub data_transfer: ElementRange,
}

impl ElementAssignment {
    /// From mode page 1Dh; `None` when it is cut off.
    #[must_use]
    pub fn parse(page: &ModePage) -> Option<Self> {
        let range = |at: usize| {
            Some(ElementRange {
                first: ElementAddress(page.u16(at)?),
                count: page.u16(at + 2)?,
            })
        };
        Some(Self {
            medium_transport: range(2)?,
            storage: range(6)?,
            import_export: range(10)?,
            data_transfer: range(14)?,
        })
    }

    /// The addresses of one kind.
    #[must_use]
    pub fn range(&self, kind: ElementKind) -> ElementRange {
        match kind {
            ElementKind::MediumTransport => self.medium_transport,
            ElementKind::Storage => self.storage,
            ElementKind::ImportExport => self.import_export,
            ElementKind::DataTransfer => self.data_transfer,
        }
    }

    /// The kind of the element with this address.
    #[must_use]
    pub fn kind_of(&self, address: ElementAddress) -> Option<ElementKind> {
        ElementKind::ALL
            .into_iter()
            .find(|kind| self.range(*kind).contains(address))
    }
}
