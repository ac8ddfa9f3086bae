//! What is done with the bytes of the fuzzer, one function per target. `sim/tests/fuzz_corpus.rs`
//! includes this file and gives every file of `fuzz/corpus` to the function of its folder; that of
//! `iscsi` is in the simulator, as it reaches what is not public.
//!
//! The parsers take any bytes; then a drive or changer is driven whose every answer comes from
//! them, as the tape room would.

mod changer;
mod commands;
mod drive;
mod puppet;

use std::hint::black_box;

use tapeward_drivers::sense::SenseData;
use tapeward_drivers::smc::assignment::ElementAssignment;
use tapeward_drivers::smc::capabilities::{DeviceCapabilities, parse_geometry};
use tapeward_drivers::spc::attribute::parse_attributes;
use tapeward_drivers::spc::control::{Control, ControlExtension};
use tapeward_drivers::spc::exceptions::InformationalExceptions;
use tapeward_drivers::spc::log::LogPage;
use tapeward_drivers::spc::mode::{ModeData, ModeForm, ModePage};
use tapeward_drivers::spc::opcodes::{self, CommandSupport};
use tapeward_drivers::spc::reservation::{
    FullStatus, RegisteredKeys, ReservationCapabilities, ReservationStatus,
};
use tapeward_drivers::spc::vpd::{self, SequentialCapabilities};
use tapeward_drivers::spc::{Attribute, ErrorCounters, Inquiry, Timestamp, luns, security as spin};
use tapeward_drivers::ssc::access_order::{SegmentLimits, parse_order};
use tapeward_drivers::ssc::encryption::{
    EncryptionCapabilities, EncryptionStatus, KeyManagementCapabilities, NextBlock,
    parse_key_associated_data,
};
use tapeward_drivers::ssc::position::{ShortForm, parse_extended_form, parse_long_form};
use tapeward_drivers::ssc::protection::checked;
use tapeward_drivers::ssc::{
    BlockLimits, BlockProtection, Capacity, DeviceStatistics, DeviceStatus, LtoGeneration,
    MediumPartitions, SequentialAccessCounters, TapeAlerts, VolumeStatistics, density,
};

pub use changer::element_status;
pub use commands::cdb;
pub use drive::tape;

/// Sense data: whatever is in it, it is kept whole and has a class and a text.
pub fn sense(data: &[u8]) {
    let Some(sense) = SenseData::parse(data) else {
        return;
    };
    assert_eq!(sense.raw, data, "sense data was not kept whole");
    black_box((sense.class(), sense.to_string(), format!("{sense:?}")));
    black_box(sense.asc.text());
}

/// MODE SENSE data of both forms, and the pages in it.
pub fn mode(data: &[u8]) {
    for form in [ModeForm::Six, ModeForm::Ten] {
        let Some(parsed) = ModeData::parse(form, data) else {
            continue;
        };
        black_box(format!("{parsed:?}"));
        for page in &parsed.pages {
            look_at_page(page);
        }
        black_box(parsed.encode());
    }
    if let Some((mut page, used)) = ModePage::parse(data) {
        assert!(used > 0 && used <= data.len(), "{used} of {}", data.len());
        // PS is reserved in what is sent.
        let again = ModePage {
            saveable: false,
            ..page.clone()
        };
        let sent = page.encode();
        assert_eq!(ModePage::parse(&sent), Some((again, sent.len())));
        look_at_page(&page);
        black_box(page.set_byte(data.len(), 1));
    }
}

fn look_at_page(page: &ModePage) {
    black_box((Control::parse(page), ControlExtension::parse(page)));
    black_box((
        ElementAssignment::parse(page),
        DeviceCapabilities::parse(page),
    ));
    black_box((parse_geometry(page), MediumPartitions::parse(page)));
    black_box(BlockProtection::from_page(page));
    if let Some(exceptions) = InformationalExceptions::parse(page) {
        let mut same = page.clone();
        assert!(
            exceptions.apply(&mut same),
            "what was parsed does not fit back"
        );
        assert_eq!(InformationalExceptions::parse(&same), Some(exceptions));
    }
}

