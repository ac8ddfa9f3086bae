//! Scanning without the record: by a list in a file, to which each answered line is added.
//!
//! The file has a JSON value on each line: the list, then what was scanned. It is on the disk before the
//! answer is shown. Going on means answering all lines anew, which gives the same, as nothing but the list,
//! the lines and their times is asked.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Bell};
use super::effect::Effect;
use super::line::{Hand, Line};
use super::list::{Book, List};
use super::session::{Session, Step};
use super::task::Task;
use crate::app::App;
use crate::clock::SharedClock;
use crate::error::{Context, Error, Result};
use crate::id::{PersonCode, ScanSessionId};

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// The first one.
    List(Box<List>),
    /// What was scanned.
    Scan(Box<Scan>),
}

/// What was scanned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Scan {
    /// From 1 within the file.
    pub(super) number: u32,
    /// When.
    pub(super) at: DateTime<Utc>,
    /// Whether it is the first one since the file was opened: nobody stood there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) fresh: bool,
    /// Who has come by another way than a badge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) entered: Option<PersonCode>,
    /// The line, without its mark.
    pub(super) text: String,
    /// Whether it was typed.
    pub(super) keyed: bool,
    /// The word of the answer.
    pub(super) answer: String,
    /// Whether it was right.
    pub(super) accepted: bool,
    /// Who scanned, where that was known.
    pub(super) person: Option<PersonCode>,
    /// The task it belongs to.
    pub(super) session: Option<ScanSessionId>,
    /// The task, where this line has begun it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) began: Option<Task>,
    /// What it changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) effects: Vec<Effect>,
}

/// Writes the list to a file that must not exist yet.
///
/// # Errors
/// The record cannot be read or the file not be written.
pub fn export(app: &App, path: &Path) -> Result<List> {
    let list = List::make(app)?;
    let entry = Entry::List(Box::new(list.clone()));
    let mut text = serde_json::to_string(&entry).context("the list cannot be written out")?;
    text.push('\n');
    crate::files::write_private(path, text.as_bytes())?;
    Ok(list)
}

/// Reads such a file.
///
/// # Errors
/// It cannot be read, or is none; a last line that was cut off by a power cut was never answered and is
/// left out.
pub(super) fn read(path: &Path) -> Result<(List, Vec<Scan>, u64)> {
    let shown = path.display();
    let mut file = BufReader::new(File::open(path).context(format!("cannot read {shown}"))?);
    let mut list = None;
    let mut scans = Vec::new();
    let mut whole = 0;
    for number in 1_u64.. {
        let mut line = String::new();
        let length = file
            .read_line(&mut line)
            .context(format!("cannot read {shown}"))?;
        if !line.ends_with('\n') {
            break;
        }
        let entry = serde_json::from_str(&line).map_err(|error| {
            Error::usage(format!(
                "{shown} is no list for scanning: line {number}: {error}"
            ))
            .hint("\"tapeward scan export FILE\" makes one")
        })?;
        match entry {
            Entry::List(found) if number == 1 => list = Some(*found),
            Entry::Scan(scan) if number > 1 => scans.push(*scan),
            _ => {
                return Err(Error::usage(format!(
                    "{shown} is no list for scanning: line {number} is in the wrong place"
                )));
            }
        }
        whole += length as u64;
    }
    let list = list.ok_or_else(|| {
        Error::usage(format!("{shown} is no list for scanning"))
            .hint("\"tapeward scan export FILE\" makes one")
    })?;
    Ok((list, scans, whole))
}

/// A station without the record.
#[derive(Debug)]
pub struct Offline {
    path: PathBuf,
    file: File,
    clock: SharedClock,
    session: Session,
    book: Book,
    ids: std::collections::BTreeMap<PersonCode, ScanSessionId>,
    number: u32,
    fresh: bool,
}

