//! Cartridges: what is printed on them, what their memory chip holds, where their files are.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::write_atomically;
use crate::store::{Durability, RecordStore};

/// LTO generation of a cartridge or a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Generation {
    /// LTO-6, 2.5 TB
    Lto6,
    /// LTO-7, 6 TB
    Lto7,
    /// LTO-8, 12 TB
    Lto8,
    /// LTO-9, 18 TB
    Lto9,
}

impl Generation {
    /// The number in the name: 6 to 9.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Lto6 => 6,
            Self::Lto7 => 7,
            Self::Lto8 => 8,
            Self::Lto9 => 9,
        }
    }

    /// Native capacity in bytes.
    #[must_use]
    pub fn native_capacity(self) -> u64 {
        match self {
            Self::Lto6 => 2_500_000_000_000,
            Self::Lto7 => 6_000_000_000_000,
            Self::Lto8 => 12_000_000_000_000,
            Self::Lto9 => 18_000_000_000_000,
        }
    }

    /// Native streaming rate in bytes a second.
    #[must_use]
    pub fn streaming_rate(self) -> u64 {
        match self {
            Self::Lto6 => 160_000_000,
            Self::Lto7 => 300_000_000,
            Self::Lto8 => 360_000_000,
            Self::Lto9 => 400_000_000,
        }
    }

    /// Primary density code (SSC-4; LTO-6 5Ah, LTO-7 5Ch, LTO-8 5Eh, LTO-9 60h).
    #[must_use]
    pub fn density(self) -> u8 {
        match self {
            Self::Lto6 => 0x5a,
            Self::Lto7 => 0x5c,
            Self::Lto8 => 0x5e,
            Self::Lto9 => 0x60,
        }
    }

    /// Length of the tape in metres (MAM attribute 0402h).
    #[must_use]
    pub fn tape_length(self) -> u32 {
        match self {
            Self::Lto6 => 846,
            Self::Lto7 | Self::Lto8 => 960,
            Self::Lto9 => 1035,
        }
    }

    /// Whether a drive of this generation can use a cartridge of that one: its own and the one
    /// before.
    #[must_use]
    pub fn accepts(self, cartridge: Self) -> bool {
        cartridge == self || cartridge.number() + 1 == self.number()
    }
}

/// What a cartridge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CartridgeKind {
    /// Holds data.
    Data {
        /// Its generation.
        generation: Generation,
        /// Whether what is written stays.
        worm: bool,
    },
    /// Cleans drives.
    Cleaning {
        /// Cleanings it is good for.
        uses: u16,
    },
}

/// A cartridge to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartridgeSpec {
    /// Its label, if it has one.
    pub barcode: Option<String>,
    /// What it is for.
    pub kind: CartridgeKind,
    /// Capacity in bytes; the generation's own if not given.
    #[serde(default)]
    pub capacity: Option<u64>,
    /// Bytes before the physical end where early warning stands; capacity / 50, at least 1 MiB
    /// and at most a quarter of the capacity, if not given.
    #[serde(default)]
    pub early_warning: Option<u64>,
    /// Whether the tab is set to read-only.
    #[serde(default)]
    pub write_protected: bool,
}

impl CartridgeSpec {
    /// What a label says: `L6`-`L9` data, `LW` `LX` `LY` `LZ` WORM of LTO-6 to LTO-9, `CLN`
    /// cleaning; anything else is taken for LTO-8 data.
    #[must_use]
    pub fn labelled(barcode: &str) -> Self {
        let data = |generation, worm| CartridgeKind::Data { generation, worm };
        let suffix = barcode.get(barcode.len().saturating_sub(2)..);
        let kind = if barcode.starts_with("CLN") {
            CartridgeKind::Cleaning { uses: 50 }
        } else {
            match suffix.filter(|_| barcode.len() == 8) {
                Some("L6") => data(Generation::Lto6, false),
                Some("L7") => data(Generation::Lto7, false),
                Some("L9") => data(Generation::Lto9, false),
                Some("LW") => data(Generation::Lto6, true),
                Some("LX") => data(Generation::Lto7, true),
                Some("LY") => data(Generation::Lto8, true),
                Some("LZ") => data(Generation::Lto9, true),
                _ => data(Generation::Lto8, false),
            }
        };
        Self {
            barcode: Some(barcode.to_owned()),
            kind,
            capacity: None,
            early_warning: None,
            write_protected: false,
        }
    }

