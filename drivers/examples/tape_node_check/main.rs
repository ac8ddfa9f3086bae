//! Checks the path through the kernel's tape driver on a loaded drive: long blocks, early warning,
//! the physical end of the tape, everything back. **What is on the cartridge is lost.**
//!
//!     tape_node_check /dev/nstN

#![allow(clippy::print_stdout, clippy::print_stderr)] // a program for a terminal

use std::error::Error;

use tapeward_drivers::TapeDrive as _;
use tapeward_drivers::linux::st::TapeNode;
use tapeward_drivers::ssc::{
    Buffering, DriveModes, ReadOutcome, Space, Synchronize, WriteError, WriteOutcome,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Most bytes of a block here.
const BLOCK: usize = 256 << 10;
/// A block that no read below expects.
const LONG: usize = 3 * BLOCK;
/// More blocks than fit a cartridge of the tests.
const MOST: usize = 4000;

fn main() {
    if let Err(error) = run() {
        eprintln!("tape_node_check: {error}");
        std::process::exit(1);
    }
    println!("passed");
}

fn run() -> Outcome<()> {
    let path = std::env::args().nth(1).ok_or("which node?")?;
    rewinding_node(&path)?;
    let mut drive = TapeNode::open(&path)?;
    drive.consume_unit_attentions()?;
    drive.set_modes(&DriveModes {
        buffering: Buffering::Buffered,
        block_length: 0,
        compression: None,
        programmable_early_warning: None,
        write_protected: false,
    })?;
    long_block(&mut drive)?;
    end_of_tape(&mut drive)
}

/// The node beside it that rewinds is not opened.
fn rewinding_node(path: &str) -> Outcome<()> {
    let rewinding = path.replace("/nst", "/st");
    match TapeNode::open(&rewinding) {
        Err(error) if error.to_string().contains(path) => {
            println!("refused  {error}");
            Ok(())
        }
        Err(error) => Err(format!("{rewinding} is refused without another: {error}").into()),
        Ok(_) => Err(format!("{rewinding} was opened").into()),
    }
}

/// ENOMEM is a block longer than the buffer, with its length, and the tape is behind it.
fn long_block(drive: &mut TapeNode) -> Outcome<()> {
    drive.rewind()?;
    drive.write_block(&block(0, LONG))?;
    drive.write_block(&block(1, BLOCK))?;
    drive.write_filemarks(1, Synchronize::Flush)?;
    drive.rewind()?;
    let mut buffer = vec![0; BLOCK];
    let outcome = drive.read_block(&mut buffer)?;
    if outcome
        != (ReadOutcome::TooLong {
            actual: LONG as u64,
        })
    {
        return Err(format!("a block of {LONG} bytes was read as {outcome:?}").into());
    }
    expect(drive, 1)?;
    let outcome = drive.read_block(&mut buffer)?;
    if outcome != ReadOutcome::Block(BLOCK) || buffer != block(1, BLOCK) {
        return Err(format!("the block behind a long one was read as {outcome:?}").into());
    }
    println!("long     a block of {LONG} bytes is told from one that fits");
    Ok(())
}

/// Writes until nothing more fits, and reads all of it back.
fn end_of_tape(drive: &mut TapeNode) -> Outcome<()> {
    drive.rewind()?;
    let (mut written, mut warned_at) = (0, None);
    let full = loop {
        match drive.write_block(&block(written, BLOCK)) {
            Ok(WriteOutcome::Written) => {}
            Ok(_) => warned_at = warned_at.or(Some(written)),
            Err(WriteError::NotWritten(error)) => break error,
            Err(error) => return Err(error.into()),
        }
        written += 1;
        if written == MOST {
            return Err(format!("no end after {MOST} blocks").into());
        }
    };
    println!("full     after {written} blocks: {full}");
    let warned_at = warned_at.ok_or("the tape was full without a warning")?;
    println!(
        "warned   at block {warned_at}, {} more fitted",
        written - warned_at
    );
    expect(drive, written)?;
    drive.rewind()?;
    let mut buffer = vec![0; BLOCK];
    for number in 0..written {
        let outcome = drive.read_block(&mut buffer)?;
        if outcome != ReadOutcome::Block(BLOCK) || buffer != block(number, BLOCK) {
            return Err(format!("block {number} was read as {outcome:?}").into());
        }
    }
    drive.space(Space::EndOfData)?;
    println!("read     all {written} blocks are what was written");
    drive.rewind()?;
    Ok(())
}

fn expect(drive: &mut TapeNode, block: usize) -> Outcome<()> {
    let at = drive.position()?.block.0;
    if at == block as u64 {
        return Ok(());
    }
    Err(format!("the tape is at block {at}, not {block}").into())
}

/// Bytes that differ from block to block and that no compressor shrinks (xorshift64).
fn block(number: usize, length: usize) -> Vec<u8> {
    let mut state =
        0x9e37_79b9_7f4a_7c15_u64 ^ (number as u64 + 1).wrapping_mul(0x2545_f491_4f6c_dd1d);
    let mut data = Vec::with_capacity(length + 8);
    while data.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        data.extend_from_slice(&state.to_le_bytes());
    }
    data.truncate(length);
    data
}
