//! The runs that are not closed, and what keeps each from going on.

use chrono::NaiveDate;
use serde::Serialize;

use super::arrive::open_lines;
use super::desk::{Desk, lines};
use super::pack::blockers;
use crate::catalogue::{CourierRun, CourierState};
use crate::error::Result;

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The run.
    #[serde(flatten)]
    pub run: CourierRun,
    /// Its lines.
    pub lines: usize,
    /// Those of which something is still to happen.
    pub open: usize,
    /// Its cases.
    pub cases: usize,
    /// What must happen before it can go on.
    pub blocked_by: Vec<String>,
    /// Whether its day is over.
    pub overdue: bool,
}

/// The runs that are not closed, by number; or all.
///
/// # Errors
/// The record cannot be read.
pub fn standings(desk: &Desk<'_>, all: bool) -> Result<Vec<Standing>> {
    let today = desk.stamp.entered_at.date_naive();
    desk.tx
        .courier_runs()?
        .into_iter()
        .filter(|run| all || matches!(run.state, CourierState::Building | CourierState::HandedOver))
        .map(|run| standing(desk, run, today))
        .collect()
}

fn standing(desk: &Desk<'_>, run: CourierRun, today: NaiveDate) -> Result<Standing> {
    let open = open_lines(desk, &run)?.len();
    let is_open = matches!(run.state, CourierState::Building | CourierState::HandedOver);
    // Without a receipt it is overdue on its day.
    let overdue = is_open
        && match run.state {
            CourierState::HandedOver => run.due <= today && open > 0,
            _ => run.due < today,
        };
    let mut blocked_by = match run.state {
        CourierState::Building => blockers(desk, &run)?,
        _ => Vec::new(),
    };
    if run.state == CourierState::Building && blocked_by.is_empty() && run.printed_digest.is_none()
    {
        blocked_by.push("it is not printed as it is now".to_owned());
    }
    if overdue {
        blocked_by.push(match run.state {
            CourierState::HandedOver => format!("{open} lines have no receipt yet"),
            _ => "nobody came, or the hand-over was not entered".to_owned(),
        });
    }
    Ok(Standing {
        lines: lines(desk.tx, run.id)?.len(),
        open,
        cases: desk.tx.courier_cases(run.id)?.len(),
        blocked_by,
        overdue,
        run,
    })
}
