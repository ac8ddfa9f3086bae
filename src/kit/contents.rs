//! What a kit says, as the record has it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::archive::member::{SegmentNumber, SetForm};
use crate::catalogue::{
    ContentDigest, IdentityPlace, Key, KeyRole, Month, Place, PoolName, Segment, SegmentCopy,
    SegmentCopyState, SetState, View,
};
use crate::error::{Context, Error, Result};
use crate::id::{Barcode, CopyNumber, SetId, TapeFileNumber, VolumeId, VolumeSerial};
use crate::job::volumes;
use crate::tape::FileKind;
use crate::tape::{Codec, TapeDigest};

/// Everything that makes one kit another than the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// Sets that are complete and not expired, oldest first.
    pub sets: Vec<KitSet>,
    /// The cartridges they are on, by barcode.
    pub cartridges: Vec<KitCartridge>,
    /// The keys that open them, by name.
    pub keys: Vec<KitKey>,
}

/// A set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KitSet {
    /// Its id, as on the tapes.
    pub id: SetId,
    /// Name of its definition.
    pub name: String,
    /// The month it is the full of.
    pub month: Month,
    /// When it was begun.
    pub started_at: DateTime<Utc>,
    /// Until when it is kept.
    pub retain_until: DateTime<Utc>,
    /// Files, folders and the like in it.
    pub members: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// How many segments it has.
    pub segments: usize,
    /// What its bytes are.
    #[serde(default, skip_serializing_if = "SetForm::is_tree")]
    pub form: SetForm,
    /// Names of the keys that open it; empty: it is in clear.
    pub keys: Vec<String>,
    /// Its copies.
    pub copies: Vec<KitCopy>,
}

/// A copy of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KitCopy {
    /// Its number.
    pub copy: CopyNumber,
    /// Its pool.
    pub pool: PoolName,
    /// Its segments that can be read, in order.
    pub pieces: Vec<Piece>,
}

/// A segment on a cartridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// Its number, from 0.
    pub segment: SegmentNumber,
    /// The cartridge.
    pub barcode: Barcode,
    /// The tape file with its data.
    pub tape_file: TapeFileNumber,
    /// Bytes of a block.
    pub block_size: u64,
    /// How it is coded.
    pub codec: Codec,
    /// The tape file on the same cartridge with the key of what the drive encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<TapeFileNumber>,
    /// Bytes on tape.
    pub length: u64,
    /// XXH3-128 of them.
    pub digest: TapeDigest,
}

/// A cartridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KitCartridge {
    /// Its whole barcode.
    pub barcode: Barcode,
    /// As in VOL1.
    pub serial: VolumeSerial,
    /// As in UHL1 of the volume's header.
    pub volume: VolumeId,
    /// Its pool.
    pub pool: PoolName,
    /// Where it is, in words that a move within a library does not change.
    pub place: String,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KitKey {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: KeyRole,
    /// Its public half.
    pub recipient: String,
    /// Where its private half is, in words.
    pub identity: String,
    /// Since when nothing new is encrypted to it.
    pub retired_at: Option<DateTime<Utc>>,
}

/// What tells one kit from another, to say to people what has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outline {
    /// By id: name and month.
    pub(super) sets: BTreeMap<String, String>,
    /// By barcode: place.
    pub(super) cartridges: BTreeMap<String, String>,
    /// By name: where the private half is, and whether it is retired.
    pub(super) keys: BTreeMap<String, String>,
}

impl Contents {
    /// BLAKE3 over all of it.
    pub fn digest(&self) -> Result<ContentDigest> {
        let text = serde_json::to_vec(self).context("cannot render the kit")?;
        Ok(ContentDigest(*blake3::hash(&text).as_bytes()))
    }

    pub(super) fn outline(&self) -> Outline {
        let key = |key: &KitKey| {
            let retired = if key.retired_at.is_some() {
                ", retired"
            } else {
                ""
            };
            (key.name.clone(), format!("{}{retired}", key.identity))
        };
        Outline {
            sets: self
                .sets
                .iter()
                .map(|set| (set.id.to_string(), format!("{} of {}", set.name, set.month)))
                .collect(),
            cartridges: self
                .cartridges
                .iter()
                .map(|one| (one.barcode.to_string(), one.place.clone()))
                .collect(),
            keys: self.keys.iter().map(key).collect(),
        }
    }

    /// The cartridge with this barcode.
    pub(super) fn cartridge(&self, barcode: &Barcode) -> Option<&KitCartridge> {
        self.cartridges.iter().find(|one| one.barcode == *barcode)
    }
}

