//! What tgt 1.0.85's virtual library answers, taken with sg3_utils 1.46 under Linux 6.1: the
//! command that showed the bytes is beside each.

use tapeward_drivers::smc::{Changer, ElementKind};
use tapeward_drivers::spc::designator::{Association, CodeSet, DesignatorType};
use tapeward_drivers::spc::inquiry::{Inquiry, PeripheralType};
use tapeward_drivers::spc::mode::{ModeData, ModeForm, PageCode};
use tapeward_drivers::spc::{luns, vpd};

use crate::script::{fixed, hex, on, script};

/// `sg_inq -H` of the changer and of a drive: 66 bytes, version descriptors from byte 58.
#[test]
fn standard_inquiry_data() {
    let changer = hex("08 80 05 12 3d 00 00 02  54 47 54 20 20 20 20 20
         56 43 48 41 4e 47 45 52  20 20 20 20 20 20 20 20
         30 30 30 31 00 00 00 00  00 00 00 00 00 00 00 00
         00 00 00 00 00 00 00 00  00 00 04 80 09 60 03 00 00 00");
    let drive = hex("01 80 05 12 3d 00 00 02  54 47 54 20 20 20 20 20
         56 44 52 49 56 45 20 20  20 20 20 20 20 20 20 20
         30 30 30 31 00 00 00 00  00 00 00 00 00 00 00 00
         00 00 00 00 00 00 00 00  00 00 02 00 09 60 03 00 00 00");
    for (raw, peripheral, product) in [
        (changer, PeripheralType::MediumChanger, "VCHANGER"),
        (drive, PeripheralType::SequentialAccess, "VDRIVE"),
    ] {
        let data = Inquiry::parse(&raw).unwrap();
        assert_eq!((data.peripheral, &*data.product), (peripheral, product));
        assert_eq!((&*data.vendor, &*data.revision), ("TGT", "0001"));
        assert_eq!((data.version, data.removable), (5, true));
        assert!(!data.medium_changer);
    }
}

/// `sg_vpd -H -p 0`, `-p 0x80` and `-p 0xb0` of a drive.
#[test]
fn vital_product_data_of_a_drive() {
    let mut capabilities = hex("01 b0 00 3c 00 80");
    capabilities.resize(64, 0);
    let (mut device, rest) = script(vec![
        on("12 01 00 00 ff 00").data(&hex("01 00 00 06 00 80 83 b0 b1 b2")),
        on("12 01 80 00 ff 00").data(&hex("01 80 00 24 20 20 20 20  20 20 20 20 20 20 20 20
             20 20 20 20 20 20 20 20  20 20 20 20 20 20 44 52 49 56 45 30 30 30 30 31")),
        on("12 01 b0 00 ff 00").data(&capabilities),
    ]);
    let pages = vpd::supported_pages(&mut *device).unwrap();
    assert_eq!(pages, [0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2]);
    let serial = vpd::serial(&mut *device).unwrap();
    assert_eq!(serial.as_deref(), Some("DRIVE00001"));
    let capabilities = vpd::sequential_capabilities(&mut *device).unwrap().unwrap();
    assert!(!capabilities.worm && !capabilities.tape_stream_mirroring);
    rest.is_empty();
}

/// `sg_vpd -H -p 0x83` of the changer: T10 vendor id padded with NULs, NAA 3h and NAA 6h.
#[test]
fn device_identification() {
    let page = hex("08 83 00 48 02 01 00 24  49 45 54 20 20 20 20 20
         30 30 30 31 30 30 30 33  00 00 00 00 00 00 00 00
         00 00 00 00 00 00 00 00  00 00 00 00 01 03 00 08
         30 00 00 01 00 00 00 03  01 03 00 10 60 00 00 00
         00 00 00 00 0e 00 00 00  00 01 00 03");
    let all = vpd::parse_designators(vpd::page_body(0x83, &page).unwrap());
    let kinds: Vec<_> = all.iter().map(|one| (one.code_set, one.kind)).collect();
    assert_eq!(
        kinds,
        [
            (CodeSet::Ascii, DesignatorType::T10VendorId),
            (CodeSet::Binary, DesignatorType::Naa),
            (CodeSet::Binary, DesignatorType::Naa),
        ]
    );
    assert!(
        all.iter()
            .all(|one| one.association == Association::LogicalUnit)
    );
    let vendor = ("IET".to_owned(), "00010003".to_owned());
    assert_eq!(all[0].vendor_and_rest(), Some(vendor));
    assert_eq!(all[1].to_string(), "naa.3000000100000003");
    assert_eq!(all[2].to_string(), "naa.60000000000000000e00000000010003");
}

/// `sg_luns -vv`.
#[test]
fn logical_units() {
    let raw = hex("00 00 00 20 00 00 00 00  00 00 00 00 00 00 00 00
         00 01 00 00 00 00 00 00  00 02 00 00 00 00 00 00 00 03 00 00 00 00 00 00");
    let numbers: Vec<_> = luns::parse(&raw).iter().map(|one| one.number()).collect();
    assert_eq!(numbers, [Some(0), Some(1), Some(2), Some(3)]);
}

/// `sg_raw -r 255 /dev/sg3 1a 00 3f 00 ff 00` (changer): every page, one of them with a subpage.
const CHANGER_MODES: &str = "7d 00 00 08 00 00 00 00  00 00 00 00 00 00 0a 0a
     02 00 00 00 00 00 00 00  02 00 4a 01 00 1c 04 00
     00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00
     00 00 00 00 00 00 00 00  00 00 1a 0a 08 00 00 00
     00 00 00 00 00 00 1c 0a  08 00 00 00 00 00 00 00
     00 00 1d 12 00 01 00 01  04 00 00 0a 00 10 00 02
     01 00 00 02 00 00 1e 02  00 00 1f 12 0f 07 0f 0f
     0f 0f 00 00 00 00 0f 0f  0f 0f 00 00 00 00";

/// `sg_raw -r 512 /dev/sg1 5a 00 3f 00 00 00 00 02 00 00` (drive).
const DRIVE_MODES: &str = "00 a4 00 10 00 00 00 08  00 00 00 00 00 00 00 00
     00 00 01 0a 00 08 00 00  00 00 08 00 00 00 02 0e
     80 80 00 0a 00 00 00 00  00 00 00 00 00 00 0a 0a
     02 00 00 00 00 00 00 00  02 00 4a 01 00 1c 04 00
     00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00
     00 00 00 00 00 00 00 00  00 00 0f 0e 00 00 00 00
     00 00 00 00 00 00 00 00  00 00 10 0e 00 00 00 80
     80 00 00 00 00 00 00 00  00 00 1c 0a 08 00 00 00
     00 00 00 00 00 00 1d 1e  01 00 00 00 00 00 00 00
     00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00
     00 00 00 00 00 00";

#[test]
fn all_mode_pages() {
    let codes = |data: &ModeData| -> Vec<(u8, u8, usize)> {
        let pages = data.pages.iter();
        pages
            .map(|page| (page.code.page, page.code.subpage, page.body.len()))
            .collect()
    };
    // A page 00h without contents comes first.
    let changer = ModeData::parse(ModeForm::Six, &hex(CHANGER_MODES)).unwrap();
    assert_eq!(
        codes(&changer),
        [
            (0x00, 0, 0),
            (0x0a, 0, 10),
            (0x0a, 1, 28),
            (0x1a, 0, 10),
            (0x1c, 0, 10),
            (0x1d, 0, 18),
            (0x1e, 0, 2),
            (0x1f, 0, 18),
        ]
    );
    let drive = ModeData::parse(ModeForm::Ten, &hex(DRIVE_MODES)).unwrap();
    assert_eq!(drive.device_specific, 0x10);
    assert_eq!(drive.block_descriptor.unwrap().block_length, 0);
    let compression = drive.page(PageCode::DATA_COMPRESSION).unwrap();
    assert_eq!(compression.byte(2), Some(0));
    let configuration = drive.page(PageCode::DEVICE_CONFIGURATION).unwrap();
    assert_eq!(
        (configuration.u16(5), configuration.byte(14)),
        (Some(0x8080), Some(0))
    );
}

/// `sg_modes -vvv -p 0x1d /dev/sg3`: page 1Dh by MODE SENSE(10), where (6) is missing.
#[test]
fn element_address_assignment_by_mode_sense_10() {
    let raw = hex("00 22 00 00 00 00 00 08  00 00 00 00 00 00 00 00
         1d 12 00 01 00 01 04 00  00 0a 00 10 00 02 01 00 00 02 00 00");
    let (device, rest) = script(vec![
        on("1a 00 1d 00 ff 00").check(fixed(0x05, 0x20, 0x00)),
        on("5a 00 1d 00 00 00 00 10 00 00").data(&raw),
    ]);
    let all = Changer::new(device).element_assignment().unwrap().unwrap();
    let ranges = ElementKind::ALL.map(|kind| (all.range(kind).first.0, all.range(kind).count));
    assert_eq!(ranges, [(1, 1), (1024, 10), (16, 2), (256, 2)]);
    rest.is_empty();
}
