//! The robot: what it tells, and where it can move a cartridge.

use std::collections::BTreeMap;

use tapeward_drivers::smc::{Anomaly, ElementAddress, ElementKind, InventoryOptions};
use tapeward_drivers::spc::vpd;

use super::certificate::{Check, Device};
use super::exam::{Checked, Exam, NotPassed, Passed};
use crate::error::Result;
use crate::id::Barcode;
use crate::library::robot::DriveSite;
use crate::library::view::{Place, View};

const LIBRARY: &str = "library";

/// Everything that needs no cartridge; the drives that were found.
pub(super) fn examine(exam: &mut Exam, first: &View) -> Result<Vec<DriveSite>> {
    identify(exam)?;
    exam.check(LIBRARY, Check::InventoryTwice, |exam| {
        let began = exam.elapsed();
        let second = exam.context.library.view()?;
        let took = exam.elapsed().saturating_sub(began);
        let changed = differences(first, &second);
        if !changed.is_empty() {
            return Err(NotPassed::failed(changed.join("; ")));
        }
        Ok(Passed::new(elements(first)).took("reading element status, host's clock", took))
    })?;
    exam.check(LIBRARY, Check::Anomalies, anomalies)?;
    exam.check(LIBRARY, Check::Barcodes, |_| barcodes(first))?;
    let mut sites = Vec::new();
    let found = &mut sites;
    exam.check(LIBRARY, Check::DriveMapping, |exam| {
        *found = exam.context.library.drives(first)?;
        mapping(exam, first, found)
    })?;
    if sites.is_empty() {
        let why = "nobody can tell which drive is in which element";
        exam.keep("drives", Check::Load, Err(NotPassed::skipped(why)));
    }
    for site in &sites {
        exam.device(Device {
            name: site.name.to_string(),
            vendor: site.vendor.clone(),
            product: site.product.clone(),
            revision: site.revision.clone(),
            serial: site.serial.clone(),
        });
    }
    Ok(sites)
}

fn identify(exam: &mut Exam) -> Result<()> {
    let robot = exam.context.library.identity()?;
    exam.device(Device {
        name: "robot".to_owned(),
        vendor: robot.vendor,
        product: robot.product,
        revision: robot.revision,
        serial: robot.serial.unwrap_or_else(|| "none".to_owned()),
    });
    Ok(())
}

/// What the library tells that does not fit is a failure; what it does not tell is not.
fn anomalies(exam: &Exam) -> Checked {
    let inventory = exam
        .context
        .library
        .changer()?
        .inventory(&InventoryOptions::default())?;
    let (lacks, wrong): (Vec<_>, Vec<_>) = inventory
        .anomalies
        .iter()
        .partition(|anomaly| matches!(anomaly, Anomaly::Refused { .. }));
    let words = |anomalies: &[&Anomaly]| {
        let words: Vec<String> = anomalies.iter().map(ToString::to_string).collect();
        words.join("; ")
    };
    match (lacks.is_empty(), wrong.is_empty()) {
        (true, true) => Ok(Passed::new("none")),
        (false, true) => Err(NotPassed::unsupported(words(&lacks))),
        (_, false) => Err(NotPassed::failed(words(&wrong))),
    }
}

fn elements(view: &View) -> String {
    let count = |kind| view.of_kind(kind).count();
    format!(
        "{} storage, {} import/export, {} drive elements, {} robots, {} cartridges",
        count(ElementKind::Storage),
        count(ElementKind::ImportExport),
        count(ElementKind::DataTransfer),
        count(ElementKind::MediumTransport),
        view.places.iter().filter(|place| place.full).count()
    )
}

