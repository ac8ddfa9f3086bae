//! Something is wrong with an item: it is put out of use at once, what was on it stops counting and is
//! to be copied again, and somebody has to explain it.

use serde::Serialize;

use super::stamp::Stamp;
use super::{custody, exception};
use crate::app::App;
use crate::catalogue::{ExceptionKind, Item, Place, Tx};
use crate::copies::task::{self as copies, Opened};
use crate::error::{Error, Result};
use crate::health::{Verdict, record};
use crate::id::{Barcode, PlaceCode};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// It was dropped.
    Dropped,
    /// It got wet.
    Wet,
    /// Its bar code cannot be read.
    Unreadable,
    /// It is broken.
    Broken,
    /// Nobody knows where it is.
    Lost,
    /// It turned up again.
    Found,
    /// It is somebody else's.
    Foreign,
}

/// What came of saying so.
#[derive(Debug, Clone, Serialize)]
pub struct Reported {
    /// What is printed on it.
    pub barcode: Barcode,
    /// What is wrong.
    pub problem: Problem,
    /// The number of the exception; none for what turned up again.
    pub exception: Option<u32>,
    /// What is to be copied again, and what cannot be.
    pub copies: Opened,
}

/// Reports a problem with an item.
///
/// # Errors
/// Nothing has the barcode (but for what is somebody else's); something that is ours is called
/// foreign; something is called found that is not missed.
pub fn report(
    app: &App,
    tx: &Tx<'_>,
    stamp: &Stamp,
    barcode: &Barcode,
    problem: Problem,
    place: Option<&PlaceCode>,
) -> Result<Reported> {
    let words = stamp.reason.clone().unwrap_or_default();
    let done = |exception, copies| Reported {
        barcode: barcode.clone(),
        problem,
        exception,
        copies,
    };
    if problem == Problem::Foreign {
        return foreign(tx, stamp, barcode, place, &words)
            .map(|number| done(Some(number), Opened::default()));
    }
    let item = custody::known(tx, barcode)?;
    if problem == Problem::Found {
        found(app, tx, stamp, &item, place)?;
        return Ok(done(None, Opened::default()));
    }
    let (kind, saying) = match problem {
        Problem::Dropped => (ExceptionKind::Dropped, "it was dropped"),
        Problem::Wet => (ExceptionKind::Wet, "it got wet"),
        Problem::Unreadable => (ExceptionKind::Unreadable, "its bar code cannot be read"),
        Problem::Broken => (ExceptionKind::Broken, "it is broken"),
        Problem::Lost | Problem::Found | Problem::Foreign => (ExceptionKind::Lost, "it is lost"),
    };
    let detail = if words.is_empty() {
        saying.to_owned()
    } else {
        format!("{saying}: {words}")
    };
    let mut about = exception::About::item(&item);
    if let Place::Kept { code, .. } = item.place() {
        about = about.at(code);
    }
    let number = exception::open(tx, stamp, kind, &about, &detail)?;
    let copies = out_of_use(app, tx, stamp, &item, problem, &detail)?;
    Ok(done(Some(number), copies))
}

/// Takes a cartridge out of use; a lost one is missing from now on. Returns what is to be copied again.
///
/// # Errors
/// The record cannot be written.
pub fn out_of_use(
    app: &App,
    tx: &Tx<'_>,
    stamp: &Stamp,
    item: &Item,
    problem: Problem,
    detail: &str,
) -> Result<Opened> {
    let now = stamp.entered_at;
    let mut opened = Opened::default();
    if let Item::Cartridge(cartridge) = item {
        // A bar code that cannot be read says nothing about what is on the tape.
        if problem == Problem::Lost {
            if tx.volume_on(cartridge.id)?.is_some() {
                let due = copies::usual_due(now);
                opened = copies::lost_in(app, tx, now, &cartridge.barcode, due, detail)?;
            }
        } else if problem != Problem::Unreadable
            && !tx.quarantined_cartridges()?.contains(&cartridge.id)
        {
            let which = cartridge.barcode.as_str();
            opened = record::decide_in(app, tx, now, which, Verdict::Quarantined, detail)?;
        }
    }
    if problem == Problem::Lost {
        let item = tx.item(item.id())?;
        if *item.place() != Place::Missing {
            custody::place(tx, stamp, &item, &Place::Missing, None, Some(detail))?;
        }
        if let Some(movement) = tx.open_movement(item.id())? {
            let state = crate::catalogue::MovementState::Missing;
            custody::end_movement(tx, stamp, &movement, state, Some(detail.to_owned()))?;
        }
    }
    Ok(opened)
}

/// Something that was missed is here again. What was copied meanwhile stays copied, and it stays out of
/// use until somebody has looked at it.
fn found(
    app: &App,
    tx: &Tx<'_>,
    stamp: &Stamp,
    item: &Item,
    place: Option<&PlaceCode>,
) -> Result<()> {
    if *item.place() != Place::Missing {
        return Err(Error::usage(format!(
            "{} is not missed: it is {}",
            item.barcode(),
            super::rule::going(item.place())
        )));
    }
    let Some(code) = place else {
        return Err(
            Error::usage(format!("where is {} now?", item.barcode())).hint("say --place CODE")
        );
    };
    let to = app.config.kept_at(code)?;
    custody::place(tx, stamp, item, &to, None, stamp.reason.as_deref())
}

/// Something that is not ours is kept apart and stays an incident until it has gone back.
fn foreign(
    tx: &Tx<'_>,
    stamp: &Stamp,
    barcode: &Barcode,
    place: Option<&PlaceCode>,
    words: &str,
) -> Result<u32> {
    if let Some(item) = tx.item_by_barcode(barcode)? {
        return Err(Error::usage(format!(
            "{barcode} is ours: a {}, by the record {}",
            item.words(),
            super::rule::going(item.place())
        )));
    }
    let mut about = exception::About::barcode(barcode);
    if let Some(place) = place {
        about = about.at(place);
    }
    let detail = if words.is_empty() {
        "it is somebody else's: keep it apart, load it nowhere, give it back".to_owned()
    } else {
        format!("it is somebody else's: {words}")
    };
    exception::open(tx, stamp, ExceptionKind::Foreign, &about, &detail)
}
