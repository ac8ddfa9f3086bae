//! `courier`, `movement`.

use serde::Serialize;

use super::Session;
use super::courier_args::{CourierArgs, CourierCommand, MovementCommand, PaperArg};
use super::custody::{barcodes, page_digest, said};
use super::custody_args::{BarcodeArgs, SaidArgs};
use super::output::{self, Column, or_dash, time};
use crate::app::App;
use crate::catalogue::{CourierCase, CourierPrint, MoveReason, Movement, MovementState, Witness};
use crate::courier::build::{Manner, Wanted};
use crate::courier::handover::Signed;
use crate::courier::recall::Haste;
use crate::courier::status::Standing;
use crate::courier::{Desk, Done, arrive, build, handover, lines, pack, print, recall, status};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::Barcode;
use crate::media::list_file::{self, Strictness};
use crate::media::stamp::Stamp;
use crate::media::{custody, rule};
use crate::print::Paper;
use crate::report::manifest::{self, Audience};

pub(super) fn run(session: &Session, args: CourierArgs) -> Result<()> {
    let app = session.open()?;
    match args.command {
        None => next(session, &app, args.all),
        Some(CourierCommand::Show { run }) => show(session, &app, &run),
        Some(CourierCommand::Print {
            run,
            output,
            in_house,
            csv,
            paper,
            said: by,
        }) => {
            let printed = at_desk(&app, &by, |desk| print::print(desk, &run))?;
            if by.dry_run {
                // A revision that is not on record must not be on paper.
                return tell(session, &printed.done);
            }
            let paper = match paper {
                PaperArg::A4 => Paper::A4,
                PaperArg::Letter => Paper::Letter,
            };
            let outside = Audience::Outsiders;
            if let Some(path) = output {
                output::document(&path, &manifest::pdf(&printed.manifest, outside, paper)?)?;
            }
            if let Some(path) = in_house {
                let bytes = manifest::pdf(&printed.manifest, Audience::InHouse, paper)?;
                output::document(&path, &bytes)?;
            }
            if let Some(path) = csv {
                let mut bytes = Vec::new();
                manifest::csv(&printed.manifest, outside, &mut bytes)?;
                output::document(&path, &bytes)?;
            }
            if session.is_json() {
                let mut bytes = Vec::new();
                manifest::json(&printed.manifest, outside, &mut bytes)?;
                let value: serde_json::Value =
                    serde_json::from_slice(&bytes).context("cannot render JSON")?;
                return output::json(&value);
            }
            tell(session, &printed.done)
        }
        Some(command) => step(session, &app, command),
    }
}

fn step(session: &Session, app: &App, command: CourierCommand) -> Result<()> {
    let done = match command {
        CourierCommand::Build {
            on,
            direction,
            vault,
            said: by,
        } => {
            let wanted = Wanted {
                direction: direction.into(),
                vault,
                on,
            };
            let proposed = build::proposed(app);
            at_desk(app, &by, |desk| build::build(desk, &wanted, &proposed))?
        }
        CourierCommand::Add {
            run,
            barcodes: named,
            urgent,
            return_on,
            despite,
            said: by,
        } => {
            let named = barcodes(&named)?;
            let manner = Manner {
                urgent,
                return_on,
                despite,
            };
            at_desk(app, &by, |desk| build::add(desk, &run, &named, &manner))?
        }
        CourierCommand::Drop {
            run,
            barcodes: named,
            said: by,
        } => {
            let named = barcodes(&named)?;
            at_desk(app, &by, |desk| build::drop(desk, &run, &named))?
        }
        CourierCommand::Pack {
            run,
            case,
            barcodes: named,
            said: by,
        } => {
            let witness = seen(&named);
            let named = barcodes(&named)?;
            seen_at_desk(app, &by, witness, |desk| {
                pack::pack(desk, &run, &case, &named)
            })?
        }
        CourierCommand::Seal {
            run,
            case,
            seal,
            vendor_seal,
            said: by,
        } => {
            let seals = [vec![seal], vendor_seal].concat();
            at_desk(app, &by, |desk| pack::seal(desk, &run, &case, &seals))?
        }
        other => arrival(app, other)?,
    };
    tell(session, &done)
}

