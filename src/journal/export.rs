//! The journal as a file: one line of JSON for each entry.

use std::io::{BufRead, Write};

use thiserror::Error;

use super::{
    Audited, Auditor, Broken, BrokenWhy, Checkpoint, Evidence, PAGE, Tampered, Verified, Verifier,
};
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
    /// It is not what is known of it from elsewhere.
    #[error(transparent)]
    Tampered(#[from] Tampered),
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
    each_line(input, |body, hash| Ok(verifier.check(body, hash)?))?;
    Ok(verifier.finish()?)
}

/// The same with all that is known from elsewhere.
///
/// # Errors
/// [`ExportError::Tampered`], or [`ExportError::Broken`] for a line that is no entry.
pub fn audit_export(input: &mut dyn BufRead, evidence: Evidence) -> Result<Audited, ExportError> {
    let mut auditor = Auditor::new(evidence)?;
    each_line(input, |body, hash| Ok(auditor.check(body, hash)?))?;
    Ok(auditor.finish()?)
}

fn each_line(
    input: &mut dyn BufRead,
    mut check: impl FnMut(&str, &str) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        number += 1;
        let broken = Broken {
            sequence: number,
            why: BrokenWhy::Form,
        };
        let (body, hash) = split(&line).ok_or(broken)?;
        check(body, hash)?;
    }
}

fn split(line: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    text.strip_prefix(BEFORE_BODY)?
        .strip_suffix(END)?
        .rsplit_once(BEFORE_HASH)
}
