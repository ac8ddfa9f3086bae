//! LOCATE, SPACE and READ POSITION, each against what was written.

use tapeward_drivers::sense::SenseClass;
use tapeward_drivers::ssc::{BlockAddress, Drive, ReadOutcome, Space};

use super::exam::{Checked, Exam, NotPassed, Passed, same};
use super::tape::{BLOCK, Layout, expect_block};

type Tried = Result<(), NotPassed>;

fn stands_at(drive: &mut Drive, doing: &str, block: u64) -> Tried {
    let position = drive.position()?;
    if position.position_unknown {
        return Err(NotPassed::failed(format!(
            "{doing}: the position is unknown"
        )));
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

/// A way through three tape files and back.
pub(super) fn positioning(exam: &Exam, drive: &mut Drive, layout: &Layout) -> Checked {
    let third = layout.start(2);
    let began = exam.elapsed();
    drive.locate(BlockAddress(0))?;
    let at_start = exam.elapsed();
    drive.locate(BlockAddress(third))?;
    let at_third = exam.elapsed();
    stands_at(drive, "LOCATE to the third file", third)?;
    reads(drive, third)?;
    stands_at(drive, "reading a block", third + 1)?;
    drive.space(Space::Filemarks(-1))?;
    stands_at(drive, "SPACE back over a filemark", layout.mark(1))?;
    drive.space(Space::Filemarks(1))?;
    stands_at(drive, "SPACE over a filemark", third)?;
    drive.space(Space::Blocks(3))?;
    stands_at(drive, "SPACE over 3 blocks", third + 3)?;
    drive.space(Space::Blocks(-2))?;
    stands_at(drive, "SPACE back over 2 blocks", third + 1)?;
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
    let middle = layout.files[0] / 2;
    drive.locate(BlockAddress(middle))?;
    reads(drive, middle)?;
    drive.locate(BlockAddress(layout.mark(0)))?;
    match drive.read_block(&mut buffer)? {
        ReadOutcome::Filemark => stands_at(drive, "reading a filemark", layout.start(1))?,
        other => {
            let what = format!("at the first filemark {other:?} was read");
            return Err(NotPassed::failed(what));
        }
    }
    drive.rewind()?;
    stands_at(drive, "REWIND", 0)?;
    if !drive.position()?.beginning_of_partition {
        let what = "after REWIND the drive is not at the beginning of the partition";
        return Err(NotPassed::failed(what));
    }
    Ok(
        Passed::new("LOCATE, SPACE over blocks and filemarks, to end of data and back, REWIND")
            .took(
                "locate to block 0, host's clock",
                at_start.saturating_sub(began),
            )
            .took(
                &format!("locate to block {third}, host's clock"),
                at_third.saturating_sub(at_start),
            ),
    )
}

/// Spacing over blocks stops behind the filemark it meets (SSC-4, SPACE).
fn stopped_by_filemark(drive: &mut Drive, layout: &Layout) -> Tried {
    drive.locate(BlockAddress(layout.start(1)))?;
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
