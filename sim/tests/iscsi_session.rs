//! Commands over iSCSI: data both ways, digests, residuals, several initiators, resets, the end.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod initiator;
mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use initiator::{Initiator, NO_TAG, REWIND, read6, write6};
use support::{World, pattern};
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::{CartridgeSpec, IscsiOptions, IscsiServer, LibrarySpec};

const TARGET: &str = "iqn.2026-11.local.tapeward:twiscsi";
const INQUIRY: [u8; 6] = [0x12, 0, 0, 0, 96, 0];

fn serve() -> (World, IscsiServer) {
    let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20);
    let world = World::new(&LibrarySpec::new("generic", "TWISCSI").with_cartridge(cartridge));
    let options = IscsiOptions {
        address: "127.0.0.1:0".parse().unwrap(),
        secrets: None,
    };
    let server = IscsiServer::start(&world.library, &options).unwrap();
    (world, server)
}

fn host(address: SocketAddr, name: &str, pairs: &[(&str, &str)]) -> Initiator {
    let mut host = Initiator::connect(address, &format!("iqn.2026-11.test:{name}"));
    host.login(TARGET, pairs);
    host
}

/// Waits until the target has seen that a connection is gone.
fn wait_until(mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(20));
        std::thread::yield_now();
    }
}

/// Every way for data to go, with and without digests, comes to the same tape.
#[test]
fn data_goes_both_ways_however_it_was_agreed() {
    let (_world, server) = serve();
    let block = pattern(7, 300_001);
    for (number, (pairs, solicitations)) in [
        (vec![], 1),
        (
            vec![("InitialR2T", "No"), ("FirstBurstLength", "262144")],
            1,
        ),
        (
            vec![
                ("InitialR2T", "No"),
                ("ImmediateData", "No"),
                ("MaxBurstLength", "65536"),
            ],
            4,
        ),
        (
            vec![
                ("ImmediateData", "No"),
                ("MaxBurstLength", "512"),
                ("DataDigest", "CRC32C"),
            ],
            586,
        ),
        (
            vec![
                ("HeaderDigest", "CRC32C"),
                ("DataDigest", "CRC32C"),
                ("InitialR2T", "No"),
                ("MaxRecvDataSegmentLength", "1000"),
                ("MaxBurstLength", "3000"),
                ("FirstBurstLength", "3000"),
            ],
            100,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let mut host = host(server.address(), &format!("host{number}"), &pairs);
        if number == 0 {
            host.load();
        }
        host.drain(1);
        let written = host.write(1, &write6(block.len()), &block);
        assert_eq!((written.status, written.residual), (0, 0), "{pairs:?}");
        assert_eq!(written.solicitations, solicitations, "{pairs:?}");
        host.run(1, &REWIND).good();
        let read = host.read(1, &read6(block.len()), block.len());
        assert_eq!(read.residual, 0);
        assert!(read.good() == block, "{pairs:?}");
        host.run(1, &REWIND).good();
        host.logout();
    }
}

/// Residual counts: RFC 7143 clause 11.4.5.
#[test]
fn more_and_less_data_than_expected_is_told() {
    let (_world, server) = serve();
    let mut host = host(server.address(), "host", &[]);
    host.load();
    let inquiry = host.read(0, &INQUIRY, 96);
    assert_eq!((inquiry.data.len(), inquiry.residual), (74, -22));
    let inquiry = host.read(0, &INQUIRY, 36);
    assert_eq!((inquiry.data.len(), inquiry.residual), (36, 38));
    let inquiry = host.run(0, &INQUIRY);
    assert_eq!(
        (inquiry.status, inquiry.data.len(), inquiry.residual),
        (0, 0, 74)
    );
    // A block of 100: 50 of 60 expected bytes are written, and 40 of it are read.
    let short = host.write(1, &write6(50), &[9; 60]);
    assert_eq!((short.status, short.residual), (0, -10));
    host.run(1, &REWIND).good();
    let part = host.read(1, &read6(50), 40);
    assert_eq!((part.data, part.residual), (vec![9; 40], 10));
    // A longer block was asked for: the data and CHECK CONDITION with ILI.
    host.run(1, &REWIND).good();
    let long = host.read(1, &read6(80), 80);
    assert_eq!((long.data.clone(), long.residual), (vec![9; 50], -30));
    assert_eq!((long.status, long.sense[2], long.sense[6]), (2, 0x20, 30));
    // Less than the CDB asks for is not written.
    let little = host.write(1, &write6(50), &[9; 40]);
    assert_eq!((little.sense(), little.residual), ((0x0b, 0x4b, 0), -40));
}

#[test]
fn what_is_no_logical_unit_answers_as_such() {
    let (_world, server) = serve();
    let mut host = host(server.address(), "host", &[]);
    for lun in [3, 0x00ff, 0x0101, 0xc101] {
        let inquiry = host.read(lun, &INQUIRY, 96).good();
        assert_eq!((inquiry.len(), inquiry[0]), (36, 0x7f), "{lun:04x}");
        assert_eq!(host.run(lun, &[0; 6]).sense(), (5, 0x25, 0));
        let sense = host.read(lun, &[3, 0, 0, 0, 18, 0], 18).good();
        assert_eq!((sense[2], sense[12]), (5, 0x25));
        let luns = host
            .read(lun, &[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0], 64)
            .good();
        let expected = [
            0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0,
            0, 0, 0,
        ];
        assert_eq!(luns, expected);
    }
    // Flat space addressing (SAM-5) reaches the same drive.
    let inquiry = host.read(0x4001, &INQUIRY, 96).good();
    assert_eq!(inquiry[0], 1);
    assert_eq!(host.drain(0x4001), [(0x29, 0)]);
    assert_eq!(host.drain(1), []);
}

#[test]
fn commands_that_cannot_be_are_refused() {
    let (_world, server) = serve();
    let mut host = host(server.address(), "host", &[]);
    host.drain(0);
    let both = host.command_header(0, &INQUIRY, 0xe0, 96);
    host.send(both, &[], &[]);
    assert_eq!(host.collect(&[]).sense(), (5, 0x24, 0), "bidirectional");
    let long = host.command_header(0, &[0x7f, 0, 0, 0, 0, 0, 0, 24], 0x80, 0);
    host.send(
        long,
        &[0, 17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[],
    );
    assert_eq!(host.collect(&[]).sense(), (5, 0x20, 0), "a CDB of 32 bytes");
    let mut huge = host.command_header(1, &write6(4), 0xa0, 4);
    huge[20..24].copy_from_slice(&[0xff; 4]);
    host.send(huge, &[], &[]);
    let refused = host.collect(&[]);
    assert_eq!(
        (refused.sense(), refused.residual),
        ((5, 0x24, 0), -0xffff_ffff),
        "4 GiB"
    );
}

#[test]
fn requests_that_are_not_known_are_rejected() {
    let (_world, server) = serve();
    let mut host = host(server.address(), "host", &[]);
    for (opcode, reason) in [(0x10, 3), (0x1c, 5), (0x3e, 5)] {
        let header = host.header(opcode, 0x80);
        let reject = host.ask(header, &[]);
        assert_eq!((reject.opcode(), reject.header[2]), (0x3f, reason));
        assert_eq!(reject.data[..], header);
    }
    assert_eq!(host.drain(0).len(), 1);
    let header = host.header(0x43, 0x87);
    let reject = host.ask(header, &[]);
    assert_eq!((reject.opcode(), reject.header[2]), (0x3f, 4), "a login");
    assert!(host.is_closed());
}

#[test]
fn pings_come_back() {
    let (_world, server) = serve();
    let mut host = host(server.address(), "host", &[("DataDigest", "CRC32C")]);
    for (opcode, data) in [(0x40, &b"ping of odd length"[..]), (0x00, &[][..])] {
        let mut header = host.header(opcode, 0x80);
        header[20..24].copy_from_slice(&NO_TAG.to_be_bytes());
        if opcode == 0 {
            host.command_number += 1;
        }
        let pong = host.ask(header, data);
        assert_eq!((pong.opcode(), &pong.data[..]), (0x20, data));
        assert_eq!((pong.word(16), pong.word(20)), (host.tag, NO_TAG));
        assert_eq!(pong.word(28), host.command_number, "ExpCmdSN");
    }
}

#[test]
fn a_header_that_does_not_match_its_digest_ends_the_connection() {
    let (_world, server) = serve();
    let mut host = host(server.address(), "host", &[("HeaderDigest", "CRC32C")]);
    assert_eq!(host.drain(0).len(), 1);
    host.header_digest = false;
    let header = host.command_header(0, &[0; 6], 0x80, 0);
    host.send(header, &[], &[]);
    std::io::Write::write_all(&mut host.stream, &[0; 4]).unwrap();
    host.header_digest = true;
    assert!(host.is_closed());
}

#[test]
fn a_unit_longer_than_agreed_ends_the_connection() {
    let (_world, server) = serve();
    let mut host = host(server.address(), "host", &[("InitialR2T", "No")]);
    let header = host.command_header(1, &write6(300_000), 0xa0, 300_000);
    let mut long = header;
    long[5..8].copy_from_slice(&[0x04, 0x00, 0x01]); // one more than 256 KiB
    std::io::Write::write_all(&mut host.stream, &long).unwrap();
    assert!(host.is_closed());
}

#[test]
fn each_initiator_is_told_for_itself() {
    let (_world, server) = serve();
    let mut one = host(server.address(), "one", &[]);
    let mut two = host(server.address(), "two", &[]);
    assert_eq!(
        (one.drain(1), two.drain(1)),
        (vec![(0x29, 0)], vec![(0x29, 0)])
    );
    one.load();
    assert_eq!(two.drain(1), [(0x28, 0)]);
    // The same name with another ISID is another initiator port (RFC 7143 clause 4.4.1).
    let mut third = Initiator::connect(server.address(), "iqn.2026-11.test:one");
    third.isid[5] = 9;
    third.login(TARGET, &[]);
    assert_eq!(third.drain(1), [(0x29, 0)]);
    // Who prevents removal keeps it for all, until its session ends.
    one.run(1, &[0x1e, 0, 0, 0, 1, 0]).good();
    assert_eq!(two.run(1, &[0x1b, 0, 0, 0, 0, 0]).sense(), (5, 0x53, 2));
    drop(one);
    wait_until(|| two.run(1, &[0x1b, 0, 0, 0, 0, 0]).status == 0);
    let mut back = host(server.address(), "one", &[]);
    assert_eq!(back.drain(1), [(0x29, 7)], "I_T nexus loss");
}

/// RESERVE ends with a reset and with the session of its holder, a persistent reservation with
/// neither (SPC-2, SPC-4).
#[test]
fn reservations_are_of_a_nexus() {
    let (_world, server) = serve();
    let mut one = host(server.address(), "one", &[]);
    let mut two = host(server.address(), "two", &[]);
    assert_eq!((one.drain(1).len(), two.drain(1).len()), (1, 1));
    let (reserve, ready) = ([0x16, 0, 0, 0, 0, 0], [0; 6]);
    one.run(1, &reserve).good();
    assert_eq!(two.run(1, &ready).status, 0x18);
    let mut reset = two.header(0x42, 0x85);
    reset[9] = 1;
    assert_eq!(two.ask(reset, &[]).header[2], 0);
    assert_eq!(two.drain(1), [(0x29, 3)]);
    assert_eq!(one.drain(1), [(0x29, 3)]);
    one.run(1, &reserve).good();
    one.logout();
    wait_until(|| two.run(1, &ready).status == 2);
    let mut one = host(server.address(), "one", &[]);
    assert_eq!(one.drain(1), [(0x29, 7)]);
    let list = |key: u8, action: u8| {
        let mut bytes = [0; 24];
        (bytes[7], bytes[15]) = (key, action);
        bytes
    };
    let register = [0x5f, 0x00, 0, 0, 0, 0, 0, 0, 24, 0];
    let hold = [0x5f, 0x01, 3, 0, 0, 0, 0, 0, 24, 0]; // exclusive access
    assert_eq!(one.write(1, &register, &list(0, 5)).status, 0);
    assert_eq!(one.write(1, &hold, &list(5, 0)).status, 0);
    drop(one);
    assert_eq!(two.run(1, &REWIND).status, 0x18);
    let mut back = host(server.address(), "one", &[]);
    assert_eq!(back.drain(1), [(0x29, 7)]);
    assert_eq!(two.run(1, &REWIND).status, 0x18);
    assert_eq!(
        back.run(1, &REWIND).sense(),
        (2, 0x3a, 0),
        "it holds the reservation still"
    );
}

/// Clear Key On Reservation Loss (SSC-4, Set Data Encryption page): a reset and the end of the
/// session lose a RESERVE.
#[test]
fn a_key_goes_with_the_reservation_of_its_nexus() {
    let (_world, server) = serve();
    let mut host = host(server.address(), "host", &[]);
    host.load();
    let mut page = [0; 52];
    page[..10].copy_from_slice(&[0, 0x10, 0, 48, 0x40, 0x01, 2, 2, 1, 0]);
    page[19] = 32;
    let set = [0xb5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, 52, 0, 0];
    let modes = |host: &mut Initiator| {
        let status = [0xa2, 0x20, 0, 0x20, 0, 0, 0, 0, 0, 24, 0, 0];
        host.read(1, &status, 24).good()[5..7].to_vec()
    };
    for lost_by_reset in [true, false] {
        host.run(1, &[0x16, 0, 0, 0, 0, 0]).good();
        assert_eq!(host.write(1, &set, &page).status, 0);
        assert_eq!(modes(&mut host), [2, 2]);
        if lost_by_reset {
            let mut reset = host.header(0x42, 0x85);
            reset[9] = 1;
            assert_eq!(host.ask(reset, &[]).header[2], 0);
        } else {
            host.logout();
            wait_until(|| server.is_idle());
            host = self::host(server.address(), "host", &[]);
        }
        host.drain(1);
        assert_eq!(modes(&mut host), [0, 0], "{lost_by_reset}");
    }
}

/// RFC 7143 clause 6.3.5.
#[test]
fn a_session_is_reinstated_by_the_same_initiator_port() {
    let (_world, server) = serve();
    let mut old = host(server.address(), "host", &[]);
    old.load();
    old.run(1, &[0x1e, 0, 0, 0, 1, 0]).good();
    // A command that waits for data dies with its session.
    let header = old.command_header(1, &write6(8), 0xa0, 8);
    old.send(header, &[], &[]);
    assert_eq!(old.receive().unwrap().opcode(), 0x31);
    let mut new = host(server.address(), "host", &[]);
    assert!(old.is_closed());
    assert_eq!(new.drain(1), [(0x29, 7)]);
    let position = new.read(1, &[0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0], 32).good();
    assert_eq!(position[8..16], [0; 8], "nothing was written");
    new.run(1, &[0x1b, 0, 0, 0, 0, 0]).good();
    drop(new);
    wait_until(|| server.is_idle());
}

#[test]
fn a_cold_reset_ends_all_sessions() {
    let (_world, server) = serve();
    let mut one = host(server.address(), "one", &[]);
    let mut two = host(server.address(), "two", &[]);
    assert_eq!((one.drain(0).len(), two.drain(0).len()), (1, 1));
    let reset = one.header(0x42, 0x87);
    let response = one.ask(reset, &[]);
    assert_eq!((response.opcode(), response.header[2]), (0x22, 0));
    assert!(one.is_closed() && two.is_closed());
    wait_until(|| server.is_idle());
    let mut back = host(server.address(), "two", &[]);
    assert_eq!(back.drain(0), [(0x29, 7), (0x29, 3)]);
}

#[test]
fn a_power_cut_is_announced_and_ends_the_session() {
    let (world, server) = serve();
    let mut one = host(server.address(), "one", &[]);
    let mut two = host(server.address(), "two", &[]);
    one.load();
    two.drain(1);
    one.write(1, &write6(4), b"lost").good();
    world.library.power_cut();
    for gone in [&mut one, &mut two] {
        let message = gone.receive().unwrap();
        assert_eq!((message.opcode(), message.header[36]), (0x32, 3));
        assert!(gone.is_closed());
    }
    let mut back = host(server.address(), "one", &[]);
    assert_eq!(back.drain(1).first(), Some(&(0x29, 7)));
    assert_eq!(back.read(1, &read6(4), 4).sense(), (8, 0, 5), "blank");
    // The same at a command.
    let faults = vec![PlannedFault {
        at: Place::Write(1),
        fault: Fault::PowerCut,
    }];
    world.library.set_faults(faults).unwrap();
    let header = back.command_header(1, &write6(4), 0xa0, 4);
    back.send(header, &[], b"gone");
    assert_eq!(back.receive().unwrap().opcode(), 0x32);
    assert!(back.is_closed());
}

#[test]
fn a_host_that_is_killed_at_a_command_loses_its_session() {
    let (world, server) = serve();
    let mut host = host(server.address(), "host", &[]);
    host.load();
    let faults = vec![PlannedFault {
        at: Place::Command(2),
        fault: Fault::KillHost,
    }];
    world.library.set_faults(faults).unwrap();
    host.write(1, &write6(4), b"here").good();
    let header = host.command_header(1, &write6(4), 0xa0, 4);
    host.send(header, &[], b"gone");
    assert!(host.is_closed());
    let mut back = self::host(server.address(), "host", &[]);
    back.drain(1);
    assert_eq!(
        back.run(1, &[0x11, 3, 0, 0, 0, 0]).status,
        0,
        "to the end of data"
    );
    let position = back.read(1, &[0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0], 32).good();
    assert_eq!(
        position[8..16],
        [0, 0, 0, 0, 0, 0, 0, 1],
        "one block is there"
    );
}

#[test]
fn logging_out_of_another_connection_changes_nothing() {
    let (_world, server) = serve();
    let mut host = host(server.address(), "host", &[]);
    for (flags, cid, response) in [(0x81, 7, 1), (0x82, 0, 2)] {
        let mut header = host.header(0x46, flags);
        header[20..22].copy_from_slice(&[0, cid]);
        let answer = host.ask(header, &[]);
        assert_eq!((answer.opcode(), answer.header[2]), (0x26, response));
    }
    assert_eq!(host.drain(0).len(), 1);
    let mut header = host.header(0x46, 0x81);
    header[20..22].copy_from_slice(&[0, 0]);
    assert_eq!(host.ask(header, &[]).header[2], 0);
    assert!(host.is_closed());
}

#[test]
fn the_target_stops_with_sessions_open() {
    let (_world, server) = serve();
    let mut host = host(server.address(), "host", &[]);
    assert_eq!(host.drain(0).len(), 1);
    drop(server);
    assert!(host.is_closed());
}
