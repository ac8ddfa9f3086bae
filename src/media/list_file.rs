//! Lists of barcodes from others: a vault's receipt or inventory, as CSV.

use std::path::Path;

use crate::error::{Context, Error, Result};
use crate::id::Barcode;

/// Names a column of barcodes may have.
const TITLES: [&str; 6] = [
    "barcode",
    "volser",
    "volume",
    "volume serial",
    "label",
    "media",
];

/// Whether a list with a bad row is taken without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// All of it or nothing.
    Whole,
    /// Bad rows are left out and named.
    Partial,
}

/// A list that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    /// What it names, in its order, each once.
    pub barcodes: Vec<Barcode>,
    /// What it names more than once.
    pub repeated: Vec<Barcode>,
    /// Rows that were left out: each in a sentence.
    pub left_out: Vec<String>,
}

/// Reads a list. The column is the one with a known title, else the first.
///
/// # Errors
/// The file cannot be read; a row is bad and the list is to be whole: row and column are named.
pub fn read(path: &Path, strictness: Strictness) -> Result<List> {
    let text =
        std::fs::read_to_string(path).context(format!("cannot read {} as text", path.display()))?;
    parse(&text, &path.display().to_string(), strictness)
}

/// The same from text; `name` is for messages.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &str, name: &str, strictness: Strictness) -> Result<List> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [b';', b'\t', b',']
        .into_iter()
        .max_by_key(|delimiter| first.bytes().filter(|byte| byte == delimiter).count())
        .unwrap_or(b',');
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut list = List::default();
    let mut seen = std::collections::HashSet::new();
    let mut column = 0;
    let mut bad = Vec::new();
    for (index, row) in rows.records().enumerate() {
        let row = row.context(format!("cannot read {name}"))?;
        let number = row.position().map_or(index as u64 + 1, csv::Position::line);
        if index == 0 {
            let title = row
                .iter()
                .position(|cell| TITLES.contains(&cell.to_lowercase().as_str()));
            if let Some(title) = title {
                column = title;
                continue;
            }
        }
        if row.iter().all(str::is_empty) {
            continue;
        }
        let cell = row.get(column).unwrap_or_default();
        match cell.parse::<Barcode>() {
            Ok(barcode) => {
                if seen.insert(barcode.clone()) {
                    list.barcodes.push(barcode);
                } else if !list.repeated.contains(&barcode) {
                    list.repeated.push(barcode);
                }
            }
            Err(_) => bad.push(format!(
                "{name}, row {number}, column {}: \"{}\" is no barcode",
                column + 1,
                cell.chars().take(40).collect::<String>()
            )),
        }
    }
    match strictness {
        Strictness::Partial => list.left_out = bad,
        Strictness::Whole => {
            if let Some(first) = bad.first() {
                let more = match bad.len() - 1 {
                    0 => String::new(),
                    more => format!(" (and {more} more)"),
                };
                return Err(Error::usage(format!("{first}{more}"))
                    .hint("nothing was taken; --partial takes the rest"));
            }
        }
    }
    if list.barcodes.is_empty() {
        return Err(Error::usage(format!("{name} names no barcode")));
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn barcodes(text: &str) -> Vec<String> {
        let list = parse(text, "list.csv", Strictness::Whole).unwrap();
        list.barcodes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_column_is_found_by_its_title_and_by_any_usual_delimiter() {
        let wanted = ["TWV001L8", "TWV002L8"];
        assert_eq!(barcodes("TWV001L8\nTWV002L8\n"), wanted);
        assert_eq!(
            barcodes("\u{feff}Slot;VolSer\r\n1;TWV001L8\r\n2;TWV002L8\r\n"),
            wanted
        );
        assert_eq!(
            barcodes("slot\tbarcode\n1\tTWV001L8\n\n2\tTWV002L8"),
            wanted
        );
        assert_eq!(barcodes("\"TWV001L8\",x\nTWV002L8,y\nTWV001L8,z\n"), wanted);
    }

    #[test]
    fn a_bad_row_is_named_and_nothing_is_taken_unless_asked() {
        let text = "slot,barcode\n1,TWV001L8\n2,\n3,TWV\u{e4}\n";
        let error = parse(text, "list.csv", Strictness::Whole).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("list.csv, row 3, column 2"), "{said}");
        assert!(said.contains("and 1 more"), "{said}");
        let list = parse(text, "list.csv", Strictness::Partial).unwrap();
        assert_eq!(list.barcodes.len(), 1);
        assert_eq!(list.left_out.len(), 2);
        assert!(parse("", "list.csv", Strictness::Partial).is_err());
    }
}
