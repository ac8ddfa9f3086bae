//! What can be typed after `courier` and `movement`.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};

use super::custody_args::{BarcodeArgs, SaidArgs};
use crate::catalogue::{Direction, ExceptionKind, Revision};
use crate::id::{Barcode, PersonCode, PlaceCode};

/// `courier`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  tapeward courier                              the next runs, and what blocks them
  tapeward courier build --direction out
  tapeward courier pack R2026-0001 --case C07 - < scanned.txt
  tapeward courier seal R2026-0001 --case C07 --seal 884213
  tapeward courier print R2026-0001 --output manifest.pdf
  tapeward courier handover R2026-0001 --revision A --driver 'Jo Driver' --signed scan.pdf
  tapeward courier receipt R2026-0001 --case C07 --seal-intact
  tapeward courier close R2026-0001

Exits with 20 when a person must act, 21 when it is done and exceptions are open."
)]
pub struct CourierArgs {
    /// Runs that are closed too.
    #[arg(long)]
    pub all: bool,
    /// What to do; the next runs without it.
    #[command(subcommand)]
    pub command: Option<CourierCommand>,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DirectionArg {
    /// To the vault.
    Out,
    /// From the vault.
    Back,
}

impl From<DirectionArg> for Direction {
    fn from(direction: DirectionArg) -> Self {
        match direction {
            DirectionArg::Out => Self::Out,
            DirectionArg::Back => Self::Back,
        }
    }
}

/// Paper of a print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PaperArg {
    /// ISO A4.
    A4,
    /// US Letter.
    Letter,
}

