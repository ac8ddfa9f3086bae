//! A world of its own for one test: state folder, virtual library, device locks, and the binary
//! run as a user would.
#![allow(dead_code)] // each test program uses a part of it

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) struct World {
    folder: TempDir,
    program: PathBuf,
    /// Whom to run as, when not as the tests' own user.
    user: Option<u32>,
}

/// Nobody's number, with no rights anywhere.
const ORDINARY_USER: u32 = 65_534;

impl World {
    /// An empty world.
    pub(crate) fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// An empty world in memory, where synchronising costs nothing: for processes that die, not
    /// for hosts that do.
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() {
            Self::below(memory)
        } else {
            Self::new()
        }
    }

    fn below(parent: &Path) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("tapeward-test-")
            .tempdir_in(parent)
            .unwrap();
        std::fs::create_dir(folder.path().join("locks")).unwrap();
        Self {
            folder,
            program: env!("CARGO_BIN_EXE_tapeward").into(),
            user: None,
        }
    }

    /// An empty world in which the program runs as an ordinary user; takes root to make.
    pub(crate) fn for_ordinary_user() -> Self {
        let mut world = Self::new();
        // The folder of the build may be closed to that user.
        let program = world.path("tapeward");
        std::fs::copy(&world.program, &program).unwrap();
        world.program = program;
        world.user = Some(ORDINARY_USER);
        let everyone = std::fs::Permissions::from_mode(0o1777);
        for folder in [world.folder.path(), &world.path("locks")] {
            std::fs::set_permissions(folder, everyone.clone()).unwrap();
        }
        world
    }

    /// A world with configuration, a virtual library of cartridges of this size, one key, and
    /// every cartridge registered.
    pub(crate) fn with_library(cartridge_size: &str) -> Self {
        let world = Self::new();
        world.prepare_library(cartridge_size);
        world
    }

    /// A world with a virtual library of another model outside of its state folder.
    pub(crate) fn with_model(model: &str, cartridge_size: &str) -> Self {
        let world = Self::new();
        let library = world.path("library");
        let dir = library.to_str().unwrap();
        let create = ["sim", "create", dir, "--model", model, "--cartridges", "8"];
        world.ok([&create[..], &["--cartridge-size", cartridge_size]].concat());
        world.ok(["init"]);
        world.configure(&format!(
            "[library.{model}]\nkind = \"virtual\"\npath = \"{dir}\"\n"
        ));
        world.ok(["key", "create", "site"]);
        world.ok(["media", "add", "--from-library"]);
        world
    }

    /// Runs the job to its end, emptying the mail slots whenever it asks for that; returns what
    /// it said.
    pub(crate) fn run_job(&self) -> String {
        let mut said = String::new();
        let mut command = ["job", "run"];
        for _ in 0..5 {
            let output = self.run(command);
            let (out, err) = texts(&output);
            said = format!("{said}{err}{out}");
            match output.status.code() {
                Some(0) => return said,
                // A person must empty the mail slots.
                Some(20) => self.empty_mail_slots(),
                code => panic!("the job exits {code:?}\n{said}"),
            }
            command = ["job", "resume"];
        }
        panic!("five times resumed and still not done\n{said}");
    }

    pub(crate) fn prepare_library(&self, cartridge_size: &str) {
        self.ok(["init", "--virtual", "--cartridge-size", cartridge_size]);
        self.ok(["key", "create", "site"]);
        self.ok(["media", "add", "--from-library"]);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// The program with this world around it.
    pub(crate) fn command<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
            .env("TAPEWARD_STATE", self.state())
            .env("TAPEWARD_LOCK_DIR", self.path("locks"))
            .env_remove("CHANGER")
            .env_remove("TAPE")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .args(arguments);
        command
    }

    /// Runs to the end, whatever the end is.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs, must exit 0; returns stdout.
    #[track_caller]
    pub(crate) fn ok<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        self.exits(0, arguments).0
    }

    /// Runs, must exit with this code; returns stdout and stderr.
    #[track_caller]
    pub(crate) fn exits<A: AsRef<OsStr>>(
        &self,
        code: i32,
        arguments: impl IntoIterator<Item = A>,
    ) -> (String, String) {
        let mut command = self.command(arguments);
        let output = command.output().unwrap();
        let (out, err) = texts(&output);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{command:?}\n--- stdout\n{out}\n--- stderr\n{err}"
        );
        (out, err)
    }

    /// Runs with `--json`, must exit 0; returns the value on stdout.
    #[track_caller]
    pub(crate) fn json<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> serde_json::Value {
        let mut all = vec![std::ffi::OsString::from("--json")];
        all.extend(
            arguments
                .into_iter()
                .map(|argument| argument.as_ref().to_owned()),
        );
        let text = self.ok(all);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in\n{text}"))
    }
}

impl World {
    /// Adds lines to the configuration; sections that are there already are replaced.
    pub(crate) fn configure(&self, text: &str) {
        let path = self.state().join("config.toml");
        let mut table: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        let more: toml::Table = text.parse().unwrap();
        table.extend(more);
        // In place: it stays the file of whoever runs the program.
        std::fs::write(path, toml::to_string(&table).unwrap()).unwrap();
    }

    /// What the operator does with full import/export elements: takes everything out.
    pub(crate) fn empty_mail_slots(&self) {
        let status = self.json(["library", "status"]);
        for place in status["places"].as_array().unwrap() {
            let name = place["name"].as_str().unwrap();
            if name.starts_with("mail:") && place["full"] == true {
                self.ok(["sim", "remove", place["barcode"].as_str().unwrap()]);
            }
        }
    }

    /// Brings every cartridge that is outside or in a mail slot back into a storage element.
    pub(crate) fn return_cartridges(&self) {
        self.store_mail();
        for cartridge in self.json(["sim", "list"]).as_array().unwrap() {
            if cartridge["place"] == "outside" {
                self.ok(["sim", "insert", cartridge["barcode"].as_str().unwrap()]);
                self.store_mail();
            }
        }
    }

    fn store_mail(&self) {
        let status = self.json(["library", "status", "--all"]);
        let places = status["places"].as_array().unwrap();
        let mut free = places.iter().filter(|place| {
            place["name"].as_str().unwrap().starts_with("slot:") && place["full"] == false
        });
        for place in places {
            let name = place["name"].as_str().unwrap();
            if name.starts_with("mail:") && place["full"] == true {
                let slot = free.next().unwrap()["name"].as_str().unwrap();
                self.ok(["library", "transfer", name, slot]);
            }
        }
    }
}

/// The trees hold the same names, contents and link targets.
#[track_caller]
pub(crate) fn same_trees(left: &Path, right: &Path) {
    let output = Command::new("diff")
        .args(["-r", "--no-dereference"])
        .arg(left)
        .arg(right)
        .output()
        .unwrap();
    let (out, err) = texts(&output);
    assert!(output.status.success() && out.is_empty(), "{out}\n{err}");
}

/// Both outputs as text.
pub(crate) fn texts(output: &Output) -> (String, String) {
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// Writes files with these contents below a folder.
pub(crate) fn write_files(folder: &Path, files: &[(&str, &[u8])]) {
    for (name, content) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}
