//! The library as a process: started on demand, several initiators, power cuts, its end.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tapeward_drivers::socket::wire::{
    CommandFrame, Hello, Purpose, Welcome, read_message, write_message,
};
use tapeward_drivers::socket::{
    ConnectError, InitiatorId, Lun, ServerCommand, SocketTransport, connect_or_start, list_units,
};
use tapeward_drivers::socket::{connect_control, socket_path};
use tapeward_drivers::transport::{Cdb, Data, Reply, Status, Transport, TransportError};
use tapeward_sim::fault::{Fault, Place, PlannedFault};
use tapeward_sim::front::control::{Request, Response};
use tapeward_sim::{
    CartridgeSpec, Destination, Durability, Library, LibrarySpec, Operator, create,
};
use tempfile::TempDir;

const SERVER: &str = env!("CARGO_BIN_EXE_tapeward-sim");
const TIME: Duration = Duration::from_secs(60);
const ONE: InitiatorId = InitiatorId([1; 16]);
const TWO: InitiatorId = InitiatorId([2; 16]);

fn library() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(64 << 20);
    let other = CartridgeSpec::labelled("TW0002L8").with_capacity(64 << 20);
    let spec = LibrarySpec::new("generic", "TWPROC")
        .with_cartridge(cartridge)
        .with_cartridge(other);
    create(dir.path(), &spec).unwrap();
    dir
}

fn server(dir: &Path, idle_seconds: &str) -> ServerCommand {
    ServerCommand {
        program: SERVER.into(),
        arguments: vec![dir.into(), idle_seconds.into()],
    }
}

/// A server that is this process's own child, listening.
fn serve(dir: &Path) -> Child {
    let mut command = Command::new(SERVER);
    let mut child = command.arg(dir).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

fn start(dir: &Path, lun: Lun, initiator: InitiatorId) -> SocketTransport {
    connect_or_start(dir, lun, initiator, &server(dir, "60")).unwrap()
}

fn send(unit: &mut SocketTransport, cdb: &[u8], data: Data<'_>) -> Reply {
    unit.execute(&Cdb::from_slice(cdb).unwrap(), data, TIME)
        .unwrap()
}

fn good(unit: &mut SocketTransport, cdb: &[u8], data: Data<'_>) -> usize {
    let reply = send(unit, cdb, data);
    assert_eq!(reply.status, Status::Good, "{:02x?}", reply.sense);
    reply.transferred
}

fn drain(unit: &mut SocketTransport) -> Vec<(u8, u8)> {
    let mut told = Vec::new();
    loop {
        let reply = send(unit, &[0; 6], Data::None);
        if reply.status == Status::Good || reply.sense[2] & 0x0f != 6 {
            return told;
        }
        told.push((reply.sense[12], reply.sense[13]));
    }
}

fn load(dir: &Path, slot: u8, bay: u8) {
    let mut robot = start(dir, Lun::CHANGER, InitiatorId([9; 16]));
    drain(&mut robot);
    let cdb = [0xa5, 0, 0, 0, 0x04, slot, 0x01, bay, 0, 0, 0, 0];
    good(&mut robot, &cdb, Data::None);
}

fn write(unit: &mut SocketTransport, block: &[u8]) {
    let [_, a, b, c] = u32::try_from(block.len()).unwrap().to_be_bytes();
    let moved = good(unit, &[0x0a, 0, a, b, c, 0], Data::Out(block));
    assert_eq!(moved, block.len());
}

fn stop(dir: &Path) {
    let operator = Operator::connect(dir).unwrap();
    assert_eq!(operator.ask(&Request::ShutDown).unwrap(), Response::Done);
}

#[test]
fn a_library_starts_when_somebody_connects() {
    let dir = library();
    assert!(matches!(
        SocketTransport::connect(dir.path(), Lun::CHANGER, ONE),
        Err(ConnectError::NotRunning { .. })
    ));
    let mut changer = start(dir.path(), Lun::CHANGER, ONE);
    let mut inquiry = [0; 96];
    let moved = good(
        &mut changer,
        &[0x12, 0, 0, 0, 96, 0],
        Data::In(&mut inquiry),
    );
    assert_eq!(
        (moved, inquiry[0], &inquiry[8..16]),
        (74, 8, &b"TAPEWARD"[..])
    );
    assert_eq!(list_units(dir.path()).unwrap(), [Lun(0), Lun(1), Lun(2)]);
    let missing = SocketTransport::connect(dir.path(), Lun(3), ONE);
    assert!(matches!(
        missing,
        Err(ConnectError::NoSuchUnit { units: 3, .. })
    ));
    stop(dir.path());
}

#[test]
fn starters_at_the_same_time_share_one_process() {
    let dir = library();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let dir = dir.path();
            scope.spawn(move || {
                let mut changer = start(dir, Lun::CHANGER, InitiatorId([number; 16]));
                assert_eq!(drain(&mut changer), [(0x29, 0x00)]);
            });
        }
    });
    stop(dir.path());
}

