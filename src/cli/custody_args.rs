//! What can be typed about who has what: people, places, things, check-in, check-out, exceptions.

use std::path::PathBuf;

use chrono::{DateTime, Local, NaiveDate, NaiveDateTime, TimeZone, Utc};
use clap::{Args, Subcommand, ValueEnum};

use crate::catalogue::{PlaceKind, ThingKind};
use crate::id::{Barcode, CarrierCode, PersonCode, PlaceCode, SiteCode};
use crate::media::custody::Mode;
use crate::media::problem::Problem;
use crate::media::stamp::Said;

/// Who says so, when it was, why.
#[derive(Debug, Args)]
pub struct SaidArgs {
    /// Badge of the person whose hands it were; your own account is recorded beside it.
    #[arg(long = "as", value_name = "PERSON")]
    pub person: Option<PersonCode>,
    /// When it happened, if not now: "2026-11-21 17:05" (local time) or with an offset.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<DateTime<Utc>>,
    /// Why, in your words.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Say what would be done and refused; change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

impl SaidArgs {
    /// Now, by whoever runs the program.
    #[must_use]
    pub fn now() -> Self {
        Self {
            person: None,
            at: None,
            reason: None,
            dry_run: false,
        }
    }

    /// The same for the rooms below.
    #[must_use]
    pub fn said(&self) -> Said {
        Said {
            person: self.person.clone(),
            at: self.at,
            reason: self.reason.clone(),
        }
    }

    /// Whether to do it.
    #[must_use]
    pub fn mode(&self) -> Mode {
        if self.dry_run { Mode::Judge } else { Mode::Do }
    }
}

/// A moment with an offset, or in local time, to the minute or second.
fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.with_timezone(&Utc));
    }
    let forms = [
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%dT%H:%M:%S",
    ];
    let local = forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .ok_or("write it as \"2026-11-21 17:05\", or as 2026-11-21T17:05:00+01:00")?;
    match Local.from_local_datetime(&local).earliest() {
        Some(moment) => Ok(moment.with_timezone(&Utc)),
        None => Err("the clocks were put forward over this time: write it with an offset".into()),
    }
}

/// Barcodes, `-` for one on each line of standard input.
#[derive(Debug, Args)]
pub struct BarcodeArgs {
    /// Barcodes; - reads them from standard input, one on a line.
    #[arg(required = true, value_name = "BARCODE")]
    pub barcodes: Vec<String>,
}

/// `media check-out`
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("where").required(true).args(["to", "to_case", "to_person"]),
    after_help = "\
Examples:
  tapeward media check-out TWV001L8 --to SAFE1 --as P07
  tapeward media check-out TWV001L8 TWV002L8 --to-person P12 --due 2026-12-01 --signed loan.pdf --reason 'audit'
  tapeward media check-out - --to VAULT --despite 'escorted, exception 4711' < barcodes

All of it is done or nothing. What a rule objects to can be overruled with --despite, which is kept."
)]
pub struct CheckOutArgs {
    #[command(flatten)]
    pub barcodes: BarcodeArgs,
    /// Code of the place it goes to.
    #[arg(long, value_name = "PLACE")]
    pub to: Option<PlaceCode>,
    /// Barcode of the case it goes into.
    #[arg(long, value_name = "CASE")]
    pub to_case: Option<Barcode>,
    /// Badge of the person who signs for it.
    #[arg(long, value_name = "PERSON", requires_all = ["due", "signed"])]
    pub to_person: Option<PersonCode>,
    /// The day by which it is to be back.
    #[arg(long, value_name = "DATE", requires = "to_person")]
    pub due: Option<NaiveDate>,
    /// The signed page, of which the digest is kept.
    #[arg(long, value_name = "FILE", requires = "to_person")]
    pub signed: Option<PathBuf>,
    /// Why it is to happen although a rule objects.
    #[arg(long, value_name = "REASON")]
    pub despite: Option<String>,
    #[command(flatten)]
    pub said: SaidArgs,
}

