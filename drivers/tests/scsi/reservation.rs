//! PERSISTENT RESERVE IN and OUT, RESERVE and RELEASE.

use tapeward_drivers::spc::reservation::{
    Abort, FullStatus, RegisteredKeys, ReservationCapabilities, ReservationStatus,
    persistent_reserve_out, read_full_status, read_keys, read_reservation, release_unit,
    report_capabilities, reserve_unit,
};
use tapeward_drivers::spc::{ReservationKey, ReservationType, ReserveOut};
use tapeward_drivers::transport::Status;

use crate::script::{hex, invalid_opcode, on, script};

const OWN: ReservationKey = ReservationKey(0x0102_0304_0506_0708);
const OTHER: ReservationKey = ReservationKey(0x1112_1314_1516_1718);

/// Quantum "LTO-4 SCSI Interface Guide", 3.13.1.2 page 115: generation bytes 0-3, additional
/// length 4-7, keys of eight bytes.
#[test]
fn keys() {
    let raw = hex("00000003 00000010 0102030405060708 1112131415161718");
    let keys = RegisteredKeys::parse(&raw).unwrap();
    assert_eq!((keys.generation, &keys.keys[..]), (3, &[OWN, OTHER][..]));
    // Cut off within the second one.
    assert_eq!(RegisteredKeys::parse(&raw[..20]).unwrap().keys, [OWN]);
    assert_eq!(RegisteredKeys::parse(&raw[..7]), None);
}

/// Oracle "StorageTek SL150 Interface Reference Manual" (July 2017) table 4-88 page 168: key
/// bytes 0-7, obsolete 8-11, scope and type byte 13, obsolete 14-15.
#[test]
fn reservation() {
    let raw = hex("00000001 00000010 0102030405060708 00000000 00 06 0000");
    let status = ReservationStatus::parse(&raw).unwrap();
    let held = status.reservation.unwrap();
    assert_eq!(held.key, OWN);
    let kind = ReservationType::ExclusiveAccessRegistrantsOnly;
    assert_eq!(held.kind, Some(kind));
    let none = ReservationStatus::parse(&hex("00000001 00000000")).unwrap();
    assert_eq!((none.generation, none.reservation), (1, None));
}

/// sg3_utils 1.49 src/sg_persist.c, response to REPORT CAPABILITIES: RLR_C CRH SIP_C ATP_C PTPL_C
/// in byte 2, TMV, ALLOW COMMANDS and PTPL_A in byte 3, the type mask in bytes 4 and 5. The first
/// bytes are those that tgt makes (usr/spc.c, spc_pr_report_capabilities).
#[test]
fn capabilities() {
    let tgt = ReservationCapabilities::parse(&hex("0008 00 80 ea01 0000")).unwrap();
    assert!(!tgt.through_power_loss && !tgt.through_power_loss_active);
    assert_eq!(tgt.types.as_deref(), Some(&ReservationType::ALL[..]));
    let capabilities = ReservationCapabilities::parse(&hex("0008 1d 81 ea01 0000")).unwrap();
    assert!(capabilities.compatible_handling && capabilities.specify_initiator_ports);
    assert!(capabilities.all_target_ports && capabilities.through_power_loss);
    assert!(capabilities.through_power_loss_active);
    assert_eq!(
        capabilities.types.as_deref(),
        Some(&ReservationType::ALL[..])
    );
    let some = ReservationCapabilities::parse(&hex("0008 00 80 0801 0000")).unwrap();
    assert!(!some.through_power_loss && !some.compatible_handling);
    let types = [
        ReservationType::ExclusiveAccess,
        ReservationType::ExclusiveAccessAllRegistrants,
    ];
    assert_eq!(some.types.as_deref(), Some(&types[..]));
    let unsaid = ReservationCapabilities::parse(&hex("0008 01 00 ea01 0000")).unwrap();
    assert_eq!(unsaid.types, None);
}

