//! Encryption by the drive: the pages of security protocol 20h, and what is sent when.

use proptest::prelude::*;
use tapeward_drivers::spc::security::{SecurityProtocol, parse_protocols};
use tapeward_drivers::ssc::encryption::{
    Algorithm, AlgorithmIndex, Authentication, BlockEncryption, Capability, DecryptionMode,
    EncryptionCapabilities, EncryptionError, EncryptionKey, EncryptionMode, EncryptionScope,
    EncryptionStatus, KeyAssociatedData, KeyClearing, KeyManagementCapabilities, NextBlock,
    RawDecryption, Reservation, SetDataEncryption, parse_key_associated_data,
};
use tapeward_drivers::ssc::{BlockAddress, Drive};
use zeroize::Zeroizing;

use crate::script::{Step, fixed, hex, invalid_opcode, on, script};

/// The key of the test vectors of stenc 2.0 (tests/scsi.cpp).
const KEY: &str = "00112233445566778899aabbccddeeff 00112233445566778899aabbccddeeff";

fn key() -> EncryptionKey {
    EncryptionKey::new(Zeroizing::new(hex(KEY)))
}

/// stenc 2.0, tests/scsi.cpp, "Interpret data encryption capabilties page", seen in the traffic of
/// an LTO drive.
const CAPABILITIES: &str = "0010 003c 09 000000000000000000000000000000
    01 00 0014 8a 8c 0020 003c 0020 ed 00 0000 0000 0000 00010014
    02 00 0014 8a 8f 0020 003c 0020 d9 00 0000 0000 0000 00010014";

/// The same, "Interpret device encryption status page".
const STATUS: &str = "0020 0024 42 02 02 01 00000001 18 00 0000 0000000000000000
    00 01 000c 48656c6c6f20776f726c6421";

/// The same, "Interpret next block encryption status page".
const NEXT_BLOCK: &str = "0021 001c 0000000000000001 05 01 00 00
    00 01 000c 48656c6c6f20776f726c6421";

fn hello() -> Vec<KeyAssociatedData> {
    vec![KeyAssociatedData {
        kind: 0,
        authentication: Authentication::NotTried,
        data: b"Hello world!".to_vec(),
    }]
}

/// stenc 2.0, tests/scsi.cpp: "Disable encryption command", "Enable encryption command", and that
/// "with key name".
#[test]
fn set_data_encryption_is_laid_out_as_stenc_does() {
    let (scope, algorithm) = (EncryptionScope::AllNexuses, AlgorithmIndex(1));
    let off = SetDataEncryption::off(scope, algorithm).encode().unwrap();
    let expected = "0010 0010 40 40 00 00 01 00 00 00000000000000 0000";
    assert_eq!(*off, hex(expected));
    let key = key();
    let on = SetDataEncryption {
        decryption: DecryptionMode::Decrypt,
        ..SetDataEncryption::on(scope, algorithm, &key)
    };
    let expected = format!("0010 0030 40 40 02 02 01 00 00 00000000000000 0020 {KEY}");
    assert_eq!(*on.encode().unwrap(), hex(&expected));
    let named = SetDataEncryption {
        unauthenticated: b"Hello world!",
        ..on
    };
    let expected = format!(
        "0010 0040 40 40 02 02 01 00 00 00000000000000 0020 {KEY}
         00 00 000c 48656c6c6f20776f726c6421"
    );
    assert_eq!(*named.encode().unwrap(), hex(&expected));
}

/// "Enable encryption command with options": RDMC 2h and CKOD, 64h in byte 5. The other bits as in
/// Quantum's LTO-4 manual, page 196: CKORP bit 1, CKORL bit 0. LTFS (sg_tape.c, sg_set_key) puts an
/// A-KAD of 12 bytes behind the key as descriptor type 01h.
#[test]
fn options_of_set_data_encryption() {
    let key = key();
    let wanted = SetDataEncryption {
        raw_decryption: RawDecryption::Allowed,
        clear: KeyClearing {
            on_demount: true,
            ..KeyClearing::default()
        },
        authenticated: b"LTFS00000001",
        ..SetDataEncryption::on(EncryptionScope::Local, AlgorithmIndex(1), &key)
    };
    let list = wanted.encode().unwrap();
    assert_eq!(list[..9], hex("0010 0040 20 64 02 03 01"));
    assert_eq!(list[52..], hex("01 00 000c 4c5446533030303030303031"));
    let all = KeyManagementCapabilities {
        clear_on_demount: true,
        clear_on_preempt: true,
        clear_on_reservation_loss: true,
        ..KeyManagementCapabilities::default()
    };
    for (reservation, bits) in [(Reservation::Held, 0x47), (Reservation::None, 0x44)] {
        let clear = KeyClearing::all(all, reservation);
        let off = SetDataEncryption::off(EncryptionScope::Local, AlgorithmIndex(1));
        let list = SetDataEncryption { clear, ..off }.encode().unwrap();
        assert_eq!(list[5], bits);
    }
}

