//! `find`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use globset::GlobBuilder;
use serde::Serialize;

use super::Session;
use super::output::{self, Column, or_dash, size, time};
use super::restore_args::FindArgs;
use crate::app::App;
use crate::archive::member::{FileTime, IndexEntry, MemberKind, MemberState};
use crate::archive::problem::show;
use crate::catalogue::BackupSet;
use crate::error::{Context, Error, Result};
use crate::id::{Barcode, CopyNumber, SetId};
use crate::index::IndexReader;
use crate::media::reconcile;

/// A file in a set.
#[derive(Debug, Serialize)]
struct Found {
    set: SetId,
    set_name: String,
    made: String,
    path: String,
    kind: MemberKind,
    size: u64,
    modified: Option<String>,
    state: MemberState,
    cartridges: Vec<Holding>,
}

/// A cartridge with a copy of it.
#[derive(Debug, Clone, Serialize)]
struct Holding {
    copy: CopyNumber,
    barcode: Barcode,
    place: String,
}

pub(super) fn find(session: &Session, args: &FindArgs) -> Result<()> {
    let app = session.open()?;
    let matches = matcher(&args.pattern)?;
    let sets = app.catalogue.read(|view| {
        let definition = args
            .set
            .as_ref()
            .map(|name| crate::set::find_definition(view, name))
            .transpose()?;
        let sets: Vec<BackupSet> = match &definition {
            Some(definition) => view.sets_of(definition.id)?,
            None => view.sets()?,
        };
        Ok::<_, Error>(sets)
    })?;
    let mut found = Vec::new();
    for set in sets.iter().rev() {
        let Some(stored) = &set.index else { continue };
        let index = IndexReader::open(&app.indexes().join(&stored.file))
            .context(format!("cannot read the index of set {}", set.id))?;
        let name = app
            .catalogue
            .read(|view| view.definition(set.definition))?
            .name;
        for entry in index.entries() {
            let entry = entry.context(format!("cannot read the index of set {}", set.id))?;
            if !matches(&entry.path) {
                continue;
            }
            if found.len() == args.limit {
                return shown(session, &found, Some(args.limit));
            }
            found.push(Found {
                set: set.id,
                set_name: name.clone(),
                made: time(set.started_at),
                path: show(&entry.path),
                kind: entry.kind,
                size: entry.size,
                modified: moment(entry.modified),
                state: entry.state,
                cartridges: holdings(&app, set.id, &entry)?,
            });
        }
    }
    shown(session, &found, None)
}

fn shown(session: &Session, found: &[Found], limit: Option<usize>) -> Result<()> {
    if session.is_json() {
        return output::json(found);
    }
    output::table(
        &[
            Column::Text("SET"),
            Column::Text("MADE"),
            Column::Number("SIZE"),
            Column::Text("MODIFIED"),
            Column::Text("CARTRIDGES"),
            Column::Text("PATH"),
        ],
        found
            .iter()
            .map(|row| {
                let cartridges: Vec<String> = row
                    .cartridges
                    .iter()
                    .map(|held| format!("{} ({})", held.barcode, held.place))
                    .collect();
                vec![
                    row.set_name.clone(),
                    row.made.clone(),
                    size(row.size),
                    or_dash(row.modified.as_ref()),
                    cartridges.join(" "),
                    row.path.clone(),
                ]
            })
            .collect(),
        "Nothing found in the sets on tape.",
    )?;
    match limit {
        Some(limit) => output::line(format!(
            "There is more: only the first {limit} are shown (--limit)."
        )),
        None => Ok(()),
    }
}

type Matcher = Box<dyn Fn(&[u8]) -> bool>;

fn matcher(pattern: &OsStr) -> Result<Matcher> {
    let text = pattern.as_bytes();
    if !text.iter().any(|byte| b"*?[".contains(byte)) {
        let text = text.to_owned();
        return Ok(Box::new(move |path| {
            text.is_empty() || path.windows(text.len()).any(|window| window == text)
        }));
    }
    let pattern = pattern.to_str().ok_or_else(|| {
        Error::usage(format!("\"{}\" is not UTF-8", pattern.display()))
            .hint("a pattern with * ? [ must be; ? stands for one byte that is not")
    })?;
    let glob = GlobBuilder::new(pattern)
        .literal_separator(false)
        .build()
        .map_err(|error| Error::usage(format!("\"{pattern}\" is not a pattern")).because(error))?
        .compile_matcher();
    Ok(Box::new(move |path| {
        let whole = Path::new(OsStr::from_bytes(path));
        glob.is_match(whole) || whole.file_name().is_some_and(|name| glob.is_match(name))
    }))
}

fn moment(time: FileTime) -> Option<String> {
    chrono::DateTime::from_timestamp(time.seconds, time.nanos).map(output::time)
}

/// The cartridges that hold the beginning of a member.
fn holdings(app: &App, set: SetId, entry: &IndexEntry) -> Result<Vec<Holding>> {
    let address = entry.link.unwrap_or(entry.address);
    app.catalogue.read(|view| {
        let mut holdings = Vec::new();
        for copy in view.set_copies(set)? {
            let live = view.live_copies(set, copy.copy)?;
            let Some(segment) = live.iter().find(|row| row.segment == address.segment) else {
                continue;
            };
            let cartridge = view.cartridge(view.volume(segment.volume)?.cartridge)?;
            holdings.push(Holding {
                copy: copy.copy,
                barcode: cartridge.barcode,
                place: reconcile::place_words(view, &cartridge.place)?,
            });
        }
        Ok(holdings)
    })
}
