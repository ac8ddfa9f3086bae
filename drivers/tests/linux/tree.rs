//! A copy of a sysfs tree in a folder of its own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use tapeward_drivers::linux::scan::Roots;
use tempfile::TempDir;

/// A made sysfs, and an empty folder for device nodes beside it.
pub(crate) struct Tree(TempDir);

impl Tree {
    /// The lines of `data/sysfs_tgt.txt`.
    pub(crate) fn tgt_lines() -> impl Iterator<Item = String> {
        include_str!("../data/sysfs_tgt.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(str::to_owned)
    }

    /// As tgt's virtual library looks.
    pub(crate) fn of_tgt() -> Self {
        Self::new(&Self::tgt_lines().collect::<Vec<_>>())
    }

    pub(crate) fn new(lines: &[String]) -> Self {
        let tree = Self(TempDir::new().unwrap());
        fs::create_dir(tree.roots().devices).unwrap();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let path = tree.path(words[1]);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match words[0] {
                "link" => {
                    symlink(words[2], &path).unwrap();
                    // The target of a class link is a folder with nothing that is looked at.
                    fs::create_dir_all(path.parent().unwrap().join(words[2])).unwrap();
                }
                "file" => fs::write(path, unhex(words[2])).unwrap(),
                other => panic!("no such kind of line: {other}"),
            }
        }
        tree
    }

    pub(crate) fn roots(&self) -> Roots {
        Roots {
            sysfs: self.0.path().join("sys"),
            devices: self.0.path().join("dev"),
        }
    }

    /// A path below sysfs.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.roots().sysfs.join(below)
    }
}

/// Hex digits in pairs.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
