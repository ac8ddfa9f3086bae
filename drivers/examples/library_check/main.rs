//! Checks a tape library from the outside in: finds its robot and drives among this machine's
//! SCSI generic nodes, takes an inventory, loads a cartridge, writes it, reads it back, unloads
//! it and looks again. **What is on the cartridge is lost.**
//!
//! `library_check [--cartridge BARCODE] [--megabytes N] [--mtx] [--changer-node NODE] [--record FILE]`
//!
//! `--mtx` compares the inventory with `mtx status`, `--changer-node` with what the kernel's changer
//! driver says; `--record` keeps every command and reply.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a program for a terminal

mod mtx;
mod record;
mod scan;

use std::error::Error;
use std::time::{Duration, Instant};

use record::{Recorder, Recording};
use scan::Found;
use tapeward_drivers::linux::ch::ChangerNode;
use tapeward_drivers::smc::{Changer, Element, ElementAddress, ElementKind, Inventory};
use tapeward_drivers::smc::{InventoryOptions, Removal, Wanted};
use tapeward_drivers::ssc::{
    BlockAddress, Buffering, Drive, DriveModes, Pause, ReadOutcome, Space, Synchronize,
    WriteOutcome,
};
use tapeward_drivers::{MediumChanger as _, TapeDrive as _};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// 256 KiB, a usual block of a backup program.
const BLOCK: usize = 256 << 10;

fn main() {
    if let Err(error) = run() {
        eprintln!("library_check: {error}");
        std::process::exit(1);
    }
}

struct Options {
    cartridge: Option<String>,
    megabytes: usize,
    mtx: bool,
    changer_node: Option<String>,
    record: Recorder,
}

fn options() -> Outcome<Options> {
    let mut options = Options {
        cartridge: None,
        megabytes: 100,
        mtx: false,
        changer_node: None,
        record: Recorder::default(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--cartridge" => options.cartridge = Some(value()?),
            "--megabytes" => options.megabytes = value()?.parse()?,
            "--mtx" => options.mtx = true,
            "--changer-node" => options.changer_node = Some(value()?),
            "--record" => options.record = Recorder::to_file(&value()?)?,
            _ => return Err(format!("unknown word {word}").into()),
        }
    }
    Ok(options)
}

fn run() -> Outcome<()> {
    let options = options()?;
    let found = scan::scan(&options.record)?;
    for device in &found {
        println!("found    {device}");
    }
    let (robot, drives) = scan::split(found)?;
    let robot_path = robot.path.clone();
    let mut changer = Changer::new(Box::new(robot.transport));
    for sense in changer.consume_unit_attentions()? {
        println!("robot    {sense}");
    }
    changer.test_unit_ready()?;

    let before = take_inventory(&mut changer)?;
    for anomaly in &before.anomalies {
        println!("anomaly  {anomaly}");
    }
    if options.mtx {
        let compared = mtx::compare(&robot_path, &before)?;
        println!("mtx      status agrees on {compared} elements");
    }
    if let Some(node) = &options.changer_node {
        compare_node(node, &before)?;
    }
    let (element, mut drive) = choose_drive(&before, drives)?;
    let slot = choose_cartridge(&before, options.cartridge.as_deref())?;
    let picker = before.of_kind(ElementKind::MediumTransport).next();
    let picker = picker.map_or(ElementAddress(0), |picker| picker.address);

    changer.move_medium(picker, slot.address, element)?;
    let loaded = take_inventory(&mut changer)?;
    expect_at(&loaded, element, slot)?;
    println!("loaded   {} into element {element}", tag(slot));
    for sense in drive.consume_unit_attentions()? {
        println!("drive    {sense}");
    }
    drive.wait_ready(
        &mut SystemPause::new(),
        Duration::from_millis(500),
        Duration::from_secs(300),
    )?;
    let checked = check_drive(&mut drive, options.megabytes);

    // Whatever went wrong with the tape, the cartridge goes back.
    drive.unload()?;
    changer.move_medium(picker, element, slot.address)?;
    checked?;
    let after = take_inventory(&mut changer)?;
    expect_at(&after, slot.address, slot)?;
    println!("unloaded {} to element {}", tag(slot), slot.address);
    println!("passed");
    Ok(())
}

