//! `key`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::catalogue::PoolName;
use crate::print::Paper;

/// Role of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyRoleArg {
    /// For restoring on this host.
    Site,
    /// For the sealed envelope: its identity never stays on this host.
    Escrow,
    /// Somebody else's.
    Other,
}

/// Where a new identity goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IdentityArg {
    /// A file that its owner only can read, in the state folder or where --identity-file says.
    File,
    /// The state folder, encrypted with a passphrase that is asked for.
    Prompt,
    /// A file for systemd-creds; the service manager hands it back as --credential NAME.
    Credential,
    /// A file that is taken away: this host keeps none.
    None,
}

/// Size of paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PaperArg {
    /// 210 by 297 mm.
    A4,
    /// 8.5 by 11 inches.
    Letter,
}

impl From<PaperArg> for Paper {
    fn from(paper: PaperArg) -> Self {
        match paper {
            PaperArg::A4 => Self::A4,
            PaperArg::Letter => Self::Letter,
        }
    }
}

/// `key`
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key; every set begun from now on can be read with it.
    #[command(after_help = "\
Examples:
  tapeward key create site
  tapeward key create site --identity prompt
  tapeward key create site --identity credential --credential site --identity-file /run/site
  tapeward key create escrow --role escrow --identity-file /media/usb/escrow.identity
  tapeward key create partner --role escrow --identity-file /media/usb/partner --pool offsite")]
    Create {
        /// Name, unique.
        name: String,
        /// Role.
        #[arg(long, value_enum, default_value = "site")]
        role: KeyRoleArg,
        /// Where the identity goes.
        #[command(flatten)]
        keeping: KeepingArgs,
    },
    /// Record a key that was made elsewhere.
    #[command(after_help = "\
Examples:
  tapeward key import partner age1xvrt2kdmw6ldp45a2tr2ecqgmycvqyrrs97evwpj0lkr4gqfdqps6mgzf4
  tapeward key import old --role site --identity-file /media/usb/old.identity

An identity file is copied into the state folder as it is: one that \"age -p\" encrypted stays so.")]
    Import {
        /// Name, unique.
        name: String,
        /// Its public half (age1...).
        #[arg(required_unless_present = "identity_file")]
        recipient: Option<String>,
        /// Role.
        #[arg(long, value_enum, default_value = "other")]
        role: KeyRoleArg,
        /// File with its identity.
        #[arg(long, value_name = "FILE", conflicts_with = "recipient")]
        identity_file: Option<PathBuf>,
        /// Name of the credential that holds its identity.
        #[arg(long, value_name = "NAME", requires = "recipient")]
        credential: Option<String>,
        /// Only for sets with a copy in this pool; may be given several times.
        #[arg(long, value_name = "POOL")]
        pool: Vec<PoolName>,
    },
    /// All keys.
    #[command(after_help = "Examples:\n  tapeward key list\n  tapeward key list --json")]
    List,
    /// One key: where its identity is, which volumes need it, when it was last seen to work.
    #[command(after_help = "Examples:\n  tapeward key show site\n  tapeward key show site --json")]
    Show {
        /// Name.
        name: String,
    },
    /// Make a key in place of another one, which is retired; old volumes stay readable with it.
    #[command(after_help = "\
Examples:
  tapeward key rotate site --to site-2027
  tapeward key rotate escrow --to escrow-2027 --identity-file /media/usb/escrow-2027.identity")]
    Rotate {
        /// The key that is replaced.
        name: String,
        /// Name of the new one.
        #[arg(long, value_name = "NAME")]
        to: String,
        /// Where the identity goes.
        #[command(flatten)]
        keeping: KeepingArgs,
    },
    /// Take a key out of use: nothing new is encrypted to it, old volumes stay readable.
    #[command(after_help = "Examples:\n  tapeward key retire partner")]
    Retire {
        /// Name.
        name: String,
    },
    /// For every volume: which keys open it, and when that was last seen to be so.
    #[command(after_help = "\
Examples:
  tapeward key audit
  tapeward key audit --json

Exit code 20 when a volume has no key or only one, or when nothing was decrypted from it for longer
than key.proof-days of the configuration.")]
    Audit,
    /// The private half as a page for the sealed envelope: text and QR code.
    #[command(after_help = "\
Examples:
  tapeward key escrow-page site --output site.pdf
  tapeward key escrow-page escrow --identity /media/usb/escrow.identity --output /media/usb/e.pdf
  tapeward key escrow-page site --output site.pdf --paper letter")]
    EscrowPage {
        /// Name.
        name: String,
        /// Where to write the PDF (mode 0600, must not exist); - for standard output.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        /// Paper.
        #[arg(long, value_enum, default_value = "a4")]
        paper: PaperArg,
        /// File with the identity; what this host keeps without it.
        #[arg(long, visible_alias = "identity-file", value_name = "FILE")]
        identity: Vec<PathBuf>,
    },
    /// Delete the private half of a retired key; refused while a volume needs it.
    #[command(after_help = "Examples:\n  tapeward key delete site-2019")]
    Delete {
        /// Name.
        name: String,
    },
}

/// Where a new identity goes, and what the key is for.
#[derive(Debug, Clone, Args)]
pub struct KeepingArgs {
    /// How the identity is kept: a file, but none for an escrow key.
    #[arg(long, value_enum)]
    pub identity: Option<IdentityArg>,
    /// Where to write the identity; the state folder without it.
    #[arg(long, value_name = "FILE")]
    pub identity_file: Option<PathBuf>,
    /// Name of the credential.
    #[arg(long, value_name = "NAME")]
    pub credential: Option<String>,
    /// Only for sets with a copy in this pool; may be given several times.
    #[arg(long, value_name = "POOL")]
    pub pool: Vec<PoolName>,
}