/// The steps of a run.
#[derive(Debug, Subcommand)]
pub enum CourierCommand {
    /// Make the run of a day with everything that is planned for it, or add what was planned since.
    #[command(
        after_help = "Examples:\n  tapeward courier build\n  tapeward courier build --direction back --vault IRON --on 2026-12-01"
    )]
    Build {
        /// The day; the next on which the carrier comes without it.
        #[arg(long, value_name = "DATE")]
        on: Option<NaiveDate>,
        /// Which way.
        #[arg(long, value_enum, default_value = "out")]
        direction: DirectionArg,
        /// The vault; the only one without it.
        #[arg(long, value_name = "PLACE")]
        vault: Option<PlaceCode>,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// Put items on a run by hand.
    #[command(
        after_help = "Examples:\n  tapeward courier add R2026-0001 TWV001L8 --return-on 2027-11-30\n  tapeward courier add R2026-0001 - --urgent < barcodes"
    )]
    Add {
        /// Number of the run.
        run: String,
        #[command(flatten)]
        barcodes: BarcodeArgs,
        /// Before all others.
        #[arg(long)]
        urgent: bool,
        /// The day on which it is to come back; until recalled without it.
        #[arg(long, value_name = "DATE")]
        return_on: Option<NaiveDate>,
        /// Why it is to go although a rule objects.
        #[arg(long, value_name = "REASON")]
        despite: Option<String>,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// Take items off a run; they stay planned.
    #[command(after_help = "Examples:\n  tapeward courier drop R2026-0001 TWV001L8")]
    Drop {
        /// Number of the run.
        run: String,
        #[command(flatten)]
        barcodes: BarcodeArgs,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// Put items of a run into a case.
    #[command(
        after_help = "Examples:\n  tapeward courier pack R2026-0001 --case C07 TWV001L8 TWV002L8\n  tapeward courier pack R2026-0001 --case C07 - < scanned.txt"
    )]
    Pack {
        /// Number of the run.
        run: String,
        /// What is printed on the case.
        #[arg(long, value_name = "CASE")]
        case: Barcode,
        #[command(flatten)]
        barcodes: BarcodeArgs,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// Seal a case, if its content is its list.
    #[command(
        after_help = "Examples:\n  tapeward courier seal R2026-0001 --case C07 --seal 884213\n  tapeward courier seal R2026-0001 --case C07 --seal 884213 --vendor-seal V-17"
    )]
    Seal {
        /// Number of the run.
        run: String,
        /// What is printed on the case.
        #[arg(long, value_name = "CASE")]
        case: Barcode,
        /// Number of our seal.
        #[arg(long, value_name = "NUMBER")]
        seal: String,
        /// Number of the vendor's own seal beside ours.
        #[arg(long, value_name = "NUMBER")]
        vendor_seal: Vec<String>,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// Print the manifest: a new revision if anything has changed.
    #[command(
        after_help = "Examples:\n  tapeward courier print R2026-0001 --output manifest.pdf\n  tapeward courier print R2026-0001 --paper letter --output m.pdf --in-house ours.pdf --csv lines.csv"
    )]
    Print {
        /// Number of the run.
        run: String,
        /// The PDF.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// The copy with names of systems and owners, which does not leave the house.
        #[arg(long, value_name = "FILE")]
        in_house: Option<PathBuf>,
        /// The lines as CSV, for the vault.
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
        /// Paper.
        #[arg(long, value_enum, default_value = "a4")]
        paper: PaperArg,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// Hand a run over to the carrier.
    #[command(
        after_help = "Examples:\n  tapeward courier handover R2026-0001 --revision A --driver 'Jo Driver'\n  tapeward courier handover R2026-0001 --revision A --driver 'Jo Driver' --vehicle 'B-AC 12' --signed scan.pdf --at '2026-11-20 08:10'"
    )]
    Handover {
        /// Number of the run.
        run: String,
        /// The revision that was signed.
        #[arg(long, value_name = "LETTER")]
        revision: Revision,
        /// The driver's name.
        #[arg(long, value_name = "NAME")]
        driver: String,
        /// The vehicle's registration.
        #[arg(long, value_name = "REGISTRATION")]
        vehicle: Option<String>,
        /// The signed page, of which the digest is kept.
        #[arg(long, value_name = "FILE")]
        signed: Option<PathBuf>,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// The carrier did not come: the run moves to the next day.
    #[command(after_help = "Examples:\n  tapeward courier no-show R2026-0001 --reason 'snow'")]
    NoShow {
        /// Number of the run.
        run: String,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// What the vault says it has received: a list, or a case with its seal.
    #[command(
        group = clap::ArgGroup::new("what").required(true).args(["file", "case"]),
        group = clap::ArgGroup::new("seals").args(["seal_intact", "seal_found"]),
        after_help = "Examples:\n  tapeward courier receipt R2026-0001 receipt.csv\n  tapeward courier receipt R2026-0001 --case C07 --seal-intact\n  tapeward courier receipt R2026-0001 --case C07 --seal-found 884299"
    )]
    Receipt {
        /// Number of the run.
        run: String,
        /// CSV with a column of barcodes.
        file: Option<PathBuf>,
        /// The case that was acknowledged.
        #[arg(long, value_name = "CASE", requires = "seals")]
        case: Option<Barcode>,
        /// Its seals are intact and have the numbers on the manifest.
        #[arg(long, requires = "case")]
        seal_intact: bool,
        /// The number found; - for a broken seal.
        #[arg(long, value_name = "NUMBER", requires = "case")]
        seal_found: Vec<String>,
        /// Take a list without its bad rows.
        #[arg(long)]
        partial: bool,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// Items of a run were seen by us.
    #[command(
        after_help = "Examples:\n  tapeward courier receive R2026-0002 - --place SAFE1 < scanned.txt\n\nBarcodes from standard input count as scanned, typed ones as keyed."
    )]
    Receive {
        /// Number of the run.
        run: String,
        #[command(flatten)]
        barcodes: BarcodeArgs,
        /// Where they are put.
        #[arg(long, value_name = "PLACE")]
        place: Option<PlaceCode>,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// A line did not arrive as listed.
    #[command(
        after_help = "Examples:\n  tapeward courier except R2026-0001 TWV001L8 --kind missing --reason 'not in case C07'"
    )]
    Except {
        /// Number of the run.
        run: String,
        #[command(flatten)]
        barcodes: BarcodeArgs,
        /// In what way: missing, lost, wet, broken, swapped, misplaced.
        #[arg(long, value_name = "KIND")]
        kind: ExceptionKind,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// End a run, when nothing of it is open.
    #[command(
        after_help = "Examples:\n  tapeward courier close R2026-0001\n  tapeward courier close R2026-0001 --roll 'vault did not list it, asked on 2026-11-23'"
    )]
    Close {
        /// Number of the run.
        run: String,
        /// Roll what is open on to the next run, for this reason.
        #[arg(long, value_name = "REASON")]
        roll: Option<String>,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// A new document for lines of a closed one.
    #[command(
        after_help = "Examples:\n  tapeward courier correct R2026-0001 TWV001L8 --reason 'vault found it'"
    )]
    Correct {
        /// Number of the closed run.
        run: String,
        #[command(flatten)]
        barcodes: BarcodeArgs,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// Call items home from a vault before their time.
    #[command(
        after_help = "Examples:\n  tapeward courier recall TWV001L8 --reason 'restore of grades'\n  tapeward courier recall TWV001L8 --urgent --authorised-by P01 --reason 'server room burnt'"
    )]
    Recall {
        #[command(flatten)]
        barcodes: BarcodeArgs,
        /// The day; the next on which the carrier comes without it.
        #[arg(long, value_name = "DATE", conflicts_with = "urgent")]
        on: Option<NaiveDate>,
        /// Today, by the vault's emergency line.
        #[arg(long, requires = "authorised_by")]
        urgent: bool,
        /// Badge of who authorises it; the vault must know that person.
        #[arg(long, value_name = "PERSON", requires = "urgent")]
        authorised_by: Option<PersonCode>,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// One run: its lines, cases, seals and prints.
    #[command(
        after_help = "Examples:\n  tapeward courier show R2026-0001\n  tapeward courier show R2026-0001 --json"
    )]
    Show {
        /// Number of the run.
        run: String,
    },
}

/// `movement`
#[derive(Debug, Subcommand)]
pub enum MovementCommand {
    /// Plan that items go somewhere.
    #[command(
        after_help = "Examples:\n  tapeward movement plan TWV001L8 TWV002L8 --to IRON --due 2026-12-01\n  tapeward movement plan TWV001L8 --to SAFE1 --due 2026-12-01 --reason 'library is full'"
    )]
    Plan {
        #[command(flatten)]
        barcodes: BarcodeArgs,
        /// Code of the place.
        #[arg(long, value_name = "PLACE")]
        to: PlaceCode,
        /// By when.
        #[arg(long, value_name = "DATE")]
        due: NaiveDate,
        /// The day on which it is to come back.
        #[arg(long, value_name = "DATE")]
        return_on: Option<NaiveDate>,
        /// Before all others.
        #[arg(long)]
        urgent: bool,
        /// Why it may leave although a rule objects.
        #[arg(long, value_name = "REASON")]
        despite: Option<String>,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// What is to go where, first due first.
    #[command(after_help = "Examples:\n  tapeward movement list\n  tapeward movement list --json")]
    List,
    /// It need not go any more.
    #[command(after_help = "Examples:\n  tapeward movement cancel TWV001L8 --reason 'hold placed'")]
    Cancel {
        #[command(flatten)]
        barcodes: BarcodeArgs,
        #[command(flatten)]
        said: SaidArgs,
    },
}