/// `media check-in`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapeward media check-in TWV001L8 --place SAFE1 --as P07
  tapeward media check-in TWV001L8 --place SHELF-2 --at '2026-11-20 16:30' --reason 'entered on Monday'")]
pub struct CheckInArgs {
    #[command(flatten)]
    pub barcodes: BarcodeArgs,
    /// Code of the place it is in now.
    #[arg(long, value_name = "PLACE")]
    pub place: PlaceCode,
    /// Why it is to happen although a rule objects.
    #[arg(long, value_name = "REASON")]
    pub despite: Option<String>,
    #[command(flatten)]
    pub said: SaidArgs,
}

/// `media import`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapeward media import cartridges.csv
  tapeward media import cartridges.csv --place SAFE1 --as P07
  tapeward media import cartridges.csv --partial --despite 'two sites'

The CSV has a column of barcodes. All of it is taken or nothing.")]
pub struct ImportArgs {
    /// The list.
    pub file: PathBuf,
    /// The place they are in.
    #[arg(long, value_name = "PLACE")]
    pub place: Option<PlaceCode>,
    /// Take the list without its bad rows.
    #[arg(long)]
    pub partial: bool,
    /// Why cartridges that share a serial are registered all the same.
    #[arg(long, value_name = "REASON")]
    pub despite: Option<String>,
    #[command(flatten)]
    pub said: SaidArgs,
}

/// `media relabel`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapeward media relabel TWV001L8 --to TWV901L8 --reason 'label came off in drive 1'

Its history stays. What VOL1 on the tape says does not change before it is labelled again.")]
pub struct RelabelArgs {
    /// The barcode it had.
    pub barcode: Barcode,
    /// The one it has now.
    #[arg(long, value_name = "BARCODE")]
    pub to: Barcode,
    #[command(flatten)]
    pub said: SaidArgs,
}

/// `media problem`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapeward media problem TWV001L8 --kind dropped --reason 'from the trolley' --as P07
  tapeward media problem TWV001L8 --kind lost --reason 'not in the case'
  tapeward media problem TWV001L8 --kind found --place SAFE1
  tapeward media problem XYZ123L8 --kind foreign --place APART

A cartridge that was dropped, got wet, is broken or lost is out of use at once, its copies stop counting
and are to be copied again; an exception stays open until somebody explains it (exit code 20 when no good
copy of something is left).")]
pub struct ProblemArgs {
    /// Barcode.
    pub barcode: Barcode,
    /// What is wrong.
    #[arg(long, value_enum)]
    pub kind: ProblemArg,
    /// Where it is now.
    #[arg(long, value_name = "PLACE")]
    pub place: Option<PlaceCode>,
    #[command(flatten)]
    pub said: SaidArgs,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProblemArg {
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

impl From<ProblemArg> for Problem {
    fn from(kind: ProblemArg) -> Self {
        match kind {
            ProblemArg::Dropped => Self::Dropped,
            ProblemArg::Wet => Self::Wet,
            ProblemArg::Unreadable => Self::Unreadable,
            ProblemArg::Broken => Self::Broken,
            ProblemArg::Lost => Self::Lost,
            ProblemArg::Found => Self::Found,
            ProblemArg::Foreign => Self::Foreign,
        }
    }
}

/// `person`
#[derive(Debug, Subcommand)]
pub enum PersonCommand {
    /// Add a person, or change what is known of one.
    #[command(
        after_help = "Examples:\n  tapeward person add P07 'Anna Weber' --role clerk --role courier-desk --telephone '+49 30 1234'\n  tapeward person add D01 'Jo Driver' --organisation 'Acme Couriers'"
    )]
    Add {
        /// The badge: 1 to 16 of A-Z, 0-9 and -.
        code: PersonCode,
        /// The name.
        name: String,
        /// What the person does; may be given several times.
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// Number to call.
        #[arg(long, value_name = "NUMBER")]
        telephone: Option<String>,
        /// Address for mail.
        #[arg(long, value_name = "ADDRESS")]
        mail: Option<String>,
        /// Employer, where that is not us.
        #[arg(long, value_name = "NAME")]
        organisation: Option<String>,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// Everybody, and what they have signed for.
    #[command(after_help = "Examples:\n  tapeward person list\n  tapeward person list --json")]
    List,
    /// Give a person a PIN: asked for twice, or the first line of a file or descriptor.
    #[command(
        after_help = "Examples:\n  tapeward person pin P07\n  tapeward --passphrase-file pin.txt person pin P07"
    )]
    Pin {
        /// The badge.
        code: PersonCode,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// A person leaves; refused while something is lent to them.
    #[command(after_help = "Examples:\n  tapeward person close P07 --reason 'left the school'")]
    Close {
        /// The badge.
        code: PersonCode,
        #[command(flatten)]
        said: SaidArgs,
    },
}

