//! `health`.

use super::Session;
use super::args::{HealthArgs, HealthCommand};
use super::output::{self, Column, or_dash, time};
use crate::error::Result;
use crate::health::Verdict;
use crate::health::record::{self, Report, Row};

pub(super) fn run(session: &Session, args: HealthArgs) -> Result<()> {
    let app = session.open()?;
    match args.command {
        None => show(session, &record::report(&app)?),
        Some(HealthCommand::Quarantine { which, reason }) => {
            let opened = record::decide(&app, &which, Verdict::Quarantined, &reason)?;
            let words = match opened.tasks.len() {
                0 => "out of use".to_owned(),
                1 => "out of use; a task to copy what is on it is open".to_owned(),
                more => format!("out of use; {more} tasks to copy what is on it are open"),
            };
            said(session, &which, Verdict::Quarantined, &words)?;
            opened.outcome()
        }
        Some(HealthCommand::Release { which, reason }) => {
            record::decide(&app, &which, Verdict::Released, &reason)?;
            let words = "in use again; what was observed before no longer counts";
            said(session, &which, Verdict::Released, words)
        }
    }
}

fn said(session: &Session, which: &str, verdict: Verdict, words: &str) -> Result<()> {
    if session.is_json() {
        return output::json(&serde_json::json!({ "name": which, "verdict": verdict }));
    }
    output::line(format!("{which} is {words}"))
}

fn show(session: &Session, report: &Report) -> Result<()> {
    if session.is_json() {
        return output::json(report);
    }
    output::line(format!("Health as of {}", time(report.at)))?;
    output::line("")?;
    table("DRIVE", &report.drives, "No drive has been used yet.")?;
    output::line("")?;
    table(
        "CARTRIDGE",
        &report.cartridges,
        "No cartridge has been used yet.",
    )?;
    let advised = report.drives.iter().chain(&report.cartridges);
    for row in advised {
        let Some(advice) = &row.advice else { continue };
        output::line(format!("{} is {}: {advice}", row.name, row.evidence.state))?;
    }
    Ok(())
}

fn table(noun: &'static str, rows: &[Row], empty: &str) -> Result<()> {
    output::table(
        &[
            Column::Text(noun),
            Column::Text("STATE"),
            Column::Number("MOUNTS"),
            Column::Number("FAILED"),
            Column::Number("STRAINED"),
            Column::Number("ERRORS/GIB"),
            Column::Text("TREND"),
            Column::Text("REASONS"),
        ],
        rows.iter()
            .map(|row| {
                let evidence = &row.evidence;
                let reasons: Vec<&str> = evidence
                    .reasons
                    .iter()
                    .map(|reason| reason.text.as_str())
                    .collect();
                vec![
                    row.name.clone(),
                    evidence.state.to_string(),
                    evidence.mounts.to_string(),
                    evidence.failed.to_string(),
                    evidence.strained.to_string(),
                    or_dash(evidence.rate.map(|rate| format!("{rate:.1}"))),
                    evidence.trend.to_string(),
                    reasons.join("; "),
                ]
            })
            .collect(),
        empty,
    )
}
