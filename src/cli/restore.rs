//! `restore`.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::Session;
use super::output::{self, Column, size, time};
use super::restore_args::{ExistingArg, RestoreArgs};
use crate::app::App;
use crate::archive::extract::{DeviceNodes, Existing, ExtractOptions, PrivilegedModes};
use crate::catalogue::{BackupSet, ProofKind};
use crate::error::{Error, Result};
use crate::restore::{self as restoring, About, Destination, Plan, Report, Request, Wait};

pub(super) fn restore(session: &Session, args: &RestoreArgs) -> Result<()> {
    let app = Arc::new(session.open()?);
    let library = Arc::new(app.library(args.choice.library.as_deref(), "restore")?);
    let request = match args.resume {
        Some(run) => resumed(&app, args, run)?,
        None => request(&app, args)?,
    };
    if args.plan {
        let plan = restoring::plan(&app, &library, &request)?;
        return show_plan(session, &plan);
    }
    let report = restoring::restore(&app, &library, &request, args.resume)?;
    shown(session, &app, &report)?;
    restoring::incomplete(&report)
}

fn request(app: &App, args: &RestoreArgs) -> Result<Request> {
    let at = args.at.as_deref().map(moment).transpose()?;
    let sets = app.catalogue.read(|view| {
        let mut sets: Vec<BackupSet> = Vec::new();
        for name in args.set.iter().chain(&args.more) {
            let set = crate::set::find_set(view, name, at)?;
            if sets.iter().all(|other| other.id != set.id) {
                sets.push(set);
            }
        }
        Ok::<_, Error>(sets)
    })?;
    let paths = args.paths.iter().map(|path| set_path(path));
    Ok(Request {
        paths: paths.collect::<Result<_>>()?,
        to: destination(args)?,
        copy: args.copy,
        options: ExtractOptions {
            devices: if args.devices {
                DeviceNodes::Make
            } else {
                DeviceNodes::Skip
            },
            privileged: if args.privileged_modes {
                PrivilegedModes::Restore
            } else {
                PrivilegedModes::LeaveOut
            },
            ..ExtractOptions::new(match args.existing {
                ExistingArg::Refuse => Existing::Refuse,
                ExistingArg::Keep => Existing::Keep,
                ExistingArg::Replace => Existing::Replace,
                ExistingArg::Rename => Existing::Rename,
            })
        },
        drives: drives(args),
        wait: wait(args),
        problems: args.problems.clone(),
        identities: identities(app, args, &sets)?,
        proof: ProofKind::Restore,
        sets,
    })
}

/// What the run that is to go on was asked for.
fn resumed(app: &App, args: &RestoreArgs, run: crate::id::RunId) -> Result<Request> {
    let order = restoring::order(app, run)?;
    let sets = app.catalogue.read(|view| {
        let sets = order.sets.iter().map(|id| Ok(view.set(*id)?));
        sets.collect::<Result<Vec<_>>>()
    })?;
    Ok(Request {
        identities: identities(app, args, &sets)?,
        proof: ProofKind::Restore,
        sets,
        paths: order.paths,
        to: order.to,
        copy: order.copy,
        options: order.options,
        drives: drives(args),
        wait: wait(args),
        problems: args.problems.clone(),
    })
}

fn drives(args: &RestoreArgs) -> usize {
    args.drives.map_or(usize::MAX, usize::from)
}

fn wait(args: &RestoreArgs) -> Wait {
    if args.no_wait {
        Wait::No
    } else {
        Wait::ForRuns
    }
}

fn identities(
    app: &App,
    args: &RestoreArgs,
    sets: &[BackupSet],
) -> Result<Arc<crate::key::Identities>> {
    if sets.iter().all(|set| set.recipients.is_empty()) {
        return Ok(Arc::default());
    }
    let keys: Vec<_> = sets.iter().flat_map(|set| set.recipients.clone()).collect();
    Ok(Arc::new(app.identities(&args.identity, &keys)?))
}