/// SL150 table 4-92 page 172 with the Fibre Channel TransportID of table 4-93 page 173: key bytes
/// 0-7, ALL_TG_PT and R_HOLDER byte 12, scope and type 13, target port 18-19, length 20-23.
#[test]
fn full_status() {
    let raw = hex("00000002 00000060
         0102030405060708 00000000 01 03 00000000 0001 00000018
         00 00000000000000 21000024ff4e5d6c 0000000000000000
         1112131415161718 00000000 02 00 00000000 0000 00000018
         00 00000000000000 21000024ff4e5d6d 0000000000000000");
    let status = FullStatus::parse(&raw).unwrap();
    let [first, second] = &status.registrations[..] else {
        panic!("{status:?}")
    };
    assert_eq!((first.key, first.target_port), (OWN, 1));
    assert!(first.holder && !first.all_target_ports);
    assert_eq!(first.kind, Some(ReservationType::ExclusiveAccess));
    assert_eq!(first.transport_id.len(), 24);
    assert_eq!(second.transport_id[8..16], hex("21000024ff4e5d6d"));
    assert!(!second.holder && second.all_target_ports);
    assert_eq!((second.key, second.kind), (OTHER, None));
    let cut = FullStatus::parse(&raw[..raw.len() - 1]).unwrap();
    assert_eq!(cut.registrations.len(), 1);
}

/// CDB: as sg_persist of sg3_utils sends it (registering, reserving, preempting and aborting:
/// captured from `sg_persist -vvv`, Debian 1.46-3). Parameter list: StorageTek SL500 table 6-65 page 177: key 0-7,
/// service action key 8-15, SPEC_I_PT ALL_TG_PT APTPL in byte 20.
#[test]
fn every_service_action() {
    let list = |own: &str, other: &str, flags: &str| {
        hex(&format!("{own} {other} 00000000 {flags} 00 0000"))
    };
    let (own, other, none) = ("0102030405060708", "1112131415161718", "0000000000000000");
    let exclusive = ReservationType::ExclusiveAccess;
    for (what, cdb, sent) in [
        (
            ReserveOut::Register {
                existing: ReservationKey::NONE,
                new: OWN,
                through_power_loss: true,
            },
            "5f 00 00 00 00 00 00 00 18 00",
            list(none, own, "01"),
        ),
        (
            ReserveOut::RegisterAndIgnore {
                new: OWN,
                through_power_loss: false,
            },
            "5f 06 00 00 00 00 00 00 18 00",
            list(none, own, "00"),
        ),
        (
            ReserveOut::Reserve(OWN, exclusive),
            "5f 01 03 00 00 00 00 00 18 00",
            list(own, none, "00"),
        ),
        (
            ReserveOut::Release(OWN, ReservationType::WriteExclusive),
            "5f 02 01 00 00 00 00 00 18 00",
            list(own, none, "00"),
        ),
        (
            ReserveOut::Clear(OWN),
            "5f 03 00 00 00 00 00 00 18 00",
            list(own, none, "00"),
        ),
        (
            ReserveOut::Preempt {
                own: OWN,
                other: OTHER,
                kind: exclusive,
                abort: Abort::No,
            },
            "5f 04 03 00 00 00 00 00 18 00",
            list(own, other, "00"),
        ),
        (
            ReserveOut::Preempt {
                own: OWN,
                other: OTHER,
                kind: ReservationType::ExclusiveAccessAllRegistrants,
                abort: Abort::Commands,
            },
            "5f 05 08 00 00 00 00 00 18 00",
            list(own, other, "00"),
        ),
    ] {
        let (mut device, rest) = script(vec![on(cdb).sent(&sent)]);
        persistent_reserve_out(&mut *device, what).unwrap();
        rest.is_empty();
    }
}

#[test]
fn what_is_asked_and_refused() {
    let (mut device, rest) = script(vec![
        on("5e 00 00 00 00 00 00 20 00 00").data(&hex("00000000 00000000")),
        on("5e 01 00 00 00 00 00 20 00 00").data(&hex("00000000 00000000")),
        on("5e 02 00 00 00 00 00 20 00 00").data(&hex("0008 01 80 ea01 0000")),
        on("5e 03 00 00 00 00 00 20 00 00").data(&[0; 7]),
        on("16 00 00 00 00 00").status(Status::ReservationConflict),
        on("17 00 00 00 00 00"),
        on("5f 03 00 00 00 00 00 00 18 00").check(invalid_opcode()),
    ]);
    let device = &mut *device;
    assert_eq!(read_keys(device).unwrap().keys, []);
    assert_eq!(read_reservation(device).unwrap().reservation, None);
    assert!(report_capabilities(device).unwrap().through_power_loss);
    let short = read_full_status(device).unwrap_err().to_string();
    assert!(short.contains("7 bytes, 8 are needed"), "{short}");
    let conflict = reserve_unit(device).unwrap_err();
    assert!(conflict.is_reservation_conflict());
    release_unit(device).unwrap();
    let refused = persistent_reserve_out(device, ReserveOut::Clear(OWN));
    assert!(refused.unwrap_err().is_unsupported());
    rest.is_empty();
}
