//! Writing on the scratch cartridge and reading it back.

use std::time::Duration;

use tapeward_drivers::ssc::{
    BlockAddress, Buffering, Drive, DriveModes, Erase, Megabytes, ReadOutcome, Space, Synchronize,
    WriteOutcome,
};

use super::Fill;
use super::exam::{Checked, Exam, NotPassed, Passed, same};
use super::pattern;
use crate::tape::volume::{Identified, identify};

/// Length of the blocks, in bytes.
pub(super) const BLOCK: usize = 256 * 1024;
/// Most that is written to measure rates.
const MOST_BYTES: u64 = 4 << 30;
/// A cartridge up to this size is filled without being asked to.
const SMALL: u64 = 8 << 30;
/// Blocks of the second and of the third tape file.
const SHORT_FILES: [u64; 2] = [7, 5];

/// What was written: tape files of so many blocks, each with a filemark behind it, from the
/// beginning of the tape. Blocks are numbered by their address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) files: [u64; 3],
}

impl Layout {
    /// Address of the first block of a file.
    pub(super) fn start(&self, file: usize) -> u64 {
        self.files.iter().take(file).map(|blocks| blocks + 1).sum()
    }

    /// Address of the filemark behind a file.
    pub(super) fn mark(&self, file: usize) -> u64 {
        self.start(file) + self.files.get(file).copied().unwrap_or(0)
    }
}

type Tried<T> = Result<T, NotPassed>;

/// Only a tape without anything on it is written.
pub(super) fn blank(drive: &mut Drive) -> Checked {
    let modes = drive.modes()?;
    if modes.write_protected {
        return Err(NotPassed::failed("the cartridge is write-protected"));
    }
    if drive.is_worm()? == Some(true) {
        return Err(NotPassed::failed("the cartridge can be written once only"));
    }
    match identify(drive) {
        Ok(Identified::Blank | Identified::Trial) => Ok(Passed::new("nothing is recorded")),
        // Left by a drive that does not erase, or by an examination that was killed.
        Ok(Identified::Foreign { first_bytes, .. })
            if first_bytes.len() >= 64 && pattern::block(0, BLOCK).starts_with(&first_bytes) =>
        {
            Ok(Passed::new("test data of an examination, nothing else"))
        }
        Ok(found) => Err(NotPassed::failed(format!("it holds {found}"))),
        Err(error) => Err(NotPassed::failed(error.to_string())),
    }
}

/// Ends blank: a short erase from the beginning of the tape.
pub(super) fn erase(drive: &mut Drive) -> Checked {
    drive.rewind()?;
    if let Err(error) = drive.erase(Erase::Short) {
        let not = NotPassed::from(error);
        return Err(if not.is_unsupported() {
            NotPassed::unsupported(
                "the drive does not erase: test data stays on the cartridge, label it anew",
            )
        } else {
            not
        });
    }
    drive.rewind()?;
    let mut buffer = vec![0; BLOCK];
    match drive.read_block(&mut buffer)? {
        ReadOutcome::EndOfData => Ok(Passed::new("the cartridge is blank again")),
        other => Err(NotPassed::failed(format!("after ERASE there is {other:?}"))),
    }
}

/// Variable blocks, buffered, not compressed.
fn plain_modes(drive: &mut Drive) -> Tried<DriveModes> {
    let before = drive.modes()?;
    let set = drive.set_modes(&DriveModes {
        buffering: Buffering::Buffered,
        block_length: 0,
        compression: before.compression.map(|_| false),
        ..before
    })?;
    Ok(set.modes)
}

fn capacity(drive: &mut Drive) -> Tried<Option<u64>> {
    Ok(drive.capacity()?.map(|capacity| capacity.maximum.bytes()))
}

