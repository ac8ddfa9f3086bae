//! What is on the tape in a drive?

use std::fmt;

use tapeward_drivers::TapeDrive;
use tapeward_drivers::error::ScsiError;
use tapeward_drivers::sense::SenseKey;
use tapeward_drivers::ssc::{BlockAddress, ReadOutcome};

use super::group_io::{read_document, read_header_group};
use super::trial::TRIAL_MARK;
use crate::tape::document::VolumeHeader;
use crate::tape::error::VolumeError;
use crate::tape::label::{LABEL_LENGTH, LabelDate, VolumeLabel};

/// What the beginning of a tape says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identified {
    /// Nothing is recorded.
    Blank,
    /// A trial of long blocks on a tape that was about to be labelled.
    Trial,
    /// A volume written here.
    Ours(Box<VolumeHeader>),
    /// VOL1 says it was written here, and what follows cannot be read.
    OursDamaged {
        /// Volume serial in VOL1.
        serial: String,
        /// What is wrong.
        why: String,
    },
    /// A labelled tape of somebody else.
    OtherLabel {
        /// Volume identifier in VOL1.
        serial: String,
        /// Owner identifier in VOL1.
        owner: String,
        /// Implementation identifier in VOL1; `LTFS` stands there too.
        implementation: String,
        /// Expiration date of the first file, in HDR1.
        expires: LabelDate,
    },
    /// Data without a label known here.
    Foreign {
        /// What it looks like.
        kind: ForeignKind,
        /// The first bytes, at most 64.
        first_bytes: Vec<u8>,
    },
    /// Something is recorded and cannot be read.
    Unreadable {
        /// The drive's answer, for people.
        why: String,
    },
}

/// What data without a known label looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ForeignKind {
    /// A tar archive.
    Tar,
    /// A gzip stream.
    Gzip,
    /// A zstd stream.
    Zstd,
    /// An age file.
    Age,
    /// A Bacula or Bareos volume.
    Bareos,
    /// An Amanda volume.
    Amanda,
    /// A NetBackup volume.
    NetBackup,
    /// A volume of Proxmox Backup Server.
    ProxmoxBackup,
    /// A filemark comes first.
    Filemark,
    /// A block too long to be a label.
    LongBlock,
    /// Nothing known here.
    Unknown,
}

impl Identified {
    /// Implementation identifier of VOL1 in LTFS (ISO/IEC 20919, VOL1 label).
    fn is_ltfs(&self) -> bool {
        matches!(self, Self::OtherLabel { implementation, .. }
            if implementation.trim_end() == "LTFS")
    }

    /// What wrote it, in a word for programs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Trial => "trial-blocks",
            Self::Ours(_) => "ours",
            Self::OursDamaged { .. } => "ours-damaged",
            Self::OtherLabel { .. } if self.is_ltfs() => "ltfs",
            Self::OtherLabel { .. } => "other-label",
            Self::Foreign { kind, .. } => kind.as_str(),
            Self::Unreadable { .. } => "unreadable",
        }
    }
}

impl ForeignKind {
    /// The word that stands for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tar => "tar",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Age => "age",
            Self::Bareos => "bacula",
            Self::Amanda => "amanda",
            Self::NetBackup => "netbackup",
            Self::ProxmoxBackup => "proxmox-backup",
            Self::Filemark => "filemark",
            Self::LongBlock => "long-block",
            Self::Unknown => "unknown",
        }
    }

    fn of(block: &[u8]) -> Self {
        let at = |offset: usize, magic: &[u8]| {
            block
                .get(offset..offset + magic.len())
                .is_some_and(|bytes| bytes == magic)
        };
        if at(257, b"ustar") {
            Self::Tar
        } else if at(0, &[0x1f, 0x8b]) {
            Self::Gzip
        } else if at(0, &[0x28, 0xb5, 0x2f, 0xfd]) {
            Self::Zstd
        } else if at(0, b"age-encryption.org/") {
            Self::Age
        } else if at(12, b"BB02") || at(12, b"BB01") {
            Self::Bareos
        } else if at(0, b"AMANDA: ") {
            Self::Amanda
        } else if at(0, b"VOL1") && at(112, NETBACKUP_HEADER) {
            Self::NetBackup
        } else if at(0, PROXMOX_LABEL) {
            Self::ProxmoxBackup
        } else {
            Self::Unknown
        }
    }
}

/// Labels before HDR1 at most: VOL2 to VOL9 and UVL1 to UVL9 (ISO 1001), and HDR1 itself.
const MOST_VOLUME_LABELS: usize = 18;

/// In the media header of a NetBackup volume, a block of 1,024 bytes (Veritas support article
/// 100025915, dump of a media header).
const NETBACKUP_HEADER: &[u8] = b"ThIs Is A BP tApE hEaDer";

/// First bytes of a Proxmox Backup Server media label (`PROXMOX_BACKUP_MEDIA_LABEL_MAGIC_1_0`
/// behind `PROXMOX_TAPE_BLOCK_HEADER_MAGIC_1_0`, pbs-tape): the block header's magic.
const PROXMOX_LABEL: &[u8] = &[220, 189, 175, 202, 235, 160, 165, 40];

impl fmt::Display for ForeignKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tar => "a tar archive",
            Self::Gzip => "a gzip stream",
            Self::Zstd => "a zstd stream",
            Self::Age => "an age file",
            Self::Bareos => "a Bacula or Bareos volume",
            Self::Amanda => "an Amanda volume",
            Self::NetBackup => "a NetBackup volume",
            Self::ProxmoxBackup => "a Proxmox Backup Server volume",
            Self::Filemark => "a filemark and perhaps data behind it",
            Self::LongBlock => "a very long block",
            Self::Unknown => "unknown data",
        })
    }
}

