//! `library discover`.

use std::io::{BufRead, IsTerminal, Write};

use tapeward_drivers::smc::{ElementAddress, ElementKind};

use super::Session;
use super::args::{DevicePathArg, DiscoverArgs};
use super::output::{self, Column, or_dash};
use crate::app::App;
use crate::config::{ChangerConfig, DevicePath, DriveConfig};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::id::Barcode;
use crate::library::attachment;
use crate::library::discovery::Survey;
use crate::library::discovery::report::Report;
use crate::library::discovery::section::{self, Elements, HandMade, Section};
use crate::library::discovery::trial::{self, TrialCartridge};
use crate::library::lock::{self, DeviceLock};
use crate::library::matching::{Bay, DriveIndex, Evidence, LibraryIndex, Match};

const PURPOSE: &str = "library discover";

pub(super) fn run(session: &Session, args: &DiscoverArgs) -> Result<()> {
    let mut survey = Survey::take()?;
    if let Some(barcode) = &args.trial {
        let library = survey.library(args.changer.as_deref())?;
        let found = try_cartridge(session, &survey, library, barcode, args.yes)?;
        survey.accept(&found);
    }
    let report = Report::new(&survey);
    if !session.is_json() {
        show(&report)?;
    }
    let written = if args.write {
        Some(write(session, args, &survey, &report)?)
    } else {
        None
    };
    if session.is_json() {
        let mut value = serde_json::to_value(&report).context("cannot render JSON")?;
        value["written"] = serde_json::json!(written.map(|written| written.is_some()));
        return output::json(&value);
    }
    match written {
        Some(Some(name)) => output::line(format!(
            "Wrote library.{name} to {}",
            session.state.join(crate::config::FILE_NAME).display()
        )),
        Some(None) => output::line("The configuration says so already."),
        None => Ok(()),
    }
}

fn show(report: &Report) -> Result<()> {
    output::table(
        &[
            Column::Text("CHANGER"),
            Column::Text("SERIAL"),
            Column::Text("FIRMWARE"),
            Column::Text("NODES"),
            Column::Number("SLOTS"),
            Column::Number("MAIL"),
            Column::Number("DRIVES"),
            Column::Number("CARTRIDGES"),
        ],
        report
            .libraries
            .iter()
            .map(|row| {
                vec![
                    format!("{} {}", row.device.vendor, row.device.product),
                    or_dash(row.device.serial.as_ref()),
                    row.device.firmware.clone(),
                    nodes(&row.device),
                    row.slots.to_string(),
                    row.mail_slots.to_string(),
                    row.drives.to_string(),
                    row.cartridges.to_string(),
                ]
            })
            .collect(),
        "No medium changer is attached to this machine.",
    )?;
    output::line("")?;
    output::table(
        &[
            Column::Text("DRIVE"),
            Column::Text("SERIAL"),
            Column::Text("FIRMWARE"),
            Column::Text("ENCRYPTION"),
            Column::Text("NODES"),
            Column::Text("LIBRARY"),
            Column::Number("ELEMENT"),
            Column::Text("KNOWN BY"),
        ],
        report
            .drives
            .iter()
            .map(|row| {
                vec![
                    format!("{} {}", row.device.vendor, row.device.product),
                    or_dash(row.device.serial.as_ref()),
                    row.device.firmware.clone(),
                    or_dash(row.encryption),
                    nodes(&row.device),
                    or_dash(row.library.as_ref()),
                    or_dash(row.element),
                    or_dash(row.evidence),
                ]
            })
            .collect(),
        "No tape drive is attached to this machine.",
    )?;
    for row in report
        .libraries
        .iter()
        .filter(|row| !row.partitions.is_empty())
    {
        output::line(format!(
            "remark: {} looks like a partition of the same library as {}",
            or_dash(row.device.serial.as_ref()),
            row.partitions.join(", ")
        ))?;
    }
    report
        .remarks
        .iter()
        .try_for_each(|remark| output::line(format!("remark: {remark}")))?;
    report
        .conflicts
        .iter()
        .try_for_each(|conflict| output::line(format!("conflict: {conflict}")))
}

fn nodes(row: &crate::library::discovery::report::DeviceRow) -> String {
    let both = [&row.generic, &row.kernel];
    let names: Vec<&str> = both.into_iter().flatten().map(String::as_str).collect();
    if names.is_empty() {
        "-".to_owned()
    } else {
        names.join(" ")
    }
}

/// Writes the section; its name, or `None` when the configuration says so already.
fn write(
    session: &Session,
    args: &DiscoverArgs,
    survey: &Survey,
    report: &Report,
) -> Result<Option<String>> {
    if let Some(conflict) = report.conflicts.first() {
        let more = report.conflicts.len() - 1;
        return Err(Error::failed(format!(
            "nothing was written: {conflict}{}",
            if more > 0 {
                format!(" (and {more} more)")
            } else {
                String::new()
            }
        )));
    }
    let app = session.open()?;
    let elements = if args.partial {
        Elements::AsFound
    } else {
        Elements::All
    };
    let library = survey.library(args.changer.as_deref())?;
    let section = Section {
        path: args.path.map(|path| match path {
            DevicePathArg::Sg => DevicePath::Sg,
            DevicePathArg::Kernel => DevicePath::Kernel,
        }),
        ..Section::new(survey, library, elements)?
    };
    let name = args
        .name
        .clone()
        .or_else(|| section::name_of(&app.config, &section))
        .unwrap_or_else(|| "main".to_owned());
    let hand_made = if args.replace {
        HandMade::Replace
    } else {
        HandMade::Keep
    };
    Ok(write_section(&app, &name, &section, hand_made)?.then_some(name))
}