/// What differs between two looks, in words.
fn differences(first: &View, second: &View) -> Vec<String> {
    let content = |view: &View| -> BTreeMap<ElementAddress, String> {
        let places = view.places.iter();
        places
            .map(|place| {
                (
                    place.address,
                    format!("{}: {}", place.name, place.content()),
                )
            })
            .collect()
    };
    let (before, after) = (content(first), content(second));
    let gone = before
        .iter()
        .filter(|(address, text)| after.get(address) != Some(text))
        .map(|(address, text)| match after.get(address) {
            Some(now) => format!("first {text}, then {now}"),
            None => format!("{text} is not there any more"),
        });
    let new = after
        .iter()
        .filter(|(address, _)| !before.contains_key(address))
        .map(|(_, text)| format!("{text} is new"));
    gone.chain(new).collect()
}

fn barcodes(view: &View) -> Checked {
    let mut seen: BTreeMap<&Barcode, &Place> = BTreeMap::new();
    let mut wrong = Vec::new();
    for place in view.places.iter().filter(|place| place.full) {
        match &place.barcode {
            None => wrong.push(format!("{}: no barcode can be read", place.name)),
            Some(barcode) => {
                if let Some(other) = seen.insert(barcode, place) {
                    wrong.push(format!("{barcode} is in {} and {}", other.name, place.name));
                }
            }
        }
    }
    if wrong.is_empty() {
        return Ok(Passed::new(format!("{} read, all different", seen.len())));
    }
    Err(NotPassed::failed(wrong.join("; ")))
}

/// Says for each drive what its place was told by, and whether all that tell agree.
fn mapping(exam: &Exam, view: &View, sites: &[DriveSite]) -> Checked {
    let mut said = Vec::new();
    let mut wrong = Vec::new();
    for site in sites {
        let mut drive = exam.context.library.open_unit(&site.unit)?;
        // VPD page B4h (SMC-3): the drive's own element.
        let (own, names) = drive.scsi().map_or_else(Default::default, |drive| {
            let own = vpd::element_address(drive.transport_mut()).unwrap_or_default();
            (own, drive.designators().unwrap_or_default())
        });
        // DVCID (SMC-3): the library's name of the drive.
        let told = view
            .at(site.element)
            .and_then(|place| place.device.as_ref())
            .is_some_and(|device| device.names_serial(&site.serial) || names.contains(device));
        let mut by = Vec::new();
        match own {
            Some(own) if own == site.element => by.push("VPD B4h"),
            Some(own) => wrong.push(format!(
                "{}: VPD page B4h says element {own}, not {}",
                site.name, site.element
            )),
            None => {}
        }
        if told {
            by.push("DVCID");
        }
        if site.unit.configured_element().is_some() {
            by.push("configuration");
        }
        if by.is_empty() {
            by.push("being the only one");
        }
        said.push(format!(
            "{} is {} by {}",
            site.name,
            site.serial,
            by.join(", ")
        ));
    }
    let elements = view.of_kind(ElementKind::DataTransfer).count();
    if sites.len() < elements {
        wrong.push(format!(
            "{} of {elements} drive elements have a drive that can be reached",
            sites.len()
        ));
    }
    if wrong.is_empty() {
        return Ok(Passed::new(said.join("; ")));
    }
    Err(NotPassed::failed(wrong.join("; ")))
}

/// The scratch cartridge to every free import/export element and back.
pub(super) fn mail_slots(exam: &mut Exam, barcode: &Barcode) -> Result<()> {
    let slots: Vec<Place> = exam
        .context
        .library
        .view()?
        .of_kind(ElementKind::ImportExport)
        .cloned()
        .collect();
    if slots.is_empty() {
        let none = NotPassed::unsupported("the library has no import/export element");
        exam.keep("mail slots", Check::MailSlot, Err(none));
    }
    for slot in slots {
        let subject = slot.name.to_string();
        exam.check(&subject, Check::MailSlot, |exam| {
            if Some(slot.address) == exam.home.as_ref().map(|home| home.address) {
                return Err(NotPassed::skipped("the scratch cartridge is at home there"));
            }
            there_and_back(exam, barcode, &slot)
        })?;
    }
    Ok(())
}

