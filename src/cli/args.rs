//! What can be typed. Every command has examples.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use super::catalogue_args::{CatalogueCommand, RebuildArgs, RecoverArgs};
pub use super::copy_args::CopyCommand;
pub use super::courier_args::{CourierArgs, MovementCommand};
pub use super::custody_args::{
    CheckInArgs, CheckOutArgs, ExceptionCommand, ImportArgs, PersonCommand, PlaceCommand,
    ProblemArgs, RelabelArgs, ThingCommand,
};
pub use super::discover_args::{DevicePathArg, DiscoverArgs};
pub use super::disposal_args::DisposalCommand;
pub use super::drill_args::DrillCommand;
pub use super::foreign_args::ForeignCommand;
pub use super::health_args::{DoctorArgs, HealthArgs, HealthCommand};
pub use super::journal_args::{HistoryArgs, JournalCommand};
pub use super::key_args::KeyCommand;
pub use super::kit_args::KitCommand;
pub use super::label_args::LabelCommand;
pub use super::month_args::MonthArgs;
pub use super::restore_args::{FindArgs, RestoreArgs};
pub use super::rotation_args::RotationCommand;
pub use super::scan_args::ScanArgs;
pub use super::scrub_args::ScrubCommand;
pub use super::set_args::{CompressionArg, EncryptionArg, HoldArgs, SetDefineArgs};
pub use super::setup_args::{ConfigCommand, InitArgs, QuickstartArgs};
pub use super::sim_args::{ServeArgs, SimChoice, SimCommand};
use crate::id::{Barcode, CopyNumber, RunId};

/// Tape libraries, monthly tape jobs, media custody.
#[derive(Debug, Parser)]
#[command(name = "tapeward", version, about, propagate_version = true)]
#[command(after_help = "\
Examples:
  tapeward quickstart /usr/share   the whole of it on a virtual library
  tapeward library status          what is where
  tapeward job run                 this month's full backup to tape
  tapeward find '*.odt'            which sets and cartridges hold these files
  tapeward restore documents --to /tmp/back

Exit codes: 0 done, 1 failed, 2 usage, 3 done but something could not be read or kept,
11 somebody else holds it, 20 a person must act, 21 done with open exceptions, 130 interrupted.