/// By CHIOGELEM and, without volume tags, by CHIOGSTATUS the same elements are full.
fn compare_node(node: &str, commands: &Inventory) -> Outcome<()> {
    let mut changer = ChangerNode::open(node)?;
    for volume_tags in [Wanted::IfAvailable, Wanted::No] {
        let options = InventoryOptions {
            volume_tags,
            ..InventoryOptions::default()
        };
        let inventory = changer.inventory(&options)?;
        let brief = |element: &Element| (element.address, element.kind, element.full);
        if !inventory
            .elements
            .iter()
            .map(brief)
            .eq(commands.elements.iter().map(brief))
        {
            return Err(
                format!("{node} has another inventory, volume tags {volume_tags:?}").into(),
            );
        }
    }
    println!("node     {node} says the same by CHIOGELEM and CHIOGSTATUS");
    Ok(())
}

fn take_inventory(changer: &mut Changer) -> Outcome<Inventory> {
    let inventory = changer.inventory(&InventoryOptions::default())?;
    let full = inventory
        .elements
        .iter()
        .filter(|element| element.full)
        .count();
    println!(
        "elements {} of which {full} are full",
        inventory.elements.len()
    );
    Ok(inventory)
}

/// A drive that can be reached from here and that the library names in an element.
fn choose_drive(inventory: &Inventory, drives: Vec<Found>) -> Outcome<(ElementAddress, Drive)> {
    for device in drives {
        let serial = device.serial.clone().unwrap_or_default();
        let element = inventory
            .of_kind(ElementKind::DataTransfer)
            .find(|element| {
                !element.full
                    && element.device.as_ref().is_some_and(|name| {
                        name.names_serial(&serial) || device.names.contains(name)
                    })
            });
        if let Some(element) = element {
            println!("drive    {device} is element {}", element.address);
            return Ok((element.address, Drive::new(Box::new(device.transport))));
        }
    }
    Err("no empty drive of this library can be reached from here".into())
}

fn choose_cartridge<'a>(inventory: &'a Inventory, wanted: Option<&str>) -> Outcome<&'a Element> {
    let mut slots = inventory
        .of_kind(ElementKind::Storage)
        .filter(|slot| slot.full);
    let slot = match wanted {
        Some(wanted) => slots.find(|slot| tag(slot) == wanted),
        None => slots.find(|slot| !tag(slot).is_empty() && !tag(slot).starts_with("CLN")),
    };
    slot.ok_or_else(|| "no such cartridge is in a slot".into())
}

fn tag(element: &Element) -> &str {
    element
        .primary_tag
        .as_ref()
        .map_or("", |tag| &tag.identification)
}

/// The cartridge of `slot` is where it was sent.
fn expect_at(inventory: &Inventory, place: ElementAddress, slot: &Element) -> Outcome<()> {
    let there = inventory
        .element(place)
        .ok_or_else(|| format!("no element {place}"))?;
    if !there.full || tag(there) != tag(slot) {
        let problem = format!("{} is not in element {place}: {there:?}", tag(slot));
        return Err(problem.into());
    }
    Ok(())
}

/// Writes blocks and filemarks, reads everything back, and tries what positions there are.
fn check_drive(drive: &mut Drive, megabytes: usize) -> Outcome<()> {
    println!("limits   {:?}", drive.read_block_limits()?);
    let wanted = DriveModes {
        buffering: Buffering::Buffered,
        block_length: 0,
        compression: Some(false),
        programmable_early_warning: None,
        write_protected: false,
    };
    let set = drive.set_modes(&wanted)?;
    for shortfall in set.shortfalls {
        println!("modes    {shortfall}");
    }
    println!("capacity {:?}", drive.capacity()?);
    println!(
        "alerts   {:?}",
        drive.tape_alerts()?.map(|alerts| alerts.iter().count())
    );
    match drive.prevent_removal(Removal::Prevent) {
        Ok(()) => println!("removal  prevented"),
        Err(error) if error.is_unsupported() => println!("removal  can't be prevented"),
        Err(error) => return Err(error.into()),
    }
    let checked = write_and_read(drive, megabytes * 1_000_000 / BLOCK);
    match drive.prevent_removal(Removal::Allow) {
        Err(error) if !error.is_unsupported() => return Err(error.into()),
        _ => {}
    }
    checked
}