impl Offline {
    /// Goes on with a file.
    ///
    /// # Errors
    /// It is none, or cannot be written; somebody else scans with it.
    pub fn open(path: &Path, clock: SharedClock) -> Result<Self> {
        let shown = path.display();
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .context(format!("cannot write {shown}"))?;
        file.try_lock().map_err(|_| {
            Error::new(
                crate::error::ErrorKind::Locked,
                format!("somebody else scans with {shown}"),
            )
            .hint("each scanner has a file of its own: \"tapeward scan export FILE\"")
        })?;
        let (list, scans, whole) = read(path)?;
        // What was cut off was never answered.
        file.set_len(whole)
            .context(format!("cannot write {shown}"))?;
        let mut desk = Self {
            path: path.to_owned(),
            file,
            clock,
            session: Session::default(),
            book: Book::new(list),
            ids: std::collections::BTreeMap::new(),
            number: 0,
            fresh: true,
        };
        for scan in &scans {
            if scan.fresh {
                desk.session = Session::default();
            }
            let step = desk.judge(scan.entered.as_ref(), &line_of(scan), scan.at)?;
            desk.follow(&step, scan.session);
            desk.number = scan.number;
        }
        // Whoever goes on says anew who it is.
        desk.session = Session::default();
        Ok(desk)
    }

    /// Whether the next line must not be shown.
    #[must_use]
    pub fn wants_secret(&self) -> bool {
        self.session.wants_secret()
    }

    /// What stands before the next line: the task.
    #[must_use]
    pub fn title(&self) -> Option<String> {
        self.session.task.as_ref().map(Task::title)
    }

    /// Answers a line: it is in the file when this returns.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn line(&mut self, line: &Line) -> Result<Answer> {
        self.take(None, line)
    }

    /// Somebody is here without a badge.
    ///
    /// # Errors
    /// Nobody on the list has this badge; the file cannot be written.
    pub fn enter(&mut self, person: &PersonCode) -> Result<Answer> {
        let answer = self.take(Some(person), &Line::new("", None))?;
        if answer.bell == Bell::Bad {
            return Err(Error::usage(answer.sentence).hint("the list has all who had a badge then"));
        }
        Ok(answer)
    }

    fn judge(&self, entered: Option<&PersonCode>, line: &Line, at: DateTime<Utc>) -> Result<Step> {
        match entered {
            Some(person) => self.session.enter(&self.book, person, at),
            None => self.session.answer(&self.book, line, at),
        }
    }

    fn take(&mut self, entered: Option<&PersonCode>, line: &Line) -> Result<Answer> {
        let now = self.clock.now();
        let step = self.judge(entered, line, now)?;
        let person = step.session.badge.as_ref().or(self.session.badge.as_ref());
        let person = person.map(|badge| badge.person.clone());
        let opens = step.effects.contains(&Effect::Opened);
        let session = if opens {
            Some(ScanSessionId::generate(now))
        } else {
            person
                .as_ref()
                .and_then(|person| self.ids.get(person).copied())
        };
        let scan = Scan {
            number: self.number + 1,
            at: now,
            fresh: self.fresh,
            entered: entered.cloned(),
            text: line.text.clone(),
            keyed: line.hand == Hand::Typed,
            answer: step.answer.word.clone(),
            accepted: step.answer.bell == Bell::Good,
            person,
            session,
            began: step.session.task.clone().filter(|_| opens),
            effects: step.effects.clone(),
        };
        self.write(&Entry::Scan(Box::new(scan)))?;
        self.number += 1;
        self.fresh = false;
        self.follow(&step, session);
        Ok(step.answer)
    }

    fn write(&mut self, entry: &Entry) -> Result<()> {
        let mut text = serde_json::to_string(entry).context("a scan cannot be written")?;
        text.push('\n');
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data())
            .context(format!("cannot write {}", self.path.display()))
    }

    /// The list and the session after a line.
    fn follow(&mut self, step: &Step, session: Option<ScanSessionId>) {
        let badge = step.session.badge.as_ref().or(self.session.badge.as_ref());
        let person = badge.map(|badge| badge.person.clone());
        for effect in &step.effects {
            self.book.apply(effect);
            if let (Effect::Closed, Some(person)) = (effect, &person) {
                self.book.tasks.remove(person);
                self.ids.remove(person);
            }
        }
        self.session = step.session.clone();
        let Some(person) = person else { return };
        if let Some(task) = self
            .session
            .task
            .as_ref()
            .filter(|task| task.spot.is_some())
        {
            self.book.tasks.insert(person.clone(), task.clone());
            if let Some(session) = session {
                self.ids.insert(person, session);
            }
        }
    }
}

/// The line as it was.
pub(super) fn line_of(scan: &Scan) -> Line {
    Line {
        text: scan.text.clone(),
        hand: if scan.keyed {
            Hand::Typed
        } else {
            Hand::Scanned
        },
    }
}