/// `thing`
#[derive(Debug, Subcommand)]
pub enum ThingCommand {
    /// Register a case, envelope, key, portable drive or the like.
    #[command(
        after_help = "Examples:\n  tapeward thing add case C07 'grey, 20 slots' --holds 20\n  tapeward thing add envelope ENV001 'escrow key, sealed 2026-11-21'\n  tapeward thing add key K12 'safe in room 2'"
    )]
    Add {
        /// What it is.
        #[arg(value_parser = kind_of_thing)]
        kind: ThingKind,
        /// What is printed on it.
        barcode: Barcode,
        /// In words.
        description: String,
        /// How many cartridges a case holds.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        holds: Option<u32>,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// All things: what and where.
    #[command(after_help = "Examples:\n  tapeward thing list\n  tapeward thing list --json")]
    List,
    /// A thing leaves for good.
    #[command(after_help = "Examples:\n  tapeward thing retire C07 --reason 'hinge broken'")]
    Retire {
        /// What is printed on it.
        barcode: Barcode,
        #[command(flatten)]
        said: SaidArgs,
    },
}

fn kind_of_thing(text: &str) -> Result<ThingKind, String> {
    text.replace('-', "_")
        .parse()
        .map_err(|error: crate::id::IdError| error.expected.replace('_', "-"))
}

/// `place`
#[derive(Debug, Subcommand)]
pub enum PlaceCommand {
    /// Add a safe, shelf, vault or other place to the configuration.
    #[command(
        after_help = "Examples:\n  tapeward place add safe SAFE1 --capacity 100 --fire-rating en1047-1-dis\n  tapeward place add vault IRON --vendor 'Iron Hill' --customer-number 4711 --carrier ACME --emergency-line '+1 555 0100'\n\nWhat else can be said of a place is in docs/custody.md."
    )]
    Add(Box<PlaceAddArgs>),
    /// Add a site.
    #[command(
        after_help = "Examples:\n  tapeward place add-site MAIN 'Northern district, data centre' --address 'Main Street 1' --address '12345 Northtown' --telephone '+1 555 0111'"
    )]
    AddSite {
        /// Its code: 1 to 16 of A-Z, 0-9 and -.
        code: SiteCode,
        /// Its name, on manifests.
        name: String,
        /// A line of its address; may be given several times.
        #[arg(long, value_name = "LINE")]
        address: Vec<String>,
        /// Whom to call when something is lost.
        #[arg(long, value_name = "NUMBER")]
        telephone: Option<String>,
    },
    /// Add a carrier.
    #[command(
        after_help = "Examples:\n  tapeward place add-carrier ACME 'Acme Couriers' --telephone '+1 555 0122' --day Tue --day Fri"
    )]
    AddCarrier {
        /// Its code: 1 to 16 of A-Z, 0-9 and -.
        code: CarrierCode,
        /// Its name, on manifests.
        name: String,
        /// Whom to call.
        #[arg(long, value_name = "NUMBER")]
        telephone: Option<String>,
        /// A day of the week on which it comes; Monday to Friday without any.
        #[arg(long = "day", value_name = "DAY")]
        days: Vec<chrono::Weekday>,
        /// A driver's name, where they are known; may be given several times.
        #[arg(long = "driver", value_name = "NAME")]
        drivers: Vec<String>,
        /// A vehicle's registration, where they are known; may be given several times.
        #[arg(long = "vehicle", value_name = "REGISTRATION")]
        vehicles: Vec<String>,
    },
    /// All places: kind, site, how full, last count.
    #[command(after_help = "Examples:\n  tapeward place list\n  tapeward place list --json")]
    List,
    /// Compare a list of what a vault says it has with the record.
    #[command(
        after_help = "Examples:\n  tapeward place compare IRON inventory.csv\n  tapeward place compare IRON inventory.csv --partial --json\n\nThe CSV has a column of barcodes. Each difference is an exception until somebody explains it\n(exit code 21); what is on its way there is not missed."
    )]
    Compare {
        /// Code of the place.
        code: PlaceCode,
        /// The vault's inventory.
        file: PathBuf,
        /// Take the list without its bad rows.
        #[arg(long)]
        partial: bool,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// What is in a place.
    #[command(
        after_help = "Examples:\n  tapeward place show SAFE1\n  tapeward place show SAFE1 --json"
    )]
    Show {
        /// Its code.
        code: PlaceCode,
    },
}