/// Writes three tape files and reads them back; rates are of the first.
pub(super) fn write_read(exam: &Exam, drive: &mut Drive) -> Tried<(Layout, Passed)> {
    plain_modes(drive)?;
    let room = capacity(drive)?.unwrap_or(64 << 20);
    let bytes = (room / 8).clamp(16 * BLOCK as u64, MOST_BYTES);
    let layout = Layout {
        files: [bytes / BLOCK as u64, SHORT_FILES[0], SHORT_FILES[1]],
    };
    drive.rewind()?;
    let mut address = 0;
    let mut write_time = Duration::ZERO;
    for (file, blocks) in layout.files.into_iter().enumerate() {
        let mut spent = Duration::ZERO;
        for _ in 0..blocks {
            let block = pattern::block(address, BLOCK);
            let began = exam.elapsed();
            write(drive, &block)?;
            spent += exam.elapsed().saturating_sub(began);
            address += 1;
        }
        let began = exam.elapsed();
        drive.write_filemarks(1, Synchronize::Flush)?;
        spent += exam.elapsed().saturating_sub(began);
        address += 1;
        if file == 0 {
            write_time = spent;
        }
    }
    drive.rewind()?;
    let mut read_time = Duration::ZERO;
    let mut buffer = vec![0; BLOCK];
    for (file, blocks) in layout.files.into_iter().enumerate() {
        for number in layout.start(file)..layout.start(file) + blocks {
            let began = exam.elapsed();
            let outcome = drive.read_block(&mut buffer)?;
            if file == 0 {
                read_time += exam.elapsed().saturating_sub(began);
            }
            expect_block(outcome, &buffer, number)?;
        }
        match drive.read_block(&mut buffer)? {
            ReadOutcome::Filemark => {}
            other => {
                let what = format!("behind file {file} a filemark was written, {other:?} was read");
                return Err(NotPassed::failed(what));
            }
        }
    }
    let bytes = layout.files[0] * BLOCK as u64;
    let passed = Passed::new(format!(
        "{} blocks of 256 KiB in 3 tape files, read back equal",
        layout.files.iter().sum::<u64>()
    ))
    .rate(
        "writing random data with the last flush, time within commands",
        bytes,
        write_time,
    )
    .rate("reading it, time within commands", bytes, read_time);
    Ok((layout, passed))
}

/// Writes a block and takes no warning for an error.
pub(super) fn write(drive: &mut Drive, block: &[u8]) -> Tried<()> {
    match drive.write_block(block)? {
        WriteOutcome::Written => Ok(()),
        warning => Err(NotPassed::failed(format!(
            "{warning:?} far from the end of the tape"
        ))),
    }
}

/// Goes behind the first block, which stays what the test data is known by; writing there ends
/// the tape there.
pub(super) fn after_first_block(drive: &mut Drive) -> Tried<()> {
    drive.rewind()?;
    drive.space(Space::Blocks(1))?;
    Ok(())
}

/// Goes to a block of the first tape file, by LOCATE where the drive has it.
fn go_to(drive: &mut Drive, block: u64) -> Tried<()> {
    match drive.locate(BlockAddress(block)) {
        Err(error) if error.is_unsupported() => {
            drive.rewind()?;
            drive.space(Space::Blocks(i64::try_from(block).unwrap_or(i64::MAX)))?;
            Ok(())
        }
        other => Ok(other?),
    }
}

/// The block with this number came whole.
pub(super) fn expect_block(outcome: ReadOutcome, buffer: &[u8], number: u64) -> Tried<()> {
    match outcome {
        ReadOutcome::Block(length) if buffer[..length] == pattern::block(number, BLOCK)[..] => {
            Ok(())
        }
        ReadOutcome::Block(length) => Err(NotPassed::failed(format!(
            "block {number} reads back otherwise than it was written ({length} bytes)"
        ))),
        other => Err(NotPassed::failed(format!(
            "instead of block {number} came {other:?}"
        ))),
    }
}

/// Blocks of odd lengths, read with a buffer too long and one too short.
pub(super) fn block_lengths(drive: &mut Drive) -> Checked {
    let limits = drive.read_block_limits()?;
    let largest = 1 << 20;
    let most = match limits.maximum {
        0 => largest,
        most => largest.min(usize::try_from(most).unwrap_or(largest)),
    };
    let lengths = [4, 511, 4097, 65_535, most];
    drive.rewind()?;
    // The first block stays one the test data is known by.
    write(drive, &pattern::block(0, BLOCK))?;
    for length in lengths {
        write(drive, &pattern::block(length as u64, length))?;
    }
    drive.write_filemarks(1, Synchronize::Flush)?;
    after_first_block(drive)?;
    let mut buffer = vec![0; largest];
    for length in lengths {
        match drive.read_block(&mut buffer)? {
            ReadOutcome::Block(found) => {
                same("length of a block", &found, &length)?;
                if buffer[..found] != pattern::block(length as u64, length)[..] {
                    let what = format!("a block of {length} bytes reads back otherwise");
                    return Err(NotPassed::failed(what));
                }
            }
            other => {
                let what = format!("instead of a block of {length} bytes came {other:?}");
                return Err(NotPassed::failed(what));
            }
        }
    }
    drive.rewind()?;
    drive.space(Space::Blocks(3))?;
    match drive.read_block(&mut buffer[..1000])? {
        ReadOutcome::TooLong { actual } => {
            same("length of a block read too short", &actual, &4097)?;
        }
        other => {
            let what = format!("a block of 4097 bytes read with a buffer of 1000 gave {other:?}");
            return Err(NotPassed::failed(what));
        }
    }
    Ok(Passed::new(format!(
        "4, 511, 4097, 65535 and {most} bytes, and one read with a buffer too short"
    )))
}