#[test]
fn capabilities_of_a_real_drive() {
    let page = EncryptionCapabilities::parse(&hex(CAPABILITIES)).unwrap();
    assert!(page.external_control && !page.configuration_prevented);
    assert_eq!(page.algorithms.len(), 2);
    let first = Algorithm {
        index: AlgorithmIndex(1),
        valid_for_volume: true,
        distinguishes_blocks: false,
        decrypts: Capability::Hardware,
        encrypts: Capability::Hardware,
        knows_encrypted_volumes: true,
        maximum_unauthenticated: 32,
        maximum_authenticated: 60,
        key_length: 32,
        fixed_unauthenticated: false,
        fixed_authenticated: false,
        raw_decryption: 6,
        code: Algorithm::AES_256_GCM,
    };
    assert_eq!(page.algorithms[0], first);
    let second = &page.algorithms[1];
    assert!(second.fixed_authenticated && second.fixed_unauthenticated);
    assert_eq!(
        (second.index, second.raw_decryption),
        (AlgorithmIndex(2), 4)
    );
    assert_eq!(page.preferred(), Some(&first));
}

#[test]
fn status_of_a_real_drive() {
    let status = EncryptionStatus::parse(&hex(STATUS)).unwrap();
    let expected = EncryptionStatus {
        own_scope: EncryptionScope::AllNexuses,
        key_scope: EncryptionScope::AllNexuses,
        encryption: EncryptionMode::Encrypt,
        decryption: DecryptionMode::Decrypt,
        algorithm: AlgorithmIndex(1),
        key_instance: 1,
        parameters_control: 1,
        volume_has_encrypted_blocks: true,
        raw_decryption_disabled: false,
        key_associated: hello(),
    };
    assert_eq!(status, expected);
    assert!(!status.is_off() && !status.is_managed_elsewhere());
    let next = NextBlock::parse(&hex(NEXT_BLOCK)).unwrap();
    let expected = NextBlock {
        address: BlockAddress(1),
        encryption: BlockEncryption::Readable,
        algorithm: AlgorithmIndex(1),
        raw_decryption_disabled: false,
        key_associated: hello(),
    };
    assert_eq!(next, expected);
    assert_eq!(NextBlock::parse(&hex(STATUS)), None);
}

/// Oracle StorageTek T10000 Interface Reference Manual (August 2016), table 3-153. The management
/// capabilities are those mhvtl's LTO drives report (vtltape.c, page 0012h): LOCK_C bit 0 of byte
/// 4, CKOD_C, CKORP_C and CKORL_C bits 2 to 0 of byte 5, AITN_C, LOCAL_C and PUBLIC_C of byte 7.
#[test]
fn protocols_and_management() {
    let protocols = parse_protocols(&hex("000000000000 0002 00 20")).unwrap();
    let both = [
        SecurityProtocol::INFORMATION,
        SecurityProtocol::TAPE_DATA_ENCRYPTION,
    ];
    assert_eq!(protocols, both);
    assert_eq!(
        parse_protocols(&hex("000000000000 0005 00")).unwrap().len(),
        1
    );
    let raw = hex("0012 000c 01 07 00 07 0000000000000000");
    let expected = KeyManagementCapabilities {
        lock: true,
        clear_on_demount: true,
        clear_on_preempt: true,
        clear_on_reservation_loss: true,
        all_nexuses: true,
        local: true,
        public: true,
    };
    assert_eq!(KeyManagementCapabilities::parse(&raw), Some(expected));
}

fn page(code: &str, data: &str) -> Step {
    on(&format!("a2 20 {code} 00 00 00 00 20 00 00 00")).data(&hex(data))
}

const MANAGEMENT: &str = "0012 000c 01 07 00 07 0000000000000000";
const LOCAL_STATUS: &str = "0020 0014 21 02 03 01 00000001 18 00 0000 0000000000000000";
const OFF_STATUS: &str = "0020 0014 00 00 00 00 00000001 18 00 0000 0000000000000000";

fn set_local() -> Step {
    let list = format!("0010 0036 20 44 02 03 01 00 00 00000000000000 0020 {KEY} 00 00 0002 7477");
    on("b5 20 0010 00 00 0000003a 00 00").sent(&hex(&list))
}

