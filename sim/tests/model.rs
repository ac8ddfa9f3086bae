//! Random commands against a list of records: the drive does what the list says, and after a
//! power cut or the death of the process it has what was synchronised and nothing else.
#![allow(clippy::unwrap_used)] // a failure in a function of the tests is a failed test

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::{BAY, DRIVE, ONE, SLOT, Unit, World, pattern};
use tapeward_sim::{CartridgeSpec, LibrarySpec};

#[derive(Debug, Clone)]
enum Step {
    Write(u8, usize),
    Filemarks(u8, bool),
    Locate(u32),
    Blocks(i8),
    Filemark(i8),
    EndOfData,
    Rewind,
    Read(usize),
    Erase,
    PowerCut,
    Restart,
    Reload,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (any::<u8>(), prop_oneof![1_usize..200, 60_000_usize..70_000, 1_usize..300_000])
            .prop_map(|(seed, length)| Step::Write(seed, length)),
        4 => (0_u8..4, any::<bool>()).prop_map(|(count, now)| Step::Filemarks(count, now)),
        2 => (0_u32..40).prop_map(Step::Locate),
        2 => (-6_i8..6).prop_map(Step::Blocks),
        2 => (-3_i8..3).prop_map(Step::Filemark),
        2 => Just(Step::EndOfData),
        1 => Just(Step::Rewind),
        4 => (1_usize..100_000).prop_map(Step::Read),
        1 => Just(Step::Erase),
        2 => Just(Step::PowerCut),
        1 => Just(Step::Restart),
        1 => Just(Step::Reload),
    ]
}

/// A block, or a filemark.
type Record = Option<Vec<u8>>;

#[derive(Debug, Default)]
struct Model {
    records: Vec<Record>,
    position: usize,
    synchronized: usize,
}

/// How a command ends: GOOD, FILEMARK, end of data, beginning.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Good,
    Filemark,
    DataEnds,
    Beginning,
}

impl Model {
    fn write(&mut self, record: Record) {
        self.records.truncate(self.position);
        self.synchronized = self.synchronized.min(self.position);
        self.records.push(record);
        self.position += 1;
    }

    fn synchronize(&mut self) {
        self.synchronized = self.records.len();
    }

    fn lose(&mut self) {
        self.records.truncate(self.synchronized);
        self.position = 0;
    }

    fn forward(&mut self) -> Option<&Record> {
        let record = self.records.get(self.position)?;
        self.position += 1;
        Some(record)
    }

    fn backward(&mut self) -> Option<&Record> {
        self.position = self.position.checked_sub(1)?;
        self.records.get(self.position)
    }

    fn blocks(&mut self, count: i8) -> Outcome {
        for _ in 0..count.unsigned_abs() {
            let (record, nothing) = if count > 0 {
                (self.forward(), Outcome::DataEnds)
            } else {
                (self.backward(), Outcome::Beginning)
            };
            match record {
                None => return nothing,
                Some(None) => return Outcome::Filemark,
                Some(Some(_)) => {}
            }
        }
        Outcome::Good
    }

    fn filemarks(&mut self, count: i8) -> Outcome {
        let mut left = count.unsigned_abs();
        while left > 0 {
            let (record, nothing) = if count > 0 {
                (self.forward(), Outcome::DataEnds)
            } else {
                (self.backward(), Outcome::Beginning)
            };
            match record {
                None => return nothing,
                Some(None) => left -= 1,
                Some(Some(_)) => {}
            }
        }
        Outcome::Good
    }

    fn files_before(&self) -> u64 {
        let before = &self.records[..self.position];
        before.iter().filter(|record| record.is_none()).count() as u64
    }
}

fn end(sense: (u8, u8, u8)) -> Outcome {
    match sense {
        (0, 0, 0) => Outcome::Good,
        (0, 0, 1) => Outcome::Filemark,
        (8, 0, 5) => Outcome::DataEnds,
        (0, 0, 4) => Outcome::Beginning,
        other => panic!("unexpected sense {other:02x?}"),
    }
}

