//! The whole inventory of a library, out of as many READ ELEMENT STATUS commands as its
//! device takes to tell it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::anomaly::{Anomaly, Extra};
use super::assignment::ElementAssignment;
use super::element::{Element, ElementAddress, ElementKind};
use super::element_status::{ElementStatus, HEADER_LENGTH};
use super::quirks::{AccessBits, ElementCounts, Quirks, TagsAndIdentifiers};
use crate::command::Command;
use crate::error::ScsiError;
use crate::sense::SenseKey;
use crate::timeout;
use crate::transport::Transport;

/// OPERATION CODE of READ ELEMENT STATUS.
pub const READ_ELEMENT_STATUS: u8 = 0xb8;

/// Most elements asked for by one command: their descriptors stay below 160 KiB, which every
/// host adapter moves at once.
const ELEMENTS_AT_ONCE: u16 = 1024;

/// Room made for one element at first; most descriptors are 52 to 88 bytes long.
const EXPECTED_DESCRIPTOR: u32 = 96;

/// Most bytes of one reply: some libraries ignore the count asked for and would send all their
/// elements at once, which not every host adapter can move.
const LARGEST_REPLY: u32 = 256 << 10;

/// What to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryOptions {
    /// Kinds of elements.
    pub kinds: Vec<ElementKind>,
    /// Volume tags (VOLTAG).
    pub volume_tags: Wanted,
    /// Device identifiers of drives (DVCID).
    pub device_identifiers: Wanted,
}

/// Whether something optional is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Ask, and do without when the device refuses.
    IfAvailable,
    /// Don't ask.
    No,
}

impl Default for InventoryOptions {
    /// Everything.
    fn default() -> Self {
        Self {
            kinds: ElementKind::ALL.to_vec(),
            volume_tags: Wanted::IfAvailable,
            device_identifiers: Wanted::IfAvailable,
        }
    }
}

/// All elements of a library, ascending by address.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Inventory {
    /// What could be decoded.
    pub elements: Vec<Element>,
    /// What could not, or does not fit.
    pub anomalies: Vec<Anomaly>,
    /// How many characters of a bar code the library's tags show, if it is known that they don't
    /// show all.
    #[serde(default)]
    pub tag_characters: Option<u8>,
}

impl Inventory {
    /// Of what was described. A robot that can reach no slot would be of no use: then the library
    /// does not use ACCESS (tgt).
    pub(crate) fn new(mut elements: Vec<Element>, mut anomalies: Vec<Anomaly>) -> Self {
        let slot = |element: &&Element| element.kind == ElementKind::Storage;
        let mut slots = elements.iter().filter(slot).peekable();
        if slots.peek().is_some() && !slots.any(|element| element.access) {
            for element in &mut elements {
                element.access = true;
            }
            anomalies.push(Anomaly::NoAccess);
        }
        Self {
            elements,
            anomalies,
            tag_characters: None,
        }
    }

    /// The element with this address.
    #[must_use]
    pub fn element(&self, address: ElementAddress) -> Option<&Element> {
        let at = self
            .elements
            .binary_search_by_key(&address, |element| element.address)
            .ok()?;
        self.elements.get(at)
    }

    /// The elements of one kind, ascending by address.
    pub fn of_kind(&self, kind: ElementKind) -> impl Iterator<Item = &Element> {
        self.elements
            .iter()
            .filter(move |element| element.kind == kind)
    }

    /// The element whose primary volume tag is this. Where tags are known to show a part of the
    /// bar code only, that part is enough if no other element has the same.
    #[must_use]
    pub fn with_tag(&self, identification: &str) -> Option<&Element> {
        self.showing(identification).next().or_else(|| {
            let length = usize::from(self.tag_characters?);
            let part = identification.get(..length);
            let mut candidates = self.showing(part.filter(|part| !part.is_empty())?);
            let first = candidates.next();
            first.filter(|_| candidates.next().is_none())
        })
    }

    fn showing<'a>(&'a self, wanted: &str) -> impl Iterator<Item = &'a Element> {
        self.elements.iter().filter(move |element| {
            let tag = element.primary_tag.as_ref();
            tag.is_some_and(|tag| tag.identification == wanted)
        })
    }
}

/// What one READ ELEMENT STATUS asks for.
#[derive(Debug, Clone, Copy)]
struct Request {
    kind: ElementKind,
    first: u16,
    count: u16,
    volume_tags: bool,
    device_identifiers: bool,
    /// Elements asked for by one command.
    at_once: u16,
}