    /// The same with this capacity in bytes.
    #[must_use]
    pub fn with_capacity(mut self, bytes: u64) -> Self {
        self.capacity = Some(bytes);
        self
    }

    /// The same with early warning this many bytes before the physical end.
    #[must_use]
    pub fn with_early_warning(mut self, bytes: u64) -> Self {
        self.early_warning = Some(bytes);
        self
    }

    /// The same with the tab set to read-only.
    #[must_use]
    pub fn with_write_protection(mut self) -> Self {
        self.write_protected = true;
        self
    }

    /// The same without a label.
    #[must_use]
    pub fn without_label(mut self) -> Self {
        self.barcode = None;
        self
    }
}

/// What tells one cartridge from another here: the name of its folder. The label may be missing
/// or not unique; this is neither.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CartridgeId(String);

impl CartridgeId {
    /// Accepts printable ASCII without `/`, not starting with a dot or a blank.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let plain = |byte: u8| (0x20..=0x7e).contains(&byte) && byte != b'/';
        let good = !text.is_empty()
            && text.len() <= 64
            && text.bytes().all(plain)
            && !text.starts_with(['.', ' ']);
        good.then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for CartridgeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// FORMAT of a MAM attribute (SPC-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttributeFormat {
    /// 00b
    Binary,
    /// 01b
    Ascii,
    /// 10b
    Text,
}

/// A host attribute in the cartridge's memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// How to read the value.
    pub format: AttributeFormat,
    /// The value.
    pub value: Vec<u8>,
}

/// What is kept of a cartridge beside its records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartridgeRecord {
    /// Its label.
    pub barcode: Option<String>,
    /// What it is for.
    pub kind: CartridgeKind,
    /// Bytes to the physical end.
    pub capacity: u64,
    /// Bytes from early warning to the physical end.
    pub early_warning: u64,
    /// Bytes to the physical end before SET CAPACITY took some away.
    #[serde(default)]
    pub full_capacity: Option<u64>,
    /// Bytes of each partition, if there are several.
    #[serde(default)]
    pub partitions: Vec<u64>,
    /// The tab.
    pub write_protected: bool,
    /// Serial number in the memory chip (MAM attribute 0401h).
    pub serial: String,
    /// Times it was loaded into a drive.
    pub loads: u32,
    /// Serial numbers of the drives of the last loads, newest first, at most four.
    pub last_drives: Vec<String>,
    /// Bytes written in its life.
    pub bytes_written: u64,
    /// Bytes read in its life.
    pub bytes_read: u64,
    /// Cleanings left, for a cleaning cartridge.
    pub uses_left: u16,
    /// Whether a drive that has to calibrate it has done so.
    #[serde(default)]
    pub calibrated: bool,
    /// Host attributes (MAM 0800h to 0BFFh) by identifier.
    pub attributes: BTreeMap<u16, Attribute>,
}

/// A cartridge in a drive, its files open.
#[derive(Debug)]
pub struct Cartridge {
    /// Its name.
    pub id: CartridgeId,
    /// What is kept beside the records.
    pub record: CartridgeRecord,
    /// The records of the partition the tape is in.
    pub store: RecordStore,
    partition: u8,
    /// Those of the others, all of them synchronised.
    resting: BTreeMap<u8, RecordStore>,
    dir: PathBuf,
    durability: Durability,
}

const RECORD_FILE: &str = "cartridge.json";

impl Cartridge {
    /// Makes a blank cartridge in `dir`, which must not exist.
    pub fn create(
        dir: &Path,
        id: &CartridgeId,
        spec: &CartridgeSpec,
        durability: Durability,
    ) -> io::Result<()> {
        let capacity = spec.capacity.unwrap_or(match spec.kind {
            CartridgeKind::Data { generation, .. } => generation.native_capacity(),
            CartridgeKind::Cleaning { .. } => 0,
        });
        let usual = (capacity / 50).max(1 << 20).min(capacity / 4);
        let uses_left = match spec.kind {
            CartridgeKind::Cleaning { uses } => uses,
            CartridgeKind::Data { .. } => 0,
        };
        let record = CartridgeRecord {
            barcode: spec.barcode.clone(),
            kind: spec.kind,
            capacity,
            early_warning: spec.early_warning.unwrap_or(usual).min(capacity),
            full_capacity: None,
            partitions: Vec::new(),
            write_protected: spec.write_protected,
            serial: chip_serial(id),
            loads: 0,
            last_drives: Vec::new(),
            bytes_written: 0,
            bytes_read: 0,
            uses_left,
            calibrated: false,
            attributes: BTreeMap::new(),
        };
        fs::create_dir_all(dir)?;
        RecordStore::create(dir, durability)?;
        let text = serde_json::to_vec_pretty(&record).map_err(io::Error::other)?;
        write_atomically(&dir.join(RECORD_FILE), &text, durability)
    }

