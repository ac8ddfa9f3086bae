//! The medium changer: its elements and the commands that are about it as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tapeward_drivers::socket::InitiatorId;

use super::attention::{Attentions, Condition};
use super::drive::Drive;
use super::element_status::element_status_access;
use super::inquiry::{self, Identity};
use super::mode::{ModeHeader, ModePage, ModePages, SenseRequest};
use super::primary::{
    Parts, Primary, PrimaryCommands, maintenance_in_access, prevent_allow_access,
};
use super::reservation::Reservations;
use super::usage::{self, Usage};
use super::volume_tag::{Found, GivenTag, PrimaryTag};
use super::{Access, Exchange, LogicalUnit, Opcode, Stop};
use crate::bytes::u16_at;
use crate::cartridge::{CartridgeId, CartridgeKind};
use crate::files::write_atomically;
use crate::library::Shared;
use crate::personality::{AddressRange, Personality};
use crate::sense::{Sense, SenseFormat};

/// Kind of element (SMC-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ElementKind {
    /// 1h
    MediumTransport,
    /// 2h
    Storage,
    /// 3h
    ImportExport,
    /// 4h
    DataTransfer,
}

impl ElementKind {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::MediumTransport => 1,
            Self::Storage => 2,
            Self::ImportExport => 3,
            Self::DataTransfer => 4,
        }
    }
}

/// Who put a cartridge where it is (IMPEXP, SMC-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Placement {
    #[default]
    ByRobot,
    ByOperator,
}

/// A cartridge in an element, as the robot knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) cartridge: CartridgeId,
    pub(crate) barcode: Option<String>,
    pub(crate) kind: CartridgeKind,
    /// Storage element it was last in.
    pub(crate) source: Option<u16>,
    pub(crate) placement: Placement,
    #[serde(default)]
    pub(crate) primary_tag: PrimaryTag,
    #[serde(default)]
    pub(crate) alternate_tag: Option<GivenTag>,
}

impl Content {
    /// A cartridge as an operator puts it in.
    pub(crate) fn placed(
        cartridge: CartridgeId,
        barcode: Option<String>,
        kind: CartridgeKind,
    ) -> Self {
        Self {
            cartridge,
            barcode,
            kind,
            source: None,
            placement: Placement::ByOperator,
            primary_tag: PrimaryTag::Scanned,
            alternate_tag: None,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) address: u16,
    pub(crate) kind: ElementKind,
    pub(crate) content: Option<Content>,
}

/// What does not change in the life of a changer.
#[derive(Debug, Clone)]
pub(crate) struct ChangerIdentity {
    pub(crate) inquiry: Identity,
    pub(crate) personality: &'static Personality,
    /// File that holds what is in the elements.
    pub(crate) elements_file: std::path::PathBuf,
}

#[derive(Debug)]
pub(crate) struct Changer {
    pub(crate) identity: ChangerIdentity,
    pub(crate) shared: Arc<Shared>,
    /// In the order of element addresses.
    pub(super) drives: Arc<[Mutex<Drive>]>,
    /// In the order of addresses.
    pub(crate) elements: Vec<Element>,
    pub(super) attentions: Attentions,
    pages: ModePages,
    prevented_by: BTreeSet<InitiatorId>,
    primary: Primary,
    /// Import/export elements that are open to the operator.
    pub(super) open: BTreeSet<u16>,
    /// Results of SEND VOLUME TAG.
    pub(super) found: BTreeMap<InitiatorId, Found>,
}

impl LogicalUnit for Changer {
    const OPCODES: &'static [Opcode<Self>] = &[
        Opcode::new(0x00, Self::test_unit_ready).access(Access::UnlessReserved),
        Opcode::passing(0x03, Self::request_sense),
        Opcode::new(0x07, Self::initialize_element_status),
        Opcode::passing(0x12, Self::inquiry),
        Opcode::new(0x15, Self::mode_select),
        Opcode::new(0x16, Self::reserve).access(Access::Always),
        Opcode::new(0x17, Self::release_unit).access(Access::Always),
        Opcode::new(0x1a, Self::mode_sense),
        Opcode::new(0x1b, Self::open_close),
        Opcode::new(0x1e, Self::prevent_allow).access_by(prevent_allow_access),
        Opcode::new(0x2b, Self::position_to_element),
        Opcode::new(0x37, Self::initialize_element_status_with_range),
        Opcode::new(0x4d, Self::log_sense).access(Access::Always),
        Opcode::new(0x55, Self::mode_select),
        Opcode::new(0x5a, Self::mode_sense),
        Opcode::new(0x5e, Self::persistent_reserve_in).access(Access::UnlessReserved),
        Opcode::new(0x5f, Self::persistent_reserve_out).access(Access::UnlessReserved),
        Opcode::passing(0xa0, Self::report_luns),
        Opcode::new(0xa3, Self::maintenance_in).access_by(maintenance_in_access),
        Opcode::new(0xa4, Self::maintenance_out),
        Opcode::new(0xa5, Self::move_medium),
        Opcode::new(0xa6, Self::exchange_medium),
        Opcode::new(0xb5, Self::request_volume_element_address),
        Opcode::new(0xb6, Self::send_volume_tag),
        Opcode::new(0xb8, Self::read_element_status).access_by(element_status_access),
    ];

