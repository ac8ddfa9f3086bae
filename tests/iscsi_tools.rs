//! `sim serve --iscsi` as the program is used, seen by libiscsi's programs, which nobody here wrote.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/world.rs"]
mod world;

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use world::{World, texts};

/// A served library; it ends with this.
struct Served {
    child: Child,
    address: String,
    target: String,
    dir: PathBuf,
}

impl Served {
    fn start(world: &World, more: &[&str]) -> Self {
        let dir = world.path("library");
        let folder = dir.to_str().unwrap();
        world.ok(["sim", "create", folder, "--cartridges", "3"]);
        let serve = ["sim", "serve", folder, "--iscsi", "127.0.0.1:0"];
        let mut command = world.command([&serve[..], more].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["iscsi", address, target] = words[..] else {
            panic!("{line:?}");
        };
        Self {
            child,
            address: address.to_owned(),
            target: target.to_owned(),
            dir,
        }
    }

    fn url(&self, user: &str, lun: &str) -> String {
        format!("iscsi://{user}{}/{}/{lun}", self.address, self.target)
    }

    /// Waits until the program ends by itself.
    fn wait(&mut self) -> i32 {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap();
            }
            assert!(begin.elapsed() < Duration::from_secs(60));
            std::thread::yield_now();
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn has_libiscsi() -> bool {
    let found = Command::new("which").arg("iscsi-ls").output().unwrap();
    if !found.status.success() {
        assert!(std::env::var_os("CI").is_none(), "libiscsi-bin is needed");
        println!("libiscsi-bin is not installed: not tried with it");
    }
    found.status.success()
}

/// Runs one of libiscsi's programs: exit code and all that it says.
fn run(program: &str, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(program)
        .args(arguments)
        .env_remove("LIBISCSI_CHAP_USERNAME")
        .env_remove("LIBISCSI_CHAP_PASSWORD")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) = texts(&output);
    (output.status.code().unwrap(), out + &err)
}

#[test]
fn libiscsi_finds_the_library_and_its_drives() {
    if !has_libiscsi() {
        return;
    }
    let world = World::new();
    let served = Served::start(&world, &[]);
    let portal = format!("iscsi://{}", served.address);
    let (code, found) = run("iscsi-ls", &["-s", &portal]);
    let expected = format!(
        "Target:{} Portal:{},1\nLun:0    Type:MEDIA_CHANGER\n\
         Lun:1    Type:SEQUENTIAL_ACCESS (No media loaded)\n\
         Lun:2    Type:SEQUENTIAL_ACCESS (No media loaded)\n",
        served.target, served.address
    );
    assert_eq!((code, found), (0, expected));
    let (code, said) = run("iscsi-inq", &[&served.url("", "1")]);
    assert!(code == 0 && said.contains("Product:ULTRIUM-TD8"), "{said}");
    let (code, said) = run("iscsi-inq", &["-e", "1", "-c", "128", &served.url("", "2")]);
    let serial = served.target.rsplit_once(':').unwrap().1.to_uppercase();
    assert!(
        code == 0 && said.contains(&format!("[{serial}02]")),
        "{said}"
    );
    let (code, said) = run("iscsi-inq", &["-e", "1", "-c", "131", &served.url("", "0")]);
    assert!(code == 0 && said.contains("LIBRARY-24"), "{said}");
    // What a disk has, a tape library refuses by name.
    let (code, said) = run("iscsi-readcapacity16", &[&served.url("", "1")]);
    assert!(
        code != 0 && said.contains("failed to send readcapacity"),
        "{said}"
    );
    let (code, said) = run("iscsi-inq", &[&served.url("", "9")]);
    assert!(
        code != 0 && said.contains("LOGICAL_UNIT_NOT_SUPPORTED"),
        "{said}"
    );
    // With a digest over each header.
    let digest = served.url("", "0") + "?header_digest=crc32c";
    let (code, said) = run("iscsi-inq", &[&digest]);
    assert!(code == 0 && said.contains("MEDIA_CHANGER"), "{said}");
}

#[test]
fn the_same_library_is_there_on_its_socket() {
    let world = World::new();
    let served = Served::start(&world, &[]);
    let folder = served.dir.to_str().unwrap();
    let listed = world.ok(["sim", "list", "--dir", folder]);
    assert!(listed.contains("TWV003L8"), "{listed}");
    // Somebody else cannot serve it at another address: the first one goes on.
    let (_, err) = world.exits(1, ["sim", "serve", folder, "--iscsi", "127.0.0.1:0"]);
    assert!(err.contains("in use by its server"), "{err}");
    world.ok(["sim", "list", "--dir", folder]);
}

#[test]
fn it_leaves_only_when_no_session_is_left() {
    let world = World::new();
    let mut served = Served::start(&world, &["--idle", "1"]);
    let mut session = TcpStream::connect(&served.address).unwrap();
    // Longer than it may be idle: nothing comes, not even the end of the connection.
    let patience = Duration::from_millis(1500);
    session.set_read_timeout(Some(patience)).unwrap();
    let nothing = session.read(&mut [0]).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    assert_eq!(served.child.try_wait().unwrap(), None);
    drop(session);
    assert_eq!(served.wait(), 0);
}

#[test]
fn only_who_has_the_secret_gets_in() {
    let world = World::new();
    let file = world.path("chap");
    fs::write(&file, "initiator host 0123456789abcdef\n").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let served = Served::start(&world, &["--chap-file", file.to_str().unwrap()]);
    if !has_libiscsi() {
        return;
    }
    let (code, said) = run("iscsi-inq", &[&served.url("host%0123456789abcdef@", "0")]);
    assert!(code == 0 && said.contains("MEDIA_CHANGER"), "{said}");
    for user in ["", "host%0123456789abcdeX@", "other%0123456789abcdef@"] {
        let (code, said) = run("iscsi-inq", &[&served.url(user, "0")]);
        assert!(
            code != 0 && !said.contains("MEDIA_CHANGER"),
            "{user}: {said}"
        );
    }
}

#[test]
fn what_would_let_others_in_by_mistake_is_refused() {
    let world = World::new();
    let folder = world.path("library");
    let folder = folder.to_str().unwrap();
    world.ok(["sim", "create", folder, "--cartridges", "1"]);
    let refused = |code: i32, more: &[&str], words: &str| {
        let (out, err) = world.exits(code, [&["sim", "serve", folder], more].concat());
        assert_eq!(out, "");
        assert!(err.contains(words), "{err}");
    };
    refused(
        2,
        &["--iscsi", "0.0.0.0:0"],
        "0.0.0.0:0 can be reached from other machines",
    );
    refused(
        2,
        &["--iscsi", "[::]:0"],
        "use 127.0.0.1, or give --iscsi-allow-remote and --chap-file",
    );
    refused(
        2,
        &["--iscsi", "0.0.0.0:0", "--iscsi-allow-remote"],
        "--chap-file",
    );
    refused(2, &["--chap-file", "chap"], "--iscsi");
    let chap = world.path("chap");
    let with_file = [
        "--iscsi",
        "127.0.0.1:0",
        "--chap-file",
        chap.to_str().unwrap(),
    ];
    refused(1, &with_file, "No such file");
    fs::write(&chap, "initiator host 0123456789abcdef\n").unwrap();
    fs::set_permissions(&chap, Permissions::from_mode(0o644)).unwrap();
    refused(1, &with_file, "allow only the owner (chmod 600)");
    fs::set_permissions(&chap, Permissions::from_mode(0o600)).unwrap();
    fs::write(&chap, "initiator host short\n").unwrap();
    refused(1, &with_file, "line 1: a secret has 12 to 255 characters");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(
        1,
        &["--iscsi", &address],
        &format!("iSCSI at {address}: Address already in use"),
    );
}
