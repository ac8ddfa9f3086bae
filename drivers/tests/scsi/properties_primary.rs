//! No parser of reservations, supported commands, clocks, and pages panics on any bytes; what
//! was laid out comes back.

use proptest::collection::vec;
use proptest::prelude::*;
use tapeward_drivers::smc::DeviceCapabilities;
use tapeward_drivers::smc::capabilities::parse_geometry;
use tapeward_drivers::spc::log::LogPage;
use tapeward_drivers::spc::mode::{ModePage, PageCode};
use tapeward_drivers::spc::opcodes::parse_all;
use tapeward_drivers::spc::reservation::{
    FullStatus, RegisteredKeys, ReservationCapabilities, ReservationStatus,
};
use tapeward_drivers::spc::{
    CommandSupport, Control, ControlExtension, ErrorCounters, InformationalExceptions,
    Milliseconds, ReportMethod, ReservationKey, Timestamp, vpd,
};
use tapeward_drivers::ssc::{
    DeviceStatistics, DeviceStatus, MediumPartitions, SequentialAccessCounters,
};

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..400)
}

proptest! {
    #[test]
    fn parsers_never_panic(bytes in any_bytes()) {
        let keys = RegisteredKeys::parse(&bytes);
        prop_assert!(keys.is_none_or(|keys| keys.keys.len() * 8 <= bytes.len()));
        let _ = ReservationStatus::parse(&bytes);
        let _ = ReservationCapabilities::parse(&bytes);
        let status = FullStatus::parse(&bytes);
        prop_assert!(status.is_none_or(|status| status.registrations.len() * 24 <= bytes.len()));
        prop_assert!(parse_all(&bytes).len() * 8 <= bytes.len());
        if let Some(support) = CommandSupport::parse(&bytes) {
            let _ = support.uses(bytes.len(), 0xff);
        }
        let _ = Timestamp::parse(&bytes);
        prop_assert!(vpd::parse_protection(&bytes).len() <= bytes.len());
    }

    #[test]
    fn pages_never_panic(code: u8, subpage in 0_u8..3, body in any_bytes()) {
        let page = ModePage { code: PageCode::new(code & 0x3f, subpage), saveable: false, body };
        let _ = Control::parse(&page);
        let _ = ControlExtension::parse(&page);
        let _ = DeviceCapabilities::parse(&page);
        prop_assert_eq!(parse_geometry(&page).len(), page.body.len() / 2);
        let partitions = MediumPartitions::parse(&page);
        prop_assert!(partitions.is_none_or(|told| told.unit.bytes() > 0));
        let _ = InformationalExceptions::parse(&page);
    }

    #[test]
    fn log_pages_never_panic(bytes in any_bytes()) {
        if let Some(page) = LogPage::parse(&bytes) {
            let _ = ErrorCounters::from_log(&page);
            let _ = SequentialAccessCounters::from_log(&page);
            let _ = DeviceStatus::from_log(&page);
            let _ = DeviceStatus::polling_delay(&page);
            let _ = DeviceStatistics::from_log(&page);
        }
    }

    #[test]
    fn keys_come_back(generation: u32, keys in vec(any::<u64>(), 0..20)) {
        let mut raw = generation.to_be_bytes().to_vec();
        raw.extend(u32::try_from(keys.len() * 8).unwrap().to_be_bytes());
        raw.extend(keys.iter().flat_map(|key| key.to_be_bytes()));
        let parsed = RegisteredKeys::parse(&raw).unwrap();
        prop_assert_eq!(parsed.generation, generation);
        let back: Vec<u64> = parsed.keys.iter().map(|ReservationKey(key)| *key).collect();
        prop_assert_eq!(back, keys);
    }

    #[test]
    fn timestamps_come_back(value in 0_u64..1 << 48, origin in 0_u8..8) {
        let mut raw = vec![0, 10, origin, 0];
        raw.extend(&value.to_be_bytes()[2..]);
        raw.extend([0, 0]);
        prop_assert_eq!(Timestamp::parse(&raw).unwrap().value, Milliseconds(value));
    }

    /// What a host sets is what it reads, and nothing else of the page changes.
    #[test]
    fn exception_pages_come_back(
        body in vec(any::<u8>(), 10), flags: [bool; 5], method in 0_u8..16, interval: u32, count: u32,
    ) {
        let mut page = ModePage { code: PageCode::INFORMATIONAL_EXCEPTIONS, saveable: true, body };
        let before = page.clone();
        let [no_delay, warnings, disabled, test, log_errors] = flags;
        let wanted = InformationalExceptions {
            no_delay, warnings, disabled, test, log_errors,
            method: ReportMethod::from(method),
            interval,
            report_count: count,
        };
        prop_assert!(wanted.apply(&mut page));
        prop_assert_eq!(InformationalExceptions::parse(&page), Some(wanted));
        prop_assert_eq!(page.body[0] & 0x62, before.body[0] & 0x62);
        prop_assert_eq!(page.body[1] & 0xf0, before.body[1] & 0xf0);
    }
}
