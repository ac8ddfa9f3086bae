//! What a restore says.

use std::collections::BTreeMap;

use serde::Serialize;

use super::plan::{About, Plan};
use super::request::Destination;
use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Barcode, RunId, SetId};
use crate::progress::counted;

/// What came of a restore.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The set, the first of several.
    pub set: Option<SetId>,
    /// The sets.
    pub sets: Vec<SetId>,
    /// Where it was restored to, in words.
    pub to: String,
    /// Where it was restored to.
    #[serde(skip)]
    pub destination: Destination,
    /// The run.
    pub run: RunId,
    /// Members restored.
    pub restored: u64,
    /// Members left as they were.
    pub kept: u64,
    /// Things that were there and got another name.
    pub renamed: u64,
    /// Bytes of tar stream read.
    pub bytes: u64,
    /// What could not be restored or kept: the first thousand.
    pub problems: Vec<String>,
    /// How many of those there are in all.
    pub problem_count: u64,
    /// Barcodes of the cartridges that were to be read.
    pub cartridges: Vec<String>,
    /// Cartridges that have to be brought for the rest, with their places.
    pub lacking: BTreeMap<Barcode, String>,
    /// The run to go on with then.
    pub resume: Option<RunId>,
    /// What keeps a cartridge in its drive, and what to do.
    pub stuck: Option<String>,
}

/// An error for a report with problems, or with cartridges to bring.
pub fn incomplete(report: &Report) -> Result<()> {
    if !report.lacking.is_empty() {
        let again = match report.resume {
            Some(run) => format!("\"tapeward restore --resume {run}\""),
            None => "try again".to_owned(),
        };
        return Err(not_here(&report.lacking, &again));
    }
    if report.problem_count == 0 {
        return match &report.stuck {
            Some(stuck) => Err(Error::new(ErrorKind::OperatorNeeded, stuck.clone())),
            None => Ok(()),
        };
    }
    let problems = counted(
        report.problem_count,
        "thing could not be restored or kept as it was",
        "things could not be restored or kept as they were",
    );
    let hint = if report.problem_count > report.problems.len() as u64 {
        "the first were named; --problems FILE takes them all"
    } else {
        "each was named when it was met"
    };
    Err(Error::new(ErrorKind::Incomplete, problems).hint(hint))
}

/// Cartridges have to be brought; `again` is what to do then.
pub(super) fn not_here(lacking: &BTreeMap<Barcode, String>, again: &str) -> Error {
    let list: Vec<String> = lacking
        .iter()
        .map(|(barcode, place)| format!("{barcode} ({place})"))
        .collect();
    Error::new(
        ErrorKind::OperatorNeeded,
        format!("not in the library: {}", list.join(", ")),
    )
    .hint(format!(
        "bring them, put them into mail slots, then {again}"
    ))
}

/// Says a plan before it is carried out.
pub(super) fn say(app: &App, plan: &Plan) {
    let list: Vec<String> = plan
        .cartridges
        .iter()
        .map(|cartridge| {
            let bring = if cartridge.bring { "to bring: " } else { "" };
            format!("{} ({bring}{})", cartridge.barcode, cartridge.place)
        })
        .collect();
    app.say(format!(
        "reading {} from {}: {}, about {}",
        bytesize::ByteSize::b(plan.bytes).display().iec(),
        counted(list.len() as u64, "cartridge", "cartridges"),
        list.join(", "),
        About(plan.seconds)
    ));
}
