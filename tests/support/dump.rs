//! The raw tape files of a cartridge, read as a stranger with the format's page in hand would:
//! shares no code with the product.
#![allow(dead_code)] // each test program uses a part of it

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::world::World;

/// Every tape file of a cartridge, one file of the folder each.
pub(crate) struct Dump {
    pub(crate) folder: PathBuf,
    /// `blocks.json`: how long the blocks of each tape file are.
    pub(crate) blocks: Vec<Value>,
}

/// A segment of a set as it stands on tape.
#[derive(Debug, Clone)]
pub(crate) struct RawSegment {
    pub(crate) path: PathBuf,
    /// `part.json` behind it.
    pub(crate) part: Value,
}

impl RawSegment {
    pub(crate) fn number(&self) -> u64 {
        self.part["segment"].as_u64().unwrap()
    }
}

impl Dump {
    pub(crate) fn take(world: &World, barcode: &str) -> Self {
        let folder = world.path(&format!("dump-{barcode}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        world.ok(["sim", "dump", barcode, folder.to_str().unwrap()]);
        let blocks = fs::read(folder.join("blocks.json")).unwrap();
        let blocks: Value = serde_json::from_slice(&blocks).unwrap();
        let blocks = blocks.as_array().unwrap().clone();
        Self { folder, blocks }
    }

    pub(crate) fn path(&self, file: usize) -> PathBuf {
        self.folder.join(format!("file{file:04}"))
    }

    pub(crate) fn bytes(&self, file: usize) -> Vec<u8> {
        fs::read(self.path(file)).unwrap()
    }

    /// Label groups, data and trailer groups alternate: label, data, trailer.
    pub(crate) fn labels(&self, file: usize) -> Vec<String> {
        let bytes = self.bytes(file);
        assert_eq!(bytes.len() % 80, 0, "file {file} has no whole labels");
        bytes
            .chunks(80)
            .map(|label| String::from_utf8(label.to_vec()).unwrap())
            .collect()
    }

    /// Number of tape files.
    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Tape files between their labels: number of the label group, and what UHL1 columns 37-38
    /// say it is.
    pub(crate) fn kinds(&self) -> Vec<(usize, String)> {
        assert_eq!(
            self.len() % 3,
            0,
            "a label, data or trailer file is lacking"
        );
        (0..self.len())
            .step_by(3)
            .map(|file| {
                let labels = self.labels(file);
                let user = labels.iter().find(|label| label.starts_with("UHL1"));
                (file, column(user.unwrap(), 37, 38).to_owned())
            })
            .collect()
    }

    /// Segments in the order they stand on this cartridge.
    pub(crate) fn segments(&self) -> Vec<RawSegment> {
        let kinds = self.kinds();
        kinds
            .windows(2)
            .filter(|pair| pair[0].1 == "SG" && pair[1].1 == "PD")
            .map(|pair| RawSegment {
                path: self.path(pair[0].0 + 1),
                part: serde_json::from_slice(&self.bytes(pair[1].0 + 1)).unwrap(),
            })
            .collect()
    }
}

/// Columns of a label, counted from 1 as the standards do.
pub(crate) fn column(label: &str, first: usize, last: usize) -> &str {
    &label[first - 1..last]
}

/// Every byte in every file below a folder.
pub(crate) fn all_bytes(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(all_bytes(&path));
        } else if path.is_file() {
            all.extend(fs::read(path).unwrap());
        }
    }
    all
}
