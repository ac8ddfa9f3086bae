//! `person`, `thing`, `place`.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::Session;
use super::custody::said;
use super::custody_args::{PersonCommand, PlaceAddArgs, PlaceCommand, ThingCommand};
use super::output::{self, Column, or_dash, time};
use crate::app::App;
use crate::catalogue::{Item, Loan, Person, Place, PlaceKind};
use crate::config::{CarrierConfig, FireRating, PlaceConfig, SiteConfig, edit};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::{Barcode, PlaceCode};
use crate::media::list_file::{self, Strictness};
use crate::media::{compare, person, reconcile, rule, thing};
use crate::rotation::Calendar;

pub(super) fn people(session: &Session, command: &PersonCommand) -> Result<()> {
    let app = session.open()?;
    match command {
        PersonCommand::Add {
            code,
            name,
            roles,
            telephone,
            mail,
            organisation,
            said: by,
        } => {
            let saved = said(&app, by, |tx, stamp| {
                let saved = Person {
                    code: code.clone(),
                    name: name.clone(),
                    roles: roles.clone(),
                    telephone: telephone.clone(),
                    mail: mail.clone(),
                    organisation: organisation.clone(),
                    added_at: stamp.entered_at,
                    closed_at: None,
                };
                person::save(tx, stamp, &saved)?;
                Ok(saved)
            })?;
            if session.is_json() {
                return output::json(&saved);
            }
            output::line(format!("{code} is {name}"))
        }
        PersonCommand::List => list_people(session, &app),
        PersonCommand::Pin { code, said: by } => {
            let pin = app.secrets.new_passphrase(&format!("the PIN of {code}"))?;
            said(&app, by, |tx, stamp| person::set_pin(tx, stamp, code, &pin))?;
            output::line(format!("{code} has a new PIN"))
        }
        PersonCommand::Close { code, said: by } => {
            let reason = by.reason.clone().unwrap_or_default();
            said(&app, by, |tx, stamp| {
                person::close(tx, stamp, code, &reason)
            })?;
            output::line(format!("{code} has left"))
        }
    }
}

#[derive(Debug, Serialize)]
struct PersonRow {
    #[serde(flatten)]
    person: Person,
    /// Whether a PIN is kept.
    has_pin: bool,
    loans: Vec<LoanRow>,
}

#[derive(Debug, Serialize)]
struct LoanRow {
    #[serde(flatten)]
    loan: Loan,
    barcode: Barcode,
    overdue: bool,
}

fn list_people(session: &Session, app: &App) -> Result<()> {
    let today = app.clock.now().date_naive();
    let rows = app.catalogue.read(|view| {
        view.people()?
            .into_iter()
            .map(|person| {
                let loans = view
                    .open_loans(Some(&person.code))?
                    .into_iter()
                    .map(|loan| {
                        Ok(LoanRow {
                            barcode: view.item(loan.item)?.barcode().clone(),
                            overdue: rule::is_overdue(loan.due, today),
                            loan,
                        })
                    })
                    .collect::<Result<_>>()?;
                Ok(PersonRow {
                    has_pin: view.pin_hash(&person.code)?.is_some(),
                    person,
                    loans,
                })
            })
            .collect::<Result<Vec<_>>>()
    })?;
    if session.is_json() {
        return output::json(&rows);
    }
    output::table(
        &[
            Column::Text("BADGE"),
            Column::Text("NAME"),
            Column::Text("ROLES"),
            Column::Text("PIN"),
            Column::Text("HAS"),
            Column::Text("LEFT"),
        ],
        rows.into_iter()
            .map(|row| {
                let loans: Vec<String> = row.loans.iter().map(loan_words).collect();
                vec![
                    row.person.code.to_string(),
                    row.person.name,
                    or_dash((!row.person.roles.is_empty()).then(|| row.person.roles.join(", "))),
                    if row.has_pin { "yes" } else { "no" }.to_owned(),
                    or_dash((!loans.is_empty()).then(|| loans.join(", "))),
                    or_dash(row.person.closed_at.map(time)),
                ]
            })
            .collect(),
        "Nobody is known yet. Add people with \"tapeward person add\".",
    )
}

fn loan_words(row: &LoanRow) -> String {
    let overdue = if row.overdue { ", OVERDUE" } else { "" };
    format!("{} (due {}{overdue})", row.barcode, row.loan.due)
}