    const USAGES: &'static [&'static [Usage]] = &[usage::PRIMARY, usage::CHANGER];

    fn take_pending(&mut self, initiator: InitiatorId) -> Option<Sense> {
        self.attentions.take(initiator)
    }

    fn sense_format(&self) -> SenseFormat {
        inquiry::sense_format(&self.pages)
    }

    fn reservations(&self) -> &Reservations {
        &self.primary.reservations
    }
}

impl PrimaryCommands for Changer {
    fn parts(&mut self) -> Parts<'_> {
        Parts {
            primary: &mut self.primary,
            attentions: &mut self.attentions,
            prevented_by: &mut self.prevented_by,
            now: self.shared.clock.monotonic(),
        }
    }
}

impl Changer {
    /// A changer whose elements hold what the file says.
    pub(crate) fn open(
        identity: ChangerIdentity,
        shared: Arc<Shared>,
        drives: Arc<[Mutex<Drive>]>,
    ) -> io::Result<Self> {
        let personality = identity.personality;
        let mut elements = Vec::new();
        for (kind, range) in ranges(personality) {
            let addresses = range.first..range.first + range.count;
            elements.extend(addresses.map(|address| Element {
                address,
                kind,
                content: None,
            }));
        }
        elements.sort_by_key(|element| element.address);
        let stored: Vec<(u16, Content)> =
            serde_json::from_slice(&std::fs::read(&identity.elements_file)?)
                .map_err(io::Error::other)?;
        let pages = changer_pages(personality);
        let primary = Primary::open(&shared, 0)?;
        let mut changer = Self {
            identity,
            shared,
            drives,
            elements,
            attentions: Attentions::new(),
            pages,
            prevented_by: BTreeSet::new(),
            primary,
            open: BTreeSet::new(),
            found: BTreeMap::new(),
        };
        for (address, content) in stored {
            let missing = || io::Error::other(format!("there is no element {address}"));
            let index = changer.index_of(address).ok_or_else(missing)?;
            changer.elements[index].content = Some(content);
        }
        Ok(changer)
    }

    pub(crate) fn index_of(&self, address: u16) -> Option<usize> {
        self.elements
            .binary_search_by_key(&address, |element| element.address)
            .ok()
    }

    pub(crate) fn element(&self, address: u16) -> Option<&Element> {
        self.index_of(address).map(|index| &self.elements[index])
    }