Environment: TAPEWARD_STATE is the state folder; \"tapeward init\" takes the library from CHANGER
and TAPE where it is not told which; TAPEWARD_LOG=tapeward=debug shows what happens.")]
pub struct Cli {
    /// State folder: configuration, catalogue, indexes, keys.
    #[arg(long, global = true, env = "TAPEWARD_STATE", value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// JSON on stdout, progress as JSON lines on stderr.
    #[arg(long, global = true)]
    pub json: bool,
    /// File whose first line is the passphrase of an identity; asked for on the terminal without it.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        conflicts_with = "passphrase_fd"
    )]
    pub passphrase_file: Option<PathBuf>,
    /// Open file descriptor that gives the passphrase.
    #[arg(long, global = true, value_name = "N")]
    pub passphrase_fd: Option<u32>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The nouns.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the monthly job on a virtual library, from nothing to a restored file.
    Quickstart(QuickstartArgs),
    /// Make a state folder with configuration and catalogue.
    Init(InitArgs),
    /// The configuration file.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Tape libraries: what is where, and moving it.
    #[command(subcommand)]
    Library(LibraryNoun),
    /// Tape drives.
    #[command(subcommand)]
    Drive(DriveCommand),
    /// Cartridges and volumes.
    #[command(subcommand)]
    Media(MediaCommand),
    /// Sites, safes, shelves, vaults, carriers.
    #[command(subcommand)]
    Place(PlaceCommand),
    /// People and what they have signed for.
    #[command(subcommand)]
    Person(PersonCommand),
    /// Cases, envelopes, keys and whatever else is tracked.
    #[command(subcommand)]
    Thing(ThingCommand),
    /// What is to go where.
    #[command(subcommand)]
    Movement(MovementCommand),
    /// Courier runs and their manifests.
    Courier(Box<CourierArgs>),
    /// Destroying media: asked for, agreed to, certified.
    #[command(subcommand)]
    Disposal(DisposalCommand),
    /// What disagrees, until it is explained.
    #[command(subcommand)]
    Exception(ExceptionCommand),
    /// How drives and cartridges are: state, trend, reasons, advice.
    Health(HealthArgs),
    /// Acceptance test for a library and its drives, with a certificate.
    Doctor(DoctorArgs),
    /// What is backed up.
    #[command(subcommand)]
    Set(SetCommand),
    /// Keys that sets are encrypted to.
    #[command(subcommand)]
    Key(KeyCommand),
    /// The recovery kit: how to read the tapes without Tapeward.
    #[command(subcommand)]
    Kit(KitCommand),
    /// Labels for cartridges, cases and places, badges, cards for the scanner.
    #[command(subcommand)]
    Label(LabelCommand),
    /// The monthly job and its runs.
    #[command(subcommand)]
    Job(JobCommand),
    /// What a month owes and has: each full, each copy, each cartridge in its place.
    Month(MonthArgs),
    /// What is to be copied to other cartridges, and doing it.
    #[command(subcommand)]
    Copy(CopyCommand),
    /// Find files in the sets on tape.
    Find(FindArgs),
    /// Restore sets, or some of them, from tape.
    Restore(Box<RestoreArgs>),
    /// Read copies back and compare them with what was written.
    Verify(VerifyArgs),
    /// Which cartridges are written, go out and come home, by plan.
    #[command(subcommand)]
    Rotation(RotationCommand),
    /// A scanner: who, what for, where, which; counts, and scanning without the record.
    Scan(ScanArgs),
    /// Read back what lies on tapes, by plan.
    #[command(subcommand)]
    Scrub(ScrubCommand),
    /// Restore files drawn by lot to nowhere, and record the proof.
    #[command(subcommand)]
    Drill(DrillCommand),
    /// The record: check it, write it out, make it anew from tapes.
    #[command(subcommand)]
    Catalogue(CatalogueCommand),
    /// The hash-chained record: read it, sign it, check it.
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Begin anew on a bare host, from cartridges and an identity.
    Recover(RecoverArgs),
    /// The virtual tape library.
    #[command(subcommand)]
    Sim(SimCommand),
}

/// Which library a command means.
#[derive(Debug, Clone, Default, Args)]
pub struct LibraryChoice {
    /// Library from the configuration; may be left out when there is one only.
    #[arg(long, value_name = "NAME")]
    pub library: Option<String>,
}

/// `library`
#[derive(Debug, Subcommand)]
pub enum LibraryNoun {
    /// Find the libraries and drives of this machine, and which drive is in which element.
    #[command(after_help = "\
Examples:
  tapeward library discover                     look, and change nothing
  tapeward library discover --write             describe the library in config.toml
  tapeward library discover --trial TWV001L8    find unmatched drives by loading a cartridge

Devices are known by their serial numbers: nodes may change. What was written or changed by hand in
config.toml is replaced with --replace only.")]
    Discover(DiscoverArgs),
    /// Something to do with a library of the configuration.
    #[command(flatten)]
    Configured(LibraryCommand),
}

