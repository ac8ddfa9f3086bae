//! A library as its robot describes it at one moment.

use serde::Serialize;
use tapeward_drivers::smc::{DeviceIdentifier, Element, ElementAddress, ElementKind, Inventory};

use super::element::{ElementName, Reference};
use crate::error::{Error, ErrorKind, Result};
use crate::id::Barcode;

/// One element and what is in it.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    /// As people name it.
    pub name: ElementName,
    /// Its address.
    pub address: ElementAddress,
    /// Whether it holds a cartridge.
    pub full: bool,
    /// Whether the robot can reach it.
    pub access: bool,
    /// Barcode of the cartridge, when the robot could read one.
    pub barcode: Option<Barcode>,
    /// Where the cartridge came from.
    pub source: Option<ElementAddress>,
    /// What is wrong with the element, in words.
    pub exception: Option<String>,
    /// Disabled by the library.
    pub disabled: bool,
    /// Whether it holds a cleaning cartridge.
    pub cleaning: bool,
    /// What the library calls the drive in it (DVCID).
    #[serde(skip)]
    pub device: Option<DeviceIdentifier>,
}

/// Everything in the library.
#[derive(Debug, Clone, Serialize)]
pub struct View {
    /// All elements, ordered by kind and address.
    pub places: Vec<Place>,
    /// What the library said that does not fit the standard, in words.
    pub anomalies: Vec<String>,
}

impl View {
    /// Names the elements of an inventory.
    #[must_use]
    pub fn new(inventory: &Inventory) -> Self {
        let mut places = Vec::new();
        let mut anomalies: Vec<String> = inventory
            .anomalies
            .iter()
            .map(ToString::to_string)
            .collect();
        for kind in [
            ElementKind::DataTransfer,
            ElementKind::Storage,
            ElementKind::ImportExport,
            ElementKind::MediumTransport,
        ] {
            let mut elements: Vec<&Element> = inventory.of_kind(kind).collect();
            elements.sort_by_key(|element| element.address);
            for (index, element) in elements.into_iter().enumerate() {
                places.push(place(ElementName::at(kind, index), element, &mut anomalies));
            }
        }
        Self { places, anomalies }
    }

    /// Elements of one kind.
    pub fn of_kind(&self, kind: ElementKind) -> impl Iterator<Item = &Place> {
        self.places
            .iter()
            .filter(move |place| place.name.kind == kind)
    }

    /// The element at an address.
    #[must_use]
    pub fn at(&self, address: ElementAddress) -> Option<&Place> {
        self.places.iter().find(|place| place.address == address)
    }

    /// Where the cartridge with this barcode is.
    ///
    /// # Errors
    /// Two cartridges with the same barcode: which one is meant nobody can say.
    pub fn find(&self, barcode: &Barcode) -> Result<Option<&Place>> {
        let mut found = self
            .places
            .iter()
            .filter(|place| place.barcode.as_ref() == Some(barcode));
        let first = found.next();
        if let (Some(first), Some(second)) = (first, found.next()) {
            return Err(Error::failed(format!(
                "two cartridges have the barcode {barcode}: {} and {}",
                first.name, second.name
            ))
            .hint("take one of them out of the library"));
        }
        Ok(first)
    }

    /// The element a person means.
    pub fn resolve(&self, reference: &Reference) -> Result<&Place> {
        match reference {
            Reference::Name(name) => self
                .places
                .iter()
                .find(|place| place.name == *name)
                .ok_or_else(|| {
                    Error::usage(format!("the library has no element {name}"))
                        .hint("\"tapeward library status --all\" shows what there is")
                }),
            Reference::Address(address) => self.at(*address).ok_or_else(|| {
                Error::usage(format!("the library has no element with address {address}"))
                    .hint("\"tapeward library status --all\" shows what there is")
            }),
            Reference::Barcode(barcode) => self.find(barcode)?.ok_or_else(|| {
                Error::usage(format!("{barcode} is not in the library"))
                    .hint("\"tapeward library status\" shows what is")
            }),
        }
    }

    /// The lowest storage or import/export element that is free and can be reached.
    #[must_use]
    pub fn first_free(&self, kind: ElementKind) -> Option<&Place> {
        self.of_kind(kind)
            .find(|place| place.usable() && !place.full)
    }
}

impl Place {
    /// Reachable and in order.
    #[must_use]
    pub fn usable(&self) -> bool {
        self.access && !self.disabled && self.exception.is_none()
    }

    /// The cartridge in words.
    #[must_use]
    pub fn content(&self) -> String {
        match (&self.barcode, self.full) {
            (Some(barcode), _) => barcode.to_string(),
            (None, true) => "a cartridge without a readable barcode".to_owned(),
            (None, false) => "nothing".to_owned(),
        }
    }
}

fn place(name: ElementName, element: &Element, anomalies: &mut Vec<String>) -> Place {
    let barcode = element.primary_tag.as_ref().and_then(|tag| {
        tag.identification
            .parse()
            .inspect_err(|error| anomalies.push(format!("{name}: {error}")))
            .ok()
    });
    Place {
        name,
        address: element.address,
        full: element.full,
        access: element.access,
        // A tag of an empty element is what was there last: not a cartridge.
        barcode: barcode.filter(|_| element.full),
        source: element.source,
        exception: element.exception.map(|sense| sense.to_string()),
        disabled: element.disabled,
        cleaning: element.medium_type == tapeward_drivers::smc::element::MediumType::Cleaning
            || element
                .primary_tag
                .as_ref()
                .is_some_and(|tag| tag.identification.starts_with("CLN")),
        device: element.device.clone(),
    }
}

/// Which slots to empty.
#[must_use]
pub fn full_mail_slots(view: &View) -> Error {
    let slots: Vec<String> = view
        .of_kind(ElementKind::ImportExport)
        .filter(|place| place.full)
        .map(|place| format!("{} ({})", place.name, place.content()))
        .collect();
    let what = if slots.is_empty() {
        "the library has no import/export element that can be used".to_owned()
    } else {
        format!("all import/export elements are full: {}", slots.join(", "))
    };
    Error::new(ErrorKind::OperatorNeeded, what).hint("empty them, then try again")
}
