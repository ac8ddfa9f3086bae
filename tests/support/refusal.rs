//! What a refused command must look like: the documented exit code, one line that says what is
//! wrong, at most one that says what to do, and nothing of a program's insides.
#![allow(dead_code)] // each test program uses a part of it

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use tapeward_drivers::socket::{InitiatorId, Lun, SocketTransport};
use tapeward_drivers::ssc;
use tapeward_drivers::ssc::Synchronize;
use tapeward_sim::Operator;
use tapeward_sim::front::control::Request;

use crate::seeded;
use crate::world::{World, same_trees, texts};

/// What a command said that did not do as asked.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// What came before on standard error: steps and problems.
    pub(crate) before: String,
    /// What is wrong.
    pub(crate) line: String,
    /// What to do.
    pub(crate) hint: Option<String>,
    /// Standard output.
    pub(crate) out: String,
}

impl Refusal {
    #[track_caller]
    pub(crate) fn of(output: &Output, code: i32) -> Self {
        let (out, err) = texts(output);
        let all = format!("--- stdout\n{out}\n--- stderr\n{err}");
        assert_eq!(output.status.code(), Some(code), "{all}");
        let lines: Vec<&str> = err.lines().collect();
        let is_error = |line: &str| line.starts_with("tapeward: ");
        let at = lines.iter().position(|line| is_error(line));
        let at = at.unwrap_or_else(|| panic!("no line says what is wrong\n{all}"));
        assert_eq!(
            lines.iter().filter(|line| is_error(line)).count(),
            1,
            "{all}"
        );
        let after = &lines[at + 1..];
        assert!(after.len() <= 1, "more than a line and a hint\n{all}");
        assert!(after.iter().all(|hint| hint.starts_with("  ")), "{all}");
        for inside in ["panicked", "RUST_BACKTRACE", "Error {", "Some(", "SQLITE"] {
            assert!(
                !err.contains(inside),
                "{inside} is nobody's business\n{all}"
            );
        }
        Self {
            before: lines[..at].join("\n"),
            line: lines[at].to_owned(),
            hint: after.first().map(|hint| hint.trim().to_owned()),
            out,
        }
    }

    /// Every one of these words is in the line or the hint.
    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) -> &Self {
        let hint = self.hint.as_deref().unwrap_or_default();
        for word in words {
            let said = self.line.contains(word) || hint.contains(word);
            assert!(said, "no \"{word}\" in {self:#?}");
        }
        self
    }
}

impl World {
    /// Runs, must be refused with this code, and print no data.
    #[track_caller]
    pub(crate) fn refuses<A: AsRef<OsStr>>(
        &self,
        code: i32,
        arguments: impl IntoIterator<Item = A>,
    ) -> Refusal {
        let refusal = self.stops(code, arguments);
        assert_eq!(refusal.out, "", "{refusal:#?}");
        refusal
    }

    /// Runs, must stop with this code; what was done until then may be on standard output.
    #[track_caller]
    pub(crate) fn stops<A: AsRef<OsStr>>(
        &self,
        code: i32,
        arguments: impl IntoIterator<Item = A>,
    ) -> Refusal {
        Refusal::of(&self.run(arguments), code)
    }

    /// Defines the set `data` of a seeded tree of about this size.
    pub(crate) fn define_data(&self, seed: u64, size: u64) -> PathBuf {
        let source = self.path("source");
        seeded::make_tree(&source, seed, size);
        self.ok(["set", "define", "data", source.to_str().unwrap()]);
        source
    }

    /// Puts the set `data` of a small tree onto two cartridges, TWV001L8 and TWV002L8, and these
    /// back into the library.
    pub(crate) fn with_set_on_tape() -> Self {
        let world = Self::with_library("64MiB");
        world.define_data(61, 1 << 20);
        world.ok(["job", "run"]);
        world.return_cartridges();
        world
    }

    /// Both copies of the newest set `data` restore to what the source is.
    #[track_caller]
    pub(crate) fn both_copies_restore(&self) {
        for copy in ["1", "2"] {
            let back = self.path("back");
            let to = back.to_str().unwrap();
            self.ok(["restore", "data", "--copy", copy, "--to", to]);
            same_trees(&self.path("source"), &back);
            fs::remove_dir_all(back).unwrap();
        }
    }

    pub(crate) fn virtual_folder(&self) -> PathBuf {
        self.state().join("virtual")
    }

    /// Ends the virtual library's process, so that its files can be changed.
    pub(crate) fn shut_down(&self) {
        if let Ok(operator) = Operator::connect(&self.virtual_folder()) {
            operator.ask(&Request::ShutDown).unwrap();
        }
    }

    pub(crate) fn cartridge_folder(&self, barcode: &str) -> PathBuf {
        self.virtual_folder().join("cartridges").join(barcode)
    }

    /// Moves the tab of a cartridge.
    pub(crate) fn set_write_protection(&self, barcode: &str, protected: bool) {
        self.shut_down();
        let path = self.cartridge_folder(barcode).join("cartridge.json");
        let text = fs::read(&path).unwrap();
        let mut record: serde_json::Value = serde_json::from_slice(&text).unwrap();
        record["write_protected"] = protected.into();
        fs::write(&path, serde_json::to_vec(&record).unwrap()).unwrap();
    }

    /// Exchanges the tapes of two cartridges: each now has the other's barcode outside.
    pub(crate) fn exchange(&self, one: &str, other: &str) {
        self.shut_down();
        let (one, other) = (self.cartridge_folder(one), self.cartridge_folder(other));
        let aside = self.path("aside");
        let swap = |one: &Path, other: &Path| {
            fs::rename(one, &aside).unwrap();
            fs::rename(other, one).unwrap();
            fs::rename(&aside, other).unwrap();
        };
        swap(&one, &other);
        swap(&one.join("cartridge.json"), &other.join("cartridge.json"));
    }

    /// Puts the tape of another world's cartridge into a cartridge of this one.
    pub(crate) fn take_tape(&self, other: &World, from: &str, into: &str) {
        self.shut_down();
        other.shut_down();
        let (from, into) = (other.cartridge_folder(from), self.cartridge_folder(into));
        fs::rename(into.join("cartridge.json"), from.join("cartridge.json")).unwrap();
        fs::remove_dir_all(&into).unwrap();
        fs::rename(&from, &into).unwrap();
    }

    /// Another program writes these blocks on a cartridge, from its beginning; an empty block
    /// stands for a filemark.
    pub(crate) fn write_foreign(&self, barcode: &str, blocks: &[Vec<u8>]) {
        self.ok(["library", "load", barcode, "--into", "drive:0"]);
        let initiator = InitiatorId(*b"somebody else's.");
        let transport = SocketTransport::connect(&self.virtual_folder(), Lun(1), initiator);
        let mut drive = ssc::Drive::new(Box::new(transport.unwrap()));
        drive.consume_unit_attentions().unwrap();
        drive.rewind().unwrap();
        for block in blocks {
            if block.is_empty() {
                drive.write_filemarks(1, Synchronize::Flush).unwrap();
            } else {
                drive.write_block(block).unwrap();
            }
        }
        drive.write_filemarks(1, Synchronize::Flush).unwrap();
        drop(drive);
        self.ok(["library", "unload", "drive:0"]);
    }
}
