//! Why a drive of the configuration is in no element of its library, and what to do about it.

use super::connection::Unit;
use super::matching::{Conflict, DriveIndex, Matching, claims_text};
use crate::error::Error;

/// What shows who says what.
const DISCOVER: &str = "\"tapeward library discover\" shows what each device says";

/// Refuses a drive without a match. Nothing may be moved for it: whatever is brought to an element
/// that another drive is in would be loaded there.
pub(super) fn refuse(
    library: &str,
    unit: &Unit,
    serial: &str,
    drive: DriveIndex,
    matching: &Matching,
) -> Error {
    match matching.conflict_of(drive) {
        Some(Conflict::NoSuchElement { bay, .. }) => Error::usage(format!(
            "the configuration puts the drive with {unit} at element {}, which is no drive element of \"{library}\"",
            bay.element
        )),
        Some(Conflict::OtherDrive { bay, named, .. }) => Error::failed(format!(
            "the configuration puts the drive with {unit} in element {} of \"{library}\", but the library calls the drive there \"{named}\"",
            bay.element
        ))
        .hint("was it exchanged, or given to another logical library? \"tapeward library discover --write\" finds out where it is now"),
        Some(Conflict::Contradiction { claims, .. }) => Error::failed(format!(
            "the drive with {unit} is said to be in several elements of \"{library}\": {}",
            claims_text(claims)
        ))
        .hint(DISCOVER),
        Some(Conflict::SameElement { bay, .. }) => Error::failed(format!(
            "several drives, of which one has {unit}, are said to be in element {} of \"{library}\"",
            bay.element
        ))
        .hint(DISCOVER),
        Some(Conflict::SameSerial { .. }) => {
            Error::failed(format!("several drives have the serial number {serial}"))
                .hint("attach a drive by one path only")
        }
        None => Error::failed(format!(
            "library \"{library}\" does not say which element holds the drive with {unit}, or it is in another library"
        ))
        .hint("\"tapeward library discover\" finds out: a drive of another logical library belongs in that one's section of config.toml; one that no library names is given element = ADDRESS there"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tapeward_drivers::smc::{DeviceIdentifier, ElementAddress};
    use tapeward_drivers::spc::designator::{Association, CodeSet, DesignatorType};

    use super::*;
    use crate::config::DriveConfig;
    use crate::library::matching::{Bay, BaySeen, DriveSeen, LibraryIndex, match_drives};

    /// Vendor, product and serial number, as LTO drives and their libraries have them.
    fn name_of(serial: &str) -> DeviceIdentifier {
        DeviceIdentifier {
            code_set: CodeSet::Ascii,
            association: Association::LogicalUnit,
            kind: DesignatorType::T10VendorId,
            bytes: format!("HPE     Ultrium 8-SCSI  {serial}").into_bytes(),
        }
    }

    fn bay(element: u16) -> Bay {
        Bay {
            library: LibraryIndex(0),
            element: ElementAddress(element),
        }
    }

    /// A logical library has drives A and B in elements 256 and 257; the next one, whose elements
    /// have the same addresses, has drive C. The drive of the configuration says of itself that it is
    /// in 256.
    #[rstest]
    #[case::of_the_next_library("CZ00000C", None, &["or it is in another library"], "belongs in that one's section")]
    #[case::moved_there_since(
        "CZ00000C",
        Some(256),
        &["in element 256 of \"tall\"", "calls the drive there \"HPE     Ultrium 8-SCSI  AZ00000A\""],
        "library discover --write"
    )]
    fn a_drive_of_another_logical_library_is_refused(
        #[case] serial: &str,
        #[case] element: Option<u16>,
        #[case] says: &[&str],
        #[case] advises: &str,
    ) {
        let seen = DriveSeen {
            serial: Some(serial.to_owned()),
            designators: vec![name_of(serial)],
            element: Some(ElementAddress(256)),
            configured: element.map(bay),
        };
        let bays = [(256, "AZ00000A"), (257, "BZ00000B")].map(|(element, serial)| BaySeen {
            bay: bay(element),
            device: Some(name_of(serial)),
            disabled: false,
        });
        let matching = match_drives(&[seen], &bays);
        let drive = DriveIndex(0);
        assert_eq!(matching.of(drive), None);
        let unit = Unit::Attached(DriveConfig {
            serial: Some(serial.to_owned()),
            element,
            ..DriveConfig::default()
        });
        let error = refuse("tall", &unit, serial, drive, &matching);
        let text = error.to_string();
        for words in ["serial CZ00000C", "\"tall\""].iter().chain(says) {
            assert!(text.contains(words), "{words:?} is not in {text}");
        }
        assert!(error.advice().unwrap().contains(advises), "{error:?}");
        assert!(!text.contains('\n') && !error.advice().unwrap().contains('\n'));
    }
}
