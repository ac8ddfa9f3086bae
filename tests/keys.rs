//! Keys: how their identities are kept, replaced, taken out of use and proved.

#![allow(clippy::unwrap_used, clippy::expect_used)] // as in any test

#[path = "support/refusal.rs"]
mod refusal;
#[path = "support/seeded.rs"]
mod seeded;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use world::{World, same_trees, texts, write_files};

const PASSPHRASE: &str = "correct horse battery staple";

/// A file that only we can read.
fn secret_file(world: &World, name: &str, content: &str) -> PathBuf {
    let path = world.path(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn text(path: &std::path::Path) -> &str {
    path.to_str().unwrap()
}

/// A world with a library and a small source, but no key.
fn without_key() -> World {
    let world = World::new();
    world.ok(["init", "--virtual", "--cartridge-size", "16MiB"]);
    world.ok(["media", "add", "--from-library"]);
    write_files(
        &world.path("source"),
        &[("a", b"one"), ("b/c", b"two"), ("b/d", &[7; 15_000])],
    );
    let source = world.path("source");
    world.ok(["set", "define", "data", text(&source)]);
    world
}

fn sets(world: &World) -> Vec<Value> {
    world.json(["set", "show", "data"])["sets"]
        .as_array()
        .unwrap()
        .clone()
}

fn key(world: &World, name: &str) -> Value {
    world.json(["key", "show", name])
}

#[test]
fn an_identity_under_a_passphrase_is_asked_for_once_and_never_in_clear() {
    let world = without_key();
    let file = secret_file(&world, "passphrase", &format!("{PASSPHRASE}\nmore\n"));
    let create = ["key", "create", "site", "--identity", "prompt"];
    world
        .refuses(20, create)
        .says(&["passphrase", "--passphrase-file"]);
    let with = ["--passphrase-file", text(&file)];
    world.ok([&create[..], &with].concat());
    let kept = fs::read(world.state().join("keys/site.identity.age")).unwrap();
    assert!(kept.starts_with(b"age-encryption.org/v1\n-> scrypt "));
    world.run_job();
    world.return_cartridges();
    world.ok(["verify", "data"]);

    // Without the passphrase it is an operator's task, and no tape was touched.
    let back = world.path("back");
    let restore = ["restore", "data", "--to", text(&back)];
    world
        .refuses(20, restore)
        .says(&["passphrase of key \"site\""]);
    let content = ["verify", "data", "--content"];
    world
        .refuses(20, content)
        .says(&["passphrase of key \"site\""]);
    let wrong = secret_file(&world, "wrong", "wrong\n");
    world
        .refuses(
            2,
            [&restore[..], &["--passphrase-file", text(&wrong)]].concat(),
        )
        .says(&["site.identity.age", "passphrase"]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    world
        .refuses(2, [&restore[..], &with].concat())
        .says(&["mode 0644", "chmod 600"]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    world.ok([&restore[..], &with].concat());
    same_trees(&world.path("source"), &back);
    world.ok([&content[..], &with].concat());

    // From a descriptor, and from a terminal: once for a set on two tapes.
    let mut command = world.command([&content[..], &["--passphrase-fd", "0"]].concat());
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(PASSPHRASE.as_bytes()).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    let out = on_a_terminal(&world, &content, &format!("{PASSPHRASE}\n"));
    assert!(out.contains("left with 0 and echo"), "{out}");
    assert_eq!(
        out.matches("Passphrase of key \"site\"").count(),
        1,
        "{out}"
    );
    assert!(!out.contains(PASSPHRASE), "{out}");
    let out = on_a_terminal(&world, &content, "correct\u{3}");
    assert!(out.contains("left with 130 and echo"), "{out}");
    assert!(!out.contains("correct"), "{out}");

    // `age` itself takes the file for what it is.
    let identity = world.state().join("keys/site.identity.age");
    let import = ["key", "import", "again", "--identity-file", text(&identity)];
    world
        .refuses(2, [&import[..], &with].concat())
        .says(&["is the key \"site\" already"]);
}

#[test]
fn an_identity_that_others_can_read_is_refused() {
    let world = World::with_set_on_tape();
    let identity = world.state().join("keys/site.identity");
    let back = world.path("back");
    let restore = ["restore", "data", "--to", text(&back)];
    for mode in [0o640, 0o604] {
        fs::set_permissions(&identity, fs::Permissions::from_mode(mode)).unwrap();
        let refusal = world.refuses(2, restore);
        refusal.says(&["site.identity", &format!("mode {mode:04o}"), "chmod 600"]);
    }
    assert!(!back.exists());
    fs::set_permissions(&identity, fs::Permissions::from_mode(0o400)).unwrap();
    world.ok(restore);
}

#[test]
fn a_credential_is_read_from_where_the_service_manager_puts_it() {
    let world = without_key();
    let file = world.path("for-systemd");
    let create = ["key", "create", "site", "--identity", "credential"];
    world.refuses(2, create).says(&["--credential NAME"]);
    let named = [&create[..], &["--credential", "tape"]].concat();
    world.refuses(2, &named).says(&["--identity-file FILE"]);
    let out = world.ok([&named[..], &["--identity-file", text(&file)]].concat());
    assert!(out.contains("systemd-creds encrypt --name=tape"), "{out}");
    world.run_job();
    world.return_cartridges();

    let credentials = world.path("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::rename(&file, credentials.join("tape")).unwrap();
    let back = world.path("back");
    let restore = ["restore", "data", "--to", text(&back)];
    world
        .refuses(20, restore)
        .says(&["credential tape", "no identity"]);
    let with = |mode| {
        let path = credentials.join("tape");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let mut command = world.command(restore);
        command
            .env("CREDENTIALS_DIRECTORY", &credentials)
            .output()
            .unwrap()
    };
    let refused = with(0o444);
    assert_eq!(refused.status.code(), Some(2), "{:?}", texts(&refused));
    // systemd lets a group in by its ACL, which shows as 0440.
    let done = with(0o440);
    assert_eq!(done.status.code(), Some(0), "{:?}", texts(&done));
    same_trees(&world.path("source"), &back);
}

#[test]
fn after_a_rotation_old_tapes_need_the_old_identity_and_new_ones_the_new() {
    let world = without_key();
    world.ok(["key", "create", "site"]);
    world.run_job();
    world.ok(["key", "rotate", "site", "--to", "site-2"]);
    assert!(key(&world, "site")["retired_at"].is_string());
    assert_eq!(key(&world, "site-2")["replaces_name"], "site");
    world.refuses(2, ["key", "rotate", "site", "--to", "site-3"]);
    world
        .refuses(2, ["key", "retire", "site-2"])
        .says(&["only key in use", "rotate"]);
    world.return_cartridges();
    world.run_job();
    world.return_cartridges();

    let ids: Vec<String> = sets(&world)
        .iter()
        .map(|set| set["id"].as_str().unwrap().to_owned())
        .collect();
    let (old, new) = (&ids[0], &ids[1]);
    let keys = world.state().join("keys");
    let back = world.path("back");
    let restore = |set: &str, identity: &str| {
        let identity = keys.join(identity);
        let with = ["--identity", text(&identity), "--existing", "replace"];
        let what = ["restore", set, "--to", text(&back)];
        world.run([&what[..], &with].concat()).status.code()
    };
    assert_eq!(restore(old, "site.identity"), Some(0));
    assert_eq!(restore(new, "site-2.identity"), Some(0));
    assert_eq!(restore(old, "site-2.identity"), Some(2));
    assert_eq!(restore(new, "site.identity"), Some(2));
    same_trees(&world.path("source"), &back);

    // Its volumes are named, in the order of their serials, and the file stays.
    world
        .refuses(2, ["key", "delete", "site-2"])
        .says(&["in use"]);
    let refusal = world.refuses(1, ["key", "delete", "site"]);
    refusal.says(&["2 volumes: TWV001L8, TWV002L8"]);
    assert!(keys.join("site.identity").exists());
    assert_eq!(
        key(&world, "site")["volumes"],
        serde_json::json!(["TWV001L8", "TWV002L8"])
    );
}

#[test]
fn a_key_that_nothing_needs_can_be_deleted() {
    let world = without_key();
    world.ok(["key", "create", "site"]);
    world.ok(["key", "create", "mistake"]);
    world.ok(["key", "retire", "mistake"]);
    world.run_job();
    assert_eq!(key(&world, "mistake")["volumes"], serde_json::json!([]));
    world.ok(["key", "delete", "mistake"]);
    assert!(!world.state().join("keys/mistake.identity").exists());
    assert!(key(&world, "mistake")["identity_deleted_at"].is_string());
    // Again is no error: a killed one may have come as far as the record.
    world.ok(["key", "delete", "mistake"]);
}

#[test]
fn a_set_is_encrypted_to_the_keys_of_its_pools() {
    let world = without_key();
    let file = |name: &str| world.path(name);
    world.ok(["key", "create", "site"]);
    for (name, pool) in [("vault", "offsite"), ("museum", "museum")] {
        let identity = file(name);
        let what = ["key", "create", name, "--role", "escrow", "--pool", pool];
        world.ok([&what[..], &["--identity-file", text(&identity)]].concat());
    }
    let partner = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    world.ok(["key", "import", "partner", partner, "--pool", "onsite"]);
    world.run_job();
    let recipients = sets(&world)[0]["recipients"].as_array().unwrap().len();
    assert_eq!(recipients, 3, "site, vault and partner");
    let needs = |name: &str| key(&world, name)["volumes"].as_array().unwrap().len();
    assert_eq!(
        [
            needs("site"),
            needs("vault"),
            needs("partner"),
            needs("museum")
        ],
        [2, 2, 2, 0]
    );
    world.return_cartridges();
    // The stanzas on tape are as many as the record says.
    world.ok(["verify", "data"]);
    let vault = file("vault");
    world.ok(["verify", "data", "--content", "--identity", text(&vault)]);
}

#[test]
fn an_audit_names_what_too_few_keys_open_and_proves_by_decrypting() {
    let world = World::with_set_on_tape();
    let audit = |code| {
        let output = world.run(["--json", "key", "audit"]);
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let found = audit(20);
    for volume in found["volumes"].as_array().unwrap() {
        assert_eq!(volume["findings"][0]["finding"], "one-key");
        assert_eq!(volume["keys"][0]["key"], "site");
        assert_eq!(volume["keys"][0]["proved_at"], Value::Null);
        // The job has read every copy back.
        assert!(volume["stanzas_seen_at"].is_string());
    }
    world.ok(["verify", "data", "--copy", "2", "--content"]);
    let found = audit(20);
    let proved = |found: &Value, at: usize| found["volumes"][at]["keys"][0]["proved_by"].clone();
    assert_eq!(proved(&found, 0), Value::Null);
    assert_eq!(proved(&found, 1), "verify");
    let back = world.path("back");
    world.ok(["restore", "data", "--to", text(&back), "--copy", "1"]);
    assert_eq!(proved(&audit(20), 0), "restore");
    world
        .stops(20, ["key", "audit"])
        .says(&["TWV001L8, TWV002L8"]);

    // A second key for what is written from now on; the old volumes keep their finding.
    let escrow = world.path("escrow");
    let create = ["key", "create", "escrow", "--role", "escrow"];
    world.ok([&create[..], &["--identity-file", text(&escrow)]].concat());
    world.return_cartridges();
    assert_eq!(audit(20)["volumes"].as_array().unwrap().len(), 2);

    // A key whose private half is gone opens nothing: forged in the record, for the product
    // refuses to delete it.
    let record = rusqlite::Connection::open(world.state().join("catalogue.db")).unwrap();
    record
        .execute_batch("UPDATE key SET identity_deleted_at = created_at WHERE name = 'site'")
        .unwrap();
    drop(record);
    let found = audit(20);
    assert_eq!(found["volumes"][0]["findings"][0]["finding"], "no-key");
}

#[test]
fn an_audit_of_two_keys_is_clean_until_the_proof_is_too_old() {
    let world = without_key();
    world.ok(["key", "create", "site"]);
    let escrow = world.path("escrow");
    let create = ["key", "create", "escrow", "--role", "escrow"];
    world.ok([&create[..], &["--identity-file", text(&escrow)]].concat());
    world.run_job();
    world.ok(["key", "audit"]);
    world.configure("[key]\nproof-days = 0\n");
    let refusal = world.stops(20, ["key", "audit"]);
    assert!(refusal.out.contains("never decrypted"), "{refusal:#?}");
}

#[test]
fn a_key_is_not_retired_while_a_set_is_being_written_with_it() {
    let world = World::new();
    world.ok(["init", "--virtual", "--cartridge-size", "8MiB"]);
    world.configure("[stream]\nblock-size = \"16KiB\"\nring-size = \"64KiB\"\n");
    for name in ["site", "other"] {
        world.ok(["key", "create", name]);
    }
    world.ok(["media", "add", "TWV001L8", "TWV002L8"]);
    world.define_data(9, 8 << 20);
    // Two cartridges are not enough for two copies.
    world.stops(20, ["job", "run"]).says(&["can be written on"]);
    let refusal = world.refuses(2, ["key", "retire", "other"]);
    refusal.says(&["not complete", "\"other\"", "job resume"]);
    let refusal = world.refuses(2, ["key", "rotate", "other", "--to", "new"]);
    refusal.says(&["not complete"]);
    assert!(!world.state().join("keys/new.identity").exists());

    world.ok(["media", "add", "TWV003L8", "TWV004L8"]);
    world.ok(["job", "resume"]);
    world.ok(["key", "retire", "other"]);
    assert_eq!(key(&world, "other")["volumes"].as_array().unwrap().len(), 4);
    world
        .refuses(1, ["key", "delete", "other"])
        .says(&["4 volumes", "TWV004L8"]);
}

/// Runs the program on a terminal of its own and answers the question for a passphrase as soon as it
/// stands there. Says at the end how the program ended and whether the terminal shows what is typed.
fn on_a_terminal(world: &World, arguments: &[&str], answer: &str) -> String {
    let program = world.command(arguments);
    let line = format!(
        "{} {}; code=$?; stty -a | grep -qw -- -echo && say=silence || say=echo; \
         echo left with $code and $say",
        program.get_program().display(),
        arguments.join(" ")
    );
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]);
    command.envs(
        program
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut out = String::new();
    let mut bytes = [0; 4096];
    let mut answered = false;
    loop {
        let length = stdout.read(&mut bytes).unwrap();
        if length == 0 {
            break;
        }
        out.push_str(&String::from_utf8_lossy(&bytes[..length]));
        if !answered && out.contains("Passphrase of key") {
            stdin.write_all(answer.as_bytes()).unwrap();
            answered = true;
        }
    }
    assert!(child.wait().unwrap().success(), "{out}");
    out
}
