//! Sources with mounts in them, in a mount namespace of the test's own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // as in any test

#[path = "support/world.rs"]
mod world;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use world::{World, texts, write_files};

/// Runs the program after these mounts, which nobody else sees; `None` where mounting is not
/// allowed.
fn run_with(world: &World, mounts: &str, arguments: &[&str]) -> Option<Output> {
    let wanted = world.command(arguments);
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-e", "-c"])
        .arg(format!("{mounts}\nexec \"$@\""))
        .arg("sh")
        .arg(wanted.get_program())
        .args(wanted.get_args())
        .current_dir(wanted.get_current_dir().unwrap());
    for (name, value) in wanted.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let allowed = Command::new("unshare").args(["--mount", "true"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "this test needs root");
        println!("not root: nothing can be mounted");
        return None;
    }
    Some(command.output().unwrap())
}

fn prepare() -> (World, String) {
    let world = World::with_library("64MiB");
    let source = world.path("source");
    write_files(&source, &[("a/one", b"1"), ("b/two", b"2"), ("c", b"3")]);
    let source = source.to_str().unwrap().to_owned();
    world.ok(["set", "define", "data", &source]);
    (world, source)
}

fn restored(world: &World) -> Vec<String> {
    fn walk(folder: &Path, below: &str, names: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{below}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), &format!("{name}/"), names);
            }
            names.push(name);
        }
    }
    world.return_cartridges();
    let back = world.path("back");
    world.ok(["restore", "data", "--to", back.to_str().unwrap()]);
    let mut names = Vec::new();
    walk(&back, "", &mut names);
    names.sort();
    names
}

#[test]
fn another_file_system_below_the_source_is_backed_up_too() {
    let (world, source) = prepare();
    let mounts = format!("mount -t tmpfs none {source}/b; echo new > {source}/b/inside");
    let Some(output) = run_with(&world, &mounts, &["job", "run"]) else {
        return;
    };
    assert_eq!(output.status.code(), Some(0), "{:?}", texts(&output));
    // What the mount covers is not there to be read.
    assert_eq!(restored(&world), ["a", "a/one", "b", "b/inside", "c"]);
}

#[test]
fn a_bind_mount_of_a_folder_above_is_named_and_not_followed() {
    let (world, source) = prepare();
    let mounts = format!("mount --rbind {source} {source}/a");
    let Some(output) = run_with(&world, &mounts, &["job", "run"]) else {
        return;
    };
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(3), "{out}\n{err}");
    assert!(
        err.contains("problem: a: the directory is one of its own parents"),
        "{err}"
    );
    assert!(!restored(&world).iter().any(|name| name.starts_with("a/")));
}

#[test]
fn a_bind_mount_of_a_folder_beside_is_one_more_folder() {
    let (world, source) = prepare();
    let mounts = format!("mount --bind {source}/a {source}/b");
    let Some(output) = run_with(&world, &mounts, &["job", "run"]) else {
        return;
    };
    assert_eq!(output.status.code(), Some(0), "{:?}", texts(&output));
    assert_eq!(restored(&world), ["a", "a/one", "b", "b/one", "c"]);
}
