//! `catalogue` and `recover` as they are typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::LibraryChoice;
use crate::id::Barcode;

/// `catalogue`
#[derive(Debug, Subcommand)]
pub enum CatalogueCommand {
    /// Check the database and its references.
    #[command(after_help = "Examples:\n  tapeward catalogue check")]
    Check,
    /// Everything on record about tapes and sets, one JSON object a line.
    #[command(after_help = "Examples:\n  tapeward catalogue dump > record.jsonl")]
    Dump,
    /// Make the record anew from the cartridges in the library, or add what it does not know.
    #[command(after_help = "\
Examples:
  tapeward catalogue rebuild                          from every cartridge in the library
  tapeward catalogue rebuild TWV001L8 TWV002L8        from these
  tapeward catalogue rebuild --identity escrow.identity

If there is no record yet, the newest snapshot of it on the cartridges is taken over first; then
whatever the tapes know and the record does not is added. Nothing is written to any tape. Do it again
when more cartridges have been brought. Without an identity sets are known by their ids only, until it
is done again with one.")]
    Rebuild(RebuildArgs),
}

/// `catalogue rebuild`
#[derive(Debug, Args)]
pub struct RebuildArgs {
    /// Barcodes; every data cartridge in the library without any.
    pub barcodes: Vec<Barcode>,
    /// File with an age identity; may be given several times. Those of the state folder without it.
    #[arg(long, value_name = "FILE")]
    pub identity: Vec<PathBuf>,
    /// Read labels and indexes only, and leave snapshots of the record alone.
    #[arg(long)]
    pub ignore_snapshots: bool,
    /// Which library.
    #[command(flatten)]
    pub choice: LibraryChoice,
}

/// `recover`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tapeward recover --identity escrow.identity --changer /dev/sg3 --drive /dev/sg1
  tapeward recover --identity escrow.identity --virtual /srv/vtl
  tapeward recover --identity escrow.identity TWV001L8    the library is in config.toml already

For the day when the host and its state folder are gone. The newest cartridge of a session is enough:
it holds configuration and catalogue. The identity is the one in the sealed envelope.")]
pub struct RecoverArgs {
    /// Barcodes; every data cartridge in the library without any.
    pub barcodes: Vec<Barcode>,
    /// File with an age identity; may be given several times.
    #[arg(long, value_name = "FILE", required = true)]
    pub identity: Vec<PathBuf>,
    /// The folder of a virtual library.
    #[arg(long = "virtual", value_name = "DIR", conflicts_with_all = ["changer", "drive"])]
    pub virtual_library: Option<PathBuf>,
    /// SCSI generic node of the medium changer, or its sch node; $CHANGER without it.
    #[arg(long, value_name = "DEVICE")]
    pub changer: Option<PathBuf>,
    /// SCSI generic node of a drive, or its nst node; once for each; $TAPE without it.
    #[arg(long, value_name = "DEVICE")]
    pub drive: Vec<PathBuf>,
    /// Keep the identities in the state folder, so that this host can restore from now on.
    #[arg(long)]
    pub keep_identity: bool,
    /// Which library.
    #[command(flatten)]
    pub choice: LibraryChoice,
}