fn arrival(app: &App, command: CourierCommand) -> Result<Done> {
    match command {
        CourierCommand::Handover {
            run,
            revision,
            driver,
            vehicle,
            signed,
            said: by,
        } => {
            let signed = Signed {
                revision,
                driver,
                vehicle,
                page: signed.as_deref().map(page_digest).transpose()?,
            };
            at_desk(app, &by, |desk| handover::handover(desk, &run, &signed))
        }
        CourierCommand::NoShow { run, said: by } => {
            at_desk(app, &by, |desk| handover::no_show(desk, &run))
        }
        CourierCommand::Receipt {
            run,
            file,
            case,
            seal_found,
            partial,
            said: by,
            ..
        } => match (file, case) {
            (_, Some(case)) => {
                let mut found = seal_found;
                let seals = if found.is_empty() {
                    arrive::Seals::Intact
                } else {
                    found.retain(|number| number != "-");
                    arrive::Seals::Found(found)
                };
                at_desk(app, &by, |desk| {
                    arrive::case_arrived(desk, &run, &case, &seals)
                })
            }
            (Some(file), None) => {
                let strictness = if partial {
                    Strictness::Partial
                } else {
                    Strictness::Whole
                };
                let list = list_file::read(&file, strictness)?;
                let mut done =
                    at_desk(app, &by, |desk| arrive::receipt(desk, &run, &list.barcodes))?;
                done.said.extend(list.left_out);
                Ok(done)
            }
            (None, None) => Err(Error::usage("a list or a case?")),
        },
        CourierCommand::Receive {
            run,
            barcodes: named,
            place,
            said: by,
        } => {
            let witness = seen(&named);
            let named = barcodes(&named)?;
            seen_at_desk(app, &by, witness, |desk| {
                arrive::receive(desk, &run, &named, place.as_ref())
            })
        }
        CourierCommand::Except {
            run,
            barcodes: named,
            kind,
            said: by,
        } => {
            let named = barcodes(&named)?;
            at_desk(app, &by, |desk| arrive::except(desk, &run, &named, kind))
        }
        CourierCommand::Close {
            run,
            roll,
            said: by,
        } => at_desk(app, &by, |desk| arrive::close(desk, &run, roll.as_deref())),
        CourierCommand::Correct {
            run,
            barcodes: named,
            said: by,
        } => {
            let named = barcodes(&named)?;
            at_desk(app, &by, |desk| arrive::correct(desk, &run, &named))
        }
        CourierCommand::Recall {
            barcodes: named,
            on,
            authorised_by,
            said: by,
            ..
        } => {
            let named = barcodes(&named)?;
            let haste = match authorised_by {
                Some(person) => Haste::Urgent(person),
                None => Haste::Regular(on),
            };
            at_desk(app, &by, |desk| recall::recall(desk, &named, &haste))
        }
        CourierCommand::Build { .. }
        | CourierCommand::Add { .. }
        | CourierCommand::Drop { .. }
        | CourierCommand::Pack { .. }
        | CourierCommand::Seal { .. }
        | CourierCommand::Print { .. }
        | CourierCommand::Show { .. } => Err(Error::usage("this is no arrival")),
    }
}

/// What comes from a scanner is on standard input.
fn seen(named: &BarcodeArgs) -> Witness {
    if named.barcodes.iter().all(|text| text == "-") {
        Witness::Scanned
    } else {
        Witness::Keyed
    }
}