impl fmt::Display for Identified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("nothing"),
            Self::Trial => f.write_str("a trial block and nothing else"),
            Self::Ours(header) => {
                write!(f, "the volume {} (serial {}", header.volume, header.serial)?;
                match &header.barcode {
                    Some(barcode) => write!(f, ", barcode {barcode})"),
                    None => f.write_str(")"),
                }
            }
            Self::OursDamaged { serial, why } => {
                write!(
                    f,
                    "a volume with serial {serial} whose header is damaged: {why}"
                )
            }
            Self::OtherLabel { serial, owner, .. } if self.is_ltfs() => {
                write!(f, "an LTFS volume (serial \"{serial}\", owner \"{owner}\")")
            }
            Self::OtherLabel {
                serial,
                owner,
                implementation,
                ..
            } => write!(
                f,
                "a labelled volume of somebody else (serial \"{serial}\", owner \"{owner}\", \
                 written by \"{implementation}\")"
            ),
            Self::Foreign { kind, first_bytes } => {
                write!(f, "{kind}")?;
                if !first_bytes.is_empty() {
                    let shown = &first_bytes[..first_bytes.len().min(24)];
                    write!(f, " (first bytes \"{}\")", shown.escape_ascii())?;
                }
                Ok(())
            }
            Self::Unreadable { why } => write!(f, "something that cannot be read ({why})"),
        }
    }
}

/// Rewinds the tape and reads its beginning. With [`Identified::Ours`] the tape is then behind
/// the filemark after `volume.json`.
///
/// # Errors
/// What keeps the tape from being looked at at all; a medium error is [`Identified::Unreadable`].
pub fn identify(drive: &mut dyn TapeDrive) -> Result<Identified, VolumeError> {
    drive
        .rewind()
        .map_err(VolumeError::scsi("rewinding the tape"))?;
    // The path may not move more at once; the beginning of a longer block tells as much.
    let mut buffer = vec![0; 64 << 10];
    let block = match drive.read_block(&mut buffer) {
        Ok(ReadOutcome::Block(length)) => &buffer[..length],
        Ok(ReadOutcome::EndOfData | ReadOutcome::EndOfMedium) => return Ok(Identified::Blank),
        Ok(ReadOutcome::Filemark) => return Ok(foreign(ForeignKind::Filemark, &[])),
        Ok(ReadOutcome::TooLong { .. }) => {
            return Ok(match ForeignKind::of(&buffer) {
                ForeignKind::Unknown => foreign(ForeignKind::LongBlock, &[]),
                known => foreign(known, &buffer),
            });
        }
        Err(error) if is_about_the_medium(&error) => {
            return Ok(Identified::Unreadable {
                why: error.to_string(),
            });
        }
        Err(source) => {
            return Err(VolumeError::scsi("reading the first block")(source));
        }
    };
    if block == TRIAL_MARK {
        return Ok(Identified::Trial);
    }
    if block.len() != LABEL_LENGTH {
        return Ok(foreign(ForeignKind::of(block), block));
    }
    let Ok(label) = VolumeLabel::parse(block) else {
        return Ok(foreign(ForeignKind::of(block), block));
    };
    if !label.is_ours() {
        return Ok(Identified::OtherLabel {
            serial: label.volume,
            owner: label.owner,
            implementation: label.implementation,
            expires: first_expiry(drive),
        });
    }
    read_header(drive, label)
}

/// Behind VOL1 of somebody else: VOL2 to VOL9 and UVL labels where there are any, then HDR1. A tape
/// without a readable one says nothing about how long it must be kept.
fn first_expiry(drive: &mut dyn TapeDrive) -> LabelDate {
    let mut buffer = [0; LABEL_LENGTH];
    for _ in 0..MOST_VOLUME_LABELS {
        match drive.read_block(&mut buffer) {
            Ok(ReadOutcome::Block(LABEL_LENGTH)) => {}
            _ => break,
        }
        if buffer.starts_with(b"HDR1") {
            return std::str::from_utf8(&buffer[47..53])
                .ok()
                .and_then(|date| date.parse().ok())
                .unwrap_or(LabelDate::NONE);
        }
    }
    LabelDate::NONE
}

fn foreign(kind: ForeignKind, block: &[u8]) -> Identified {
    Identified::Foreign {
        kind,
        first_bytes: block[..block.len().min(64)].to_vec(),
    }
}

fn is_about_the_medium(error: &ScsiError) -> bool {
    error.is_about_medium()
        || error
            .sense()
            .is_some_and(|sense| sense.key == SenseKey::NoSense)
}

/// Behind VOL1: HDR1 HDR2 UHL1, a filemark, `volume.json`, a filemark.
fn read_header(drive: &mut dyn TapeDrive, label: VolumeLabel) -> Result<Identified, VolumeError> {
    let header = read_header_group(drive, BlockAddress(1)).and_then(|group| {
        let bytes = read_document(drive, group.user1.block_size.bytes(), "volume.json")?;
        VolumeHeader::from_bytes(&bytes)
    });
    let why = match header {
        Ok(header) if header.serial.as_str() == label.volume => {
            return Ok(Identified::Ours(Box::new(header)));
        }
        Ok(header) => format!("volume.json says serial {}", header.serial),
        Err(error) => match error.scsi_error() {
            Some(scsi) if !is_about_the_medium(scsi) => return Err(error),
            _ => error.to_string(),
        },
    };
    Ok(Identified::OursDamaged {
        serial: label.volume,
        why,
    })
}
