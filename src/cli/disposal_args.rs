//! What can be typed after `disposal`.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Subcommand;

use super::custody_args::{BarcodeArgs, SaidArgs};

/// `disposal`
#[derive(Debug, Subcommand)]
pub enum DisposalCommand {
    /// Ask that items are destroyed; refused while anything on one must be kept.
    #[command(
        after_help = "Examples:\n  tapeward disposal request OLD001L6 OLD002L6 --reason 'LTO-6 is out of use' --as P07\n  tapeward disposal request - --reason 'worn out' --as P07 < barcodes"
    )]
    Request {
        #[command(flatten)]
        barcodes: BarcodeArgs,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// Agree to a disposal: another person than the one who asked, in the role of the configuration.
    #[command(
        after_help = "Examples:\n  tapeward disposal approve D2026-001 --as P01\n  tapeward disposal approve D2026-001 --signed page.pdf --name 'Chair of governors'"
    )]
    Approve {
        /// Its number.
        number: String,
        /// The page another person signed, where there is nobody else with a badge.
        #[arg(long, value_name = "FILE", requires = "name")]
        signed: Option<PathBuf>,
        /// Who signed it.
        #[arg(long, value_name = "NAME", requires = "signed")]
        name: Option<String>,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// A contractor takes the items.
    #[command(
        after_help = "Examples:\n  tapeward disposal hand-over D2026-001 --contractor 'Shred Ltd' --accredited-until 2027-06-30 --due 2026-12-31"
    )]
    HandOver {
        /// Its number.
        number: String,
        /// The contractor's name.
        #[arg(long, value_name = "NAME")]
        contractor: String,
        /// Until when it is accredited.
        #[arg(long, value_name = "DATE")]
        accredited_until: NaiveDate,
        /// By when its certificate is due.
        #[arg(long, value_name = "DATE")]
        due: NaiveDate,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// Enter a certificate: the items it names leave the inventory, the others stay open.
    #[command(
        after_help = "Examples:\n  tapeward disposal certificate D2026-001 certificate.pdf --list serials.csv --certificate SH-4711\n\nEnds with 21 while an item is on no certificate."
    )]
    Certificate {
        /// Its number.
        number: String,
        /// The certificate, of which the digest is kept.
        file: PathBuf,
        /// CSV with a column of the barcodes it names.
        #[arg(long, value_name = "FILE")]
        list: PathBuf,
        /// Its number, as the contractor gives it.
        #[arg(long, value_name = "NUMBER")]
        certificate: String,
        /// Take the list without its bad rows.
        #[arg(long)]
        partial: bool,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// It does not take place.
    #[command(
        after_help = "Examples:\n  tapeward disposal withdraw D2026-001 --reason 'hold placed'"
    )]
    Withdraw {
        /// Its number.
        number: String,
        #[command(flatten)]
        said: SaidArgs,
    },
    /// All disposals: how far, with whom, what is open.
    #[command(after_help = "Examples:\n  tapeward disposal list\n  tapeward disposal list --json")]
    List,
    /// One disposal: its items and certificates.
    #[command(after_help = "Examples:\n  tapeward disposal show D2026-001")]
    Show {
        /// Its number.
        number: String,
    },
}