#[test]
fn a_key_is_set_seen_in_force_and_taken_back_at_unload() {
    let public = "0010 0010 00 40 00 00 01 00 00 00000000000000 0000";
    let (device, rest) = script(vec![
        page("0010", CAPABILITIES),
        page("0020", OFF_STATUS),
        page("0012", MANAGEMENT),
        set_local(),
        page("0020", LOCAL_STATUS),
        page("0020", LOCAL_STATUS),
        on("b5 20 0010 00 00 00000014 00 00").sent(&hex(public)),
        page("0020", OFF_STATUS),
        on("1b 00 00 00 00 00"),
        on("1b 00 00 00 00 00"),
    ]);
    let mut drive = Drive::new(device);
    let status = drive
        .encrypt_with(&key(), b"tw", Reservation::None)
        .unwrap();
    assert_eq!(status.own_scope, EncryptionScope::Local);
    drive.unload().unwrap();
    drive.unload().unwrap();
    rest.is_empty();
}

/// A drive that keeps the key in spite of everything is told of, after the cartridge is out.
#[test]
fn a_key_that_stays_is_an_error() {
    let (device, rest) = script(vec![
        page("0010", CAPABILITIES),
        page("0020", OFF_STATUS),
        page("0012", MANAGEMENT),
        set_local(),
        page("0020", LOCAL_STATUS),
        page("0020", LOCAL_STATUS),
        on("b5 20 0010 00 00 00000014 00 00"),
        page("0020", LOCAL_STATUS),
        on("1b 00 00 00 00 00"),
        page("0020", LOCAL_STATUS),
        on("b5 20 0010 00 00 00000014 00 00"),
        page("0020", LOCAL_STATUS),
    ]);
    let mut drive = Drive::new(device);
    drive
        .encrypt_with(&key(), b"tw", Reservation::None)
        .unwrap();
    let error = drive.unload().unwrap_err().to_string();
    assert!(error.contains("told to stop encrypting"), "{error}");
    assert_eq!(error.matches("script").count(), 1, "{error}");
    rest.is_empty();
}

/// For reading alone nothing that is written is encrypted: ENCRYPTION MODE 0h, DECRYPTION MODE 3h.
#[test]
fn a_key_for_reading_does_not_encrypt() {
    let list = format!("0010 0030 20 44 00 03 01 00 00 00000000000000 0020 {KEY}");
    let (device, rest) = script(vec![
        page("0010", CAPABILITIES),
        page("0020", OFF_STATUS),
        page("0012", MANAGEMENT),
        on("b5 20 0010 00 00 00000034 00 00").sent(&hex(&list)),
        page(
            "0020",
            "0020 0014 21 00 03 01 00000001 18 00 0000 0000000000000000",
        ),
    ]);
    Drive::new(device)
        .decrypt_with(&key(), Reservation::None)
        .unwrap();
    rest.is_empty();
}

/// Between two looks nobody else set other parameters: KEY INSTANCE COUNTER.
#[test]
fn another_key_in_between_is_noticed() {
    let changed = LOCAL_STATUS.replace("00000001", "00000003");
    let (device, rest) = script(vec![
        page("0010", CAPABILITIES),
        page("0020", OFF_STATUS),
        page("0012", MANAGEMENT),
        set_local(),
        page("0020", LOCAL_STATUS),
        page("0020", LOCAL_STATUS),
        page("0020", &changed),
    ]);
    let mut drive = Drive::new(device);
    let status = drive
        .encrypt_with(&key(), b"tw", Reservation::None)
        .unwrap();
    drive.check_still_encrypting(&status).unwrap();
    let error = drive.check_still_encrypting(&status).unwrap_err();
    assert!(matches!(error, EncryptionError::NotInForce { .. }));
    rest.is_empty();
}

/// A process that died left its key: it goes although this one has set none.
#[test]
fn a_key_of_an_earlier_process_is_taken_back() {
    let public = "0010 0010 00 40 00 00 01 00 00 00000000000000 0000";
    let (device, rest) = script(vec![
        page("0020", LOCAL_STATUS),
        page("0020", LOCAL_STATUS),
        on("b5 20 0010 00 00 00000014 00 00").sent(&hex(public)),
        page("0020", OFF_STATUS),
        page("0020", OFF_STATUS),
    ]);
    let mut drive = Drive::new(device);
    assert!(drive.forget_earlier_key().unwrap());
    assert!(!drive.forget_earlier_key().unwrap());
    rest.is_empty();
}

