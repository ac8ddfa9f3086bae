//! A changer that answers anything, by the rules of every library that is known.

use std::hint::black_box;

use tapeward_drivers::smc::element_status::ElementStatus;
use tapeward_drivers::smc::{Changer, ElementAddress, ElementKind, Inventory, InventoryOptions};
use tapeward_drivers::smc::{TagSearch, Wanted};

use super::puppet::Puppet;

/// Libraries of which the host side knows something, and one that it does not know.
const LIBRARIES: [(&str, &str); 9] = [
    ("NOBODY", "NOTHING"),
    ("DEC", "TL810"),
    ("DEC", "TL820"),
    ("EXABYTE", "LTO 1x7 2U"),
    ("EXABYTE", "EXB-220"),
    ("TGT", "VCHANGER"),
    ("TAPEWARD", "AUTOLOADER-8"),
    ("TAPEWARD", "LIBRARY-48"),
    ("TAPEWARD", "ODDER-20"),
];

/// READ ELEMENT STATUS data, and the inventory made of it with each library's quirks.
pub fn element_status(data: &[u8]) {
    let parsed = ElementStatus::parse(data);
    black_box(format!("{parsed:?}"));
    for anomaly in &parsed.anomalies {
        black_box(anomaly.to_string());
    }
    for (vendor, product) in LIBRARIES {
        let puppet = Puppet::new(data).known_as(0x08, vendor, product);
        let mut changer = Changer::new(Box::new(puppet));
        if let Ok(inventory) = changer.inventory(&InventoryOptions::default()) {
            look_at(&inventory);
        }
        let drives = InventoryOptions {
            kinds: vec![ElementKind::DataTransfer],
            volume_tags: Wanted::No,
            device_identifiers: Wanted::IfAvailable,
        };
        if let Ok(inventory) = changer.inventory(&drives) {
            look_at(&inventory);
        }
        black_box(changer.search_tags(&TagSearch::primary("TW*")).ok());
        black_box(changer.device_capabilities().ok());
        black_box(changer.transport_geometry().ok());
    }
}

fn look_at(inventory: &Inventory) {
    let mut before: Option<ElementAddress> = None;
    for element in &inventory.elements {
        assert!(
            before.is_none_or(|before| before < element.address),
            "elements are not in ascending order, each once"
        );
        before = Some(element.address);
        assert_eq!(inventory.element(element.address), Some(element));
    }
    for kind in ElementKind::ALL {
        black_box(inventory.of_kind(kind).count());
    }
    for anomaly in &inventory.anomalies {
        black_box(anomaly.to_string());
    }
    black_box(inventory.with_tag("TW0001L8"));
}