impl Request {
    /// SMC-3, READ ELEMENT STATUS. CURDATA stays 0: older devices refuse it, and a device that
    /// lost track of its elements is welcome to look.
    fn command(self, allocation: u32) -> Command {
        let [first_high, first_low] = self.first.to_be_bytes();
        let [count_high, count_low] = self.count.to_be_bytes();
        let [a, b, c] = crate::bytes::low24(allocation);
        let options = self.kind.code() | u8::from(self.volume_tags) << 4;
        Command::new(
            "READ ELEMENT STATUS",
            timeout::ELEMENT_STATUS,
            [
                READ_ELEMENT_STATUS,
                options,
                first_high,
                first_low,
                count_high,
                count_low,
                u8::from(self.device_identifiers),
                a,
                b,
                c,
                0,
                0,
            ],
        )
    }

    /// Asks until the buffer is as large as the report, or as large as it may become. What a
    /// full buffer cuts off is not taken: it comes with the next part.
    fn fetch(self, transport: &mut dyn Transport) -> Result<ElementStatus, ScsiError> {
        let expected = u32::from(self.count.min(self.at_once)) * EXPECTED_DESCRIPTOR;
        let mut allocation = (256 + expected).min(LARGEST_REPLY);
        loop {
            let command = self.command(allocation);
            let raw = command.read(transport, allocation as usize)?;
            if raw.len() < HEADER_LENGTH {
                return Err(command.short(transport.path(), HEADER_LENGTH, &raw));
            }
            let mut status = ElementStatus::parse(&raw);
            // Some room more than stated: some devices leave headers out of the count.
            let needed = status.byte_count.saturating_add(64);
            if needed <= allocation {
                if self.is_short(&raw, &status) {
                    status.drop_cut_off();
                    let kind = self.kind;
                    status.anomalies.push(Anomaly::ShortReplies { kind });
                }
                return Ok(status);
            }
            if allocation >= LARGEST_REPLY {
                // Most devices send whole descriptors only; the others fill the buffer.
                if raw.len() == allocation as usize {
                    status.drop_cut_off();
                }
                return Ok(status);
            }
            allocation = needed.min(LARGEST_REPLY);
        }
    }
}

impl Request {
    /// The library sent less than it says there is, though there was room, and enough of it to
    /// go on: what is missing comes with the next part.
    fn is_short(self, raw: &[u8], status: &ElementStatus) -> bool {
        let stated = usize::try_from(status.byte_count).unwrap_or(usize::MAX);
        let of_kind = status.elements.iter().filter(|one| one.kind == self.kind);
        raw.len() < stated && of_kind.count() > 1
    }
}

/// Reads what `options` asks for. `assignment` is the library's element address assignment
/// page if it has one.
pub(crate) fn read(
    transport: &mut dyn Transport,
    assignment: Option<&ElementAssignment>,
    options: &InventoryOptions,
    quirks: Quirks,
) -> Result<Inventory, ScsiError> {
    let mut collected = Collected::default();
    for kind in &options.kinds {
        let range = assignment.map(|assignment| assignment.range(*kind));
        if range.is_some_and(|range| range.count == 0) {
            continue;
        }
        let counted = range.filter(|_| quirks.counts == ElementCounts::Right);
        let request = Request {
            kind: *kind,
            first: range.map_or(0, |range| range.first.0),
            count: counted.map_or(u16::MAX, |range| range.count),
            at_once: quirks.elements_at_once.unwrap_or(ELEMENTS_AT_ONCE),
            volume_tags: options.volume_tags == Wanted::IfAvailable,
            device_identifiers: *kind == ElementKind::DataTransfer
                && options.device_identifiers == Wanted::IfAvailable,
        };
        match collected.read_kind(transport, request, quirks) {
            // Without the page, asking is the way to learn that there are none of a kind.
            Err(error) if range.is_none() && is_illegal_request(&error) => {}
            other => other?,
        }
        if let Some(range) = counted {
            collected.check_count(*kind, range.count);
        }
    }
    if quirks.access != AccessBits::Told {
        for element in collected.elements.values_mut() {
            element.access = true;
        }
    }
    let mut inventory = Inventory::new(
        collected.elements.into_values().collect(),
        collected.anomalies,
    );
    inventory.tag_characters = quirks.tag_characters;
    Ok(inventory)
}

#[derive(Debug, Default)]
struct Collected {
    elements: BTreeMap<ElementAddress, Element>,
    anomalies: Vec<Anomaly>,
}