fn there_and_back(exam: &Exam, barcode: &Barcode, slot: &Place) -> Checked {
    if slot.full {
        let what = format!("{} is in it", slot.content());
        return Err(NotPassed::skipped(what));
    }
    let Some(home) = exam.home.as_ref() else {
        return Err(NotPassed::skipped("there is no scratch cartridge"));
    };
    let library = &exam.context.library;
    let began = exam.elapsed();
    library.witnessed_transfer(barcode, home.address, slot.address, &exam.context)?;
    let there = exam.elapsed();
    library.witnessed_transfer(barcode, slot.address, home.address, &exam.context)?;
    let back = exam.elapsed();
    Ok(Passed::new(format!("from {} and back", home.name))
        .took(
            "move there, with looking before and after",
            there.saturating_sub(began),
        )
        .took(
            "move back, with looking before and after",
            back.saturating_sub(there),
        ))
}

/// Brings the scratch cartridge home, wherever it was left, and compares everything.
pub(super) fn put_back(exam: &mut Exam, before: &View, scratch: Option<&Barcode>) {
    let outcome = bring_home(exam, scratch).and_then(|()| {
        let after = exam.context.library.view()?;
        let changed = differences(before, &after);
        if changed.is_empty() {
            return Ok(Passed::new("as before"));
        }
        Err(NotPassed::failed(changed.join("; ")))
    });
    exam.keep(LIBRARY, Check::PutBack, outcome);
}

fn bring_home(exam: &Exam, scratch: Option<&Barcode>) -> std::result::Result<(), NotPassed> {
    let (Some(barcode), Some(home)) = (scratch, exam.home.as_ref()) else {
        return Ok(());
    };
    let library = &exam.context.library;
    let view = library.view()?;
    let Some(place) = view.find(barcode)? else {
        let gone = format!("{barcode} is not seen in the library any more");
        return Err(NotPassed::failed(gone));
    };
    if place.address == home.address {
        return Ok(());
    }
    let site = library
        .drives(&view)?
        .into_iter()
        .find(|site| site.element == place.address);
    let _lock = match &site {
        Some(site) => {
            let lock = library.hold_drive(site)?;
            library.open_unit(&site.unit)?.unload()?;
            Some(lock)
        }
        None => None,
    };
    Ok(library.witnessed_transfer(barcode, place.address, home.address, &exam.context)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::element::ElementName;

    fn place(index: usize, barcode: Option<&str>) -> Place {
        Place {
            name: ElementName::at(ElementKind::Storage, index),
            address: ElementAddress(u16::try_from(index).unwrap() + 1000),
            full: barcode.is_some(),
            access: true,
            barcode: barcode.and_then(|text| text.parse().ok()),
            source: None,
            exception: None,
            disabled: false,
            cleaning: false,
            device: None,
        }
    }

    fn view(places: Vec<Place>) -> View {
        View {
            places,
            anomalies: Vec::new(),
        }
    }

    #[test]
    fn differences_between_two_looks_are_named() {
        let first = view(vec![place(0, Some("A00001L8")), place(1, None)]);
        assert!(differences(&first, &first.clone()).is_empty());
        let moved = view(vec![place(0, None), place(1, Some("A00001L8"))]);
        assert_eq!(differences(&first, &moved).len(), 2);
        let fewer = view(vec![place(0, Some("A00001L8"))]);
        assert_eq!(
            differences(&first, &fewer),
            ["slot:2: nothing is not there any more"]
        );
        assert_eq!(differences(&fewer, &first), ["slot:2: nothing is new"]);
    }

    #[test]
    fn a_missing_and_a_double_barcode_fail() {
        let mut nameless = place(2, None);
        nameless.full = true;
        let odd = view(vec![
            place(0, Some("A00001L8")),
            place(1, Some("A00001L8")),
            nameless,
        ]);
        let why = format!("{:?}", barcodes(&odd).unwrap_err());
        assert!(why.contains("A00001L8 is in slot:1 and slot:2"), "{why}");
        assert!(why.contains("slot:3: no barcode"), "{why}");
        assert!(barcodes(&view(vec![place(0, Some("A00001L8"))])).is_ok());
    }
}