    /// The drive of a data transfer element.
    pub(super) fn drive(&self, element: &Element) -> Option<MutexGuard<'_, Drive>> {
        if element.kind != ElementKind::DataTransfer {
            return None;
        }
        let first = self.identity.personality.drives.first;
        let drive = self.drives.get(usize::from(element.address - first))?;
        Some(drive.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes what would be in the elements if these had that content.
    pub(crate) fn save_with(&self, changes: &[(u16, Option<&Content>)]) -> io::Result<()> {
        let content = |element: &Element| -> Option<Content> {
            let changed = changes.iter().find(|(at, _)| *at == element.address);
            match changed {
                Some((_, content)) => content.cloned(),
                None => element.content.clone(),
            }
        };
        let filled: Vec<(u16, Content)> = self
            .elements
            .iter()
            .filter_map(|element| Some((element.address, content(element)?)))
            .collect();
        let text = serde_json::to_vec(&filled).map_err(io::Error::other)?;
        write_atomically(&self.identity.elements_file, &text, self.shared.durability)
    }

    /// Whether a host keeps the import/export elements shut.
    pub(crate) fn is_removal_prevented(&self) -> bool {
        !self.prevented_by.is_empty()
    }

    /// The operator was at an import/export element.
    pub(crate) fn import_export_accessed(&mut self) {
        self.attentions.raise(Condition::ImportExportAccessed, None);
    }

    /// The operator was at the storage elements.
    pub(crate) fn medium_changed(&mut self) {
        self.attentions.raise(Condition::MediumChanged, None);
    }

    pub(crate) fn power_cycle(&mut self) {
        self.pages.reset();
        self.prevented_by.clear();
        self.primary.power_cycle(&self.shared);
        self.open.clear();
        self.found.clear();
        self.attentions.power_on();
    }

    fn test_unit_ready(&mut self, _: &mut Exchange<'_>) -> Result<(), Stop> {
        Ok(())
    }

    fn request_sense(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let pending = self.take_pending(exchange.initiator);
        inquiry::answer_request_sense(pending, exchange);
        Ok(())
    }

    /// INITIALIZE ELEMENT STATUS (SMC-3): the bar code reader passes every element.
    fn initialize_element_status(&mut self, _: &mut Exchange<'_>) -> Result<(), Stop> {
        let everything = 0..self.elements.len();
        Ok(self.scan(everything)?)
    }

    /// INITIALIZE ELEMENT STATUS WITH RANGE 37h (SMC-3): RANGE is bit 0 of byte 1, FAST bit 1, the
    /// first element bytes 2-3, how many elements bytes 6-7. Without RANGE it is every element;
    /// with FAST labels are not read.
    fn initialize_element_status_with_range(
        &mut self,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Stop> {
        let cdb = exchange.cdb;
        let (ranged, fast) = (cdb[1] & 0x01 != 0, cdb[1] & 0x02 != 0);
        let mut range = 0..self.elements.len();
        if ranged {
            let first = self.index_of(u16_at(cdb, 2));
            let first = first.ok_or(Sense::invalid_element())?;
            let count = usize::from(u16_at(cdb, 6));
            range = first..range.end.min(first.saturating_add(count));
        }
        if !fast {
            self.scan(range)?;
        }
        Ok(())
    }

    /// Reads labels: a tag that a host gave gives way to the label, if there is one.
    fn scan(&mut self, range: Range<usize>) -> Result<(), Sense> {
        let mut scanned = Vec::new();
        for element in &self.elements[range] {
            let reachable = element.kind != ElementKind::DataTransfer;
            let Some(content) = element.content.as_ref().filter(|_| reachable) else {
                continue;
            };
            if content.barcode.is_some() && content.primary_tag != PrimaryTag::Scanned {
                let mut content = content.clone();
                content.primary_tag = PrimaryTag::Scanned;
                scanned.push((element.address, content));
            }
        }
        if scanned.is_empty() {
            return Ok(());
        }
        let changes: Vec<_> = (scanned.iter())
            .map(|(address, content)| (*address, Some(content)))
            .collect();
        self.save_with(&changes).map_err(|error| {
            tracing::error!(%error, "elements not saved");
            Sense::internal_failure()
        })?;
        for (address, content) in scanned {
            if let Some(index) = self.index_of(address) {
                self.elements[index].content = Some(content);
            }
        }
        Ok(())
    }

    fn inquiry(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        Ok(inquiry::answer_changer(&self.identity.inquiry, exchange)?)
    }

    fn report_luns(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        Ok(inquiry::answer_report_luns(self.shared.units, exchange)?)
    }

    /// PREVENT ALLOW MEDIUM REMOVAL: keeps the operator from the import/export elements.
    fn prevent_allow(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        Ok(inquiry::prevent_allow(&mut self.prevented_by, exchange)?)
    }

    fn mode_sense(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let request = SenseRequest::parse(exchange.cdb)?;
        let header = ModeHeader {
            medium_type: 0,
            device_specific: 0,
            block_descriptor: None,
        };
        Ok(self.pages.answer(request, header, exchange)?)
    }

    fn mode_select(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let Some(plan) = self.pages.plan(exchange)? else {
            return Ok(());
        };
        if plan.header.block_descriptor.is_some() {
            return Err(Sense::invalid_parameter(3).into());
        }
        if self.pages.apply(plan) {
            let by = exchange.initiator;
            self.attentions
                .raise(Condition::ModeParametersChanged, Some(by));
        }
        Ok(())
    }
}

/// The element ranges of a model, with their kinds.
pub(crate) fn ranges(personality: &Personality) -> [(ElementKind, AddressRange); 4] {
    [
        (ElementKind::MediumTransport, personality.transports),
        (ElementKind::Storage, personality.storage),
        (ElementKind::ImportExport, personality.import_export),
        (ElementKind::DataTransfer, personality.drives),
    ]
}

/// Element address assignment 1Dh, transport geometry 1Eh, device capabilities 1Fh (SMC-3).
fn changer_pages(personality: &Personality) -> ModePages {
    let mut assignment = Vec::new();
    for (kind, range) in ranges(personality) {
        let missing = match kind {
            ElementKind::DataTransfer => personality.oddities.missing_drives,
            _ => 0,
        };
        assignment.extend(range.first.to_be_bytes());
        assignment.extend((range.count + missing).to_be_bytes());
    }
    assignment.extend([0, 0]);
    // One descriptor for each transport: it cannot rotate, and its number.
    let geometry: Vec<u8> = (0..personality.transports.count)
        .flat_map(|number| [0, number.to_be_bytes()[1]])
        .collect();
    // Bits: data transfer 3, import/export 2, storage 1, transport 0. All but the transport
    // store, media move between them (bytes 4-7, a row for each source) and are exchanged among
    // them (bytes 12-15); what got stuck in a transport can be moved on, not exchanged.
    let stores = if personality.import_export.count == 0 {
        0x0a
    } else {
        0x0e
    };
    let mail = if personality.import_export.count == 0 {
        0
    } else {
        stores
    };
    let moves = [stores, stores, mail, stores];
    let exchanges = [0, stores, mail, stores];
    let mut capabilities = vec![stores, 0];
    capabilities.extend(moves);
    capabilities.extend([0; 4]);
    capabilities.extend(exchanges);
    capabilities.extend([0; 4]);
    ModePages::new(vec![
        inquiry::control_page(),
        inquiry::control_extension_page(),
        ModePage::new(0x1d, &assignment, &[]),
        ModePage::new(0x1e, &geometry, &[]),
        ModePage::new(0x1f, &capabilities, &[]),
    ])
}
