//! A connection whose every byte comes from the fuzzer, without sockets: login, then session.

use std::io::{self, Read};
use std::sync::Arc;

use tapeward_drivers::socket::InitiatorId;

use super::chap::{Challenge, Secrets};
use super::frame::{Digests, read_pdu};
use super::login::{LoggedIn, Login, Next, Policy, SessionType};
use super::negotiate::{DEFAULT_SEGMENT, MAX_SEGMENT, Parameters};
use super::request::HEADER_LENGTH;
use super::session::{Session, Sink, Target};
use crate::{CartridgeSpec, Durability, Library, LibrarySpec, create};

/// Units of one input.
const MOST: usize = 64;
const NAME: &str = "iqn.2026-11.test:target";

/// Responses of the right shape go nowhere.
struct Checked {
    segment: usize,
}

impl Sink for Checked {
    fn send(&mut self, header: [u8; HEADER_LENGTH], data: &[u8]) -> io::Result<()> {
        assert!(header[0] & 0x3f >= 0x20, "a response with a request's code");
        assert!(
            data.len() <= self.segment,
            "{} bytes, more than the initiator takes",
            data.len()
        );
        Ok(())
    }
}

/// A byte that says how the connection begins, then what the initiator sends: 0 logs in first,
/// 1 does so with CHAP, others are in a session already, from 128 on one with unsolicited data.
pub fn converse(data: &[u8]) {
    let Some((start, mut wire)) = data.split_first() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(8 << 20);
    let spec = LibrarySpec::new("generic", "TWFUZZ").with_cartridge(cartridge);
    create(dir.path(), &spec).unwrap();
    let library = Library::open(dir.path(), Durability::Process).unwrap();
    let login = match start {
        0 => log_in(&mut wire, None),
        1 => log_in(&mut wire, Some(secrets(dir.path()))),
        _ => Some(logged_in(*start >= 128)),
    };
    let Some(login) = login else {
        return;
    };
    let target = Target {
        library: Arc::clone(&library),
        name: NAME.to_owned(),
        address: "127.0.0.1:3260".to_owned(),
    };
    let mut session = Session::new(target, InitiatorId([1; 16]), &login);
    let mut sink = Checked {
        segment: login.parameters.initiator_segment as usize,
    };
    for _ in 0..MOST {
        // Digests would keep every changed byte out.
        let Ok(pdu) = read_pdu(&mut wire, Digests::default(), MAX_SEGMENT) else {
            break;
        };
        if session.receive(pdu, &mut sink).is_err() {
            break;
        }
        // A text request of the session may have changed it.
        sink.segment = session.parameters.initiator_segment as usize;
    }
    drop(session.idle(&mut sink));
}

fn secrets(dir: &std::path::Path) -> Secrets {
    use std::os::unix::fs::OpenOptionsExt as _;
    let path = dir.join("chap");
    let mut file = std::fs::OpenOptions::new();
    let file = file.write(true).create_new(true).mode(0o600).open(&path);
    io::Write::write_all(
        &mut file.unwrap(),
        b"initiator host 0123456789abcdef\ntarget library fedcba9876543210\n",
    )
    .unwrap();
    Secrets::read(&path).unwrap()
}

fn log_in(wire: &mut impl Read, secrets: Option<Secrets>) -> Option<LoggedIn> {
    let policy = Policy {
        target: NAME.to_owned(),
        secrets,
    };
    let challenge = Challenge {
        identifier: 7,
        bytes: [0x55; 16],
    };
    let mut login = Login::new(&policy, 1, challenge);
    loop {
        let pdu = read_pdu(wire, Digests::default(), DEFAULT_SEGMENT).ok()?;
        let step = login.receive(&pdu, |tsih| tsih == 9)?;
        assert_eq!(step.header[0] & 0x3f, 0x23, "not a Login Response");
        assert!(step.text.len() <= DEFAULT_SEGMENT as usize);
        match step.next {
            Next::Continue => {}
            Next::Enter(entered) => return Some(*entered),
            Next::Refuse(_) => return None,
        }
    }
}

fn logged_in(unsolicited: bool) -> LoggedIn {
    LoggedIn {
        initiator: "iqn.2026-11.test:host".to_owned(),
        isid: [0; 6],
        tsih: 1,
        cid: 0,
        kind: SessionType::Normal,
        parameters: Parameters {
            initial_r2t: !unsolicited,
            ..Parameters::default()
        },
        status_number: 100,
        command_number: 0,
    }
}

#[cfg(test)]
#[test]
fn the_corpus_leads_to_nothing_unforeseen() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/iscsi");
    let mut inputs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // Shown if the test fails.
        println!("{}", path.display());
        converse(&std::fs::read(path).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0, "there is no corpus");
}