fn write_section(app: &App, name: &str, section: &Section, hand_made: HandMade) -> Result<bool> {
    let path = app.state.join(crate::config::FILE_NAME);
    let before =
        std::fs::read_to_string(&path).context(format!("cannot read {}", path.display()))?;
    let Some(text) = section::put(&before, name, section, hand_made)? else {
        return Ok(false);
    };
    // What is written must be readable.
    crate::config::Config::parse(&text, &path)?;
    app.write(|tx, now| {
        let digest = blake3::hash(text.as_bytes()).to_hex().to_string();
        app.note(
            tx,
            now,
            &crate::journal::Event::ConfigurationChanged { digest },
        )?;
        crate::files::write_atomically(&path, text.as_bytes())
    })?;
    Ok(true)
}

/// Loads a cartridge into every element of the library whose drive is not known.
fn try_cartridge(
    session: &Session,
    survey: &Survey,
    library: LibraryIndex,
    barcode: &Barcode,
    yes: bool,
) -> Result<Vec<Match>> {
    let found = &survey.libraries[library.0];
    let view = found
        .view
        .as_ref()
        .map_err(|error| Error::failed(format!("{}: {error}", found.name())))?;
    let bays: Vec<Bay> = survey
        .matching
        .bays_left
        .iter()
        .copied()
        .filter(|bay| bay.library == library)
        .collect();
    let candidates: Vec<DriveIndex> = survey
        .matching
        .drives_left
        .iter()
        .copied()
        .filter(|index| survey.matching.conflict_of(*index).is_none())
        .collect();
    if bays.is_empty() || candidates.is_empty() {
        return Ok(Vec::new());
    }
    let place = view.find(barcode)?.ok_or_else(|| {
        Error::usage(format!("{barcode} is not in {}", found.name()))
            .hint("\"mtx status\" or \"tapeward library status\" shows what is")
    })?;
    if place.name.kind == ElementKind::DataTransfer || place.cleaning {
        return Err(Error::usage(format!(
            "{barcode} is no data cartridge in a slot ({})",
            place.name
        )));
    }
    let elements: Vec<ElementAddress> = bays.iter().map(|bay| bay.element).collect();
    confirm(
        &format!(
            "{barcode} is loaded from element {} into element {} in turn, and brought back.",
            place.address,
            elements
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        ),
        yes,
    )?;
    let robot = serial_of(found.identity.serial.as_ref(), &found.name())?;
    let mut locks = vec![hold(session, robot, "the robot")?];
    let mut drives = Vec::new();
    for index in &candidates {
        let drive = survey.drive(*index);
        let serial = serial_of(drive.identity.serial.as_ref(), &drive.name())?;
        locks.push(hold(session, serial, &drive.name())?);
        let config = DriveConfig {
            serial: Some(serial.to_owned()),
            ..DriveConfig::default()
        };
        drives.push(attachment::open_drive(&config, &|path| path)?);
    }
    let mut changer = attachment::open_changer(&ChangerConfig {
        serial: Some(robot.to_owned()),
        ..ChangerConfig::default()
    })?;
    let cartridge = TrialCartridge {
        home: place.address,
        picker: view
            .of_kind(ElementKind::MediumTransport)
            .next()
            .map_or(ElementAddress(0), |picker| picker.address),
    };
    let clock = &session.around.clock;
    let seen = trial::find_drives(&mut changer, &mut drives, cartridge, &elements, clock)?;
    Ok(bays
        .into_iter()
        .zip(seen)
        .filter_map(|(bay, seen)| {
            Some(Match {
                drive: candidates[seen?],
                bay,
                evidence: Evidence::TrialLoad,
            })
        })
        .collect())
}

fn serial_of<'a>(serial: Option<&'a String>, device: &str) -> Result<&'a str> {
    serial
        .map(String::as_str)
        .ok_or_else(|| Error::failed(format!("{device} tells no serial number")))
}

fn hold(session: &Session, serial: &str, device: &str) -> Result<DeviceLock> {
    let now = session.around.clock.now();
    DeviceLock::acquire(&lock::folder(), serial, device, PURPOSE, now)
}

/// Asks a person, who must be there unless `yes` was said before.
fn confirm(what: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    let refused = || Error::new(ErrorKind::OperatorNeeded, "nothing was moved");
    if !std::io::stdin().is_terminal() {
        return Err(refused().hint("say --yes when nobody can be asked"));
    }
    let mut err = anstream::stderr().lock();
    write!(err, "{what} Go on? [y/N] ")
        .and_then(|()| err.flush())
        .context("cannot ask")?;
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .context("cannot read the answer")?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(refused())
    }
}
