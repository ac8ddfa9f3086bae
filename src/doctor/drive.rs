//! One drive: what it says of itself, then the scratch cartridge in it.

use tapeward_drivers::spc::attribute::{Attribute, AttributeFormat, AttributeId};
use tapeward_drivers::spc::{log, vpd};
use tapeward_drivers::ssc::Drive;
use tapeward_drivers::ssc::density::DensityScope;

use super::Fill;
use super::certificate::Check;
use super::exam::{Checked, Exam, NotPassed, Passed, same, subject};
use super::{positioning, protection, tape};
use crate::error::{ErrorKind, Result};
use crate::id::Barcode;
use crate::job::lease::Leases;
use crate::library::blocks::BlockLimits;
use crate::library::mount::{HeldDrive, Seat};
use crate::library::robot::DriveSite;

/// Log pages health is judged by, and what each is (SPC-5, SSC-4).
const LOG_PAGES: [(u8, &str); 8] = [
    (0x02, "write errors"),
    (0x03, "read errors"),
    (0x0c, "sequential-access device"),
    (0x11, "DT device status"),
    (0x14, "device statistics"),
    (0x17, "volume statistics"),
    (0x2e, "TapeAlert"),
    (0x31, "tape capacity"),
];
/// Log page 00h: the list of pages.
const SUPPORTED_LOG_PAGES: u8 = 0x00;