fn reconnect(world: &World) -> Unit {
    let mut drive = world.fresh_unit(DRIVE, ONE);
    drive.drain_attentions();
    drive
}

/// Takes a step on both sides and compares.
fn take(step: &Step, world: World, mut drive: Unit, model: &mut Model) -> (World, Unit) {
    match step {
        Step::Write(seed, length) => {
            let block = pattern(*seed, *length);
            drive.write(&block).good();
            model.write(Some(block));
        }
        Step::Filemarks(count, immediate) => {
            drive.filemarks(*count, *immediate).good();
            (0..*count).for_each(|_| model.write(None));
            if !immediate {
                model.synchronize();
            }
        }
        Step::Locate(to) => {
            let sense = drive.locate(*to).sense();
            let to = *to as usize;
            let there = to <= model.records.len();
            let expected = if there {
                Outcome::Good
            } else {
                Outcome::DataEnds
            };
            assert_eq!(end(sense), expected);
            model.position = to.min(model.records.len());
            model.synchronize();
        }
        Step::Blocks(count) => {
            let sense = drive.space(0, i32::from(*count)).sense();
            model.synchronize();
            assert_eq!(end(sense), model.blocks(*count));
        }
        Step::Filemark(count) => {
            let sense = drive.space(1, i32::from(*count)).sense();
            model.synchronize();
            assert_eq!(end(sense), model.filemarks(*count));
        }
        Step::EndOfData => {
            drive.space(3, 0).good();
            model.synchronize();
            model.position = model.records.len();
        }
        Step::Rewind => {
            drive.rewind().good();
            model.synchronize();
            model.position = 0;
        }
        Step::Read(length) => {
            model.synchronize();
            read(*length, &mut drive, model);
        }
        Step::Erase => {
            drive.send(&[0x19, 0, 0, 0, 0, 0]).good();
            model.records.truncate(model.position);
            model.synchronize();
        }
        Step::PowerCut => {
            world.library.power_cut();
            assert!(
                drive
                    .try_command(&[0; 6], tapeward_drivers::transport::Data::None)
                    .is_none()
            );
            model.lose();
            drive = reconnect(&world);
        }
        Step::Restart => {
            drop(drive);
            let world = world.restart();
            model.lose();
            let drive = reconnect(&world);
            return (world, drive);
        }
        Step::Reload => {
            world.move_medium(BAY, SLOT).good();
            world.move_medium(SLOT, BAY).good();
            model.synchronize();
            model.position = 0;
            drive = reconnect(&world);
        }
    }
    (world, drive)
}

fn read(length: usize, drive: &mut Unit, model: &mut Model) {
    let answer = drive.read(length);
    match model.forward() {
        None => assert_eq!(end(answer.sense()), Outcome::DataEnds),
        Some(None) => assert_eq!(end(answer.sense()), Outcome::Filemark),
        Some(Some(block)) => {
            assert_eq!(answer.data, block[..block.len().min(length)]);
            let indicated = block.len() != length;
            let known = answer.information();
            let difference = i32::try_from(length).unwrap() - i32::try_from(block.len()).unwrap();
            assert_eq!(known, indicated.then_some(difference));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_drive_does_what_a_list_of_records_says(steps in vec(step(), 1..60)) {
        let cartridge = CartridgeSpec::labelled("TW0001L8").with_capacity(1 << 30);
        let spec = LibrarySpec::new("generic", "TWTEST").with_cartridge(cartridge);
        let mut world = World::new(&spec);
        let mut drive = world.loaded();
        let mut model = Model::default();
        for step in &steps {
            (world, drive) = take(step, world, drive, &mut model);
            let (_, object, file) = drive.position();
            prop_assert_eq!(object, model.position as u64, "after {:?}", step);
            prop_assert_eq!(file, model.files_before(), "after {:?}", step);
            let unsynchronized = model.records.len() - model.synchronized;
            prop_assert_eq!(drive.buffered().0 as usize, unsynchronized, "after {:?}", step);
        }
        // All of it, from the beginning.
        drive.rewind().good();
        model.position = 0;
        for _ in 0..=model.records.len() {
            read(300_000, &mut drive, &mut model);
        }
    }
}
