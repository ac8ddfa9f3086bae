//! Logging in to the iSCSI target: who is let in, what is agreed, discovery.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod initiator;
mod support;

use std::fs::{self, Permissions};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use initiator::{Initiator, Unit};
use md5::{Digest, Md5};
use support::World;
use tapeward_sim::{IscsiOptions, IscsiServer, LibrarySpec, Secrets, SecretsError};

const TARGET: &str = "iqn.2026-11.local.tapeward:twlogin";
const HOST: &str = "iqn.2026-11.test:host";

fn serve(secrets: Option<Secrets>) -> (World, IscsiServer) {
    let world = World::new(&LibrarySpec::new("generic", "TWLOGIN"));
    let options = IscsiOptions {
        address: "127.0.0.1:0".parse().unwrap(),
        secrets,
    };
    let server = IscsiServer::start(&world.library, &options).unwrap();
    (world, server)
}

fn secrets(dir: &Path, mode: u32) -> Result<Secrets, SecretsError> {
    let path = dir.join("chap");
    let text = "initiator host initiatorword\ntarget library targetswordx\n";
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    Secrets::read(&path)
}

#[test]
fn a_login_agrees_on_what_both_sides_can() {
    let (_world, server) = serve(None);
    assert_eq!(server.target(), TARGET);
    let mut host = Initiator::connect(server.address(), HOST);
    let response = host.login(
        TARGET,
        &[
            ("SessionType", "Normal"),
            ("HeaderDigest", "CRC32C,None"),
            ("DataDigest", "CRC32C"),
            ("InitialR2T", "No"),
            ("ImmediateData", "Yes"),
            ("MaxBurstLength", "1048576"),
            ("FirstBurstLength", "131072"),
            ("MaxOutstandingR2T", "4"),
            ("ErrorRecoveryLevel", "2"),
            ("MaxRecvDataSegmentLength", "4096"),
            ("X-org.example.taste", "sweet"),
        ],
    );
    let expected = [
        ("TargetPortalGroupTag", "1"),
        ("HeaderDigest", "CRC32C"),
        ("DataDigest", "CRC32C"),
        ("InitialR2T", "No"),
        ("ImmediateData", "Yes"),
        ("MaxBurstLength", "1048576"),
        ("FirstBurstLength", "131072"),
        ("MaxOutstandingR2T", "1"),
        ("ErrorRecoveryLevel", "0"),
        ("X-org.example.taste", "NotUnderstood"),
        ("MaxRecvDataSegmentLength", "262144"),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(response.pairs(), expected);
    assert_ne!(response.header[14..16], [0, 0], "TSIH");
    assert!(host.header_digest && host.data_digest);
    assert_eq!(host.drain(0), [(0x29, 0)]);
    host.logout();
}

#[test]
fn a_login_may_go_through_all_stages_and_in_parts() {
    let (_world, server) = serve(None);
    let mut host = Initiator::connect(server.address(), HOST);
    let first = host.login_step(0x40, &[("InitiatorName", HOST)]);
    assert_eq!(
        (first.login_status(), first.header[1], first.data.len()),
        (0, 0x00, 0)
    );
    let second = host.login_step(0x81, &[("TargetName", TARGET), ("AuthMethod", "KRB5,None")]);
    assert_eq!((second.login_status(), second.header[1]), (0, 0x81));
    assert_eq!(second.value("AuthMethod").unwrap(), "None");
    let third = host.login_step(0x04, &[("MaxConnections", "4")]);
    assert_eq!((third.login_status(), third.header[1]), (0, 0x04));
    let last = host.login_step(0x87, &[]);
    assert_eq!((last.login_status(), last.header[1]), (0, 0x87));
    assert_eq!(host.drain(0).len(), 1);
}

/// Status-Class and Status-Detail: RFC 7143 clause 11.13.5.
#[test]
fn a_wrong_login_is_told_what_is_wrong() {
    let (_world, server) = serve(None);
    let name = ("InitiatorName", HOST);
    for (flags, pairs, status) in [
        (0x87, vec![("TargetName", TARGET)], 0x0207),
        (0x87, vec![name], 0x0207),
        (
            0x87,
            vec![name, ("TargetName", "iqn.2026-11.test:other")],
            0x0203,
        ),
        (
            0x87,
            vec![name, ("TargetName", TARGET), ("SessionType", "Strange")],
            0x0209,
        ),
        (
            0x87,
            vec![
                name,
                ("TargetName", TARGET),
                ("MaxBurstLength", "1"),
                ("MaxBurstLength", "2"),
            ],
            0x0200,
        ),
        (
            0x81,
            vec![name, ("TargetName", TARGET), ("AuthMethod", "CHAP")],
            0x0201,
        ),
        (0x84, vec![name, ("TargetName", TARGET)], 0x0200),
        (0x8a, vec![name, ("TargetName", TARGET)], 0x0200),
        (0xc7, vec![name, ("TargetName", TARGET)], 0x0200),
    ] {
        let mut host = Initiator::connect(server.address(), HOST);
        let response = host.login_step(flags, &pairs);
        assert_eq!(response.login_status(), status, "{pairs:?}");
        assert!(host.is_closed());
    }
    let mut host = Initiator::connect(server.address(), HOST);
    let mut later = host.header(0x43, 0x87);
    later[2..4].copy_from_slice(&[1, 1]);
    assert_eq!(
        host.ask(later, b"InitiatorName=a\0").login_status(),
        0x0205,
        "version"
    );
    let mut host = Initiator::connect(server.address(), HOST);
    let mut unknown = host.header(0x43, 0x87);
    unknown[14..16].copy_from_slice(&[0x77, 0x77]);
    assert_eq!(
        host.ask(unknown, b"InitiatorName=a\0").login_status(),
        0x020a,
        "TSIH"
    );
}

#[test]
fn a_second_connection_of_a_session_is_refused() {
    let (_world, server) = serve(None);
    let mut host = Initiator::connect(server.address(), HOST);
    let tsih = host.login(TARGET, &[]).header[14..16].to_vec();
    let mut second = Initiator::connect(server.address(), HOST);
    let mut header = second.header(0x43, 0x87);
    header[14..16].copy_from_slice(&tsih);
    assert_eq!(second.ask(header, b"").login_status(), 0x0206);
    assert_eq!(host.drain(0).len(), 1);
}

#[test]
fn what_does_not_begin_with_a_login_is_closed() {
    let (_world, server) = serve(None);
    let mut host = Initiator::connect(server.address(), HOST);
    let header = host.command_header(0, &[0x12, 0, 0, 0, 36, 0], 0xc0, 36);
    host.send(header, &[], &[]);
    assert!(host.is_closed());
    let mut host = Initiator::connect(server.address(), HOST);
    let mut long = [0; 48];
    long[0] = 0x43;
    long[5..8].copy_from_slice(&[0xff; 3]);
    std::io::Write::write_all(&mut host.stream, &long).unwrap();
    assert!(host.is_closed());
}

#[test]
fn discovery_names_the_target_and_nothing_else() {
    let (_world, server) = serve(None);
    let mut host = Initiator::connect(server.address(), HOST);
    let pairs = [("InitiatorName", HOST), ("SessionType", "Discovery")];
    let response = host.login_step(0x87, &pairs);
    assert_eq!((response.login_status(), response.header[1]), (0, 0x87));
    assert_eq!(response.value("TargetPortalGroupTag"), None);
    let ask = |host: &mut Initiator, text: &str| {
        let mut header = host.header(0x04, 0x80);
        header[20..24].copy_from_slice(&[0xff; 4]);
        host.command_number += 1;
        let answer = host.ask(header, text.as_bytes());
        assert_eq!((answer.opcode(), answer.header[1]), (0x24, 0x80));
        answer.pairs()
    };
    let described = [
        ("TargetName".to_owned(), TARGET.to_owned()),
        (
            "TargetAddress".to_owned(),
            format!("{},1", server.address()),
        ),
    ];
    assert_eq!(ask(&mut host, "SendTargets=All\0"), described);
    assert_eq!(
        ask(&mut host, &format!("SendTargets={TARGET}\0")),
        described
    );
    assert_eq!(ask(&mut host, "SendTargets=iqn.2026-11.test:no\0"), []);
    let header = host.command_header(0, &[0x12, 0, 0, 0, 36, 0], 0xc0, 36);
    let reject = host.ask(header, &[]);
    assert_eq!((reject.opcode(), reject.header[2]), (0x3f, 4));
    assert_eq!(reject.data[..], header, "the header that was rejected");
    host.logout();
}

fn proof(identifier: &str, secret: &str, challenge: &str) -> String {
    let digits: Vec<u8> = (2..challenge.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&challenge[at..at + 2], 16).unwrap())
        .collect();
    let mut hash = Md5::new();
    hash.update([identifier.parse::<u8>().unwrap()]);
    hash.update(secret);
    hash.update(digits);
    let hash: [u8; 16] = hash.finalize().into();
    hash.iter()
        .fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// The CHAP exchange up to the proof (RFC 7143 clause 12.1.3); identifier and challenge.
fn begin_chap(host: &mut Initiator) -> (String, String) {
    let pairs = [
        ("InitiatorName", HOST),
        ("TargetName", TARGET),
        ("AuthMethod", "CHAP,None"),
    ];
    let chosen = host.login_step(0x81, &pairs);
    assert_eq!((chosen.login_status(), chosen.header[1]), (0, 0x00));
    assert_eq!(chosen.value("AuthMethod").unwrap(), "CHAP");
    let asked = host.login_step(0x00, &[("CHAP_A", "5")]);
    assert_eq!(asked.value("CHAP_A").unwrap(), "5");
    (
        asked.value("CHAP_I").unwrap(),
        asked.value("CHAP_C").unwrap(),
    )
}

fn prove(host: &mut Initiator, secret: &str, more: &[(&str, &str)]) -> Unit {
    let (identifier, challenge) = begin_chap(host);
    let proof = proof(&identifier, secret, &challenge);
    let mut pairs = vec![("CHAP_N", "host"), ("CHAP_R", proof.as_str())];
    pairs.extend(more);
    host.login_step(0x81, &pairs)
}

#[test]
fn only_who_knows_the_secret_is_let_in() {
    let dir = tempfile::tempdir().unwrap();
    let (_world, server) = serve(Some(secrets(dir.path(), 0o600).unwrap()));
    let mut host = Initiator::connect(server.address(), HOST);
    let proven = prove(&mut host, "initiatorword", &[]);
    assert_eq!((proven.login_status(), proven.header[1]), (0, 0x81));
    assert_eq!(host.login_step(0x87, &[]).login_status(), 0);
    assert_eq!(host.drain(0).len(), 1);
    let mut other = Initiator::connect(server.address(), HOST);
    assert_eq!(
        prove(&mut other, "another word", &[]).login_status(),
        0x0201
    );
    assert!(other.is_closed());
    // Without AuthMethod, past the stage, and with nothing but None.
    let names = [("InitiatorName", HOST), ("TargetName", TARGET)];
    let none = [names[0], names[1], ("AuthMethod", "None")];
    let discovery = [names[0], ("SessionType", "Discovery")];
    for (flags, pairs) in [
        (0x81, &names[..]),
        (0x87, &names[..]),
        (0x04, &names[..]),
        (0x81, &none[..]),
        (0x87, &discovery[..]),
    ] {
        let mut host = Initiator::connect(server.address(), HOST);
        assert_eq!(
            host.login_step(flags, pairs).login_status(),
            0x0201,
            "{flags:02x} {pairs:?}"
        );
    }
    // Asking for the next stage before the proof.
    let mut hasty = Initiator::connect(server.address(), HOST);
    begin_chap(&mut hasty);
    assert_eq!(
        hasty.login_step(0x81, &[("CHAP_N", "host")]).login_status(),
        0x0201
    );
}

#[test]
fn the_target_proves_itself_where_asked() {
    let dir = tempfile::tempdir().unwrap();
    let (_world, server) = serve(Some(secrets(dir.path(), 0o600).unwrap()));
    let mut host = Initiator::connect(server.address(), HOST);
    let challenge = "0x00112233445566778899aabbccddeeff";
    let more = [("CHAP_I", "9"), ("CHAP_C", challenge)];
    let proven = prove(&mut host, "initiatorword", &more);
    assert_eq!(proven.value("CHAP_N").unwrap(), "library");
    assert_eq!(
        proven.value("CHAP_R").unwrap(),
        proof("9", "targetswordx", challenge)
    );
    assert_eq!(host.login_step(0x87, &[]).login_status(), 0);
    // Its own challenge sent back to it must not be answered.
    let mut thief = Initiator::connect(server.address(), HOST);
    let (identifier, challenge) = begin_chap(&mut thief);
    let right = proof(&identifier, "initiatorword", &challenge);
    let pairs = [
        ("CHAP_N", "host"),
        ("CHAP_R", right.as_str()),
        ("CHAP_I", identifier.as_str()),
        ("CHAP_C", challenge.as_str()),
    ];
    assert_eq!(thief.login_step(0x81, &pairs).login_status(), 0x0201);
}

#[test]
fn a_file_of_secrets_that_others_can_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for mode in [0o640, 0o604] {
        let refused = secrets(dir.path(), mode).unwrap_err();
        assert!(
            matches!(refused, SecretsError::Readable { .. }),
            "{refused}"
        );
    }
    assert!(secrets(dir.path(), 0o400).is_ok());
    assert!(!format!("{:?}", secrets(dir.path(), 0o400)).contains("word"));
}

#[test]
fn connections_are_bounded() {
    let (_world, server) = serve(None);
    let mut host = Initiator::connect(server.address(), HOST);
    host.login(TARGET, &[]);
    let many: Vec<TcpStream> = (1..64)
        .map(|_| TcpStream::connect(server.address()).unwrap())
        .collect();
    let mut one_more = Initiator::connect(server.address(), HOST);
    assert!(one_more.is_closed());
    assert_eq!(host.drain(0).len(), 1, "the first is still served");
    drop(many);
    drop(server);
}