/// What is done with a library of the configuration.
#[derive(Debug, Subcommand)]
pub enum LibraryCommand {
    /// Every element and what is in it, as the robot sees it now.
    #[command(
        after_help = "Examples:\n  tapeward library status\n  tapeward library status --all --json"
    )]
    Status {
        #[command(flatten)]
        choice: LibraryChoice,
        /// Empty storage elements too.
        #[arg(long)]
        all: bool,
    },
    /// Have the robot look again, and compare what it sees with the record.
    #[command(
        after_help = "Examples:\n  tapeward library inventory\n  tapeward library inventory --initialize"
    )]
    Inventory {
        #[command(flatten)]
        choice: LibraryChoice,
        /// Have the robot check every element first (INITIALIZE ELEMENT STATUS; takes minutes).
        #[arg(long)]
        initialize: bool,
    },
    /// Put a cartridge into a drive.
    #[command(
        after_help = "Examples:\n  tapeward library load TWV001L8\n  tapeward library load slot:3 --into drive:1"
    )]
    Load {
        /// Barcode or element (slot:3, mail:1, @4096).
        cartridge: String,
        /// Drive element; the first free drive without it.
        #[arg(long, value_name = "ELEMENT")]
        into: Option<String>,
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// Take a cartridge out of a drive and back to its storage element.
    #[command(
        after_help = "Examples:\n  tapeward library unload drive:0\n  tapeward library unload TWV001L8 --to slot:7"
    )]
    Unload {
        /// Barcode or drive element.
        cartridge: String,
        /// Where to; where it came from, else the first free storage element.
        #[arg(long, value_name = "ELEMENT")]
        to: Option<String>,
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// Move a cartridge from one element to another.
    #[command(
        after_help = "Examples:\n  tapeward library transfer slot:3 slot:9\n  tapeward library transfer mail:1 slot:3"
    )]
    Transfer {
        /// Barcode or element.
        from: String,
        /// Element.
        to: String,
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// Put a cartridge in another's place, and that one where the first was or elsewhere.
    #[command(
        after_help = "Examples:\n  tapeward library exchange slot:3 slot:9\n  tapeward library exchange TWV001L8 drive:0 slot:9"
    )]
    Exchange {
        /// Barcode or element.
        cartridge: String,
        /// Barcode or element whose cartridge makes room.
        with: String,
        /// Where that one goes; the first cartridge's place if not given.
        to: Option<String>,
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// Bring the robot before an element, to be quicker there.
    #[command(after_help = "Examples:\n  tapeward library position slot:3")]
    Position {
        /// Barcode or element.
        element: String,
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// Move cartridges to import/export elements for somebody to take out.
    #[command(after_help = "Examples:\n  tapeward library eject TWV001L8 TWV002L8")]
    Eject {
        /// Barcodes or elements.
        #[arg(required = true)]
        cartridges: Vec<String>,
        #[command(flatten)]
        choice: LibraryChoice,
    },
}

/// `drive`
#[derive(Debug, Subcommand)]
pub enum DriveCommand {
    /// Each drive: model, serial number, what is loaded, position, alerts, who holds it.
    #[command(after_help = "Examples:\n  tapeward drive status\n  tapeward drive status --json")]
    Status {
        #[command(flatten)]
        choice: LibraryChoice,
    },
}

/// `media`
#[derive(Debug, Subcommand)]
pub enum MediaCommand {
    /// Register cartridges as scratch.
    #[command(
        after_help = "Examples:\n  tapeward media add TWV001L8 TWV002L8\n  tapeward media add --from-library"
    )]
    Add {
        /// Barcodes.
        #[arg(required_unless_present = "from_library")]
        barcodes: Vec<Barcode>,
        /// Every cartridge the library holds that is not known yet (cleaning cartridges not).
        #[arg(long)]
        from_library: bool,
        /// Why cartridges that share a six-character serial are registered all the same.
        #[arg(long, value_name = "REASON")]
        despite: Option<String>,
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// Every cartridge: content, place, use.
    #[command(after_help = "Examples:\n  tapeward media list\n  tapeward media list --json")]
    List,
    /// One cartridge: content, place, what is on it.
    #[command(after_help = "Examples:\n  tapeward media show TWV001L8")]
    Show {
        /// Barcode.
        barcode: Barcode,
    },
    /// Everything the journal tells of one cartridge and what was on it, or of one thing.
    History(HistoryArgs),
    /// Write a new label; refused while there is anything to keep.
    #[command(
        after_help = "Examples:\n  tapeward media label TWV001L8 --pool onsite\n  tapeward media label OLD001L8 --pool offsite --overwrite-foreign"
    )]
    Label {
        /// Barcodes.
        #[arg(required = true)]
        barcodes: Vec<Barcode>,
        /// Pool the volume belongs to.
        #[arg(long)]
        pool: String,
        /// Overwrite data of another program.
        #[arg(long)]
        overwrite_foreign: bool,
        #[command(flatten)]
        choice: LibraryChoice,
    },
    /// Register the cartridges of a list.
    Import(Box<ImportArgs>),
    /// An item gets another barcode; its history stays.
    Relabel(Box<RelabelArgs>),
    /// Items leave a place: for another one, a case, or a person who signs for them.
    CheckOut(Box<CheckOutArgs>),
    /// Items are back in a place.
    CheckIn(Box<CheckInArgs>),
    /// Something is wrong with an item: out of use at once, and to be explained.
    Problem(Box<ProblemArgs>),
    /// Cartridges of other programs.
    #[command(flatten)]
    Foreign(ForeignCommand),
}