    /// Opens the cartridge in `dir`.
    pub fn open(dir: &Path, id: &CartridgeId, durability: Durability) -> io::Result<Self> {
        let mut cartridge = Self {
            id: id.clone(),
            record: read_record(dir)?,
            store: RecordStore::open(dir, durability)?,
            partition: 0,
            resting: BTreeMap::new(),
            dir: dir.to_owned(),
            durability,
        };
        for partition in 1..cartridge.partition_count() {
            let store = RecordStore::open(&cartridge.partition_dir(partition), durability)?;
            cartridge.resting.insert(partition, store);
        }
        Ok(cartridge)
    }

    /// The partition the tape is in.
    #[must_use]
    pub fn partition(&self) -> u8 {
        self.partition
    }

    /// Number of partitions.
    #[must_use]
    pub fn partition_count(&self) -> u8 {
        u8::try_from(self.record.partitions.len().max(1)).unwrap_or(u8::MAX)
    }

    /// Bytes of each partition.
    #[must_use]
    pub fn partition_sizes(&self) -> Vec<u64> {
        if self.record.partitions.is_empty() {
            vec![self.record.capacity]
        } else {
            self.record.partitions.clone()
        }
    }

    /// The records of a partition there is.
    #[must_use]
    pub fn store_of(&self, partition: u8) -> &RecordStore {
        self.resting.get(&partition).unwrap_or(&self.store)
    }

    /// Goes to another partition, everything written out before.
    pub fn enter(&mut self, partition: u8) -> io::Result<()> {
        if partition == self.partition {
            return Ok(());
        }
        self.store.synchronize()?;
        let missing = || io::Error::new(io::ErrorKind::NotFound, "there is no such partition");
        let entered = self.resting.remove(&partition).ok_or_else(missing)?;
        let left = std::mem::replace(&mut self.store, entered);
        self.resting.insert(self.partition, left);
        self.partition = partition;
        Ok(())
    }

    /// Divides the tape anew; everything on it is gone.
    pub fn format(&mut self, sizes: &[u64]) -> io::Result<()> {
        self.enter(0)?;
        self.store.truncate(0)?;
        self.store.synchronize()?;
        // A cartridge that says it has partitions must have them, whenever the process dies.
        let others: Vec<u8> = std::mem::take(&mut self.resting).into_keys().collect();
        self.record.partitions.clear();
        self.save()?;
        for partition in others {
            fs::remove_dir_all(self.partition_dir(partition))?;
        }
        for (partition, _) in (1_u8..).zip(sizes.iter().skip(1)) {
            let dir = self.partition_dir(partition);
            if dir.exists() {
                fs::remove_dir_all(&dir)?;
            }
            fs::create_dir(&dir)?;
            RecordStore::create(&dir, self.durability)?;
            let store = RecordStore::open(&dir, self.durability)?;
            self.resting.insert(partition, store);
        }
        if sizes.len() > 1 {
            self.record.partitions = sizes.to_vec();
            self.save()?;
        }
        Ok(())
    }

    fn partition_dir(&self, partition: u8) -> PathBuf {
        self.dir.join(format!("partition-{partition}"))
    }

    /// Writes what is kept beside the records.
    pub fn save(&self) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(&self.record).map_err(io::Error::other)?;
        write_atomically(&self.dir.join(RECORD_FILE), &text, self.durability)
    }

    /// Synchronises the records and writes the rest.
    pub fn close(&mut self) -> io::Result<()> {
        self.store.synchronize()?;
        self.save()
    }
}

/// Reads what is kept of the cartridge in `dir` beside its records.
pub fn read_record(dir: &Path) -> io::Result<CartridgeRecord> {
    let text = fs::read(dir.join(RECORD_FILE))?;
    serde_json::from_slice(&text).map_err(io::Error::other)
}

/// Ten characters made from the name (FNV-1a), the same each time.
fn chip_serial(id: &CartridgeId) -> String {
    let hash = id
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{:010}", hash % 10_000_000_000)
}