fn write_and_read(drive: &mut Drive, blocks: usize) -> Outcome<()> {
    drive.rewind()?;
    let started = Instant::now();
    let mut noise = Noise::new();
    for _ in 0..blocks {
        match drive.write_block(noise.next_block())? {
            WriteOutcome::Written => {}
            early => return Err(format!("{early:?}: the cartridge is too small").into()),
        }
    }
    drive.write_filemarks(1, Synchronize::Flush)?;
    drive.write_block(b"a short block")?;
    drive.write_filemarks(2, Synchronize::Flush)?;
    report("written", blocks, started);
    let end = drive.position()?;
    println!("position {end:?}");
    let expected = BlockAddress(u64::try_from(blocks)? + 4);
    if !end.position_unknown && end.block != expected {
        return Err(format!("at block {} instead of {expected}", end.block).into());
    }

    drive.rewind()?;
    let started = Instant::now();
    let mut noise = Noise::new();
    let mut buffer = vec![0; BLOCK];
    for block in 0..blocks {
        let outcome = drive.read_block(&mut buffer)?;
        if outcome != ReadOutcome::Block(BLOCK) || buffer != noise.next_block() {
            return Err(format!("block {block} came back as {outcome:?}").into());
        }
    }
    report("read", blocks, started);
    expect_read(drive, &mut buffer, ReadOutcome::Filemark)?;
    expect_read(drive, &mut buffer, ReadOutcome::Block(13))?;
    expect_read(drive, &mut buffer, ReadOutcome::Filemark)?;
    expect_read(drive, &mut buffer, ReadOutcome::Filemark)?;
    expect_read(drive, &mut buffer, ReadOutcome::EndOfData)?;

    drive.rewind()?;
    drive.space(Space::Filemarks(1))?;
    let mut small = vec![0; 5];
    expect_read(drive, &mut small, ReadOutcome::TooLong { actual: 13 })?;
    match drive.locate(BlockAddress(u64::try_from(blocks)? + 1)) {
        Ok(()) => expect_read(drive, &mut buffer, ReadOutcome::Block(13))?,
        Err(error) if error.is_unsupported() => println!("locate   {error}"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn expect_read(drive: &mut Drive, buffer: &mut [u8], expected: ReadOutcome) -> Outcome<()> {
    let outcome = drive.read_block(buffer)?;
    if outcome == expected {
        Ok(())
    } else {
        Err(format!("read {outcome:?} where {expected:?} was written").into())
    }
}

#[allow(clippy::cast_precision_loss)] // a rate for people
fn report(what: &str, blocks: usize, started: Instant) {
    let megabytes = (blocks * BLOCK) as f64 / 1e6;
    let seconds = started.elapsed().as_secs_f64().max(0.001);
    println!(
        "{what:<8} {megabytes:.0} MB at {:.0} MB/s",
        megabytes / seconds
    );
}

/// Blocks that no compressor shrinks and that differ from each other (xorshift64).
struct Noise {
    state: u64,
    block: Vec<u8>,
}

impl Noise {
    fn new() -> Self {
        Self {
            state: 0x9e37_79b9_7f4a_7c15,
            block: vec![0; BLOCK],
        }
    }

    fn next_block(&mut self) -> &[u8] {
        for chunk in self.block.chunks_exact_mut(8) {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            chunk.copy_from_slice(&self.state.to_le_bytes());
        }
        &self.block
    }
}

struct SystemPause(Instant);

impl SystemPause {
    fn new() -> Self {
        Self(Instant::now())
    }
}

impl Pause for SystemPause {
    fn pause(&mut self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// What every device is reached through here.
type Path = Recording<tapeward_drivers::linux::sg::SgDevice>;