/// `place add`
#[derive(Debug, Args)]
pub struct PlaceAddArgs {
    /// Kind: safe, shelf, vault, cloud, home, repair, foreign.
    pub kind: PlaceKind,
    /// Its code: 1 to 16 of A-Z, 0-9 and -.
    pub code: PlaceCode,
    /// Its name, for people.
    #[arg(long)]
    pub name: Option<String>,
    /// Code of its site; the only one without it.
    #[arg(long, value_name = "SITE")]
    pub site: Option<SiteCode>,
    /// How many cartridges it holds.
    #[arg(long, value_name = "N")]
    pub capacity: Option<u32>,
    /// Code of a place for what it has no room for; may be given several times.
    #[arg(long, value_name = "PLACE")]
    pub overflow: Vec<PlaceCode>,
    /// Fire rating of a safe: ul72-125, en1047-1-dis, ul72-350, en1047-1-p, none.
    #[arg(long, value_name = "RATING")]
    pub fire_rating: Option<String>,
    /// Vendor of a vault.
    #[arg(long)]
    pub vendor: Option<String>,
    /// Our number at the vendor.
    #[arg(long, value_name = "NUMBER")]
    pub customer_number: Option<String>,
    /// A line of its address; may be given several times.
    #[arg(long, value_name = "LINE")]
    pub address: Vec<String>,
    /// Whom to call at night.
    #[arg(long, value_name = "NUMBER")]
    pub emergency_line: Option<String>,
    /// Badge of somebody who may authorise an urgent recall; may be given several times.
    #[arg(long, value_name = "PERSON")]
    pub authorised: Vec<PersonCode>,
    /// Code of the carrier that drives there.
    #[arg(long, value_name = "CARRIER")]
    pub carrier: Option<CarrierCode>,
}

/// `exception`
#[derive(Debug, Subcommand)]
pub enum ExceptionCommand {
    /// What disagrees and was not explained yet.
    #[command(
        after_help = "Examples:\n  tapeward exception list\n  tapeward exception list --all --json\n\nExits with 20 when something is open."
    )]
    List {
        /// Those that were explained too.
        #[arg(long)]
        all: bool,
    },
    /// Explain one: it is closed, and the explanation is kept.
    #[command(
        after_help = "Examples:\n  tapeward exception explain 3 'was in case C08, seen by two' --as P07"
    )]
    Explain {
        /// Its number.
        number: u32,
        /// What it was.
        explanation: String,
        #[command(flatten)]
        said: SaidArgs,
    },
}
