//! Keeping what was observed and decided, and showing it with names.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::blame::Unit;
use super::rule::{Action, Evidence, ReasonCode, Verdict, WINDOW_DAYS, assess};
use super::{DriveSerial, Observation, Usage, alert};
use crate::app::App;
use crate::catalogue::{DecidedBy, ElementAddress, HealthDecision, Tx, View};
use crate::copies::task::{self, Opened};
use crate::error::{Error, Result};
use crate::id::{Barcode, LibraryId, RunId};
use crate::journal::Event;
use crate::library::robot::DriveSite;
use crate::media::reconcile;

/// A mount to be kept.
#[derive(Debug)]
pub struct Mounted<'a> {
    /// The cartridge; one that is not registered is not kept.
    pub barcode: &'a Barcode,
    /// The library the drive is in.
    pub library: LibraryId,
    /// The drive.
    pub site: &'a DriveSite,
    /// What it showed.
    pub usage: &'a Usage,
    /// In which run.
    pub run: Option<RunId>,
}

/// Keeps what a mount showed and, where the standard calls it critical, takes the cartridge or the
/// drive out of use, in one transaction. Says who was taken out.
pub fn observe(app: &App, mounted: &Mounted<'_>) -> Result<Vec<String>> {
    app.write(|tx, now| {
        let Some(cartridge) = tx.cartridge_by_barcode(mounted.barcode)? else {
            return Ok(Vec::new());
        };
        let site = mounted.site;
        tx.record_drive(&crate::catalogue::Drive {
            serial: site.serial.clone(),
            vendor: site.vendor.clone(),
            product: site.product.clone(),
            place: Some((mounted.library, ElementAddress(site.element.0))),
            seen_at: now,
        })?;
        let drive: DriveSerial = site.serial.parse()?;
        tx.add_observation(
            &Observation {
                cartridge: cartridge.id,
                drive: drive.clone(),
                model: format!("{} {}", site.vendor, site.product),
                at: now,
                usage: mounted.usage.clone(),
            },
            mounted.run,
        )?;
        app.note(
            tx,
            now,
            &Event::MountObserved {
                cartridge: cartridge.id,
                run: mounted.run,
                drive,
                hard_errors: mounted.usage.sense.hard,
                failed: mounted.usage.failed(),
                alerts: mounted.usage.alerts.iter().map(u8::from).collect(),
            },
        )?;
        if mounted.usage.alerts.iter().any(alert::is_critical) {
            take_out(app, tx, now)
        } else {
            Ok(Vec::new())
        }
    })
}

/// Takes out what is to be taken out at once.
fn take_out(app: &App, tx: &Tx<'_>, now: DateTime<Utc>) -> Result<Vec<String>> {
    let assessment = assess(&snapshot(tx, now)?, now);
    let drives = assessment
        .drives
        .into_iter()
        .map(|one| (Unit::Drive(one.drive), one.evidence));
    let cartridges = assessment
        .cartridges
        .into_iter()
        .map(|one| (Unit::Cartridge(one.cartridge), one.evidence));
    let mut said = Vec::new();
    for (unit, evidence) in drives.chain(cartridges) {
        if evidence.action != Action::TakeOut {
            continue;
        }
        let reason: Vec<String> = evidence
            .reasons
            .into_iter()
            .filter(|reason| reason.code == ReasonCode::CriticalAlert)
            .map(|reason| reason.text)
            .collect();
        let decision = HealthDecision {
            unit,
            verdict: Verdict::Quarantined,
            by: DecidedBy::Rule,
            reason: reason.join(", "),
            at: now,
        };
        let name = name(tx, &decision.unit)?;
        said.push(format!("{name} is out of use: {}", decision.reason));
        let opened = keep(app, tx, now, &decision)?;
        if let Err(last) = opened.outcome() {
            said.push(last.to_string());
        }
    }
    Ok(said)
}

/// A cartridge that is out of use is to be copied to others.
fn keep(app: &App, tx: &Tx<'_>, now: DateTime<Utc>, decision: &HealthDecision) -> Result<Opened> {
    tx.add_health_decision(decision)?;
    let (cartridge, drive) = match &decision.unit {
        Unit::Cartridge(cartridge) => (Some(*cartridge), None),
        Unit::Drive(drive) => (None, Some(drive.clone())),
    };
    app.note(
        tx,
        now,
        &Event::HealthDecided {
            cartridge,
            drive,
            verdict: decision.verdict,
            automatic: decision.by == DecidedBy::Rule,
            reason: decision.reason.clone(),
        },
    )?;
    let Unit::Cartridge(cartridge) = decision.unit else {
        return Ok(Opened::default());
    };
    match decision.verdict {
        Verdict::Quarantined => {
            task::cartridge_out_of_use(app, tx, now, cartridge, &decision.reason)
        }
        Verdict::Released => {
            task::cartridge_in_use_again(app, tx, now, cartridge, &decision.reason)?;
            Ok(Opened::default())
        }
    }
}

fn snapshot(view: &View<'_>, now: DateTime<Utc>) -> Result<super::Snapshot> {
    Ok(view.health(now - TimeDelta::days(WINDOW_DAYS))?)
}