#[test]
fn two_drives_stream_side_by_side() {
    let dir = library();
    load(dir.path(), 1, 1);
    load(dir.path(), 2, 2);
    std::thread::scope(|scope| {
        for lun in [1, 2] {
            let dir = dir.path();
            scope.spawn(move || {
                let mut drive = start(dir, Lun(lun), ONE);
                drain(&mut drive);
                let block = vec![u8::try_from(lun).unwrap(); 256 << 10];
                for _ in 0..40 {
                    write(&mut drive, &block);
                }
                good(&mut drive, &[0x01, 0, 0, 0, 0, 0], Data::None);
                let mut read = vec![0; 256 << 10];
                for _ in 0..40 {
                    let cdb = [0x08, 0, 4, 0, 0, 0];
                    assert_eq!(good(&mut drive, &cdb, Data::In(&mut read)), read.len());
                    assert_eq!(read, block);
                }
            });
        }
    });
    stop(dir.path());
}

#[test]
fn a_power_cut_ends_connections_and_loses_the_buffer() {
    let dir = library();
    load(dir.path(), 1, 1);
    let mut drive = start(dir.path(), Lun(1), ONE);
    drain(&mut drive);
    write(&mut drive, b"kept");
    good(&mut drive, &[0x10, 0, 0, 0, 1, 0], Data::None);
    write(&mut drive, b"lost");
    let operator = Operator::connect(dir.path()).unwrap();
    operator.ask(&Request::PowerCut).unwrap();
    let gone = drive.execute(&Cdb::new([0; 6]), Data::None, TIME);
    assert!(matches!(gone, Err(TransportError::Gone { .. })));
    let mut drive = start(dir.path(), Lun(1), ONE);
    assert_eq!(drain(&mut drive), [(0x29, 0x01)]);
    good(&mut drive, &[0x11, 3, 0, 0, 0, 0], Data::None);
    let mut position = [0; 32];
    let cdb = [0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0];
    good(&mut drive, &cdb, Data::In(&mut position));
    assert_eq!(position[15], 2);
    stop(dir.path());
}

#[test]
fn sigterm_writes_the_buffers_out() {
    let dir = library();
    let mut child = serve(dir.path());
    load(dir.path(), 1, 1);
    let mut drive = start(dir.path(), Lun(1), ONE);
    drain(&mut drive);
    write(&mut drive, b"in the buffer");
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert!(child.wait().unwrap().success());
    let mut drive = start(dir.path(), Lun(1), ONE);
    drain(&mut drive);
    let mut block = [0; 64];
    let reply = send(&mut drive, &[0x08, 2, 0, 0, 64, 0], Data::In(&mut block));
    assert_eq!(&block[..reply.transferred], b"in the buffer");
    stop(dir.path());
}