/// `set`
#[derive(Debug, Subcommand)]
pub enum SetCommand {
    /// Define what is backed up every month; defining it again changes it, but for holds.
    Define(Box<SetDefineArgs>),
    /// What a pattern stands for this month, and what was there last month and is not now.
    #[command(
        after_help = "Examples:\n  tapeward set expand appliance\n  tapeward set expand appliance --month 2026-10 --json\n\nExits with 3 when something is missing, old or cannot be read."
    )]
    Expand {
        /// Name or id of a definition with a pattern.
        set: String,
        /// The month (YYYY-MM); this one without it.
        #[arg(long, value_name = "MONTH")]
        month: Option<String>,
    },
    /// All definitions with their newest set on tape.
    #[command(after_help = "Examples:\n  tapeward set list\n  tapeward set list --json")]
    List,
    /// One definition and every set made of it: where its copies are.
    #[command(after_help = "Examples:\n  tapeward set show finance")]
    Show {
        /// Name or id of a definition, or id of a set.
        set: String,
    },
    /// Keep what is on tape, whatever its retention says, until it is released.
    #[command(
        after_help = "Examples:\n  tapeward set hold finance --reason \"case 7/2026\"\n  tapeward set hold 01913b1e-7c1f-7d3e-9d2a-1c2d3e4f5a6b --reason \"audit of 2026\""
    )]
    Hold(HoldArgs),
    /// End a hold; who, when and why stay in the record.
    #[command(
        after_help = "Examples:\n  tapeward set release finance --reason \"case 7/2026 is closed\""
    )]
    Release(HoldArgs),
}

/// `job`
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// Write this month's full of every set to tape, verify, eject.
    #[command(
        after_help = "Examples:\n  tapeward job run\n  tapeward job run --set finance --set mail\n  tapeward job run --plan"
    )]
    Run(JobRunArgs),
    /// All runs.
    #[command(after_help = "Examples:\n  tapeward job list\n  tapeward job list --json")]
    List,
    /// One run, step by step.
    #[command(
        after_help = "Examples:\n  tapeward job show 01913b1e-7c1f-7d3e-9d2a-1c2d3e4f5a6b\n  tapeward job show last"
    )]
    Show {
        /// Id of the run, or \"last\".
        run: String,
    },
    /// Go on with a run that was interrupted, killed or waits for a person.
    #[command(
        after_help = "Examples:\n  tapeward job resume\n  tapeward job resume 01913b1e-7c1f-7d3e-9d2a-1c2d3e4f5a6b"
    )]
    Resume {
        /// Id of the run; the unfinished one without it.
        run: Option<RunId>,
    },
    /// Give an unfinished run up; what it has put on tape stays there until it expires.
    #[command(
        after_help = "Examples:\n  tapeward job abandon 01913b1e-7c1f-7d3e-9d2a-1c2d3e4f5a6b"
    )]
    Abandon {
        /// Id of the run.
        run: RunId,
    },
}