fn at_desk<T>(app: &App, by: &SaidArgs, work: impl FnOnce(&Desk<'_>) -> Result<T>) -> Result<T> {
    said(app, by, |tx, stamp| work(&Desk { app, tx, stamp }))
}

fn seen_at_desk<T>(
    app: &App,
    by: &SaidArgs,
    witness: Witness,
    work: impl FnOnce(&Desk<'_>) -> Result<T>,
) -> Result<T> {
    said(app, by, |tx, stamp| {
        let stamp = &Stamp {
            witness,
            ..stamp.clone()
        };
        work(&Desk { app, tx, stamp })
    })
}

fn tell(session: &Session, done: &Done) -> Result<()> {
    if session.is_json() {
        output::json(done)?;
    } else {
        done.said.iter().try_for_each(output::line)?;
    }
    if done.exceptions.is_empty() {
        return Ok(());
    }
    let numbers: Vec<String> = done.exceptions.iter().map(ToString::to_string).collect();
    Err(Error::new(
        ErrorKind::OpenExceptions,
        format!("run {}: open exceptions {}", done.run, numbers.join(", ")),
    )
    .hint("explain each with \"tapeward exception explain NO TEXT\""))
}

fn next(session: &Session, app: &App, all: bool) -> Result<()> {
    let by = SaidArgs::now();
    let rows = at_desk(app, &by, |desk| status::standings(desk, all))?;
    let blocked = rows.iter().filter(|row| !row.blocked_by.is_empty()).count();
    if session.is_json() {
        output::json(&rows)?;
    } else {
        output::table(
            &[
                Column::Text("RUN"),
                Column::Text("WAY"),
                Column::Text("VAULT"),
                Column::Text("CARRIER"),
                Column::Text("DAY"),
                Column::Text("STATE"),
                Column::Text("REV"),
                Column::Number("CASES"),
                Column::Number("LINES"),
                Column::Number("OPEN"),
                Column::Text("BLOCKED BY"),
            ],
            rows.into_iter().map(row).collect(),
            "No run is open. Build one with \"tapeward courier build\".",
        )?;
    }
    if blocked > 0 {
        return Err(Error::new(
            ErrorKind::OperatorNeeded,
            format!("{blocked} runs wait for a person"),
        ));
    }
    Ok(())
}

fn row(standing: Standing) -> Vec<String> {
    let run = standing.run;
    vec![
        run.number,
        run.direction.to_string(),
        run.vault.to_string(),
        run.carrier.to_string(),
        run.due.to_string(),
        run.state.to_string().replace('_', " "),
        run.revision.to_string(),
        standing.cases.to_string(),
        standing.lines.to_string(),
        standing.open.to_string(),
        or_dash((!standing.blocked_by.is_empty()).then(|| standing.blocked_by.join("; "))),
    ]
}

#[derive(Debug, Serialize)]
struct Details {
    #[serde(flatten)]
    run: crate::catalogue::CourierRun,
    lines: Vec<LineRow>,
    cases: Vec<CaseRow>,
    prints: Vec<CourierPrint>,
}

#[derive(Debug, Serialize)]
struct LineRow {
    barcode: Barcode,
    #[serde(flatten)]
    movement: Movement,
}

#[derive(Debug, Serialize)]
struct CaseRow {
    barcode: Barcode,
    #[serde(flatten)]
    case: CourierCase,
}

fn show(session: &Session, app: &App, number: &str) -> Result<()> {
    let details = app.catalogue.read(|view| {
        let run = view.courier_run_by_number(&number.to_ascii_uppercase())?;
        let cases = view
            .courier_cases(run.id)?
            .into_iter()
            .map(|case| {
                Ok(CaseRow {
                    barcode: view.thing(case.thing)?.barcode,
                    case,
                })
            })
            .collect::<Result<_>>()?;
        Ok::<_, Error>(Details {
            lines: lines(view, run.id)?
                .into_iter()
                .map(|line| LineRow {
                    barcode: line.barcode().clone(),
                    movement: line.movement,
                })
                .collect(),
            cases,
            prints: view.courier_prints(run.id)?,
            run,
        })
    })?;
    if session.is_json() {
        return output::json(&details);
    }
    let run = &details.run;
    output::line(format!(
        "Run {} {} {} on {}, {}, revision {}",
        run.number,
        run.direction,
        run.vault,
        run.due,
        run.state.to_string().replace('_', " "),
        run.revision
    ))?;
    if let Some(over) = &run.handed_over {
        output::line(format!("Handed over to {} {}", over.driver, time(over.at)))?;
    }
    for row in &details.cases {
        let arrival = row.case.arrival.as_ref().map(|arrival| {
            if arrival.intact {
                "arrived intact"
            } else {
                "SEAL NOT INTACT"
            }
        });
        output::line(format!(
            "Case {}: seals {}, {}",
            row.barcode,
            or_dash((!row.case.seals.is_empty()).then(|| row.case.seals.join(", "))),
            arrival.unwrap_or("not acknowledged")
        ))?;
    }
    let case_of = |movement: &Movement| {
        let found = details
            .cases
            .iter()
            .find(|row| Some(row.case.thing) == movement.in_case);
        or_dash(found.map(|row| &row.barcode))
    };
    output::table(
        &[
            Column::Text("BARCODE"),
            Column::Text("CASE"),
            Column::Text("REASON"),
            Column::Text("STATE"),
            Column::Text("GRADE"),
            Column::Text("RETURNS"),
        ],
        details
            .lines
            .iter()
            .map(|row| {
                vec![
                    row.barcode.to_string(),
                    case_of(&row.movement),
                    row.movement.reason.code().to_owned(),
                    row.movement.state.to_string().replace('_', " "),
                    or_dash(row.movement.grade),
                    or_dash(row.movement.return_on),
                ]
            })
            .collect(),
        "It has no lines.",
    )
}

pub(super) fn movements(session: &Session, command: &MovementCommand) -> Result<()> {
    let app = session.open()?;
    match command {
        MovementCommand::Plan {
            barcodes: named,
            to,
            due,
            return_on,
            urgent,
            despite,
            said: by,
        } => {
            let named = barcodes(named)?;
            let manner = Manner {
                urgent: *urgent,
                return_on: *return_on,
                despite: despite.clone(),
            };
            let planned = at_desk(&app, by, |desk| {
                let place = app.config.kept_at(to)?;
                named
                    .iter()
                    .map(|barcode| {
                        let item = custody::known(desk.tx, barcode)?;
                        build::plan(desk, &item, &place, MoveReason::Manual, *due, &manner)
                    })
                    .collect::<Result<Vec<_>>>()
            })?;
            if session.is_json() {
                return output::json(&planned);
            }
            output::line(format!(
                "{} items are to be in {to} by {due}",
                planned.len()
            ))
        }
        MovementCommand::List => list_movements(session, &app),
        MovementCommand::Cancel {
            barcodes: named,
            said: by,
        } => {
            let named = barcodes(named)?;
            at_desk(&app, by, |desk| {
                for barcode in &named {
                    cancel(desk, barcode)?;
                }
                Ok(())
            })?;
            output::line(format!("{} movements are cancelled", named.len()))
        }
    }
}

fn cancel(desk: &Desk<'_>, barcode: &Barcode) -> Result<()> {
    let item = custody::known(desk.tx, barcode)?;
    let Some(movement) = desk.tx.open_movement(item.id())? else {
        return Err(Error::usage(format!("nothing is planned for {barcode}")));
    };
    if let Some((run, _)) = movement.line {
        let number = desk.tx.courier_run(run)?.number;
        return Err(
            Error::usage(format!("{barcode} is on run {number}")).hint(format!(
                "drop it there first: tapeward courier drop {number} {barcode}"
            )),
        );
    }
    let note = desk.stamp.reason.clone();
    let state = MovementState::Cancelled;
    custody::end_movement(desk.tx, desk.stamp, &movement, state, note)
}

#[derive(Debug, Serialize)]
struct MovementRow {
    barcode: Barcode,
    run_number: Option<String>,
    #[serde(flatten)]
    movement: Movement,
}

fn list_movements(session: &Session, app: &App) -> Result<()> {
    let rows = app.catalogue.read(|view| {
        view.open_movements()?
            .into_iter()
            .map(|movement| {
                let run_number = match movement.line {
                    Some((run, _)) => Some(view.courier_run(run)?.number),
                    None => None,
                };
                Ok(MovementRow {
                    barcode: view.item(movement.item)?.barcode().clone(),
                    run_number,
                    movement,
                })
            })
            .collect::<Result<Vec<_>>>()
    })?;
    if session.is_json() {
        return output::json(&rows);
    }
    output::table(
        &[
            Column::Text("BARCODE"),
            Column::Text("GOES"),
            Column::Text("DUE"),
            Column::Text("REASON"),
            Column::Text("WHOSE TASK"),
            Column::Text("STATE"),
            Column::Text("RUN"),
        ],
        rows.into_iter()
            .map(|row| {
                let urgent = if row.movement.urgent { "URGENT " } else { "" };
                vec![
                    row.barcode.to_string(),
                    format!("{urgent}{}", rule::going(&row.movement.destination)),
                    row.movement.due.to_string(),
                    row.movement.reason.code().to_owned(),
                    row.movement.role,
                    row.movement.state.to_string().replace('_', " "),
                    or_dash(row.run_number),
                ]
            })
            .collect(),
        "Nothing is to go anywhere.",
    )
}