#[test]
fn sigkill_loses_what_was_in_the_buffers_and_nothing_else() {
    let dir = library();
    let mut child = serve(dir.path());
    load(dir.path(), 1, 1);
    let mut drive = start(dir.path(), Lun(1), ONE);
    drain(&mut drive);
    write(&mut drive, b"kept");
    good(&mut drive, &[0x10, 0, 0, 0, 0, 0], Data::None);
    write(&mut drive, &vec![1; 1 << 20]);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut drive = start(dir.path(), Lun(1), TWO);
    assert_eq!(drain(&mut drive), [(0x29, 0x00)]);
    let mut block = [0; 4];
    good(&mut drive, &[0x08, 0, 0, 0, 4, 0], Data::In(&mut block));
    assert_eq!(&block, b"kept");
    let end = send(&mut drive, &[0x08, 0, 0, 0, 4, 0], Data::In(&mut block));
    assert_eq!((end.sense[2], end.sense[13]), (0x08, 0x05));
    stop(dir.path());
}

#[test]
fn an_operator_puts_in_and_takes_out() {
    let dir = library();
    let operator = Operator::connect_or_start(dir.path(), &server(dir.path(), "60")).unwrap();
    let mut changer = start(dir.path(), Lun::CHANGER, ONE);
    drain(&mut changer);
    let request = Request::InsertNew {
        spec: CartridgeSpec::labelled("TW0003L8"),
        destination: Destination::ImportExport,
    };
    let Response::Placed { cartridge, address } = operator.ask(&request).unwrap() else {
        panic!("not placed");
    };
    assert_eq!((cartridge.as_str(), address), ("TW0003L8", 0x0301));
    assert_eq!(drain(&mut changer), [(0x28, 0x01)]);
    let remove = Request::Remove { cartridge };
    operator.ask(&remove).unwrap();
    let refusal = operator.ask(&remove).unwrap_err().to_string();
    assert_eq!(refusal, "there is no cartridge TW0003L8 here");
    let Response::Listing { elements, outside } = operator.ask(&Request::List).unwrap() else {
        panic!("no listing");
    };
    assert_eq!(elements.len(), 1 + 24 + 4 + 2);
    assert_eq!(outside.len(), 1);
    stop(dir.path());
}

#[test]
fn a_library_leaves_when_nobody_is_there() {
    let dir = library();
    let mut child = Command::new(SERVER)
        .arg(dir.path())
        .arg("0")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert!(!dir.path().join("socket").exists());
}

#[test]
fn a_folder_that_is_no_library_is_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let error = connect_or_start(dir.path(), Lun(0), ONE, &server(dir.path(), "1"));
    let text = error.unwrap_err().to_string();
    assert!(text.contains("library.json"), "{text}");
}

#[test]
fn a_library_that_somebody_has_to_himself_is_not_waited_for() {
    let dir = library();
    let library = Library::open(dir.path(), Durability::Process).unwrap();
    let error = connect_or_start(dir.path(), Lun(0), ONE, &server(dir.path(), "1"));
    let text = error.unwrap_err().to_string();
    let holder = format!("in use by process {}", std::process::id());
    assert!(text.contains(&holder), "{text}");
    drop(library);
    drop(start(dir.path(), Lun::CHANGER, ONE));
    stop(dir.path());
}

#[test]
fn a_deep_folder_has_its_socket_too() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("d".repeat(100)).join("e".repeat(100));
    create(&deep, &LibrarySpec::new("autoloader", "DEEP")).unwrap();
    let mut changer = start(&deep, Lun::CHANGER, ONE);
    assert_eq!(drain(&mut changer), [(0x29, 0x00)]);
    stop(&deep);
}

