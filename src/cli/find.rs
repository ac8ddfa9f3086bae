//! `find`.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use serde::Serialize;

use super::Session;
use super::output::{self, Column, or_dash, size, time};
use super::restore::{moment, set_path};
use super::restore_args::FindArgs;
use crate::app::App;
use crate::archive::member::{FileTime, IndexEntry, MemberKind, MemberState, SegmentNumber};
use crate::archive::problem::show;
use crate::catalogue::{BackupSet, Month};
use crate::error::{Context, Error, Result};
use crate::id::{Barcode, CopyNumber, SetDefinitionId, SetId};
use crate::index::{Glob, IndexError, Paths, PatternError, Query, Text, search_all};
use crate::media::reconcile;

/// A file in a set.
#[derive(Debug, Serialize)]
struct Found {
    set: SetId,
    set_name: String,
    month: Month,
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

/// The cartridges of segments, each asked for once.
type Holdings = HashMap<(SetId, SegmentNumber), Vec<Holding>>;

pub(super) fn find(session: &Session, args: &FindArgs) -> Result<()> {
    let app = session.open()?;
    let query = query(args)?;
    let month: Option<Month> = args.month.as_deref().map(str::parse).transpose()?;
    let mut sets: Vec<BackupSet> = sets(&app, args)?;
    sets.retain(|set| month.is_none_or(|month| month == set.month));
    sets.reverse();
    let (sets, files) = with_index(&app, sets);
    let mut found = Vec::new();
    let mut holdings = Holdings::new();
    let mut names = HashMap::new();
    // One more than is shown tells that there is more.
    let ended = search_all(
        &files,
        &query,
        args.limit.saturating_add(1),
        |number, entry| {
            let set = &sets[number];
            if found.len() == args.limit && entry.is_ok() {
                return ControlFlow::Break(Ok(()));
            }
            match row(&app, set, &mut names, &mut holdings, entry) {
                Ok(row) => found.push(row),
                Err(error) => return ControlFlow::Break(Err(error)),
            }
            ControlFlow::Continue(())
        },
    );
    if let ControlFlow::Break(ended) = ended {
        ended?;
        return shown(session, &found, Some(args.limit));
    }
    shown(session, &found, None)?;
    if found.is_empty() {
        return Err(Error::failed("nothing in the sets on tape matches"));
    }
    Ok(())
}

/// The sets that have an index, and where it is.
fn with_index(app: &App, sets: Vec<BackupSet>) -> (Vec<BackupSet>, Vec<PathBuf>) {
    let file = |set: &BackupSet| {
        set.index
            .as_ref()
            .map(|stored| app.indexes().join(&stored.file))
    };
    sets.into_iter()
        .filter_map(|set| file(&set).map(|file| (set, file)))
        .unzip()
}

fn row(
    app: &App,
    set: &BackupSet,
    names: &mut HashMap<SetDefinitionId, String>,
    holdings: &mut Holdings,
    entry: std::result::Result<IndexEntry, IndexError>,
) -> Result<Found> {
    let entry = entry.context(format!("cannot read the index of set {}", set.id))?;
    let set_name = match names.get(&set.definition) {
        Some(name) => name.clone(),
        None => {
            let definition = app.catalogue.read(|view| view.definition(set.definition))?;
            names.insert(set.definition, definition.name.clone());
            definition.name
        }
    };
    Ok(Found {
        set: set.id,
        set_name,
        month: set.month,
        made: time(set.started_at),
        path: show(&entry.path),
        kind: entry.kind,
        size: entry.size,
        modified: shown_time(entry.modified),
        state: entry.state,
        cartridges: holding(app, holdings, set.id, &entry)?,
    })
}

fn sets(app: &App, args: &FindArgs) -> Result<Vec<BackupSet>> {
    app.catalogue.read(|view| match &args.set {
        Some(name) => {
            let definition = crate::set::find_definition(view, name)?;
            Ok(view.sets_of(definition.id)?)
        }
        None => Ok(view.sets()?),
    })
}

fn query(args: &FindArgs) -> Result<Query> {
    let glob = |text: &[u8]| {
        Glob::new(text).map_err(|error| {
            let hint = "a pattern with * ? [ must be UTF-8; ? stands for one byte that is not";
            let not_text = matches!(error, PatternError::NotText(_));
            let error = Error::usage("cannot look for this").because(error);
            if not_text { error.hint(hint) } else { error }
        })
    };
    let paths = match (&args.pattern, &args.path, &args.below, &args.name) {
        (Some(text), ..) if Glob::is_one(text.as_bytes()) => {
            Paths::Matching(glob(text.as_bytes())?)
        }
        (Some(text), ..) => Paths::Containing(Text::new(text.as_bytes())),
        (_, Some(path), ..) => Paths::Exactly(set_path(path)?),
        (_, _, Some(path), _) => Paths::Below(set_path(path)?),
        (_, _, _, Some(name)) => Paths::Named(glob(name.as_bytes())?),
        _ => Paths::Any,
    };
    let instant = |text: &String| {
        moment(text).map(|at| FileTime {
            seconds: at.timestamp(),
            nanos: at.timestamp_subsec_nanos(),
        })
    };
    Ok(Query {
        paths,
        larger: args.larger.map(|size| size.as_u64()),
        smaller: args.smaller.map(|size| size.as_u64()),
        newer: args.newer.as_ref().map(instant).transpose()?,
        older: args.older.as_ref().map(instant).transpose()?,
    })
}

fn shown(session: &Session, found: &[Found], limit: Option<usize>) -> Result<()> {
    if session.is_json() {
        return output::json(found);
    }
    if found.is_empty() {
        return Ok(());
    }
    let rows = found.iter().map(|row| {
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
    });
    output::table(
        &[
            Column::Text("SET"),
            Column::Text("MADE"),
            Column::Number("SIZE"),
            Column::Text("MODIFIED"),
            Column::Text("CARTRIDGES"),
            Column::Text("PATH"),
        ],
        rows.collect(),
        "",
    )?;
    match limit {
        Some(limit) => output::line(format!(
            "There is more: only the first {limit} are shown (--limit)."
        )),
        None => Ok(()),
    }
}

fn shown_time(time: FileTime) -> Option<String> {
    chrono::DateTime::from_timestamp(time.seconds, time.nanos).map(output::time)
}

/// The cartridges that hold the beginning of a member.
fn holding(
    app: &App,
    known: &mut Holdings,
    set: SetId,
    entry: &IndexEntry,
) -> Result<Vec<Holding>> {
    let segment = entry.link.unwrap_or(entry.address).segment;
    if let Some(holdings) = known.get(&(set, segment)) {
        return Ok(holdings.clone());
    }
    let holdings = app.catalogue.read(|view| {
        let mut holdings = Vec::new();
        for copy in view.set_copies(set)? {
            let live = view.live_copies(set, copy.copy)?;
            let Some(segment) = live.iter().find(|row| row.segment == segment) else {
                continue;
            };
            let cartridge = view.cartridge(view.volume(segment.volume)?.cartridge)?;
            holdings.push(Holding {
                copy: copy.copy,
                barcode: cartridge.barcode,
                place: reconcile::place_words(view, &cartridge.place)?,
            });
        }
        Ok::<_, Error>(holdings)
    })?;
    known.insert((set, segment), holdings.clone());
    Ok(holdings)
}