/// Zeros with compression on: it must be told as set, and the data come back.
pub(super) fn compression(exam: &Exam, drive: &mut Drive) -> Checked {
    const BLOCKS: u64 = 64;
    let before = drive.modes()?;
    if before.compression.is_none() {
        return Err(NotPassed::unsupported("the drive has no compression page"));
    }
    let on = drive.set_modes(&DriveModes {
        compression: Some(true),
        ..before
    })?;
    if on.modes.compression != Some(true) {
        return Err(NotPassed::unsupported(
            "the drive has a compression page and keeps compression off",
        ));
    }
    after_first_block(drive)?;
    let zeros = vec![0; BLOCK];
    let began = exam.elapsed();
    for _ in 0..BLOCKS {
        write(drive, &zeros)?;
    }
    drive.write_filemarks(1, Synchronize::Flush)?;
    let took = exam.elapsed().saturating_sub(began);
    after_first_block(drive)?;
    let mut buffer = vec![1; BLOCK];
    for _ in 0..BLOCKS {
        let outcome = drive.read_block(&mut buffer)?;
        if outcome != ReadOutcome::Block(BLOCK) || buffer != zeros {
            return Err(NotPassed::failed(format!(
                "zeros written with compression came back as {outcome:?}"
            )));
        }
    }
    plain_modes(drive)?;
    Ok(
        Passed::new("switched on, 16 MiB of zeros read back, switched off").rate(
            "writing zeros with the last flush, host's clock",
            BLOCKS * BLOCK as u64,
            took,
        ),
    )
}

/// Writes from the beginning until the drive warns, then a filemark, then reads the end back.
pub(super) fn early_warning(exam: &Exam, drive: &mut Drive, fill: Fill) -> Checked {
    let room = capacity(drive)?;
    let size = room.map_or_else(
        || "a cartridge of unknown size".to_owned(),
        |room| format!("a cartridge of {} MB", room / 1_000_000),
    );
    if fill == Fill::IfSmall && room.is_none_or(|room| room > SMALL) {
        return Err(NotPassed::skipped(format!(
            "filling {size} takes long: ask for it with --fill"
        )));
    }
    let programmable = programme(drive, room)?;
    drive.rewind()?;
    let (mut written, mut programmed) = (0, None);
    loop {
        if exam.context.app.interrupt.requested() {
            return Err(NotPassed::skipped(
                "stopped while the tape was being filled",
            ));
        }
        let outcome = drive.write_block(&pattern::block(written, BLOCK))?;
        written += 1;
        match outcome {
            WriteOutcome::Written => {}
            WriteOutcome::ProgrammableEarlyWarning => {
                programmed.get_or_insert(written);
            }
            WriteOutcome::EarlyWarning => break,
        }
        let bytes = written * BLOCK as u64;
        if room.is_some_and(|room| bytes > room.saturating_mul(2)) {
            return Err(NotPassed::failed(format!(
                "no early warning on {size} after {} MB",
                bytes / 1_000_000
            )));
        }
    }
    // Behind early warning there is still room for what ends a tape file.
    drive.write_filemarks(1, Synchronize::Flush)?;
    go_to(drive, written - 1)?;
    let mut buffer = vec![0; BLOCK];
    let outcome = drive.read_block(&mut buffer)?;
    expect_block(outcome, &buffer, written - 1)?;
    let megabytes = |blocks: u64| blocks * BLOCK as u64 / 1_000_000;
    let told = match (programmable, programmed) {
        (None, _) => "no programmable early warning".to_owned(),
        (Some(asked), Some(at)) => format!(
            "programmable early warning of {} MB met at {} MB",
            asked.0,
            megabytes(at)
        ),
        (Some(asked), None) => {
            return Err(NotPassed::failed(format!(
                "programmable early warning of {} MB was granted and never given",
                asked.0
            )));
        }
    };
    Ok(Passed::new(format!(
        "early warning after {} MB of {size}; the last block and a filemark are behind it; {told}",
        megabytes(written)
    )))
}

/// Asks for programmable early warning an eighth before the end; what was granted.
fn programme(drive: &mut Drive, room: Option<u64>) -> Tried<Option<Megabytes>> {
    let before = drive.modes()?;
    if before.programmable_early_warning.is_none() {
        return Ok(None);
    }
    let wanted = room.map_or(1000, |room| (room / 8_000_000).clamp(1, 1000));
    let wanted = Megabytes(u16::try_from(wanted).unwrap_or(1000));
    let set = drive.set_modes(&DriveModes {
        programmable_early_warning: Some(wanted),
        ..before
    })?;
    let granted = set.modes.programmable_early_warning;
    Ok(granted.filter(|granted| granted.0 > 0))
}
