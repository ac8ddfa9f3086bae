//! What can be typed after `journal`, and after `media history`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::id::Barcode;

/// `journal`
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Entries: number, when, who and where, what happened, about what.
    #[command(after_help = "\
Examples:
  tapeward journal list
  tapeward journal list --about TWV001L8 --since 2026-11-01
  tapeward journal list --kind checkpoint_signed --kind journal_key_made --all
  tapeward journal list --about finance --json

The newest 50 without --all. Moments are days (2026-11-01) or RFC 3339 (2026-11-01T09:30:00Z), in UTC.")]
    List(ListArgs),
    /// Write the whole journal to a file, one line of JSON for each entry.
    #[command(
        after_help = "Examples:\n  tapeward journal export /media/usb/journal.jsonl\n  tapeward journal export - | gzip > journal.jsonl.gz\n\nThe file must not exist yet, and only its owner can read it: names of people and sets are in it."
    )]
    Export {
        /// The file; - for standard output.
        file: PathBuf,
    },
    /// Sign the last entry and print the line, to be kept outside the building.
    #[command(after_help = "\
Examples:
  tapeward journal checkpoint
  tapeward journal checkpoint | mail -s 'Journal' auditor@example.org
  tapeward journal checkpoint --json

Whoever keeps the line can prove with \"journal verify --checkpoint\" that nothing up to that entry was
changed, removed or cut off, even by somebody who has the server and its key.")]
    Checkpoint,
    /// Check every entry, here or in an exported file.
    #[command(after_help = "\
Examples:
  tapeward journal verify
  tapeward journal verify --checkpoint manifest-12.txt --checkpoint manifest-13.txt
  tapeward journal verify journal.jsonl --public-key journal-key.pem --checkpoint manifest-12.txt
  tapeward journal verify journal.jsonl --entries 4711 --json

A file is checked without a state folder. Names the first broken entry.
Exit codes: 0 it holds, 1 it was tampered with or cannot be read, 2 what was given makes no sense.
That its end was cut off, or that all of it was written anew by somebody with the key, is shown only by
what was kept elsewhere: checkpoints, the public key, a number of entries.")]
    Verify(VerifyArgs),
    /// The key that signs checkpoints: its public half, and the keys before it.
    #[command(after_help = "\
Examples:
  tapeward journal key
  tapeward journal key --json
  tapeward journal key --rotate --reason 'Otto left'

Hand the public half to whoever checks. A new key is endorsed by the old one, so that whoever has the
old one's public half can go on with it; the old private half is deleted.")]
    Key {
        /// Replace the key.
        #[arg(long, requires = "reason")]
        rotate: bool,
        /// Why.
        #[arg(long, value_name = "TEXT", requires = "rotate")]
        reason: Option<String>,
    },
}

/// `journal list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Barcode, name of a set, key or library, badge of a person, or any id.
    #[arg(long, value_name = "WHAT")]
    pub about: Option<String>,
    /// What happened, as the column says it. May be given several times.
    #[arg(long, value_name = "KIND")]
    pub kind: Vec<String>,
    /// From this moment on.
    #[arg(long, value_name = "MOMENT")]
    pub since: Option<String>,
    /// Up to this day with all of it, or before this moment.
    #[arg(long, value_name = "MOMENT")]
    pub until: Option<String>,
    /// How many, the newest.
    #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "all")]
    pub limit: u64,
    /// All of them.
    #[arg(long)]
    pub all: bool,
}

/// `journal verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A file that "journal export" wrote; this state folder's journal without it.
    pub file: Option<PathBuf>,
    /// Public key from elsewhere: a PEM file, or its 64 digits. May be given several times.
    #[arg(long, value_name = "FILE|TEXT")]
    pub public_key: Vec<String>,
    /// Checkpoint from elsewhere: the signed line, NUMBER:HASH as on a manifest, or a file with such
    /// lines. May be given several times.
    #[arg(long, value_name = "LINE|FILE")]
    pub checkpoint: Vec<String>,
    /// How many entries there were at least.
    #[arg(long, value_name = "N")]
    pub entries: Option<u64>,
}

/// `media history`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tapeward media history TWV001L8\n  tapeward media history TWV001L8 --json"
)]
pub struct HistoryArgs {
    /// Barcode of a cartridge or thing; one that is gone or was relabelled, too.
    pub barcode: Barcode,
}