fn name(view: &View<'_>, unit: &Unit) -> Result<String> {
    Ok(match unit {
        Unit::Cartridge(cartridge) => view.cartridge(*cartridge)?.barcode.to_string(),
        Unit::Drive(drive) => format!("drive {drive}"),
    })
}

/// A person's decision about a cartridge (by barcode) or a drive (by serial number). Returns what
/// is to be copied to other cartridges now.
///
/// # Errors
/// Nothing is known by that name; it is as asked already.
pub fn decide(app: &App, which: &str, verdict: Verdict, reason: &str) -> Result<Opened> {
    if app.catalogue.read(|view| find(view, which))?.is_none() {
        learn_drives(app)?;
    }
    app.write(|tx, now| decide_in(app, tx, now, which, verdict, reason))
}

/// The same within a transaction.
///
/// # Errors
/// As [`decide`].
pub fn decide_in(
    app: &App,
    tx: &Tx<'_>,
    now: DateTime<Utc>,
    which: &str,
    verdict: Verdict,
    reason: &str,
) -> Result<Opened> {
    let unit = find(tx, which)?.ok_or_else(|| {
        Error::usage(format!("no cartridge and no drive is known as \"{which}\""))
            .hint("\"tapeward media list\" and \"tapeward drive status\" show what there is")
    })?;
    let quarantined = match &unit {
        Unit::Cartridge(cartridge) => tx.quarantined_cartridges()?.contains(cartridge),
        Unit::Drive(drive) => tx.quarantined_drives()?.contains(drive),
    };
    match (verdict, quarantined) {
        (Verdict::Quarantined, true) => {
            return Err(Error::usage(format!("{which} is out of use already")));
        }
        (Verdict::Released, false) => {
            return Err(Error::usage(format!("{which} is not out of use")));
        }
        (Verdict::Quarantined, false) | (Verdict::Released, true) => {}
    }
    let decision = HealthDecision {
        unit,
        verdict,
        by: DecidedBy::Person,
        reason: reason.to_owned(),
        at: now,
    };
    keep(app, tx, now, &decision)
}

/// Puts the drives of every library that can be reached on record: one that was never used may
/// be meant.
fn learn_drives(app: &App) -> Result<()> {
    for name in app.config.library.keys() {
        let library = app.library(Some(name), "health")?;
        match library.view().and_then(|view| library.drives(&view)) {
            Ok(sites) => {
                let id = reconcile::identify(app, &library)?;
                reconcile::record_drives(app, id, &sites)?;
            }
            Err(error) => tracing::info!(library = %name, %error, "drives not asked for"),
        }
    }
    Ok(())
}

fn find(view: &View<'_>, which: &str) -> Result<Option<Unit>> {
    if let Ok(barcode) = which.parse()
        && let Some(cartridge) = view.cartridge_by_barcode(&barcode)?
    {
        return Ok(Some(Unit::Cartridge(cartridge.id)));
    }
    if let Ok(drive) = which.parse()
        && view.knows_drive(&drive)?
    {
        return Ok(Some(Unit::Drive(drive)));
    }
    Ok(None)
}

/// A row of the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Barcode, or serial number of a drive.
    pub name: String,
    /// Vendor and product of a drive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What was found.
    #[serde(flatten)]
    pub evidence: Evidence,
    /// What to do about it.
    pub advice: Option<String>,
}

/// The health of everything that was ever mounted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The time it is about.
    pub at: DateTime<Utc>,
    /// Drives by serial number.
    pub drives: Vec<Row>,
    /// Cartridges by barcode.
    pub cartridges: Vec<Row>,
}

/// Judges what is on record.
pub fn report(app: &App) -> Result<Report> {
    let now = app.clock.now();
    app.catalogue.read(|view| {
        let assessment = assess(&snapshot(view, now)?, now);
        let known = view.drives()?;
        let drives = assessment
            .drives
            .into_iter()
            .map(|one| {
                let name = one.drive.to_string();
                let model = known
                    .iter()
                    .find(|drive| drive.serial == name)
                    .map(|drive| format!("{} {}", drive.vendor, drive.product));
                row(name, model, one.evidence, "drive")
            })
            .collect();
        let mut cartridges: Vec<Row> = assessment
            .cartridges
            .into_iter()
            .map(|one| {
                let name = view.cartridge(one.cartridge)?.barcode.to_string();
                Ok(row(name, None, one.evidence, "cartridge"))
            })
            .collect::<Result<_>>()?;
        cartridges.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(Report {
            at: now,
            drives,
            cartridges,
        })
    })
}

fn row(name: String, model: Option<String>, evidence: Evidence, noun: &str) -> Row {
    use super::rule::State;
    let advice = match evidence.state {
        State::Quarantined if noun == "drive" => Some(format!(
            "have it serviced, then \"tapeward health release {name}\""
        )),
        State::Quarantined => Some(format!(
            "copy what is on it, then retire it; if it is sound after all, \"tapeward health release {name}\""
        )),
        State::Suspect => Some(format!("\"tapeward health quarantine {name}\"")),
        State::Watch | State::Unproven | State::Good => None,
    };
    Row {
        name,
        model,
        evidence,
        advice,
    }
}
