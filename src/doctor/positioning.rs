//! LOCATE, SPACE and READ POSITION, each against what was written.

use tapeward_drivers::sense::SenseClass;
use tapeward_drivers::ssc::{BlockAddress, Drive, ReadOutcome, Space};

use super::exam::{Checked, Exam, NotPassed, Passed, same};
use super::tape::{BLOCK, Layout, expect_block};

type Tried = Result<(), NotPassed>;

fn stands_at(drive: &mut Drive, doing: &str, block: u64) -> Tried {
    let position = drive.position()?;
    if position.position_unknown {
        // Said once, by `position`; what is read tells the place too.
        return Ok(());
    }
    same(
        &format!("position after {doing}"),
        &position.block.0,
        &block,
    )
}

fn reads(drive: &mut Drive, number: u64) -> Tried {
    let mut buffer = vec![0; BLOCK];
    let outcome = drive.read_block(&mut buffer)?;
    expect_block(outcome, &buffer, number)
}

fn read_filemark(drive: &mut Drive, after: &str) -> Tried {
    let mut buffer = vec![0; BLOCK];
    match drive.read_block(&mut buffer)? {
        ReadOutcome::Filemark => Ok(()),
        ReadOutcome::Block(length) => Err(NotPassed::failed(format!(
            "after {after} a block of {length} bytes was read instead of the filemark"
        ))),
        other => Err(NotPassed::failed(format!(
            "after {after} {other:?} was read instead of the filemark"
        ))),
    }
}

/// At the beginning, and one block behind it.
pub(super) fn position(drive: &mut Drive) -> Checked {
    drive.rewind()?;
    let start = drive.position()?;
    if start.position_unknown {
        return Err(NotPassed::unsupported(
            "after REWIND the drive says its position is unknown: nothing can be appended safely",
        ));
    }
    same("position after REWIND", &start.block.0, &0)?;
    if !start.beginning_of_partition {
        return Err(NotPassed::failed(
            "after REWIND the drive is not at the beginning of the partition",
        ));
    }
    reads(drive, 0)?;
    let next = drive.position()?;
    same("position after reading a block", &next.block.0, &1)?;
    Ok(Passed::new("0 at the beginning, 1 behind the first block"))
}

/// From the beginning over filemarks and blocks, there and back, and to the end of data.
pub(super) fn space(drive: &mut Drive, layout: &Layout) -> Checked {
    let third = layout.start(2);
    drive.rewind()?;
    drive.space(Space::Filemarks(2))?;
    stands_at(drive, "SPACE over 2 filemarks", third)?;
    reads(drive, third)?;
    stands_at(drive, "reading a block", third + 1)?;
    drive.space(Space::Filemarks(-1))?;
    stands_at(drive, "SPACE back over a filemark", layout.mark(1))?;
    read_filemark(drive, "SPACE back over a filemark")?;
    stands_at(drive, "reading a filemark", third)?;
    drive.space(Space::Blocks(3))?;
    stands_at(drive, "SPACE over 3 blocks", third + 3)?;
    reads(drive, third + 3)?;
    drive.space(Space::Blocks(-3))?;
    stands_at(drive, "SPACE back over 3 blocks", third + 1)?;
    reads(drive, third + 1)?;
    stopped_by_filemark(drive, layout)?;
    drive.space(Space::EndOfData)?;
    stands_at(drive, "SPACE to end of data", layout.mark(2) + 1)?;
    let mut buffer = vec![0; BLOCK];
    match drive.read_block(&mut buffer)? {
        ReadOutcome::EndOfData => {}
        other => {
            let what = format!("at end of data {other:?} was read");
            return Err(NotPassed::failed(what));
        }
    }
    Ok(Passed::new(
        "over blocks and filemarks, there and back, to end of data, stopped by a filemark",
    ))
}

/// To blocks and to a filemark by their addresses.
pub(super) fn locate(exam: &Exam, drive: &mut Drive, layout: &Layout) -> Checked {
    let third = layout.start(2);
    drive.locate(BlockAddress(0))?;
    let began = exam.elapsed();
    drive.locate(BlockAddress(third))?;
    let took = exam.elapsed().saturating_sub(began);
    stands_at(drive, "LOCATE to the third file", third)?;
    reads(drive, third)?;
    let middle = layout.files[0] / 2;
    drive.locate(BlockAddress(middle))?;
    reads(drive, middle)?;
    drive.locate(BlockAddress(layout.mark(0)))?;
    read_filemark(drive, "LOCATE to a filemark")?;
    stands_at(drive, "reading a filemark", layout.start(1))?;
    Ok(
        Passed::new("to blocks and a filemark by address, each as written").took(
            &format!("locate from block 0 to {third}, host's clock"),
            took,
        ),
    )
}

/// Spacing over blocks stops behind the filemark it meets (SSC-4, SPACE).
fn stopped_by_filemark(drive: &mut Drive, layout: &Layout) -> Tried {
    drive.rewind()?;
    drive.space(Space::Filemarks(1))?;
    match drive.space(Space::Blocks(100)) {
        Err(error) if error.class() == Some(SenseClass::Filemark) => {
            stands_at(drive, "SPACE over blocks into a filemark", layout.start(2))
        }
        Err(error) => Err(error.into()),
        Ok(()) => Err(NotPassed::failed(
            "SPACE over 100 blocks did not stop at a filemark behind 7",
        )),
    }
}
