//! The journal as a file: one line of JSON for each entry.

use std::io::{BufRead, Write};

use thiserror::Error;

use super::{Broken, BrokenWhy, Checkpoint, PAGE, Verified, Verifier};
use crate::catalogue::{CatalogueError, View};

/// Why an export cannot be written or read.
#[derive(Debug, Error)]
pub enum ExportError {
    /// From the catalogue.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The file cannot be written or read.
    #[error("the journal's file: {0}")]
    File(#[from] std::io::Error),
    /// Its entries do not hold together.
    #[error(transparent)]
    Broken(#[from] Broken),
}

const BEFORE_BODY: &str = "{\"entry\":";
const BEFORE_HASH: &str = ",\"hash\":\"";
const END: &str = "\"}";

/// Writes the entries after number `after` as JSON lines: `{"entry":BODY,"hash":"HASH"}`, where
/// `BODY` stands byte for byte as it was hashed.
pub fn export(view: &View<'_>, after: u64, out: &mut dyn Write) -> Result<(), ExportError> {
    let mut last = after;
    loop {
        let rows = view.journal_after(last, PAGE)?;
        let Some(end) = rows.last().map(|row| row.sequence) else {
            out.flush()?;
            return Ok(());
        };
        for row in &rows {
            writeln!(
                out,
                "{BEFORE_BODY}{}{BEFORE_HASH}{}{END}",
                row.body, row.hash
            )?;
        }
        last = end;
    }
}

/// Checks a file that [`export`] wrote from the first entry on.
///
/// # Errors
/// [`ExportError::Broken`] names the first entry that is wrong.
pub fn verify_export(
    input: &mut dyn BufRead,
    known: &[Checkpoint],
) -> Result<Verified, ExportError> {
    let mut verifier = Verifier::new(known);
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(verifier.finish()?);
        }
        number += 1;
        let broken = Broken {
            sequence: number,
            why: BrokenWhy::Form,
        };
        let (body, hash) = split(&line).ok_or(broken)?;
        verifier.check(body, hash)?;
    }
}

fn split(line: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    text.strip_prefix(BEFORE_BODY)?
        .strip_suffix(END)?
        .rsplit_once(BEFORE_HASH)
}