/// LOG SENSE pages, and what is made of each.
pub fn log(data: &[u8]) {
    let Some(page) = LogPage::parse(data) else {
        return;
    };
    black_box(format!("{page:?}"));
    for parameter in &page.parameters {
        black_box((parameter.number(), page.number(parameter.code)));
    }
    let alerts = TapeAlerts::from_log(&page);
    for alert in alerts.iter() {
        assert!(alerts.contains(alert));
        black_box((
            alert.name(),
            alert.severity(),
            alert.meaning(),
            alert.advice(),
        ));
    }
    assert_eq!(alerts.worst().is_none(), alerts.is_empty());
    black_box(Capacity::from_log(&page).map(|capacity| capacity.remaining.bytes()));
    black_box((
        ErrorCounters::from_log(&page),
        VolumeStatistics::from_log(&page),
    ));
    black_box(SequentialAccessCounters::from_log(&page));
    black_box(DeviceStatus::from_log(&page));
    black_box((
        DeviceStatus::polling_delay(&page),
        DeviceStatistics::from_log(&page),
    ));
}

/// READ ATTRIBUTE data.
pub fn attribute(data: &[u8]) {
    for attribute in parse_attributes(data) {
        black_box((
            attribute.text(),
            attribute.number(),
            format!("{attribute:?}"),
        ));
    }
    if let Some((attribute, used)) = Attribute::parse(data) {
        assert!(used > 0 && used <= data.len(), "{used} of {}", data.len());
        // READ ONLY is reserved in what is sent.
        let again = Attribute {
            read_only: false,
            ..attribute.clone()
        };
        let sent = attribute.encode();
        assert_eq!(Attribute::parse(&sent), Some((again, sent.len())));
    }
}

/// What a device says of itself: INQUIRY with its pages, REPORT LUNS, REPORT SUPPORTED OPERATION
/// CODES, REPORT TIMESTAMP.
pub fn identity(data: &[u8]) {
    if let Some(inquiry) = Inquiry::parse(data) {
        black_box(LtoGeneration::from_inquiry(&inquiry));
        black_box(tapeward_drivers::smc::Quirks::of(&inquiry));
    }
    if let Some(body) = data.get(1).and_then(|page| vpd::page_body(*page, data)) {
        assert!(body.len() + 4 <= data.len());
    }
    for designator in vpd::parse_designators(data) {
        black_box((designator.text(), designator.vendor_and_rest()));
        black_box((designator.names_serial("SN0001"), format!("{designator:?}")));
    }
    black_box((
        vpd::parse_protection(data),
        SequentialCapabilities::parse(data),
    ));
    for unit in luns::parse(data) {
        black_box(unit.number());
    }
    black_box(opcodes::parse_all(data));
    if let Some(support) = CommandSupport::parse(data) {
        black_box((support.uses(1, 0x1f), support.uses(usize::MAX, 0xff)));
    }
    black_box(Timestamp::parse(data));
}

/// SECURITY PROTOCOL IN and PERSISTENT RESERVE IN.
pub fn security(data: &[u8]) {
    black_box(spin::parse_protocols(data));
    if let Some(capabilities) = EncryptionCapabilities::parse(data) {
        black_box((capabilities.preferred(), format!("{capabilities:?}")));
    }
    black_box((
        KeyManagementCapabilities::parse(data),
        NextBlock::parse(data),
    ));
    if let Some(status) = EncryptionStatus::parse(data) {
        black_box((status.is_off(), status.is_managed_elsewhere()));
    }
    black_box(parse_key_associated_data(data));
    black_box((RegisteredKeys::parse(data), ReservationStatus::parse(data)));
    black_box((
        ReservationCapabilities::parse(data),
        FullStatus::parse(data),
    ));
}

/// What a drive says of its tape: positions, densities, block limits, access order, checked blocks.
fn tape_replies(data: &[u8]) {
    if let Some(short) = ShortForm::parse(data) {
        black_box((short.buffered(), short.position()));
    }
    black_box((parse_long_form(data), parse_extended_form(data)));
    let densities = density::parse(data);
    black_box(LtoGeneration::from_densities(&densities));
    black_box((density::parse_medium_types(data), BlockLimits::parse(data)));
    black_box((SegmentLimits::parse(data), parse_order(data), checked(data)));
}
