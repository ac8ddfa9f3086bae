//! The rows of docs/scsi.md, and what a CDB is called there.

use std::collections::BTreeSet;
use std::path::Path;

const PAGE: &str = include_str!("../../../docs/scsi.md");

/// A section of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    EveryDevice,
    Changers,
    Drives,
}

/// A kind of unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Changer,
    Drive,
}

/// A command or page. Names are as in the first column, and `VPD B0`, `mode 0A/F0`, `log 17`,
/// `A2 20` (security protocol).
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) table: Table,
    pub(crate) names: Vec<String>,
    pub(crate) text: String,
    pub(crate) host: String,
    pub(crate) simulator: String,
    pub(crate) marks: BTreeSet<String>,
}

impl Row {
    fn parse(table: Table, line: &str) -> Option<Self> {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, codes, text, host, simulator, marks, _] = cells[..] else {
            return None;
        };
        let is_code = |code: &str| code.len() >= 2 && u8::from_str_radix(&code[..2], 16).is_ok();
        if !codes.split(", ").all(is_code) {
            return None;
        }
        Some(Self {
            table,
            names: names(codes, text),
            text: text.to_owned(),
            host: host.to_owned(),
            simulator: simulator.to_owned(),
            marks: marks.split_whitespace().map(str::to_owned).collect(),
        })
    }

    /// The units of the virtual library that have it.
    pub(crate) fn kinds(&self) -> &'static [Kind] {
        let first = self.simulator.split([',', ';', ':']).next();
        match (first, self.table) {
            (Some("-"), _) => &[],
            (Some("both"), Table::EveryDevice) => &[Kind::Changer, Kind::Drive],
            (Some("drive"), Table::EveryDevice) | (_, Table::Drives) => &[Kind::Drive],
            (Some("changer"), Table::EveryDevice) | (_, Table::Changers) => &[Kind::Changer],
            (_, Table::EveryDevice) => panic!("{self:?} does not begin with the units"),
        }
    }

    /// The source files named in the column of the host side.
    pub(crate) fn host_files(&self) -> impl Iterator<Item = &str> {
        let quoted = self.host.split('`').skip(1).step_by(2);
        quoted.filter(|name| name.contains('/'))
    }
}

/// `page 0Ah/F0h` is `0A/F0`.
fn code_behind<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.split_once(word)?.1.split([' ', ',', ':']).next()
}

fn names(codes: &str, text: &str) -> Vec<String> {
    let plain = |code: &str| code.replace('h', "");
    if let Some(page) = code_behind(text, "VPD ") {
        return vec![format!("VPD {}", plain(page))];
    }
    if text.starts_with("page ") {
        let page = plain(code_behind(text, "page ").unwrap());
        let kind = if codes == "4D" { "log" } else { "mode" };
        return vec![format!("{kind} {page}")];
    }
    if codes == "A2" {
        return vec![format!(
            "A2 {}",
            plain(code_behind(text, "protocol ").unwrap())
        )];
    }
    codes.split(", ").map(str::to_owned).collect()
}

/// What a CDB is called on the page.
pub(crate) fn names_of(cdb: &[u8]) -> Vec<String> {
    let code = format!("{:02X}", cdb[0]);
    match cdb[0] {
        0x12 if cdb[1] & 0x01 != 0 => vec![format!("VPD {:02X}", cdb[2])],
        0x1a | 0x5a => vec![code, mode_page(cdb[2] & 0x3f, cdb[3])],
        0x4d => vec![code, format!("log {:02X}", cdb[2] & 0x3f)],
        0xa2 => vec![format!("A2 {:02X}", cdb[1])],
        0xa3 | 0xa4 => vec![format!("{code}/{:02X}", cdb[1] & 0x1f)],
        _ => vec![code],
    }
}

pub(crate) fn mode_page(page: u8, subpage: u8) -> String {
    match subpage {
        0 => format!("mode {page:02X}"),
        _ => format!("mode {page:02X}/{subpage:02X}"),
    }
}

pub(crate) fn rows() -> Vec<Row> {
    let mut table = None;
    let mut found = Vec::new();
    for line in PAGE.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            table = match title {
                "Every device (SPC)" => Some(Table::EveryDevice),
                "Medium changers (SMC)" => Some(Table::Changers),
                "Tape drives (SSC)" => Some(Table::Drives),
                _ => None,
            };
        }
        found.extend(table.and_then(|table| Row::parse(table, line)));
    }
    assert!(found.len() > 80, "{} rows", found.len());
    found
}

#[test]
fn every_row_says_what_it_was_tried_with_and_where_it_is() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../drivers/src");
    let known = ["V", "H", "K", "P", "S", "D", "T"];
    for row in rows() {
        assert!(!row.marks.is_empty(), "{row:?}");
        let unknown = row.marks.iter().find(|mark| !known.contains(&&***mark));
        assert_eq!(unknown, None, "{row:?}");
        for file in row.host_files() {
            let path = source.join(file);
            let there = path.is_dir() || path.with_extension("rs").is_file();
            assert!(there, "drivers/src has no {file}");
        }
        let has_host = row.host_files().next().is_some();
        assert_ne!(has_host, row.host.starts_with('-'), "{row:?}");
        let both = has_host && !row.kinds().is_empty();
        assert_eq!(row.marks.contains("H"), both, "{row:?}");
    }
}
