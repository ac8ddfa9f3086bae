//! `disposal`.

use serde::Serialize;

use super::Session;
use super::custody::{barcodes, page_digest, said};
use super::custody_args::SaidArgs;
use super::disposal_args::DisposalCommand;
use super::output::{self, Column, or_dash, time};
use crate::app::App;
use crate::catalogue::{Disposal, DisposalItem};
use crate::error::{Error, ErrorKind, Result};
use crate::media::disposal::{Office, Second};
use crate::media::list_file::{self, Strictness};

pub(super) fn run(session: &Session, command: DisposalCommand) -> Result<()> {
    let app = session.open()?;
    match command {
        DisposalCommand::Request {
            barcodes: named,
            said: by,
        } => {
            let named = barcodes(&named)?;
            let disposal = at_office(&app, &by, |office| office.request(&named))?;
            tell(session, &disposal, "waits for somebody else to agree")
        }
        DisposalCommand::Approve {
            number,
            signed,
            name,
            said: by,
        } => {
            let second = match (signed, name) {
                (Some(page), Some(name)) => Second::Page {
                    name,
                    digest: page_digest(&page)?,
                },
                _ => Second::Badge,
            };
            let disposal = at_office(&app, &by, |office| office.approve(&number, &second))?;
            tell(session, &disposal, "is approved; its items are out of use")
        }
        DisposalCommand::HandOver {
            number,
            contractor,
            accredited_until,
            due,
            said: by,
        } => {
            let disposal = at_office(&app, &by, |office| {
                office.hand_over(&number, &contractor, accredited_until, due)
            })?;
            let what = format!("is with {contractor}; its certificate is due {due}");
            tell(session, &disposal, &what)
        }
        DisposalCommand::Certificate {
            number,
            file,
            list,
            certificate,
            partial,
            said: by,
        } => {
            let strictness = if partial {
                Strictness::Partial
            } else {
                Strictness::Whole
            };
            let list = list_file::read(&list, strictness)?;
            let digest = page_digest(&file)?;
            let certified = at_office(&app, &by, |office| {
                office.certificate(&number, &certificate, &digest, &list)
            })?;
            if session.is_json() {
                output::json(&certified)?;
            } else {
                output::line(format!(
                    "{} items are certified, {} are open",
                    certified.certified.len(),
                    certified.open.len()
                ))?;
            }
            if certified.exceptions.is_empty() {
                return Ok(());
            }
            let numbers: Vec<String> = certified
                .exceptions
                .iter()
                .map(ToString::to_string)
                .collect();
            Err(Error::new(
                ErrorKind::OpenExceptions,
                format!("disposal {number}: open exceptions {}", numbers.join(", ")),
            )
            .hint("ask the contractor; \"tapeward exception list\" shows what is missing"))
        }
        DisposalCommand::Withdraw { number, said: by } => {
            let disposal = at_office(&app, &by, |office| office.withdraw(&number))?;
            tell(session, &disposal, "is withdrawn")
        }
        DisposalCommand::List => list(session, &app),
        DisposalCommand::Show { number } => show(session, &app, &number),
    }
}

fn at_office<T>(
    app: &App,
    by: &SaidArgs,
    work: impl FnOnce(&Office<'_>) -> Result<T>,
) -> Result<T> {
    said(app, by, |tx, stamp| work(&Office { app, tx, stamp }))
}

fn tell(session: &Session, disposal: &Disposal, what: &str) -> Result<()> {
    if session.is_json() {
        return output::json(disposal);
    }
    output::line(format!("disposal {} {what}", disposal.number))
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    disposal: Disposal,
    items: usize,
    open: usize,
    /// Whether a certificate is due and not there.
    overdue: bool,
}

fn list(session: &Session, app: &App) -> Result<()> {
    let today = app.clock.now().date_naive();
    let rows = app.catalogue.read(|view| {
        view.disposals()?
            .into_iter()
            .map(|disposal| {
                let items = view.disposal_items(disposal.id)?;
                let open = items
                    .iter()
                    .filter(|row| row.certified_at.is_none())
                    .count();
                let due = disposal
                    .contractor
                    .as_ref()
                    .map(|contractor| contractor.due);
                Ok(Row {
                    overdue: disposal.ended_at.is_none() && due.is_some_and(|due| due < today),
                    items: items.len(),
                    open,
                    disposal,
                })
            })
            .collect::<Result<Vec<_>>>()
    })?;
    if session.is_json() {
        return output::json(&rows);
    }
    output::table(
        &[
            Column::Text("DISPOSAL"),
            Column::Text("STATE"),
            Column::Number("ITEMS"),
            Column::Number("OPEN"),
            Column::Text("ASKED BY"),
            Column::Text("AGREED BY"),
            Column::Text("CONTRACTOR"),
            Column::Text("DUE"),
        ],
        rows.into_iter()
            .map(|row| {
                let disposal = row.disposal;
                let due = disposal.contractor.as_ref().map(|contractor| {
                    let overdue = if row.overdue { " OVERDUE" } else { "" };
                    format!("{}{overdue}", contractor.due)
                });
                vec![
                    disposal.number,
                    disposal.state.to_string(),
                    row.items.to_string(),
                    row.open.to_string(),
                    disposal.requested_by,
                    or_dash(disposal.approval.map(|approval| approval.by)),
                    or_dash(disposal.contractor.map(|contractor| contractor.name)),
                    or_dash(due),
                ]
            })
            .collect(),
        "Nothing was disposed of. Ask for it with \"tapeward disposal request\".",
    )
}

#[derive(Debug, Serialize)]
struct Details {
    #[serde(flatten)]
    disposal: Disposal,
    items: Vec<DisposalItem>,
}

fn show(session: &Session, app: &App, number: &str) -> Result<()> {
    let details = app.catalogue.read(|view| {
        let disposal = view.disposal(&number.to_ascii_uppercase())?;
        Ok::<_, Error>(Details {
            items: view.disposal_items(disposal.id)?,
            disposal,
        })
    })?;
    if session.is_json() {
        return output::json(&details);
    }
    let disposal = &details.disposal;
    output::line(format!(
        "Disposal {}, {}: {}",
        disposal.number, disposal.state, disposal.reason
    ))?;
    for certificate in &disposal.certificates {
        output::line(format!(
            "Certificate {} entered {} by {}: {} items, SHA-256 {}",
            certificate.number,
            time(certificate.at),
            certificate.by,
            certificate.items,
            certificate.digest
        ))?;
    }
    output::table(
        &[Column::Text("BARCODE"), Column::Text("CERTIFIED")],
        details
            .items
            .into_iter()
            .map(|row| vec![row.barcode.to_string(), or_dash(row.certified_at.map(time))])
            .collect(),
        "It is of nothing.",
    )
}