pub(super) fn things(session: &Session, command: &ThingCommand) -> Result<()> {
    let app = session.open()?;
    match command {
        ThingCommand::Add {
            kind,
            barcode,
            description,
            holds,
            said: by,
        } => {
            said(&app, by, |tx, stamp| {
                thing::add(tx, stamp, *kind, barcode, description, *holds)
            })?;
            if session.is_json() {
                let added = app.catalogue.read(|view| view.thing_by_barcode(barcode))?;
                return output::json(&added);
            }
            output::line(format!("{barcode} is added: {}", kind.words()))
        }
        ThingCommand::List => list_things(session, &app),
        ThingCommand::Retire { barcode, said: by } => {
            let reason = by.reason.clone().unwrap_or_default();
            said(&app, by, |tx, stamp| {
                thing::retire(tx, stamp, barcode, &reason)
            })?;
            output::line(format!("{barcode} is gone"))
        }
    }
}

fn list_things(session: &Session, app: &App) -> Result<()> {
    let rows = app.catalogue.read(|view| {
        view.things()?
            .into_iter()
            .map(|thing| Ok((reconcile::place_words(view, &thing.place)?, thing)))
            .collect::<Result<Vec<_>>>()
    })?;
    if session.is_json() {
        let things: Vec<_> = rows.iter().map(|(_, thing)| thing).collect();
        return output::json(&things);
    }
    output::table(
        &[
            Column::Text("BARCODE"),
            Column::Text("KIND"),
            Column::Text("DESCRIPTION"),
            Column::Number("HOLDS"),
            Column::Text("PLACE"),
            Column::Text("SINCE"),
        ],
        rows.into_iter()
            .map(|(place, thing)| {
                vec![
                    thing.barcode.to_string(),
                    thing.kind.words().to_owned(),
                    thing.description,
                    or_dash(thing.holds),
                    place,
                    time(thing.place_since),
                ]
            })
            .collect(),
        "No thing is registered. Register some with \"tapeward thing add\".",
    )
}

pub(super) fn places(session: &Session, command: PlaceCommand) -> Result<()> {
    let app = session.open()?;
    match command {
        PlaceCommand::Add(args) => {
            let code = args.code.clone();
            edit::add_section(&app, "place", code.as_str(), &section(*args)?)?;
            output::line(format!("place {code} is added"))
        }
        PlaceCommand::AddSite {
            code,
            name,
            address,
            telephone,
        } => {
            let site = SiteConfig {
                name,
                address,
                telephone,
                calendar: Calendar::default(),
            };
            edit::add_section(&app, "site", code.as_str(), &site)?;
            output::line(format!("site {code} is added"))
        }
        PlaceCommand::AddCarrier {
            code,
            name,
            telephone,
            days,
            drivers,
            vehicles,
        } => {
            let carrier = CarrierConfig {
                name,
                telephone,
                vehicles,
                drivers,
                calendar: if days.is_empty() {
                    Calendar::default()
                } else {
                    Calendar::on(days)
                },
            };
            edit::add_section(&app, "carrier", code.as_str(), &carrier)?;
            output::line(format!("carrier {code} is added"))
        }
        PlaceCommand::List => list_places(session, &app),
        PlaceCommand::Compare {
            code,
            file,
            partial,
            said: by,
        } => {
            let strictness = if partial {
                Strictness::Partial
            } else {
                Strictness::Whole
            };
            let list = list_file::read(&file, strictness)?;
            let found = said(&app, &by, |tx, stamp| {
                compare::with_list(&app.config, tx, stamp, &code, &list)
            })?;
            compared(session, &code, &found, &list)
        }
        PlaceCommand::Show { code } => show_place(session, &app, &code),
    }
}

/// A fire rating as it stands in the configuration.
#[derive(Debug, serde::Deserialize)]
struct Rated {
    rating: FireRating,
}

/// Says what disagrees between a list and the record.
fn compared(
    session: &Session,
    code: &PlaceCode,
    found: &[compare::Found],
    list: &list_file::List,
) -> Result<()> {
    if session.is_json() {
        output::json(found)?;
    } else {
        let lines = found
            .iter()
            .map(|found| format!("exception {}: {}", found.exception, found.detail));
        lines
            .chain(list.left_out.iter().map(|row| format!("left out: {row}")))
            .try_for_each(output::line)?;
        if found.is_empty() {
            output::line(format!("{code} is as on record"))?;
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::OpenExceptions,
        format!(
            "the list and the record of {code} disagree in {}",
            found.len()
        ),
    )
    .hint("explain each with \"tapeward exception explain NO TEXT\""))
}

