//! A medium changer through the kernel's `ch` driver: `/dev/schN` and the CHIO ioctls
//! (`<linux/chio.h>`).
//!
//! The driver numbers elements from 0 within their kind and does not tell their addresses: those
//! are asked for by one MODE SENSE, which the same node carries. What it leaves out of the
//! elements it says (see [`MediumChanger::lacks`]).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;

use super::abi::{self, Exchange, GetElement, KindAndUnit, Move, PositionTo};
use super::kernel_error::kernel_error;
use super::scan::NodeKind;
use super::sg::SgDevice;
use crate::device::{MediumChanger, Missing};
use crate::error::ScsiError;
use crate::sense::{AdditionalSense, SenseData};
use crate::smc::element::MediumType;
use crate::smc::inventory::Wanted;
use crate::smc::{
    self, Element, ElementAddress, ElementAssignment, ElementKind, ImportExport, Inventory,
    InventoryOptions, VolumeTag,
};
use crate::transport::TransportError;

const CGE_ERRNO: i32 = 0x01;
const CGE_INVERT: i32 = 0x02;
const CGE_SRC: i32 = 0x04;
const CGE_PVOLTAG: i32 = 0x10;
const CGE_AVOLTAG: i32 = 0x20;

const CESTATUS_FULL: i32 = 0x01;
const CESTATUS_IMPEXP: i32 = 0x02;
const CESTATUS_EXCEPT: i32 = 0x04;
const CESTATUS_ACCESS: i32 = 0x08;
const CESTATUS_EXENAB: i32 = 0x10;
const CESTATUS_INENAB: i32 = 0x20;

/// A medium changer behind its own node.
#[derive(Debug)]
pub struct ChangerNode {
    file: File,
    path: String,
    assignment: ElementAssignment,
}

impl ChangerNode {
    /// Opens `/dev/schN` and asks which addresses its elements have.
    ///
    /// # Errors
    /// Another kind of node; a changer without the element address assignment page, or whose
    /// page has other counts than the driver has.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ScsiError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let io_error = |source| {
            ScsiError::Transport(TransportError::Io {
                path: name.clone(),
                source,
            })
        };
        if NodeKind::of(path) != NodeKind::Changer {
            let what = "not a changer node (/dev/schN)";
            return Err(io_error(io::Error::new(io::ErrorKind::InvalidInput, what)));
        }
        let assignment = smc::Changer::new(Box::new(SgDevice::open(path)?))
            .element_assignment()?
            .ok_or_else(|| ScsiError::Malformed {
                command: "MODE SENSE",
                path: name.clone(),
                what: "the changer does not tell its element addresses; use the SCSI generic node"
                    .to_owned(),
                bytes: Vec::new(),
            })?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open(path)
            .map_err(io_error)?;
        let node = Self {
            file,
            path: name.clone(),
            assignment,
        };
        node.check_counts()?;
        Ok(node)
    }

    /// The driver read the page when the changer appeared; libraries are reconfigured.
    fn check_counts(&self) -> Result<(), ScsiError> {
        let known = abi::changer_parameters(&self.file)
            .map_err(|errno| self.failed("CHIOGPARAMS", errno))?;
        for (kind, count) in [
            (ElementKind::MediumTransport, known.pickers),
            (ElementKind::Storage, known.slots),
            (ElementKind::ImportExport, known.portals),
            (ElementKind::DataTransfer, known.drives),
        ] {
            let assigned = self.assignment.range(kind).count;
            if i32::from(assigned) != count {
                return Err(ScsiError::Malformed {
                    command: "CHIOGPARAMS",
                    path: self.path.clone(),
                    what: format!(
                        "the kernel knows {count} of kind {kind}, the changer has {assigned}: attach it anew"
                    ),
                    bytes: Vec::new(),
                });
            }
        }
        Ok(())
    }

    fn failed(&self, operation: &'static str, errno: Errno) -> ScsiError {
        kernel_error(&self.path, operation, errno, None)
    }

    /// How the driver calls an element.
    fn unit(
        &self,
        operation: &'static str,
        address: ElementAddress,
    ) -> Result<KindAndUnit, ScsiError> {
        let kind = self.assignment.kind_of(address);
        kind.map(|kind| KindAndUnit {
            kind: driver_kind(kind),
            unit: i32::from(address.0 - self.assignment.range(kind).first.0),
        })
        .ok_or_else(|| self.failed(operation, Errno::EBADSLT))
    }

    fn address(&self, element: KindAndUnit) -> Option<ElementAddress> {
        let kind = ElementKind::ALL
            .into_iter()
            .find(|kind| driver_kind(*kind) == element.kind)?;
        let range = self.assignment.range(kind);
        let unit = u16::try_from(element.unit).ok()?;
        (unit < range.count).then(|| ElementAddress(range.first.0 + unit))
    }

    /// All elements of a kind without tags and sources, in the order of their addresses
    /// (CHIOGSTATUS): one call for all of them.
    fn without_tags(&self, kind: ElementKind) -> Result<Vec<Element>, ScsiError> {
        let range = self.assignment.range(kind);
        let all = abi::element_flags(&self.file, driver_kind(kind), usize::from(range.count))
            .map_err(|errno| self.failed("CHIOGSTATUS", errno))?;
        let element = |(address, status): (u16, u8)| {
            let address = ElementAddress(address);
            let got = GetElement {
                status: i32::from(status),
                ..GetElement::of(self.unit("CHIOGSTATUS", address)?)
            };
            Ok(self.describe(kind, address, &got))
        };
        (range.first.0..).zip(all).map(element).collect()
    }

    fn element(&self, kind: ElementKind, address: ElementAddress) -> Result<Element, ScsiError> {
        let got = abi::element(&self.file, self.unit("CHIOGELEM", address)?)
            .map_err(|errno| self.failed("CHIOGELEM", errno))?;
        Ok(self.describe(kind, address, &got))
    }

    fn describe(&self, kind: ElementKind, address: ElementAddress, got: &GetElement) -> Element {
        let has = |flag| got.flags & flag != 0;
        let is = |flag| got.status & flag != 0;
        let tag = |flag, raw: &[u8]| has(flag).then(|| VolumeTag::parse(raw)).flatten();
        Element {
            address,
            kind,
            full: is(CESTATUS_FULL),
            access: kind == ElementKind::MediumTransport || is(CESTATUS_ACCESS),
            // The driver keeps the code to itself.
            exception: (has(CGE_ERRNO) || is(CESTATUS_EXCEPT))
                .then_some(AdditionalSense::new(0, 0)),
            import_export: (kind == ElementKind::ImportExport).then_some(ImportExport {
                placed_by_operator: is(CESTATUS_IMPEXP),
                import_enabled: is(CESTATUS_INENAB),
                export_enabled: is(CESTATUS_EXENAB),
                operator_intervention: false,
            }),
            bus: None,
            source: has(CGE_SRC).then(|| self.address(got.source)).flatten(),
            inverted: has(CGE_SRC) && has(CGE_INVERT),
            disabled: false,
            medium_type: MediumType::Unspecified,
            primary_tag: tag(CGE_PVOLTAG, &got.primary_tag),
            alternate_tag: tag(CGE_AVOLTAG, &got.alternate_tag),
            device: None,
        }
    }
}

