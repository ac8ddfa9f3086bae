//! A cartridge the drives cannot use is never brought to one: the job takes another, and a person
//! who asks for it is told why.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use tapeward_sim::front::control::{Request, Response};
use tapeward_sim::{CartridgeId, CartridgeSpec, Destination, Operator};
use world::World;

/// First in order of label, and too old for the LTO-8 drives of the library.
const OLD: &str = "AAA001L6";

#[test]
fn the_job_passes_over_what_its_drives_cannot_write() {
    let world = World::with_library("64MiB");
    let operator = Operator::connect(&world.virtual_folder()).unwrap();
    let spec = CartridgeSpec::labelled(OLD).with_capacity(64 << 20);
    let destination = Destination::Storage;
    operator
        .ask(&Request::InsertNew { spec, destination })
        .unwrap();
    world.ok(["media", "add", "--from-library"]);
    world.define_data(17, 1 << 20);
    let said = world.run_job();
    assert!(!said.contains(OLD), "{said}");
    let cartridge = CartridgeId::new(OLD).unwrap();
    let answer = operator.ask(&Request::Cartridge { cartridge }).unwrap();
    let Response::Cartridge { record } = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(record.loads, 0);
    let output = world.run(["media", "label", OLD, "--pool", "onsite"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(
        error.contains("no longer read cartridges that old"),
        "{error}"
    );
}