#[test]
fn an_abort_is_survived_by_what_was_synchronised() {
    let dir = library();
    load(dir.path(), 1, 1);
    let mut drive = start(dir.path(), Lun(1), ONE);
    drain(&mut drive);
    let operator = Operator::connect(dir.path()).unwrap();
    let (at, fault) = (Place::Write(3), Fault::Abort);
    let faults = vec![PlannedFault { at, fault }];
    operator.ask(&Request::SetFaults { faults }).unwrap();
    write(&mut drive, b"kept");
    good(&mut drive, &[0x10, 0, 0, 0, 1, 0], Data::None);
    let dead = drive.execute(&Cdb::new([0x0a, 0, 0, 0, 1, 0]), Data::Out(b"x"), TIME);
    assert!(matches!(dead, Err(TransportError::Gone { .. })));
    let again = drive.execute(&Cdb::new([0; 6]), Data::None, TIME);
    assert!(matches!(again, Err(TransportError::Gone { .. })));
    let mut drive = start(dir.path(), Lun(1), ONE);
    assert_eq!(drain(&mut drive), [(0x29, 0x00)]);
    // The same again: the fault is used up, the process goes on.
    for _ in 0..3 {
        write(&mut drive, b"on");
    }
    let mut position = [0; 32];
    let cdb = [0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0];
    good(&mut drive, &cdb, Data::In(&mut position));
    assert_eq!(position[15], 3);
    stop(dir.path());
}

#[test]
fn strangers_are_shown_out_and_nobody_else_notices() {
    let dir = library();
    let mut changer = start(dir.path(), Lun::CHANGER, ONE);
    for garbage in [
        &[0; 32][..],
        b"GET / HTTP/1.1\r\nHost: elsewhere\r\n\r\n",
        &[0xff; 4096],
    ] {
        let (_folder, path) = socket_path(dir.path()).unwrap();
        let mut stranger = UnixStream::connect(path).unwrap();
        // The library may close before it has read all of it.
        drop(stranger.write_all(garbage));
        assert!(!matches!(stranger.read(&mut [0; 16]), Ok(1..)));
    }
    // A greeting, then a command that is none.
    let (_folder, path) = socket_path(dir.path()).unwrap();
    let mut stranger = UnixStream::connect(path).unwrap();
    let purpose = Purpose::Commands(Lun(1));
    let initiator = TWO;
    Hello { purpose, initiator }.write(&stranger).unwrap();
    Welcome::read(&stranger).unwrap();
    stranger.write_all(&[0xff; CommandFrame::LENGTH]).unwrap();
    assert!(!matches!(stranger.read(&mut [0; 16]), Ok(1..)));
    assert_eq!(drain(&mut changer), [(0x29, 0x00)]);
    stop(dir.path());
}

#[test]
fn an_operators_nonsense_is_answered() {
    let dir = library();
    drop(start(dir.path(), Lun::CHANGER, ONE));
    let stream = connect_control(dir.path()).unwrap();
    write_message(&stream, b"{\"request\":\"fly\"}").unwrap();
    let answer = read_message(&stream).unwrap().unwrap();
    let text = String::from_utf8(answer).unwrap();
    assert!(
        text.contains("not a request: unknown variant `fly`"),
        "{text}"
    );
    stop(dir.path());
}

#[test]
fn the_power_fails_at_any_command() {
    let dir = library();
    let mut changer = start(dir.path(), Lun::CHANGER, ONE);
    let mut drive = start(dir.path(), Lun(1), ONE);
    drain(&mut changer);
    let (at, fault) = (Place::Command(2), Fault::PowerCut);
    let faults = vec![PlannedFault { at, fault }];
    let operator = Operator::connect(dir.path()).unwrap();
    operator.ask(&Request::SetFaults { faults }).unwrap();
    good(&mut changer, &[0; 6], Data::None);
    for unit in [&mut drive, &mut changer] {
        let gone = unit.execute(&Cdb::new([0; 6]), Data::None, TIME);
        assert!(matches!(gone, Err(TransportError::Gone { .. })));
    }
    let mut changer = start(dir.path(), Lun::CHANGER, ONE);
    assert_eq!(drain(&mut changer), [(0x29, 0x01)]);
    stop(dir.path());
}