impl Collected {
    /// Everything about one kind: together if the library can, else one extra at a time.
    fn read_kind(
        &mut self,
        transport: &mut dyn Transport,
        request: Request,
        quirks: Quirks,
    ) -> Result<(), ScsiError> {
        let both = request.volume_tags && request.device_identifiers;
        let together = quirks.tags_and_identifiers == TagsAndIdentifiers::Together;
        match self.read_together(transport, request, !both || together) {
            Err(error) if is_refusal(&error) => {}
            Err(error) => return Err(error),
            Ok(false) => {}
            Ok(true) => {
                // Some libraries drop the volume tags without a word when DVCID is set.
                if request.device_identifiers
                    && request.volume_tags
                    && self.lacks_tags(request.kind)
                {
                    let tags_only = Request {
                        device_identifiers: false,
                        ..request
                    };
                    self.read_extra(transport, tags_only, None)?;
                }
                return Ok(());
            }
        }
        let plain = Request {
            volume_tags: false,
            device_identifiers: false,
            ..request
        };
        let mut described = false;
        if request.volume_tags {
            let tags = Request {
                volume_tags: true,
                ..plain
            };
            described |= self.read_extra(transport, tags, Some(Extra::VolumeTags))?;
        }
        if request.device_identifiers {
            let devices = Request {
                device_identifiers: true,
                ..plain
            };
            described |= self.read_extra(transport, devices, Some(Extra::DeviceIdentifiers))?;
        }
        if described {
            Ok(())
        } else {
            self.read_range(transport, plain)
        }
    }

    /// The whole request at once, if that is worth a try; whether it was.
    fn read_together(
        &mut self,
        transport: &mut dyn Transport,
        request: Request,
        worth_it: bool,
    ) -> Result<bool, ScsiError> {
        if worth_it {
            self.read_range(transport, request)?;
        }
        Ok(worth_it)
    }

    /// One more round for one extra; whether the library answered it.
    fn read_extra(
        &mut self,
        transport: &mut dyn Transport,
        request: Request,
        extra: Option<Extra>,
    ) -> Result<bool, ScsiError> {
        match self.read_range(transport, request) {
            Ok(()) => Ok(true),
            Err(error) if is_refusal(&error) => {
                if let Some(what) = extra {
                    self.anomalies.push(Anomaly::Refused {
                        kind: request.kind,
                        what,
                    });
                }
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// A kind's whole address range, a part at a time. The next part begins behind the highest
    /// address that came, so that a device that ignores the count asked for does no harm.
    fn read_range(
        &mut self,
        transport: &mut dyn Transport,
        request: Request,
    ) -> Result<(), ScsiError> {
        let last = request
            .first
            .saturating_add(request.count.saturating_sub(1));
        let mut first = request.first;
        loop {
            let left = last - first;
            let count = left.saturating_add(1).min(request.at_once);
            let part = Request {
                first,
                count,
                ..request
            };
            let status = match part.fetch(transport) {
                // Some devices refuse a first address behind their last element.
                Err(error) if first != request.first && is_illegal_request(&error) => {
                    return Ok(());
                }
                other => other?,
            };
            let described = status
                .elements
                .iter()
                .filter(|element| element.kind == request.kind);
            let highest = described.map(|element| element.address.0).max();
            self.merge(status);
            match highest {
                Some(highest) if highest >= first && highest < last => first = highest + 1,
                _ => return Ok(()),
            }
        }
    }

    /// Takes what is new. The state of an element that is known already must be the same.
    fn merge(&mut self, status: ElementStatus) {
        for anomaly in status.anomalies {
            if !self.anomalies.contains(&anomaly) {
                self.anomalies.push(anomaly);
            }
        }
        for element in status.elements {
            let Some(known) = self.elements.get_mut(&element.address) else {
                self.elements.insert(element.address, element);
                continue;
            };
            if known.kind != element.kind || known.full != element.full {
                let address = element.address;
                self.anomalies.push(Anomaly::Contradiction { address });
                continue;
            }
            known.primary_tag = known.primary_tag.take().or(element.primary_tag);
            known.alternate_tag = known.alternate_tag.take().or(element.alternate_tag);
            known.device = known.device.take().or(element.device);
        }
    }

    fn lacks_tags(&self, kind: ElementKind) -> bool {
        let mut full = self
            .elements
            .values()
            .filter(|one| one.kind == kind && one.full);
        full.any(|element| element.primary_tag.is_none())
    }

    fn check_count(&mut self, kind: ElementKind, assigned: u16) {
        let described = self
            .elements
            .values()
            .filter(|element| element.kind == kind)
            .count();
        if described != usize::from(assigned) {
            self.anomalies.push(Anomaly::Count {
                kind,
                assigned,
                described,
            });
        }
    }
}

/// The library does not know the field (ILLEGAL REQUEST, INVALID FIELD IN CDB).
fn is_refusal(error: &ScsiError) -> bool {
    is_illegal_request(error) && error.sense().is_some_and(|sense| sense.asc.code == 0x24)
}

fn is_illegal_request(error: &ScsiError) -> bool {
    error
        .sense()
        .is_some_and(|sense| sense.key == SenseKey::IllegalRequest && !sense.deferred)
}
