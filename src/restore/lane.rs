//! One drive of a restore: takes cartridges one after the other and hands over what is on them.

use std::sync::{Mutex, PoisonError};
use std::thread::Scope;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};

use super::board::{Board, Bridge, Next, Visit, Work};
use super::cartridge::{OnTape, Read, Stretch, header, is_wrong_key, read_segment};
use super::copies::Leg;
use super::drives::Way;
use super::pieces::{Begin, Copied, DEPTH, Piece, StretchReader};
use super::request::Wanted;
use super::writer::Writer;
use crate::app::App;
use crate::error::{Error, ErrorKind, Result};
use crate::id::Barcode;
use crate::job::Drives;
use crate::key::Identities;
use crate::progress::{Event, Interrupt};
use crate::tape::volume::VolumeReader;

/// How often a drive with nothing to do looks whether another restore waits for its cartridge.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// What went wrong with a stretch.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) work: usize,
    pub(super) leg: usize,
    /// Stream offset from which on nothing came.
    pub(super) at: u64,
    pub(super) error: Error,
    /// Whether the drive is to blame and not the tape.
    pub(super) of_drive: bool,
}

/// What went wrong in a round.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    pub(super) stretches: Vec<Trouble>,
    /// Cartridges that are of no use any more.
    pub(super) cartridges: Vec<(Barcode, Error)>,
    /// What ends the whole restore.
    pub(super) fatal: Option<Error>,
}

/// A round, as its threads see it.
#[derive(Debug)]
pub(super) struct Round<'a> {
    pub(super) app: &'a App,
    pub(super) wanted: &'a [Wanted],
    pub(super) works: &'a [Work],
    pub(super) identities: &'a Identities,
    pub(super) way: &'a Way<'a>,
    pub(super) board: Board,
    pub(super) writer: &'a Writer<'a>,
    pub(super) troubles: Mutex<Troubles>,
}

