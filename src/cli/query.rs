//! `find`, `restore`, `verify`, `set show`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};
use std::sync::Arc;

use globset::GlobBuilder;
use serde::Serialize;

use super::Session;
use super::args::{ExistingArg, FindArgs, RestoreArgs, VerifyArgs};
use super::output::{self, Column, or_dash, size, time};
use crate::app::App;
use crate::archive::extract::{Existing, ExtractOptions};
use crate::archive::member::{FileTime, IndexEntry, MemberKind, MemberState};
use crate::archive::problem::show;
use crate::catalogue::{BackupSet, SetCopy, View};
use crate::error::{Context, Error, Result};
use crate::id::{Barcode, CopyNumber, SetId};
use crate::index::IndexReader;
use crate::job::{run as job, verify as job_verify};
use crate::media::reconcile;
use crate::progress::counted;
use crate::restore as restoring;
use crate::tape::verify::Depth;

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

pub(super) fn restore(session: &Session, args: &RestoreArgs) -> Result<()> {
    let app = Arc::new(session.open()?);
    let set = app
        .catalogue
        .read(|view| crate::set::find_set(view, &args.set))?;
    let paths = args
        .paths
        .iter()
        .map(|path| set_path(path))
        .collect::<Result<Vec<_>>>()?;
    let library = Arc::new(app.library(args.choice.library.as_deref(), "restore")?);
    let identities = app.identities(&args.identity, &set.recipients)?;
    let existing = match args.existing {
        ExistingArg::Refuse => Existing::Refuse,
        ExistingArg::Keep => Existing::Keep,
        ExistingArg::Replace => Existing::Replace,
    };
    let report = restoring::restore(
        &app,
        &library,
        &restoring::Request {
            set,
            paths,
            to: &args.to,
            copy: args.copy,
            options: ExtractOptions::new(existing),
            identities,
        },
    )?;
    if session.is_json() {
        output::json(&report)?;
    } else {
        let stuck = report.stuck.iter().filter(|_| !report.problems.is_empty());
        for problem in report.problems.iter().chain(stuck) {
            app.watcher.event(crate::progress::Event::Step {
                text: format!("problem: {problem}"),
            });
        }
        output::line(format!(
            "{} members restored to {} from {}",
            report.restored,
            report.to.display(),
            report.cartridges.join(", ")
        ))?;
        if report.kept > 0 {
            output::line(format!("{} were there already and were kept", report.kept))?;
        }
    }
    restoring::incomplete(&report)
}

/// A path below a set's root as the index has it.
fn set_path(path: &Path) -> Result<Vec<u8>> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name.as_bytes()),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(Error::usage(format!(
                    "{} is not a path below the set's root",
                    path.display()
                ))
                .hint("give it as \"tapeward find\" shows it"));
            }
        }
    }
    if parts.is_empty() {
        return Ok(b".".to_vec());
    }
    Ok(parts.join(&b'/'))
}

pub(super) fn verify(session: &Session, args: &VerifyArgs) -> Result<()> {
    let app = Arc::new(session.open()?);
    let set = app
        .catalogue
        .read(|view| crate::set::find_set(view, &args.set))?;
    let library = Arc::new(app.library(args.choice.library.as_deref(), "verify")?);
    let identities = if args.content {
        Some(app.identities(&args.identity, &set.recipients)?)
    } else {
        None
    };
    let depth = identities.as_ref().map_or(Depth::Bytes, Depth::Content);
    let verified = job::verify_set(&app, &library, set.id, args.copy, depth)?;
    if session.is_json() {
        output::json(&serde_json::json!({ "set": set.id, "copies": verified }))?;
    } else {
        for copy in &verified {
            output::line(format!(
                "copy {}: segments as they were written: {} ({}); not so: {}",
                copy.copy,
                copy.segments,
                size(copy.bytes),
                copy.damaged.len()
            ))?;
            for absent in &copy.absent {
                output::line(format!(
                    "copy {}: {} is not in the library ({}) and was not looked at",
                    copy.copy, absent.barcode, absent.place
                ))?;
            }
        }
    }
    job_verify::damage(&verified)
}

/// A set with its copies and their cartridges.
#[derive(Debug, Serialize)]
struct SetRow {
    #[serde(flatten)]
    set: BackupSet,
    segments: usize,
    copies: Vec<CopyRow>,
}

#[derive(Debug, Serialize)]
struct CopyRow {
    #[serde(flatten)]
    copy: SetCopy,
    cartridges: Vec<(Barcode, String)>,
}

pub(super) fn show_set(session: &Session, app: &App, text: &str) -> Result<()> {
    let (definition, rows) = app.catalogue.read(|view| {
        let (definition, sets) = match text
            .parse::<SetId>()
            .ok()
            .and_then(|id| view.sets().ok()?.into_iter().find(|set| set.id == id))
        {
            Some(set) => (view.definition(set.definition)?, vec![set]),
            None => {
                let definition = crate::set::find_definition(view, text)?;
                let sets = view.sets_of(definition.id)?;
                (definition, sets)
            }
        };
        let rows = sets
            .into_iter()
            .map(|set| set_row(view, set))
            .collect::<Result<Vec<_>>>()?;
        Ok::<_, Error>((definition, rows))
    })?;
    if session.is_json() {
        return output::json(&serde_json::json!({ "definition": definition, "sets": rows }));
    }
    output::line(format!(
        "{} ({}) of {}",
        definition.name,
        definition.id,
        definition.source.display()
    ))?;
    for row in rows {
        output::line(format!(
            "\nSet {} of {}, {}: {} members, {}, {}, kept until {}",
            row.set.id,
            row.set.month,
            row.set.state,
            row.set.totals.members,
            size(row.set.totals.bytes),
            counted(row.segments as u64, "segment", "segments"),
            row.set.retain_until.format("%Y-%m-%d")
        ))?;
        for copy in row.copies {
            let cartridges: Vec<String> = copy
                .cartridges
                .iter()
                .map(|(barcode, place)| format!("{barcode} ({place})"))
                .collect();
            output::line(format!(
                "  copy {} ({}), {}: {}",
                copy.copy.copy,
                copy.copy.pool,
                copy.copy.state,
                cartridges.join(", ")
            ))?;
        }
    }
    Ok(())
}

fn set_row(view: &View<'_>, set: BackupSet) -> Result<SetRow> {
    let mut copies = Vec::new();
    for copy in view.set_copies(set.id)? {
        let mut cartridges: Vec<(Barcode, String)> = Vec::new();
        for segment in view.live_copies(set.id, copy.copy)? {
            let cartridge = view.cartridge(view.volume(segment.volume)?.cartridge)?;
            if cartridges
                .iter()
                .all(|(barcode, _)| *barcode != cartridge.barcode)
            {
                let place = reconcile::place_words(view, &cartridge.place)?;
                cartridges.push((cartridge.barcode, place));
            }
        }
        copies.push(CopyRow { copy, cartridges });
    }
    Ok(SetRow {
        segments: view.segments(set.id)?.len(),
        set,
        copies,
    })
}
