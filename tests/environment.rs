//! `CHANGER` and `TAPE`, as other tape programs know them.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/world.rs"]
mod world;

use world::{World, texts};

#[test]
fn init_takes_the_library_from_the_environment_and_says_so() {
    let world = World::new();
    let with = |tape: &str| {
        let mut command = world.command(["init"]);
        command.env("CHANGER", "/dev/sg3").env("TAPE", tape);
        command.output().unwrap()
    };
    let output = with("/dev/st0");
    let (_, err) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("TAPE: /dev/st0 rewinds"), "{err}");
    assert!(err.contains("use /dev/nst0"), "{err}");
    assert!(!world.state().exists());

    let output = with("/dev/sg1");
    let (_, err) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(err.contains("using CHANGER=/dev/sg3"), "{err}");
    assert!(err.contains("using TAPE=/dev/sg1"), "{err}");
    let config = world.json(["config", "check"]);
    let library = &config["library"]["main"];
    assert_eq!(library["changer"]["device"], "/dev/sg3", "{config:#}");
    assert_eq!(library["drive"][0]["device"], "/dev/sg1", "{config:#}");
}

#[test]
fn a_virtual_library_needs_no_environment() {
    let world = World::new();
    let mut command = world.command(["init", "--virtual"]);
    let output = command.env("CHANGER", "/dev/sg3").output().unwrap();
    let (_, err) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(!err.contains("CHANGER"), "{err}");
    world.ok(["library", "status"]);
}