#[test]
fn what_a_drive_cannot_do_is_told_before_a_key_is_sent() {
    let tried = |steps: Vec<Step>, key: EncryptionKey, name: &[u8]| {
        let (device, rest) = script(steps);
        let error = Drive::new(device).encrypt_with(&key, name, Reservation::None);
        rest.is_empty();
        error.unwrap_err()
    };
    let lacks = on("a2 20 0010 00 00 00002000 00 00").check(invalid_opcode());
    let error = tried(vec![lacks], key(), b"");
    assert!(
        matches!(error, EncryptionError::Unsupported { .. }),
        "{error}"
    );
    // CFG_P 2h.
    let managed = page("0010", "0010 0010 0a 000000000000000000000000000000");
    let error = tried(vec![managed], key(), b"");
    assert!(
        matches!(error, EncryptionError::ManagedElsewhere { .. }),
        "{error}"
    );
    let nothing = page("0010", "0010 0010 09 000000000000000000000000000000");
    let error = tried(vec![nothing], key(), b"");
    assert!(
        matches!(error, EncryptionError::Unsupported { .. }),
        "{error}"
    );
    // PARAMETERS CONTROL 3h: the automation device.
    let by_library = OFF_STATUS.replace(" 18 00 ", " 38 00 ");
    let steps = vec![page("0010", CAPABILITIES), page("0020", &by_library)];
    let error = tried(steps, key(), b"");
    assert!(
        matches!(error, EncryptionError::ManagedElsewhere { .. }),
        "{error}"
    );
    let short = EncryptionKey::new(Zeroizing::new(vec![1; 16]));
    let error = tried(
        vec![page("0010", CAPABILITIES), page("0020", OFF_STATUS)],
        short,
        b"",
    );
    assert!(matches!(
        error,
        EncryptionError::KeyLength {
            needed: 32,
            given: 16,
            ..
        }
    ));
    let error = tried(
        vec![page("0010", CAPABILITIES), page("0020", OFF_STATUS)],
        key(),
        &[b'x'; 33],
    );
    assert!(matches!(
        error,
        EncryptionError::AssociatedLength {
            most: 32,
            given: 33,
            ..
        }
    ));
}

#[test]
fn a_key_that_is_not_in_force_is_an_error_and_shows_in_no_text() {
    let (device, _) = script(vec![
        page("0010", CAPABILITIES),
        page("0020", OFF_STATUS),
        page("0012", MANAGEMENT),
        set_local(),
        page("0020", OFF_STATUS),
    ]);
    let mut drive = Drive::new(device);
    let error = drive
        .encrypt_with(&key(), b"tw", Reservation::None)
        .unwrap_err();
    assert!(matches!(error, EncryptionError::NotInForce { .. }));
    let (device, _) = script(vec![
        page("0010", CAPABILITIES),
        page("0020", OFF_STATUS),
        page("0012", MANAGEMENT),
        set_local().check(fixed(0x05, 0x26, 0x00)),
    ]);
    let mut refusing = Drive::new(device);
    let refused = refusing
        .encrypt_with(&key(), b"tw", Reservation::None)
        .unwrap_err();
    let key = key();
    let set = SetDataEncryption::on(EncryptionScope::Local, AlgorithmIndex(1), &key);
    let texts = [
        format!("{error} {error:?} {refused} {refused:?}"),
        format!("{key:?} {set:?} {drive:?} {refusing:?}"),
    ];
    for text in texts {
        assert!(
            !text.contains("112233") && !text.contains("17, 34, 51"),
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn parsers_take_any_bytes(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_protocols(&raw);
        let _ = parse_key_associated_data(&raw);
        for page in [0x0010_u16, 0x0012, 0x0020, 0x0021] {
            let mut raw = raw.clone();
            if let Some(code) = raw.get_mut(..2) {
                code.copy_from_slice(&page.to_be_bytes());
            }
            let _ = EncryptionCapabilities::parse(&raw);
            let _ = KeyManagementCapabilities::parse(&raw);
            let _ = EncryptionStatus::parse(&raw);
            let _ = NextBlock::parse(&raw);
        }
    }

    /// Descriptors come back from the list that carries them.
    #[test]
    fn associated_data_round_trips(
        name in proptest::collection::vec(any::<u8>(), 1..40),
        authenticated in proptest::collection::vec(any::<u8>(), 1..40),
    ) {
        let off = SetDataEncryption::off(EncryptionScope::Local, AlgorithmIndex(1));
        let list = SetDataEncryption {
            unauthenticated: &name,
            authenticated: &authenticated,
            ..off
        };
        let found = parse_key_associated_data(&list.encode().unwrap()[20..]);
        let found: Vec<(u8, Vec<u8>)> =
            found.into_iter().map(|one| (one.kind, one.data)).collect();
        prop_assert_eq!(found, [(0, name), (1, authenticated)]);
    }
}
