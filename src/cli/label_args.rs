//! `label`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::key_args::PaperArg;

/// `label`
#[derive(Debug, Subcommand)]
pub enum LabelCommand {
    /// Print labels for cartridges, cases and places, badges, and cards for the scanner.
    #[command(subcommand)]
    Print(LabelKind),
}

/// What is printed.
#[derive(Debug, Subcommand)]
pub enum LabelKind {
    /// Labels for LTO cartridges, 79 by 17 mm.
    #[command(after_help = "\
Examples:
  tapeward label print lto TWV001L8..TWV040L8 --output labels.pdf
  tapeward label print lto TWV001L8 CLN001L1 --paper letter --format svg --output labels.svg

Code 39, wide to narrow 2.75 to 1, X = 0.423 mm, bars 11.4 mm high. Print at 100 %, without \"fit to page\".
Makers of libraries ask for bought labels: print your own for tests and until the bought ones come.")]
    Lto {
        /// Barcodes, or ranges FIRST..LAST.
        #[arg(required = true, value_name = "BARCODE")]
        barcodes: Vec<String>,
        #[command(flatten)]
        print: PrintArgs,
    },
    /// Labels for cases.
    #[command(after_help = "\
Examples:
  tapeward label print case C01 C02 --output cases.pdf
  tapeward label print case 'C08=blue, two locks' --output case.pdf")]
    Case {
        /// Codes (1 to 16 capital letters, digits, hyphens), each with a name if wanted.
        #[arg(required = true, value_name = "CODE[=NAME]")]
        cases: Vec<String>,
        #[command(flatten)]
        print: PrintArgs,
    },
    /// Labels for places.
    #[command(after_help = "\
Examples:
  tapeward label print place 'SAFE1=safe in the basement' DOOR-B --output places.pdf")]
    Place {
        /// Codes (1 to 16 capital letters, digits, hyphens), each with a name if wanted.
        #[arg(required = true, value_name = "CODE[=NAME]")]
        places: Vec<String>,
        #[command(flatten)]
        print: PrintArgs,
    },
    /// Badges.
    #[command(after_help = "\
Examples:
  tapeward label print person 'P07=Ann Miller' P08 --output badges.pdf")]
    Person {
        /// Codes, each with a name if wanted.
        #[arg(required = true, value_name = "CODE[=NAME]")]
        people: Vec<String>,
        #[command(flatten)]
        print: PrintArgs,
    },
    /// Cards that say what the next scans are for, and one that tests the keyboard layout.
    #[command(after_help = "\
Examples:
  tapeward label print purpose --output cards.pdf
  tapeward label print purpose --paper letter --output - | lp")]
    Purpose {
        #[command(flatten)]
        print: PrintArgs,
    },
}

/// Where to and how.
#[derive(Debug, Args)]
pub struct PrintArgs {
    /// Where to write it (must not exist); - for standard output. Several sheets as SVG are files NAME-1.svg,
    /// NAME-2.svg, ...
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// Kind of file.
    #[arg(long, value_enum, default_value = "pdf")]
    pub format: LabelFormat,
    /// Paper.
    #[arg(long, value_enum, default_value = "a4")]
    pub paper: PaperArg,
}

/// Kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LabelFormat {
    /// All sheets in one file.
    Pdf,
    /// One file for each sheet.
    Svg,
}
