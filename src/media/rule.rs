//! Whether an item may go to a place: a pure decision over what is on record.

use std::fmt;

use chrono::NaiveDate;

use crate::catalogue::{ElementKind, Place, PlaceKind};
use crate::id::{Barcode, PlaceCode};

/// What is known of an item that is to go somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What is printed on it.
    pub barcode: Barcode,
    /// Where it is by the record.
    pub place: Place,
    /// Where the open movement of it goes, with the number of the courier run it is a line of.
    pub expected: Option<(Place, Option<String>)>,
    /// Whether something on it can be read by whoever finds it.
    pub secrecy: Secrecy,
    /// Names of sets of which no other complete copy is elsewhere than the destination, though
    /// there is more than one.
    pub all_there: Vec<String>,
    /// Whether it is out of use.
    pub quarantined: bool,
}

/// Whether whoever finds it can read something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secrecy {
    /// Nothing is on it, or all of it is encrypted, or it holds no data.
    Safe,
    /// These sets on it are in clear.
    Clear(Vec<String>),
    /// Another program's, or a disk: nobody knows.
    Unknown,
}

/// Where it is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The place.
    pub place: Place,
    /// How many cartridges it may hold, and how many are there.
    pub room: Option<Room>,
}

/// The room of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// How many it may hold.
    pub capacity: u32,
    /// How many are there, those that arrive in the same transaction before this one too.
    pub taken: u32,
    /// The first place to go to instead that is not full.
    pub instead: Option<PlaceCode>,
}

/// Why it may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// The robot has it.
    InLibrary {
        /// Whether in a drive.
        in_drive: bool,
    },
    /// A movement to somewhere else is open.
    ExpectedElsewhere {
        /// Where.
        place: Place,
        /// By which courier run.
        run: Option<String>,
    },
    /// The place is full.
    Full(Room),
    /// It would leave the building in clear.
    InClear(Secrecy),
    /// All copies of something would be in one place.
    AllCopies(Vec<String>),
    /// It is out of use.
    Quarantined,
}

impl Objection {
    /// Whether a person may say that it is to happen all the same, with a reason that is kept.
    #[must_use]
    pub fn may_be_overruled(&self) -> bool {
        matches!(
            self,
            Self::InClear(_) | Self::AllCopies(_) | Self::ExpectedElsewhere { .. }
        )
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self, barcode: &Barcode) -> String {
        match self {
            Self::InLibrary { in_drive: true } => {
                "wait until the drive is done, then move it to a mail slot".to_owned()
            }
            Self::InLibrary { in_drive: false } => {
                format!("move it out first: tapeward library eject {barcode}")
            }
            Self::ExpectedElsewhere { .. } => {
                "put it where it is expected, or say --despite REASON if it really is here"
                    .to_owned()
            }
            Self::Full(Room {
                instead: Some(code),
                ..
            }) => format!("put it in {code}"),
            Self::Full(_) => "no place is named for what it has no room for: see \
                              \"overflow\" of the place in config.toml"
                .to_owned(),
            Self::InClear(_) => {
                "encrypted only may leave; an exception is recorded with --despite REASON"
                    .to_owned()
            }
            Self::AllCopies(_) => {
                "leave one copy elsewhere; an exception is recorded with --despite REASON"
                    .to_owned()
            }
            Self::Quarantined => {
                "it goes nowhere but to a shelf or safe until it is released".to_owned()
            }
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InLibrary { in_drive: true } => f.write_str("it is in a drive"),
            Self::InLibrary { in_drive: false } => f.write_str("it is in a slot of the library"),
            Self::ExpectedElsewhere { place, run } => {
                write!(f, "it is expected {}", going(place))?;
                run.as_ref()
                    .map_or(Ok(()), |run| write!(f, " by courier run {run}"))
            }
            Self::Full(room) => {
                write!(f, "the place is full ({} of {})", room.taken, room.capacity)
            }
            Self::InClear(Secrecy::Clear(sets)) => {
                write!(f, "it is not encrypted: {}", sets.join(", "))
            }
            Self::InClear(_) => f.write_str("nobody knows whether what is on it is encrypted"),
            Self::AllCopies(sets) => {
                write!(f, "all copies would be in one place: {}", sets.join(", "))
            }
            Self::Quarantined => f.write_str("it is out of use"),
        }
    }
}

/// Where something is or goes, in a sentence.
#[must_use]
pub fn going(place: &Place) -> String {
    match place {
        Place::Element { .. } => "in a library".to_owned(),
        Place::Outside => "outside".to_owned(),
        Place::InTransit => "with the courier".to_owned(),
        Place::Kept { kind, code } => format!("in {kind} {code}"),
        Place::Case { case } => format!("in case {case}"),
        Place::Person { person } => format!("with {person}"),
        Place::Missing => "missing".to_owned(),
        Place::Unknown => "nobody knows where".to_owned(),
    }
}

/// Every reason why an item may not go there.
#[must_use]
pub fn objections(facts: &Facts, target: &Target) -> Vec<Objection> {
    let mut found = Vec::new();
    if let Place::Element { kind, .. } = facts.place
        && kind != ElementKind::ImportExport
        && !matches!(target.place, Place::Element { .. })
    {
        found.push(Objection::InLibrary {
            in_drive: kind == ElementKind::Drive,
        });
    }
    if let Some((place, run)) = &facts.expected
        && *place != target.place
    {
        found.push(Objection::ExpectedElsewhere {
            place: place.clone(),
            run: run.clone(),
        });
    }
    let is_there = facts.place == target.place;
    if let Some(room) = &target.room
        && !is_there
        && room.taken >= room.capacity
    {
        found.push(Objection::Full(room.clone()));
    }
    let leaves = target.place.is_offsite() || matches!(target.place, Place::Person { .. });
    if leaves && facts.secrecy != Secrecy::Safe {
        found.push(Objection::InClear(facts.secrecy.clone()));
    }
    // On the way out they wait together; what is away from home for good does not.
    if !is_there && target.place.is_offsite() && !facts.all_there.is_empty() {
        found.push(Objection::AllCopies(facts.all_there.clone()));
    }
    let apart = matches!(
        target.place,
        Place::Kept {
            kind: PlaceKind::Safe | PlaceKind::Shelf | PlaceKind::Foreign,
            ..
        }
    );
    if facts.quarantined && !apart {
        found.push(Objection::Quarantined);
    }
    found
}

/// Which of several items that are with one person are overdue.
#[must_use]
pub fn is_overdue(due: NaiveDate, today: NaiveDate) -> bool {
    due < today
}