fn destination(args: &RestoreArgs) -> Result<Destination> {
    let stream = |path: &PathBuf| (path.as_os_str() != "-").then(|| path.clone());
    if let Some(path) = &args.tar {
        return Ok(Destination::Tar(stream(path)));
    }
    match &args.to {
        Some(path) if path.as_os_str() == "-" => Ok(Destination::Tar(None)),
        Some(path) => std::path::absolute(path)
            .map(Destination::Folder)
            .map_err(|error| {
                Error::usage(format!("{} is no folder", path.display())).because(error)
            }),
        None => Ok(Destination::Nowhere),
    }
}

/// The end of a day, or a time.
pub(super) fn moment(text: &str) -> Result<DateTime<Utc>> {
    let end_of_day = text
        .parse::<NaiveDate>()
        .ok()
        .and_then(|day| day.checked_add_days(Days::new(1)))
        .and_then(|next| next.and_hms_opt(0, 0, 0))
        .map(|midnight| midnight.and_utc() - chrono::TimeDelta::nanoseconds(1));
    let time = || {
        DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|time| time.to_utc())
    };
    end_of_day.or_else(time).ok_or_else(|| {
        Error::usage(format!("\"{text}\" is neither a date nor a time"))
            .hint("write it as 2026-03-31 or 2026-03-31T18:00:00Z")
    })
}

/// A path below a set's root as the index has it.
pub(super) fn set_path(path: &Path) -> Result<Vec<u8>> {
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

fn show_plan(session: &Session, plan: &Plan) -> Result<()> {
    if session.is_json() {
        return output::json(plan);
    }
    for set in &plan.sets {
        output::line(format!(
            "set {} of {} ({}): {} to read",
            set.name,
            time(set.made),
            set.set,
            size(set.bytes)
        ))?;
    }
    output::table(
        &[
            Column::Text("CARTRIDGE"),
            Column::Text("PLACE"),
            Column::Text("TO BRING"),
            Column::Number("COPY"),
            Column::Number("STRETCHES"),
            Column::Number("ON TAPE"),
            Column::Number("ABOUT"),
        ],
        plan.cartridges
            .iter()
            .map(|cartridge| {
                vec![
                    cartridge.barcode.to_string(),
                    cartridge.place.clone(),
                    if cartridge.bring { "yes" } else { "no" }.to_owned(),
                    cartridge.copy.to_string(),
                    cartridge.stretches.to_string(),
                    size(cartridge.bytes),
                    About(cartridge.seconds).to_string(),
                ]
            })
            .collect(),
        "No cartridge holds any of it.",
    )?;
    for why in &plan.unreadable {
        output::line(why)?;
    }
    output::line(format!(
        "about {} with {}",
        About(plan.seconds),
        crate::progress::counted(plan.drives as u64, "drive", "drives")
    ))
}

fn shown(session: &Session, app: &App, report: &Report) -> Result<()> {
    // Standard output may be taken by the stream.
    let taken = report.destination == Destination::Tar(None);
    if session.is_json() && !taken {
        return output::json(report);
    }
    let stuck = report.stuck.iter().filter(|_| report.problem_count > 0);
    for problem in report.problems.iter().chain(stuck) {
        app.say(format!("problem: {problem}"));
    }
    let say = |text: String| {
        if taken {
            app.say(text);
            return Ok(());
        }
        output::line(text)
    };
    let more = report.problem_count - report.problems.len() as u64;
    if more > 0 {
        say(format!("and {more} more problems"))?;
    }
    let from = report.cartridges.join(", ");
    say(match &report.destination {
        Destination::Nowhere => format!("{} members read from {from}", report.restored),
        _ => format!(
            "{} members restored to {} from {from}",
            report.restored, report.to
        ),
    })?;
    if report.kept > 0 {
        say(format!("{} were there already and were kept", report.kept))?;
    }
    if report.renamed > 0 {
        say(format!(
            "{} were there already and got another name",
            report.renamed
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_end() {
        let at = moment("2026-03-31").unwrap();
        assert!(at > "2026-03-31T23:59:59Z".parse::<DateTime<Utc>>().unwrap());
        assert!(at < "2026-04-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(
            moment("2026-03-31T18:00:00+02:00").unwrap(),
            "2026-03-31T16:00:00Z".parse::<DateTime<Utc>>().unwrap()
        );
        assert!(moment("March").is_err());
    }
}