fn section(args: PlaceAddArgs) -> Result<PlaceConfig> {
    let rating = |text: String| {
        let text = format!("rating = \"{}\"", text.replace(['"', '\\', '\n'], ""));
        toml::from_str::<Rated>(&text)
            .map(|rated| rated.rating)
            .context("the fire rating")
    };
    Ok(PlaceConfig {
        kind: args.kind,
        name: args.name,
        site: args.site,
        capacity: args.capacity,
        overflow: args.overflow,
        fire_rating: args.fire_rating.map(rating).transpose()?,
        vendor: args.vendor,
        customer_number: args.customer_number,
        address: args.address,
        emergency_line: args.emergency_line,
        authorised: args.authorised,
        carrier: args.carrier,
        out_grade: None,
        back_grade: None,
        acclimatise_hours: 0,
        calendar: Calendar::default(),
    })
}

#[derive(Debug, Serialize)]
struct PlaceRow {
    code: PlaceCode,
    #[serde(flatten)]
    place: PlaceConfig,
    /// Cartridges there, those in cases too.
    cartridges: u32,
    /// Other things there.
    things: usize,
    last_count: Option<DateTime<Utc>>,
}

fn list_places(session: &Session, app: &App) -> Result<()> {
    let rows = app.catalogue.read(|view| {
        app.config
            .place
            .iter()
            .map(|(code, place)| {
                let at = app.config.kept_at(code)?;
                let items = view.items_at(&at)?;
                Ok(PlaceRow {
                    code: code.clone(),
                    place: place.clone(),
                    cartridges: view.cartridges_at(&at)?,
                    things: items
                        .iter()
                        .filter(|item| item.cartridge().is_none())
                        .count(),
                    last_count: view.last_count(code)?,
                })
            })
            .collect::<Result<Vec<_>>>()
    })?;
    if session.is_json() {
        return output::json(&rows);
    }
    output::table(
        &[
            Column::Text("CODE"),
            Column::Text("KIND"),
            Column::Text("NAME"),
            Column::Text("SITE"),
            Column::Number("CARTRIDGES"),
            Column::Number("OF"),
            Column::Number("THINGS"),
            Column::Text("FIRE"),
            Column::Text("LAST COUNT"),
        ],
        rows.into_iter()
            .map(|row| {
                vec![
                    row.code.to_string(),
                    row.place.kind.to_string(),
                    or_dash(row.place.name),
                    or_dash(row.place.site),
                    row.cartridges.to_string(),
                    or_dash(row.place.capacity),
                    row.things.to_string(),
                    fire_words(row.place.kind, row.place.fire_rating).to_owned(),
                    or_dash(row.last_count.map(time)),
                ]
            })
            .collect(),
        "No place is configured. Add some with \"tapeward place add\".",
    )
}

/// What a fire does to media in a safe.
fn fire_words(kind: PlaceKind, rating: Option<FireRating>) -> &'static str {
    match (kind, rating) {
        (PlaceKind::Safe, Some(rating)) if rating.is_for_media() => "for media",
        (PlaceKind::Safe, Some(FireRating::None) | None) => "NOT RATED",
        (PlaceKind::Safe, Some(_)) => "PAPER ONLY",
        _ => "-",
    }
}

#[derive(Debug, Serialize)]
struct Inside {
    barcode: Barcode,
    what: &'static str,
    since: DateTime<Utc>,
    place: Place,
    due_out: Option<NaiveDate>,
}

fn show_place(session: &Session, app: &App, code: &PlaceCode) -> Result<()> {
    let at = app.config.kept_at(code)?;
    let rows = app.catalogue.read(|view| {
        let mut rows = Vec::new();
        for item in view.items_at(&at)? {
            rows.push(inside(view, &item)?);
            if let Some(case) = item.case() {
                let case = Place::Case {
                    case: case.barcode.clone(),
                };
                for item in view.items_at(&case)? {
                    rows.push(inside(view, &item)?);
                }
            }
        }
        Ok::<_, Error>(rows)
    })?;
    if session.is_json() {
        return output::json(&rows);
    }
    output::table(
        &[
            Column::Text("BARCODE"),
            Column::Text("WHAT"),
            Column::Text("WHERE"),
            Column::Text("SINCE"),
            Column::Text("DUE OUT"),
        ],
        rows.into_iter()
            .map(|row| {
                vec![
                    row.barcode.to_string(),
                    row.what.to_owned(),
                    rule::going(&row.place),
                    time(row.since),
                    or_dash(row.due_out),
                ]
            })
            .collect(),
        "Nothing is there by the record.",
    )
}

fn inside(view: &crate::catalogue::View<'_>, item: &Item) -> Result<Inside> {
    Ok(Inside {
        barcode: item.barcode().clone(),
        what: item.words(),
        since: item.place_since(),
        place: item.place().clone(),
        due_out: view.open_movement(item.id())?.map(|movement| movement.due),
    })
}