/// `CHET_MT`, `CHET_ST`, `CHET_IE`, `CHET_DT`.
fn driver_kind(kind: ElementKind) -> i32 {
    i32::from(kind.code()) - 1
}

impl MediumChanger for ChangerNode {
    fn path(&self) -> &str {
        &self.path
    }

    fn scsi(&mut self) -> Option<&mut smc::Changer> {
        None
    }

    fn lacks(&self) -> &'static [Missing] {
        &[
            Missing::SenseData,
            Missing::DeviceIdentifiers,
            Missing::MediumTypes,
            Missing::ExceptionCodes,
            Missing::ChoiceOfPicker,
            Missing::MoveCapabilities,
        ]
    }

    /// The driver repeats a command that was answered by one.
    fn consume_unit_attentions(&mut self) -> Result<Vec<SenseData>, ScsiError> {
        Ok(Vec::new())
    }

    /// CHIOGELEM for every element, or where no tags are wanted CHIOGSTATUS for every kind.
    fn inventory(&mut self, options: &InventoryOptions) -> Result<Inventory, ScsiError> {
        let mut elements = Vec::new();
        for kind in &options.kinds {
            if options.volume_tags == Wanted::No {
                elements.extend(self.without_tags(*kind)?);
                continue;
            }
            let range = self.assignment.range(*kind);
            for unit in 0..range.count {
                elements.push(self.element(*kind, ElementAddress(range.first.0 + unit))?);
            }
        }
        elements.sort_by_key(|element| element.address);
        Ok(Inventory::new(elements, Vec::new()))
    }

    fn initialize_element_status(&mut self) -> Result<(), ScsiError> {
        abi::initialize_elements(&self.file).map_err(|errno| self.failed("CHIOINITELEM", errno))
    }

    /// The driver always takes the first picker.
    fn move_medium(
        &mut self,
        _transport: ElementAddress,
        source: ElementAddress,
        destination: ElementAddress,
    ) -> Result<(), ScsiError> {
        let request = Move {
            from: self.unit("CHIOMOVE", source)?,
            to: self.unit("CHIOMOVE", destination)?,
            flags: 0,
        };
        abi::move_medium(&self.file, &request).map_err(|errno| self.failed("CHIOMOVE", errno))
    }

    /// CHIOEXCHANGE.
    fn exchange_medium(
        &mut self,
        _transport: ElementAddress,
        exchange: smc::Exchange,
        _kinds: (ElementKind, ElementKind),
    ) -> Result<(), ScsiError> {
        let operation = "CHIOEXCHANGE";
        let request = Exchange {
            source: self.unit(operation, exchange.source)?,
            first_destination: self.unit(operation, exchange.first_destination)?,
            second_destination: self.unit(operation, exchange.second_destination)?,
            flags: 0,
        };
        abi::exchange_medium(&self.file, &request).map_err(|errno| self.failed(operation, errno))
    }

    /// CHIOPOSITION.
    fn position_to_element(
        &mut self,
        _transport: ElementAddress,
        element: ElementAddress,
    ) -> Result<(), ScsiError> {
        let request = PositionTo {
            element: self.unit("CHIOPOSITION", element)?,
            flags: 0,
        };
        abi::position_to(&self.file, &request).map_err(|errno| self.failed("CHIOPOSITION", errno))
    }
}