/// `job run`
#[derive(Debug, Args)]
pub struct JobRunArgs {
    /// Only these sets; all without it.
    #[arg(long = "set", value_name = "NAME")]
    pub sets: Vec<String>,
    /// The month it counts for (YYYY-MM); this one without it.
    #[arg(long, value_name = "MONTH")]
    pub month: Option<String>,
    /// Show what would be done and on which cartridges, and stop.
    #[arg(long)]
    pub plan: bool,
    /// Which library.
    #[command(flatten)]
    pub choice: LibraryChoice,
}

/// `verify`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapeward verify finance
  tapeward verify finance --copy 2
  tapeward verify finance --content --identity /media/usb/escrow.identity

Without --content lengths, labels and digests of the bytes on tape are compared, which takes no key
unless the drive encrypted them.")]
pub struct VerifyArgs {
    /// Name or id of a set definition, or id of a set.
    pub set: String,
    /// Only this copy.
    #[arg(long, value_name = "N", value_parser = parse_copy)]
    pub copy: Option<CopyNumber>,
    /// Decrypt it too: every frame, every row of the index, every file's digest.
    #[arg(long)]
    pub content: bool,
    /// Identity file to decrypt with, plain or as "age -p" makes it; the host's own keys without it.
    /// May be given several times.
    #[arg(long, visible_alias = "identity-file", value_name = "FILE")]
    pub identity: Vec<PathBuf>,
    /// Which library.
    #[command(flatten)]
    pub choice: LibraryChoice,
}

pub(super) fn parse_copy(text: &str) -> Result<CopyNumber, String> {
    match text.parse::<u8>() {
        Ok(number @ 1..=9) => Ok(CopyNumber(number)),
        _ => Err("a copy is a number from 1 to 9".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        fn walk(command: &clap::Command, path: &str) {
            for sub in command.get_subcommands() {
                let name = format!("{path} {}", sub.get_name());
                if sub.has_subcommands() {
                    walk(sub, &name);
                } else if sub.get_name() != "help" {
                    let help = sub.get_after_help().map(ToString::to_string);
                    assert!(
                        help.is_some_and(|help| help.contains("Examples:")),
                        "{name} has no examples"
                    );
                }
            }
        }
        walk(&Cli::command(), "tapeward");
    }

    /// The words of an example as a shell hands them over; what stands after two blanks explains it.
    fn words(example: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quoted = false;
        // What a pipe comes from or leads to is somebody else's, and so is a file.
        let begin = example.find("tapeward ").unwrap();
        let ends = ["   ", " | ", " > ", " < "].into_iter();
        let own = ends.fold(&example[begin..], |own, end| own.split(end).next().unwrap());
        for letter in own.chars() {
            match letter {
                '\'' | '"' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                other => words.last_mut().unwrap().push(other),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_example_can_be_typed() {
        fn walk(command: &clap::Command, path: &[&str], seen: &mut usize) {
            let help = command.get_after_help().map(ToString::to_string);
            for line in help.unwrap_or_default().lines().map(str::trim) {
                if !line.contains("tapeward ") || line.contains(':') && !line.contains("slot:") {
                    continue;
                }
                let words = words(line);
                assert_eq!(words[0], "tapeward", "{line}");
                if let Err(error) = Cli::try_parse_from(&words) {
                    panic!("{line}: {error}");
                }
                let own = path
                    .iter()
                    .all(|name| words.iter().any(|word| word == name));
                assert!(own, "{line} is no example of {path:?}");
                *seen += 1;
            }
            for sub in command.get_subcommands() {
                walk(sub, &[path, &[sub.get_name()]].concat(), seen);
            }
        }
        let mut seen = 0;
        walk(&Cli::command(), &[], &mut seen);
        assert!(seen > 40, "{seen}");
    }
}