/// Looks everything up, in one consistent state of the record.
pub(super) fn gather(app: &App) -> Result<Contents> {
    app.catalogue.read(|view| {
        let mut sets = Vec::new();
        let mut places = Volumes::default();
        for set in view.sets()? {
            if set.state != SetState::Complete {
                continue;
            }
            let segments = view.segments(set.id)?;
            let rows = view.segment_copies(set.id)?;
            let mut copies = Vec::new();
            for copy in view.set_copies(set.id)? {
                let mut pieces = Vec::new();
                for row in rows.iter().filter(|row| row.copy == copy.copy) {
                    pieces.extend(places.piece(view, row, &segments)?);
                }
                pieces.sort_by_key(|piece| piece.segment);
                copies.push(KitCopy {
                    copy: copy.copy,
                    pool: copy.pool,
                    pieces,
                });
            }
            if copies.iter().all(|copy| copy.pieces.is_empty()) {
                continue;
            }
            let mut keys = set
                .recipients
                .iter()
                .map(|key| Ok(view.key(*key)?.name))
                .collect::<Result<Vec<_>>>()?;
            keys.sort();
            sets.push(KitSet {
                id: set.id,
                name: view.definition(set.definition)?.name,
                month: set.month,
                started_at: set.started_at,
                retain_until: set.retain_until,
                members: set.totals.members,
                bytes: set.totals.bytes,
                segments: segments.len(),
                form: set.form,
                keys,
                copies,
            });
        }
        let mut keys: Vec<KitKey> = view
            .keys()?
            .into_iter()
            .filter(|key| sets.iter().any(|set| set.keys.contains(&key.name)))
            .map(kit_key)
            .collect();
        keys.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Contents {
            sets,
            cartridges: places.cartridges.into_values().collect(),
            keys,
        })
    })
}

/// Volumes that were looked up already.
#[derive(Default)]
struct Volumes {
    cartridges: BTreeMap<Barcode, KitCartridge>,
    known: BTreeMap<VolumeId, Known>,
}

struct Known {
    barcode: Barcode,
    block_sizes: BTreeMap<TapeFileNumber, u64>,
    key_files: BTreeSet<TapeFileNumber>,
}

impl Volumes {
    /// A segment on a volume, if it can be read there.
    fn piece(
        &mut self,
        view: &View<'_>,
        row: &SegmentCopy,
        segments: &[Segment],
    ) -> Result<Option<Piece>> {
        let live = matches!(
            row.state,
            SegmentCopyState::Committed | SegmentCopyState::Verified
        );
        let Some(segment) = segments.iter().find(|one| one.number == row.segment) else {
            return Ok(None);
        };
        if !live {
            return Ok(None);
        }
        if !self.known.contains_key(&row.volume) {
            let known = self.look_up(view, row.volume)?;
            self.known.insert(row.volume, known);
        }
        let missing = || {
            Error::failed(format!(
                "the record has no tape file {} on volume {}",
                row.tape_file.0, row.volume
            ))
        };
        let known = self.known.get(&row.volume).ok_or_else(missing)?;
        Ok(Some(Piece {
            segment: row.segment,
            barcode: known.barcode.clone(),
            tape_file: row.tape_file,
            block_size: *known.block_sizes.get(&row.tape_file).ok_or_else(missing)?,
            codec: segment.codec,
            key_file: segment
                .codec
                .is_by_drive()
                .then(|| known.key_files.range(..row.tape_file).next_back().copied())
                .flatten(),
            length: segment.coded_length,
            digest: segment.digest,
        }))
    }

    fn look_up(&mut self, view: &View<'_>, id: VolumeId) -> Result<Known> {
        let volume = view.volume(id)?;
        let cartridge = view.cartridge(volume.cartridge)?;
        let files = volumes::record(view, id)?.files;
        let key_files = files
            .iter()
            .filter(|file| file.kind == FileKind::DriveKey)
            .map(|file| file.tape_file)
            .collect();
        let block_sizes = files
            .into_iter()
            .map(|file| (file.tape_file, file.block_size.as_u64()))
            .collect();
        self.cartridges.insert(
            cartridge.barcode.clone(),
            KitCartridge {
                barcode: cartridge.barcode.clone(),
                serial: volume.serial,
                volume: id,
                pool: volume.pool,
                place: place_words(view, &cartridge.place)?,
            },
        );
        Ok(Known {
            barcode: cartridge.barcode,
            block_sizes,
            key_files,
        })
    }
}

/// Where a cartridge is, without the element: that changes with every mount.
fn place_words(view: &View<'_>, place: &Place) -> Result<String> {
    Ok(match place {
        Place::Element { library, .. } => format!("library {}", view.library(*library)?.name),
        Place::Outside => "outside the library".to_owned(),
        Place::InTransit => "with the courier".to_owned(),
        Place::Kept { kind, code } => format!("{kind} {code}"),
        Place::Case { case } => format!("case {case}"),
        Place::Person { person } => format!("with {person}"),
        Place::Missing => "missing".to_owned(),
        Place::Unknown => "not known".to_owned(),
    })
}

fn kit_key(key: Key) -> KitKey {
    let identity = match &key.identity {
        _ if !key.is_live() => "deleted".to_owned(),
        IdentityPlace::File { .. } => "file on the tape host".to_owned(),
        IdentityPlace::Prompt => "file on the tape host, with a passphrase".to_owned(),
        IdentityPlace::Credential { .. } => "service credential on the tape host".to_owned(),
        IdentityPlace::None if key.role == KeyRole::Escrow => "sealed envelope".to_owned(),
        IdentityPlace::None => "with its owner".to_owned(),
    };
    KitKey {
        name: key.name,
        role: key.role,
        recipient: key.recipient,
        identity,
        retired_at: key.retired_at,
    }
}