impl<'a> Round<'a> {
    fn troubles(&self) -> std::sync::MutexGuard<'_, Troubles> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fatal(&self, error: Error) {
        self.troubles().fatal.get_or_insert(error);
        self.board.stop();
    }

    /// Works until nothing is left to do, or the drive fails.
    pub(super) fn run<'scope>(
        &'scope self,
        number: usize,
        drives: &mut Drives,
        scope: &'scope Scope<'scope, 'a>,
    ) {
        let to = self.start_writer(scope);
        loop {
            let done = match self.board.next(number, LOOK_AROUND) {
                Next::Visit(visit) => self.visit(visit, drives, &to, scope),
                Next::Nothing => match self.way.hand_back(drives) {
                    Ok(false) => continue,
                    other => other.map(|_| ()),
                },
                Next::Over => break,
            };
            if let Err(error) = done {
                self.fatal(error);
            }
            if drives.available() == 0 {
                break;
            }
            self.board.done(number, drives.mounted().cloned().collect());
        }
        self.board.leave(number);
    }

    fn start_writer<'scope>(&'scope self, scope: &'scope Scope<'scope, 'a>) -> Sender<Piece> {
        let (to, pieces) = bounded(DEPTH);
        scope.spawn(move || {
            let written = self.writer.run(StretchReader::new(pieces));
            if let Err(error) = written {
                self.fatal(error);
            }
        });
        to
    }

    /// Reads what is wanted from one cartridge.
    fn visit<'scope>(
        &'scope self,
        visit: Visit,
        drives: &mut Drives,
        to: &Sender<Piece>,
        scope: &'scope Scope<'scope, 'a>,
    ) -> Result<()> {
        let mut stretches = Vec::new();
        for Bridge { work, leg, to } in visit.bridges {
            stretches.push(self.stretch(work, leg, to));
        }
        for work in visit.begins {
            let to = if self.works[work].legs.len() > 1 {
                // It outlives this visit.
                self.start_writer(scope)
            } else {
                to.clone()
            };
            stretches.push(self.stretch(work, 0, to));
        }
        let Some(first) = stretches.first() else {
            return Ok(());
        };
        let on_tape = self.on_tape(first)?;
        let volume = self
            .app
            .catalogue
            .read(|view| view.volume(first.leg.held.row.volume))?;
        let known = header(&volume, &visit.barcode)?;
        let mut opened = false;
        let before = self.troubles().stretches.len();
        let keys = drives.keys_of(first.leg.held.row.volume)?;
        let outcome = self.way.bring(drives, &visit.barcode).and_then(|()| {
            drives.with_volume(
                &visit.barcode,
                |drive| {
                    VolumeReader::open_at(drive, known, &on_tape.files.data)
                        .map(|reader| reader.with_drive_keys(keys))
                },
                |reader| {
                    opened = true;
                    self.read(reader, stretches)
                },
            )
        });
        if drives.available() == 0 {
            // Others add to the list too: what is of this cartridge is the drive's fault.
            for trouble in &mut self.troubles().stretches[before..] {
                let leg = &self.works[trouble.work].legs[trouble.leg];
                trouble.of_drive |= leg.held.barcode == visit.barcode;
            }
        }
        match outcome {
            Err(error) if !opened && error.kind() == ErrorKind::Failed => {
                // Without a drive it is the drive's fault, and another one may do.
                if drives.available() > 0 {
                    self.app.watcher.event(Event::Problem {
                        subject: visit.barcode.to_string(),
                        what: error.to_string(),
                    });
                    self.troubles().cartridges.push((visit.barcode, error));
                }
                Ok(())
            }
            other => other,
        }
    }

    fn stretch(&self, number: usize, leg_number: usize, to: Sender<Piece>) -> Stretch<'_> {
        let work = &self.works[number];
        let leg = &work.legs[leg_number];
        let end = work
            .legs
            .last()
            .map_or(leg.range.end, |last| last.range.end);
        Stretch {
            work: number,
            leg_number,
            leg,
            set: work.set,
            begin: (leg_number == 0).then_some(Begin {
                item: work.item,
                set: work.set,
                start: leg.range.start,
                end,
            }),
            last: leg_number + 1 == work.legs.len(),
            to,
        }
    }

    fn on_tape(&self, stretch: &Stretch<'_>) -> Result<OnTape> {
        OnTape::find(self.app, &self.wanted[stretch.set], stretch.leg)
    }

    /// Reads in the recommended order: what goes on here, what is here as a whole, what goes on
    /// elsewhere.
    fn read(&self, reader: &mut VolumeReader, stretches: Vec<Stretch<'_>>) -> Result<()> {
        let is_single = |stretch: &Stretch<'_>| stretch.begin.is_some() && stretch.last;
        let (single, bridging): (Vec<_>, Vec<_>) = stretches.into_iter().partition(is_single);
        let (going_on, leaving): (Vec<_>, Vec<_>) = bridging
            .into_iter()
            .partition(|stretch| stretch.begin.is_none());
        for stretch in going_on {
            self.read_group(reader, &[stretch])?;
        }
        for group in self.in_order(reader, single)? {
            self.read_group(reader, &group)?;
        }
        for stretch in leaving {
            self.read_group(reader, &[stretch])?;
        }
        Ok(())
    }

    /// Groups of stretches of the same segment, in the order the drive recommends.
    fn in_order<'s>(
        &self,
        reader: &mut VolumeReader,
        stretches: Vec<Stretch<'s>>,
    ) -> Result<Vec<Vec<Stretch<'s>>>> {
        let mut blocks = Vec::with_capacity(stretches.len());
        for stretch in &stretches {
            blocks.push(self.on_tape(stretch)?.blocks(stretch.leg));
        }
        let order = reader
            .access_order(&blocks)
            .map_err(|error| Error::failed("cannot order what is to be read").because(error))?;
        let mut stretches: Vec<Option<Stretch<'s>>> = stretches.into_iter().map(Some).collect();
        let mut groups: Vec<Vec<Stretch<'s>>> = Vec::new();
        for index in order {
            let Some(stretch) = stretches.get_mut(index).and_then(Option::take) else {
                continue;
            };
            match groups.last_mut() {
                Some(group) if same_segment(&group[0], &stretch) => group.push(stretch),
                _ => groups.push(vec![stretch]),
            }
        }
        Ok(groups)
    }

    fn read_group(&self, reader: &mut VolumeReader, group: &[Stretch<'_>]) -> Result<()> {
        let interrupt: &Interrupt = &self.app.interrupt;
        interrupt.check()?;
        let Some(first) = group.first() else {
            return Ok(());
        };
        let on_tape = self.on_tape(first)?;
        let mut wrong_key = None;
        read_segment(
            reader,
            &on_tape,
            group,
            self.identities,
            interrupt,
            |stretch, read| {
                match read {
                    Read::All => self.came(stretch),
                    Read::Stopped(Copied::Interrupted) => {
                        let _ = stretch.to.send(Piece::Broken);
                        return interrupt.check();
                    }
                    Read::Stopped(_) => {}
                    Read::Failed(_, error) if is_wrong_key(&error) => {
                        let _ = stretch.to.send(Piece::Broken);
                        wrong_key.get_or_insert(error);
                    }
                    Read::Failed(at, error) => {
                        let _ = stretch.to.send(Piece::Broken);
                        self.failed(stretch, at, error);
                    }
                }
                Ok(())
            },
        )?;
        match wrong_key {
            None => Ok(()),
            // No other copy opens with a key that this one does not open with, if this is it.
            Some(error) => match reader.check() {
                Ok(()) => Err(error),
                Err(other) => {
                    let barcode = group[0].leg.held.barcode.clone();
                    let what = format!("cannot read {barcode}");
                    let error = Error::failed(what).because(other);
                    self.troubles().cartridges.push((barcode, error));
                    Ok(())
                }
            },
        }
    }

    /// All of a stretch was handed over.
    fn came(&self, stretch: &Stretch<'_>) {
        let work = &self.works[stretch.work];
        let Some(next) = work.legs.get(stretch.leg_number + 1) else {
            // Who does not listen any more has said why.
            let _ = stretch.to.send(Piece::End);
            return;
        };
        let to = stretch.to.clone();
        let bridge = Bridge {
            work: stretch.work,
            leg: stretch.leg_number + 1,
            to,
        };
        self.board.hand_over(&next.held.barcode, bridge);
    }

    fn failed(&self, stretch: &Stretch<'_>, at: u64, error: Error) {
        self.app.watcher.event(Event::Problem {
            subject: stretch.leg.held.barcode.to_string(),
            what: error.to_string(),
        });
        self.troubles().stretches.push(Trouble {
            work: stretch.work,
            leg: stretch.leg_number,
            at,
            error,
            of_drive: false,
        });
    }
}

fn same_segment(one: &Stretch<'_>, other: &Stretch<'_>) -> bool {
    let key = |leg: &Leg| (leg.held.row.volume, leg.held.row.tape_file);
    one.set == other.set && key(one.leg) == key(other.leg)
}
