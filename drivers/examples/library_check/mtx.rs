//! The same library in the eyes of `mtx` (<https://sourceforge.net/projects/mtx/>).

use std::process::Command;

use tapeward_drivers::smc::{Element, ElementKind, Inventory};

use crate::Outcome;

/// Full or empty, and the volume tag if one is shown.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    full: bool,
    tag: Option<String>,
}

/// Compares `mtx status` with an inventory; how many elements both describe.
pub(crate) fn compare(path: &str, inventory: &Inventory) -> Outcome<usize> {
    let output = Command::new("mtx").args(["-f", path, "status"]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(format!("mtx: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let theirs = |word: &str, mail_slot: bool| -> Vec<Seen> {
        text.lines()
            .map(str::trim)
            .filter(|line| line.starts_with(word) && line.contains("IMPORT/EXPORT") == mail_slot)
            .map(parse)
            .collect()
    };
    let mut compared = 0;
    for (kind, theirs) in [
        (
            ElementKind::DataTransfer,
            theirs("Data Transfer Element", false),
        ),
        (ElementKind::Storage, theirs("Storage Element", false)),
        (ElementKind::ImportExport, theirs("Storage Element", true)),
    ] {
        let ours: Vec<Seen> = inventory.of_kind(kind).map(seen).collect();
        if ours != theirs {
            return Err(format!("{kind}: mtx says {theirs:?}, we say {ours:?}").into());
        }
        compared += ours.len();
    }
    Ok(compared)
}

/// `Storage Element 1:Full :VolumeTag=VTA001L3`
fn parse(line: &str) -> Seen {
    let after_number = line.split_once(':').map_or("", |(_, rest)| rest);
    let tag = line
        .split_once("VolumeTag")
        .map(|(_, rest)| rest.trim_matches([' ', '=']));
    Seen {
        full: after_number.starts_with("Full"),
        tag: tag.filter(|tag| !tag.is_empty()).map(str::to_owned),
    }
}

fn seen(element: &Element) -> Seen {
    Seen {
        full: element.full,
        tag: element
            .primary_tag
            .as_ref()
            .filter(|_| element.full)
            .map(|tag| tag.identification.clone()),
    }
}
