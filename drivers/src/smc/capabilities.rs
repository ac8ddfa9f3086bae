//! Device capabilities mode page 1Fh and transport geometry parameters mode page 1Eh (SMC-3):
//! what can be moved where, and whether the robot can turn a cartridge over.

use serde::{Deserialize, Serialize};

use super::element::ElementKind;
use crate::bytes::u8_at;
use crate::spc::mode::ModePage;

/// Kinds of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ElementKinds(u8);

impl ElementKinds {
    /// From the low four bits of a byte: data transfer 3, import/export 2, storage 1, medium
    /// transport 0.
    #[must_use]
    pub const fn from_bits(byte: u8) -> Self {
        Self(byte & 0x0f)
    }

    /// Whether the kind is one of these.
    #[must_use]
    pub fn contains(self, kind: ElementKind) -> bool {
        self.0 >> bit(kind) & 1 == 1
    }

    /// Whether it is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

fn bit(kind: ElementKind) -> u8 {
    kind.code() - 1
}

/// What each kind of element is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeviceCapabilities {
    /// Kinds that can hold a cartridge for long.
    pub stores: ElementKinds,
    /// For each source kind, in the order of their codes: where MOVE MEDIUM can bring it.
    moves: [ElementKinds; 4],
    /// For each source kind: what EXCHANGE MEDIUM can exchange it with.
    exchanges: [ElementKinds; 4],
}

impl DeviceCapabilities {
    /// From page 1Fh; `None` when it ends before the moves. Devices older than SMC-2 end before
    /// the exchanges.
    #[must_use]
    pub fn parse(page: &ModePage) -> Option<Self> {
        let kinds = |at: usize| u8_at(&page.body, at).map(ElementKinds::from_bits);
        let exchange = |at: usize| kinds(at).unwrap_or_default();
        Some(Self {
            stores: kinds(0)?,
            moves: [kinds(2)?, kinds(3)?, kinds(4)?, kinds(5)?],
            exchanges: [exchange(10), exchange(11), exchange(12), exchange(13)],
        })
    }

    /// Whether MOVE MEDIUM works from this kind to that one.
    #[must_use]
    pub fn can_move(&self, from: ElementKind, to: ElementKind) -> bool {
        self.moves[usize::from(bit(from))].contains(to)
    }

    /// Whether EXCHANGE MEDIUM works between these kinds.
    #[must_use]
    pub fn can_exchange(&self, source: ElementKind, first: ElementKind) -> bool {
        self.exchanges[usize::from(bit(source))].contains(first)
    }

    /// Whether the page says anything: some libraries return it with zeros only.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.moves.iter().all(|kinds| kinds.is_empty())
    }
}

/// One medium transport element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TransportGeometry {
    /// ROTATE: it can turn a cartridge over.
    pub rotates: bool,
    /// MEMBER NUMBER IN TRANSPORT ELEMENT SET.
    pub member: u8,
}

/// From page 1Eh: the medium transport elements in the order of their addresses.
#[must_use]
pub fn parse_geometry(page: &ModePage) -> Vec<TransportGeometry> {
    let descriptors = page.body.chunks_exact(2);
    descriptors
        .map(|descriptor| TransportGeometry {
            rotates: descriptor[0] & 0x01 != 0,
            member: descriptor[1],
        })
        .collect()
}
