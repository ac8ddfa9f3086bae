//! The manifest of a run, from the record.

use chrono::FixedOffset;
use chrono::Local;

use super::desk::{Desk, Line, lines};
use crate::catalogue::{CourierRun, Direction, Item, Movement, Revision, View};
use crate::error::{Context, Error, Result};
use crate::id::Barcode;
use crate::journal::Checkpoint;
use crate::media::facts;
use crate::media::rule::Secrecy;
use crate::report::manifest::{
    Case, Direction as OnPaper, Imprint, InHouse, ItemKind, Line as PaperLine, Manifest, Party,
    Protection, Return, RunWindow, Seal, SealOwner, Urgency,
};

/// Builds the manifest of a run in this revision.
///
/// # Errors
/// Something the manifest says is not configured; the record cannot be read.
pub fn manifest(
    desk: &Desk<'_>,
    run: &CourierRun,
    revision: Revision,
    checkpoint: Checkpoint,
) -> Result<Manifest> {
    let config = &desk.app.config;
    let vault = config.place(&run.vault)?;
    let carrier = config.carrier(&run.carrier)?;
    let site = config
        .site
        .get(&run.site)
        .ok_or_else(|| Error::usage(format!("site {} is not configured any more", run.site)))?;
    let ours = Party {
        name: site.name.clone(),
        address: site.address.clone(),
        customer_number: None,
        telephone: site.telephone.clone(),
    };
    let theirs = Party {
        name: vault
            .vendor
            .clone()
            .unwrap_or_else(|| vault.name(&run.vault).to_owned()),
        address: vault.address.clone(),
        customer_number: vault.customer_number.clone(),
        telephone: vault.emergency_line.clone(),
    };
    let (direction, from, to) = match run.direction {
        Direction::Out => (OnPaper::Out, ours, theirs),
        Direction::Back => (OnPaper::Back, theirs, ours),
    };
    Ok(Manifest {
        number: run.number.parse()?,
        direction,
        revision,
        replaces: revision.before(),
        run: RunWindow {
            date: run.due,
            from: None,
            until: None,
        },
        from,
        to,
        carrier: Party {
            name: carrier.name.clone(),
            address: Vec::new(),
            customer_number: None,
            telephone: carrier.telephone.clone(),
        },
        cases: cases(desk, run)?,
        lines: lines(desk.tx, run.id)?
            .iter()
            .map(|line| paper_line(desk.tx, run, line))
            .collect::<Result<_>>()?,
        handling: handling(vault.acclimatise_hours),
        imprint: Imprint {
            at: local(desk.stamp.entered_at),
            by: desk.stamp.by.clone(),
            checkpoint,
            loss_telephone: site.telephone.clone().unwrap_or_else(|| "-".to_owned()),
            copies: ["sender", "carrier", "receiver"]
                .map(str::to_owned)
                .to_vec(),
        },
    })
}

fn local(moment: chrono::DateTime<chrono::Utc>) -> chrono::DateTime<FixedOffset> {
    moment.with_timezone(&Local).fixed_offset()
}

/// What everybody who carries tapes is told.
fn handling(acclimatise_hours: u32) -> Vec<String> {
    let mut notes = vec![
        "Keep at 16 to 25 °C and dry; no sun, no magnets; never drop or stack without case."
            .to_owned(),
        "Do not open cases. Do not break seals. Report a broken seal at once by telephone."
            .to_owned(),
    ];
    if acclimatise_hours > 0 {
        notes.push(format!(
            "Let cartridges rest for {acclimatise_hours} hours before they are loaded."
        ));
    }
    notes
}

fn cases(desk: &Desk<'_>, run: &CourierRun) -> Result<Vec<Case>> {
    desk.tx
        .courier_cases(run.id)?
        .into_iter()
        .map(|case| {
            let barcode = desk.tx.thing(case.thing)?.barcode;
            Ok(Case {
                code: code(&barcode)?,
                seals: case
                    .seals
                    .iter()
                    .enumerate()
                    .map(|(index, number)| Seal {
                        number: number.clone(),
                        owner: if index == 0 {
                            SealOwner::Ours
                        } else {
                            SealOwner::Vendor
                        },
                    })
                    .collect(),
            })
        })
        .collect()
}

fn code(barcode: &Barcode) -> Result<crate::id::Code> {
    barcode
        .as_str()
        .parse()
        .context(format!("case {barcode} cannot stand on a manifest"))
}

fn paper_line(view: &View<'_>, run: &CourierRun, line: &Line) -> Result<PaperLine> {
    let Movement {
        in_case,
        return_on,
        reason,
        urgent,
        exempt,
        note,
        ..
    } = &line.movement;
    let case = match in_case {
        Some(case) => Some(code(&view.thing(*case)?.barcode)?),
        None => None,
    };
    let (kind, media_type, protection) = match &line.item {
        Item::Cartridge(cartridge) => (
            ItemKind::Cartridge,
            cartridge.generation.to_string(),
            match (facts::secrecy(view, cartridge)?, exempt) {
                (Secrecy::Safe, _) if view.volume_on(cartridge.id)?.is_some() => {
                    Protection::Encrypted
                }
                (Secrecy::Safe, _) => Protection::NotNeeded,
                (_, Some(why)) => Protection::Exception(why.clone()),
                (_, None) => Protection::Exception("none on record".to_owned()),
            },
        ),
        Item::Thing(thing) => (
            ItemKind::Other,
            thing.kind.words().to_owned(),
            match exempt {
                Some(why) if thing.kind.holds_data() => Protection::Exception(why.clone()),
                _ => Protection::NotNeeded,
            },
        ),
    };
    Ok(PaperLine {
        barcode: line.barcode().clone(),
        kind,
        media_type,
        case,
        protection,
        returns: match (run.direction, return_on) {
            (Direction::Back, _) => Return::Home,
            (Direction::Out, Some(day)) => Return::On(*day),
            (Direction::Out, None) => Return::UntilRecalled,
        },
        reason: reason.code().to_owned(),
        urgency: if *urgent {
            Urgency::Urgent
        } else {
            Urgency::Routine
        },
        remark: remark(note),
        in_house: in_house(view, &line.item)?,
    })
}

/// A note as outsiders may read it: only what was written for the line, never a name of a set.
fn remark(note: &str) -> String {
    note.chars().take(120).collect()
}

fn in_house(view: &View<'_>, item: &Item) -> Result<Option<InHouse>> {
    let Some(cartridge) = item.cartridge() else {
        return Ok(None);
    };
    let Some(volume) = view.volume_on(cartridge.id)? else {
        return Ok(None);
    };
    let mut systems = Vec::new();
    let mut owners = Vec::new();
    let mut content = Vec::new();
    for copy in view.set_copies_on(volume.id)? {
        let set = view.set(copy.set)?;
        let name = view.definition(set.definition)?.name;
        content.push(format!("{name} {} copy {}", set.month, copy.copy));
        if !systems.contains(&name) {
            systems.push(name);
        }
        if let Some(agency) = set.agency
            && !owners.contains(&agency)
        {
            owners.push(agency);
        }
    }
    Ok((!content.is_empty()).then(|| InHouse {
        system: systems.join(", "),
        owner: owners.join(", "),
        content: content.join(", "),
    }))
}
