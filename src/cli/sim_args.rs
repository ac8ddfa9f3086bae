//! What can be typed after `sim`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::id::Barcode;

/// Which virtual library a command means.
#[derive(Debug, Clone, Default, Args)]
pub struct SimChoice {
    /// Folder of the virtual library; the configured one without it.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Library from the configuration; may be left out when there is one only.
    #[arg(long, value_name = "NAME", conflicts_with = "dir")]
    pub library: Option<String>,
}

/// Who gives the drives of a virtual library their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DriveEncryptionArg {
    /// Any host.
    Hosts,
    /// The library: hosts are kept from it.
    Library,
    /// Nobody: drives do not encrypt.
    None,
}

/// `sim`
#[derive(Debug, Subcommand)]
pub enum SimCommand {
    /// Make a virtual library in a folder.
    #[command(
        after_help = "Examples:\n  tapeward sim create /srv/vtl\n  tapeward sim create /srv/vtl --model generic --cartridges 20 --cartridge-size 2GiB\n  tapeward sim create /srv/vtl --drive-encryption library --longest-block 512KiB"
    )]
    Create {
        /// Folder; must be empty or missing.
        dir: PathBuf,
        /// Model: generic (24 slots, 2 drives), enterprise (10,000 slots, 16 drives), autoloader
        /// (8 slots, 1 drive), midrange (44 slots, 4 drives).
        #[arg(long, default_value = "generic")]
        model: String,
        /// How many blank cartridges to put into storage elements.
        #[arg(long, default_value_t = 20)]
        cartridges: u16,
        /// Their capacity.
        #[arg(long, default_value = "4GiB", value_name = "SIZE")]
        cartridge_size: bytesize::ByteSize,
        /// Who gives the drives keys for encryption.
        #[arg(long, value_enum, default_value = "hosts")]
        drive_encryption: DriveEncryptionArg,
        /// The longest block the drives take.
        #[arg(long, default_value = "8MiB", value_name = "SIZE")]
        longest_block: bytesize::ByteSize,
    },
    /// Put a cartridge into an import/export element, as an operator does.
    #[command(
        after_help = "Examples:\n  tapeward sim insert TWV001L8\n  tapeward sim insert NEW001L8 --new --cartridge-size 2GiB"
    )]
    Insert {
        /// Barcode.
        barcode: Barcode,
        /// A new, blank cartridge.
        #[arg(long)]
        new: bool,
        /// Capacity of the new cartridge.
        #[arg(long, default_value = "4GiB", value_name = "SIZE", requires = "new")]
        cartridge_size: bytesize::ByteSize,
        /// The new cartridge can be written once only.
        #[arg(long, requires = "new")]
        worm: bool,
        /// Which virtual library.
        #[command(flatten)]
        choice: SimChoice,
    },
    /// Take a cartridge out of an import/export element, as an operator does.
    #[command(after_help = "Examples:\n  tapeward sim remove TWV001L8")]
    Remove {
        /// Barcode.
        barcode: Barcode,
        /// Which virtual library.
        #[command(flatten)]
        choice: SimChoice,
    },
    /// All cartridges of the virtual library, inside and outside.
    #[command(
        after_help = "Examples:\n  tapeward sim list\n  tapeward sim list --dir /srv/vtl --json"
    )]
    List {
        /// Which virtual library.
        #[command(flatten)]
        choice: SimChoice,
    },
    /// Write the raw tape files of a cartridge into a folder.
    #[command(after_help = "Examples:\n  tapeward sim dump TWV001L8 /tmp/raw")]
    Dump {
        /// Barcode.
        barcode: Barcode,
        /// Folder; made if missing, must be empty.
        to: PathBuf,
        /// Which virtual library.
        #[command(flatten)]
        choice: SimChoice,
    },
    /// Cut the power of the virtual library, now or later.
    #[command(
        after_help = "Examples:\n  tapeward sim power-cut\n  tapeward sim power-cut --at-write 200"
    )]
    PowerCut {
        /// When this many WRITE and WRITE FILEMARKS commands from now have been given.
        #[arg(long, value_name = "N")]
        at_write: Option<u64>,
        /// Which virtual library.
        #[command(flatten)]
        choice: SimChoice,
    },
    /// Kill the host that gives the virtual library its next commands, to rehearse a crash.
    #[command(after_help = "Examples:\n  tapeward sim kill-host --at-command 500")]
    KillHost {
        /// When this many SCSI commands from now have been given; the process that gave the last
        /// one gets SIGKILL before it is carried out.
        #[arg(long, value_name = "N")]
        at_command: u64,
        /// Which virtual library.
        #[command(flatten)]
        choice: SimChoice,
    },
    /// Serve a virtual library on its Unix socket, and to any iSCSI initiator where asked for.
    #[command(
        after_help = "Examples:\n  tapeward sim serve /srv/vtl\n  tapeward sim serve /srv/vtl --idle 10\n  tapeward sim serve /srv/vtl --iscsi 127.0.0.1:3260\n  tapeward sim serve /srv/vtl --iscsi 192.0.2.7:3260 --iscsi-allow-remote --chap-file chap"
    )]
    Serve(ServeArgs),
}

/// `sim serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Folder of the virtual library.
    pub dir: PathBuf,
    /// Exit after this many seconds without a connection; never without it.
    #[arg(long, value_name = "SECONDS")]
    pub idle: Option<u64>,
    /// Print "ready" on standard output when it listens.
    #[arg(long)]
    pub announce: bool,
    /// Be an iSCSI target at this address too: LUN 0 is the changer, the drives follow. With port 0
    /// any free one is taken. Prints "iscsi ADDRESS:PORT TARGET-NAME".
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub iscsi: Option<SocketAddr>,
    /// Names and secrets of those who may log in (CHAP), one per line: "initiator NAME SECRET", and
    /// "target NAME SECRET" for what this target proves itself with. Only its owner may be able to
    /// read the file.
    #[arg(long, value_name = "FILE", requires = "iscsi")]
    pub chap_file: Option<PathBuf>,
    /// Let other machines in: for an address that is not of this machine only. Needs --chap-file.
    #[arg(long, requires = "iscsi", requires = "chap_file")]
    pub iscsi_allow_remote: bool,
}