/// Examines a drive with the cartridge, which is at home before and afterwards.
pub(super) fn examine(
    exam: &mut Exam,
    site: DriveSite,
    barcode: &Barcode,
    fill: Fill,
) -> Result<()> {
    let name = subject(&site);
    let Some(held) = hold(exam, &name, site)? else {
        return Ok(());
    };
    let _leases = match Leases::take(&exam.context, std::slice::from_ref(&held)) {
        Ok(leases) => leases,
        Err(error) if error.kind() == ErrorKind::Locked => {
            exam.keep(
                &name,
                Check::Load,
                Err(NotPassed::skipped(error.to_string())),
            );
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let blocks = held.blocks;
    let Some((seat, mut drive)) = load(exam, &name, held, barcode)? else {
        return Ok(());
    };
    let outcome = match drive.scsi() {
        Some(scsi) => loaded(exam, &name, scsi, blocks, fill),
        None => {
            let why = "it is reached through the kernel's tape driver: set path = \"sg\"";
            exam.keep(&name, Check::Identity, Err(NotPassed::skipped(why)));
            Ok(())
        }
    };
    unload(exam, &name, seat, drive);
    outcome
}

fn hold(exam: &mut Exam, name: &str, site: DriveSite) -> Result<Option<HeldDrive>> {
    let library = std::sync::Arc::clone(&exam.context.library);
    let view = library.view()?;
    if let Some(place) = view.at(site.element).filter(|place| place.full) {
        let why = format!("{} is in it", place.content());
        exam.keep(name, Check::Load, Err(NotPassed::skipped(why)));
        return Ok(None);
    }
    match library.hold(site) {
        Ok(held) => Ok(Some(held)),
        Err(error) if error.kind() == ErrorKind::Locked => {
            exam.keep(
                name,
                Check::Load,
                Err(NotPassed::skipped(error.to_string())),
            );
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn load(
    exam: &mut Exam,
    name: &str,
    held: HeldDrive,
    barcode: &Barcode,
) -> Result<Option<(Seat, tapeward_drivers::Drive)>> {
    let mut mounted = None;
    exam.check(name, Check::Load, |exam| {
        let began = exam.elapsed();
        let library = &exam.context.library;
        mounted = Some(
            library
                .mount(held, barcode, &exam.context)
                .map_err(|failed| NotPassed::from(failed.blamed.error))?,
        );
        let took = exam.elapsed().saturating_sub(began);
        Ok(Passed::new(format!("{barcode} is ready"))
            .took("move and load until ready, host's clock", took))
    })?;
    Ok(mounted)
}

fn unload(exam: &mut Exam, name: &str, seat: Seat, drive: tapeward_drivers::Drive) {
    let began = exam.elapsed();
    let to = exam.home.as_ref().map(|home| home.address);
    let context = exam.context.clone();
    let outcome = match context.library.unmount(seat, drive, to, &context) {
        Ok(_) => {
            let took = exam.elapsed().saturating_sub(began);
            let home = exam.home.as_ref().map(|home| home.name.to_string());
            let words = format!("in {} again", home.unwrap_or_default());
            Ok(Passed::new(words).took("unload and move home, host's clock", took))
        }
        Err(failed) => Err(NotPassed::from(failed.blamed.error)),
    };
    exam.keep(name, Check::Unload, outcome);
}

/// Everything that is done with a cartridge in the drive.
fn loaded(
    exam: &mut Exam,
    name: &str,
    drive: &mut Drive,
    blocks: BlockLimits,
    fill: Fill,
) -> Result<()> {
    exam.check(name, Check::Identity, |_| identity(drive))?;
    exam.check(name, Check::LogPages, |_| log_pages(drive))?;
    exam.check(name, Check::Media, |_| media(drive, blocks))?;
    let blank = exam.check(name, Check::Blank, |_| tape::blank(drive))?;
    if !blank {
        let why = "the cartridge is not blank: nothing was written";
        exam.keep(name, Check::WriteRead, Err(NotPassed::skipped(why)));
        return Ok(());
    }
    let before = drive.modes().ok();
    let outcome = written(exam, name, drive, fill);
    if let Some(before) = before
        && let Err(error) = drive.set_modes(&before)
    {
        tracing::warn!(%error, "the drive's modes could not be restored");
    }
    let erased = tape::erase(drive);
    exam.keep(name, Check::Erase, erased);
    outcome
}

fn written(exam: &mut Exam, name: &str, drive: &mut Drive, fill: Fill) -> Result<()> {
    exam.check(name, Check::MediumAuxiliaryMemory, |_| {
        cartridge_memory(drive)
    })?;
    let mut layout = None;
    exam.check(name, Check::WriteRead, |exam| {
        let (written, passed) = tape::write_read(exam, drive)?;
        layout = Some(written);
        Ok(passed)
    })?;
    match layout {
        Some(layout) => {
            exam.check(name, Check::Position, |_| positioning::position(drive))?;
            exam.check(name, Check::Space, |_| positioning::space(drive, &layout))?;
            exam.check(name, Check::Locate, |exam| {
                positioning::locate(exam, drive, &layout)
            })?;
        }
        None => {
            let why = "nothing could be written to go to";
            exam.keep(name, Check::Space, Err(NotPassed::skipped(why)));
            exam.keep(name, Check::Locate, Err(NotPassed::skipped(why)));
        }
    }
    exam.check(name, Check::BlockLengths, |_| tape::block_lengths(drive))?;
    exam.check(name, Check::Compression, |exam| {
        tape::compression(exam, drive)
    })?;
    exam.check(name, Check::Encryption, |exam| {
        protection::encryption(exam, drive)
    })?;
    exam.check(name, Check::BlockProtection, |_| {
        protection::block_protection(drive)
    })?;
    exam.check(name, Check::EarlyWarning, |exam| {
        tape::early_warning(exam, drive, fill)
    })?;
    Ok(())
}

fn identity(drive: &mut Drive) -> Checked {
    let inquiry = drive.inquiry()?;
    let pages = vpd::supported_pages(drive.transport_mut())?;
    let lacking: Vec<String> = [0x80, 0x83]
        .into_iter()
        .filter(|page| !pages.contains(page))
        .map(|page| format!("VPD page {page:02X}h"))
        .collect();
    if !lacking.is_empty() {
        // SPC-5 wants 83h of everybody; 80h is what drives are told apart by here.
        return Err(NotPassed::unsupported(lacking.join(", ")));
    }
    let list: Vec<String> = pages.iter().map(|page| format!("{page:02X}h")).collect();
    Ok(Passed::new(format!(
        "{} {} firmware {}, VPD pages {}",
        inquiry.vendor,
        inquiry.product,
        inquiry.revision,
        list.join(" ")
    )))
}

/// Asks for each page; TapeAlert is only looked for in the list, since reading it clears it.
fn log_pages(drive: &mut Drive) -> Checked {
    let listed = log::log_sense(drive.transport_mut(), SUPPORTED_LOG_PAGES, 0)?;
    if listed.is_none() {
        return Err(NotPassed::unsupported("LOG SENSE"));
    }
    let (mut there, mut lacking) = (Vec::new(), Vec::new());
    for (page, what) in LOG_PAGES {
        let has = if page == log::TAPE_ALERT {
            tape_alert_listed(drive)?
        } else {
            log::log_sense(drive.transport_mut(), page, 0)?.is_some()
        };
        let words = format!("{page:02X}h {what}");
        if has {
            there.push(words);
        } else {
            lacking.push(words);
        }
    }
    if lacking.is_empty() {
        return Ok(Passed::new(there.join(", ")));
    }
    Err(NotPassed::unsupported(format!(
        "lacks {}; has {}",
        lacking.join(", "),
        if there.is_empty() {
            "none".to_owned()
        } else {
            there.join(", ")
        }
    )))
}

/// The list of pages is not made of parameters: page codes, one byte each, behind four bytes
/// (SPC-5, supported log pages log page).
fn tape_alert_listed(drive: &mut Drive) -> std::result::Result<bool, NotPassed> {
    use tapeward_drivers::transport::{Cdb, Data, Status};
    let mut buffer = [0; 256];
    let cdb = Cdb::new([log::LOG_SENSE, 0, 0x40, 0, 0, 0, 0, 1, 0, 0]);
    let reply = drive
        .transport_mut()
        .execute(
            &cdb,
            Data::In(&mut buffer),
            std::time::Duration::from_secs(60),
        )
        .map_err(|error| NotPassed::failed(error.to_string()))?;
    if reply.status != Status::Good {
        return Err(NotPassed::failed("the list of log pages is refused"));
    }
    let length = usize::from(u16::from_be_bytes([buffer[2], buffer[3]]));
    let end = (4 + length).min(reply.transferred).max(4);
    Ok(buffer[4..end].contains(&log::TAPE_ALERT))
}

/// Whether the blocks of every pool get through is for jobs to say; here is what the limits are.
fn media(drive: &mut Drive, blocks: BlockLimits) -> Checked {
    let limits = drive.read_block_limits()?;
    let densities = match drive.report_density_support(DensityScope::Drive) {
        Err(error) if error.is_unsupported() => {
            return Err(NotPassed::unsupported(format!(
                "REPORT DENSITY SUPPORT; blocks of {} to {} bytes, through this path {blocks}",
                limits.minimum, limits.maximum
            )));
        }
        other => other?,
    };
    let names: Vec<&str> = densities.iter().map(|one| one.name.as_str()).collect();
    let written: Vec<&str> = densities
        .iter()
        .filter(|one| one.writable)
        .map(|one| one.name.as_str())
        .collect();
    Ok(Passed::new(format!(
        "blocks of {} to {} bytes, through this path {blocks}; reads {}; writes {}",
        limits.minimum,
        limits.maximum,
        names.join(", "),
        written.join(", ")
    )))
}

/// Reads the chip, writes a text label (MAM 0803h) and puts back what was there.
fn cartridge_memory(drive: &mut Drive) -> Checked {
    let all = drive.attributes()?;
    let before = drive.attribute(AttributeId::USER_MEDIUM_TEXT_LABEL)?;
    let label = |text: &[u8]| Attribute {
        id: AttributeId::USER_MEDIUM_TEXT_LABEL,
        read_only: false,
        format: AttributeFormat::Text,
        value: text.to_vec(),
    };
    let wanted = "tapeward doctor";
    drive.write_attribute(&label(wanted.as_bytes()))?;
    let found = drive.attribute(AttributeId::USER_MEDIUM_TEXT_LABEL)?;
    drive.write_attribute(&before.clone().unwrap_or_else(|| label(&[])))?;
    let text = found.map(|attribute| attribute.text()).unwrap_or_default();
    same("the text label reads back", &text, &wanted.to_owned())?;
    let after = drive.attribute(AttributeId::USER_MEDIUM_TEXT_LABEL)?;
    let text = |label: Option<Attribute>| label.map_or_else(String::new, |label| label.text());
    same("the text label afterwards", &text(after), &text(before))?;
    Ok(Passed::new(format!(
        "{} attributes; a text label was written, read back and removed",
        all.len()
    )))
}
