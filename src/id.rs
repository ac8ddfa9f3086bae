//! Identities that must not be swapped by mistake.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// A text that is not an identity of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{text}\" is not {expected}")]
pub struct IdError {
    /// What was given.
    pub text: String,
    /// What would have been right.
    pub expected: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new one: UUIDv7, so that ids sort by the time they were made.
            #[must_use]
            pub fn generate(now: chrono::DateTime<chrono::Utc>) -> Self {
                let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
                let timestamp = uuid::Timestamp::from_unix(
                    uuid::NoContext,
                    seconds,
                    now.timestamp_subsec_nanos(),
                );
                Self(Uuid::new_v7(timestamp))
            }

            /// Wraps an id that was stored.
            #[must_use]
            pub fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The id itself.
            #[must_use]
            pub fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::parse_str(text).map(Self).map_err(|_| IdError {
                    text: text.to_owned(),
                    expected: $what,
                })
            }
        }
    };
}

uuid_id!(
    /// What is backed up, again and again: a name, a source and how to keep it.
    SetDefinitionId,
    "the id of a set definition (a UUID)"
);
uuid_id!(
    /// One backup set: the tar stream one run made of one set definition.
    SetId,
    "the id of a backup set (a UUID)"
);
uuid_id!(
    /// One run of a job.
    RunId,
    "the id of a run (a UUID)"
);
uuid_id!(
    /// One step of a run.
    StepId,
    "the id of a step (a UUID)"
);
uuid_id!(
    /// What one process asks runs for that hold drives.
    DriveRequestId,
    "the id of a request (a UUID)"
);
uuid_id!(
    /// One labelled life of a cartridge: a new one is made when it is labelled again.
    VolumeId,
    "the id of a volume (a UUID)"
);
uuid_id!(
    /// A task: something on tape is to be copied to other cartridges.
    TaskId,
    "the id of a re-copy task (a UUID)"
);
uuid_id!(
    /// A key that backup sets are encrypted to.
    KeyId,
    "the id of a key (a UUID)"
);

uuid_id!(
    /// A physical cartridge, whatever is written on it.
    CartridgeId,
    "the id of a cartridge (a UUID)"
);
uuid_id!(
    /// A tape library (a robot with its elements), or a stand-alone drive's place.
    LibraryId,
    "the id of a library (a UUID)"
);

uuid_id!(
    /// Something in custody that is no cartridge.
    ThingId,
    "the id of a thing (a UUID)"
);
uuid_id!(
    /// Anything in custody: a cartridge or a thing.
    ItemId,
    "the id of an item (a UUID)"
);
uuid_id!(
    /// One way of an item from a place to another.
    MovementId,
    "the id of a movement (a UUID)"
);
uuid_id!(
    /// A run of a courier.
    CourierRunId,
    "the id of a courier run (a UUID)"
);
uuid_id!(
    /// A disposal of items.
    DisposalId,
    "the id of a disposal (a UUID)"
);
uuid_id!(
    /// A count of what is in a place.
    CountId,
    "the id of a count (a UUID)"
);
uuid_id!(
    /// A task at a scanning station. One that counts a place has the same id as the count.
    ScanSessionId,
    "the id of a scan session (a UUID)"
);

impl From<ScanSessionId> for CountId {
    fn from(id: ScanSessionId) -> Self {
        Self(id.0)
    }
}

impl ItemId {
    /// The same id, of an item that is a cartridge.
    #[must_use]
    pub fn as_cartridge(self) -> CartridgeId {
        CartridgeId(self.0)
    }

    /// The same id, of an item that is a thing.
    #[must_use]
    pub fn as_thing(self) -> ThingId {
        ThingId(self.0)
    }
}

impl From<CartridgeId> for ItemId {
    fn from(id: CartridgeId) -> Self {
        Self(id.0)
    }
}

impl From<ThingId> for ItemId {
    fn from(id: ThingId) -> Self {
        Self(id.0)
    }
}

/// Code of a place, person, site or carrier: 1 to 16 of `A` to `Z`, `0` to `9` and `-`, beginning
/// with a letter or digit, so that it can be printed as a bar code and typed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Code(String);

impl Code {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Code {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
        if text.is_empty() || text.len() > 16 || text.starts_with('-') || !text.bytes().all(plain) {
            return Err(IdError {
                text: text.to_owned(),
                expected: "a code (1 to 16 of A-Z, 0-9 and -)",
            });
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Code {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({})", self.0)
    }
}

macro_rules! code_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Code);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                text.parse().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

code_id!(
    /// A safe, shelf, vault or any other place that the configuration names.
    PlaceCode
);
code_id!(
    /// A person, as on the badge.
    PersonCode
);
code_id!(
    /// A site: an address with people and libraries.
    SiteCode
);
code_id!(
    /// A carrier.
    CarrierCode
);

/// Serial of a volume as VOL1 holds it (ISO 1001 and ECMA-13, volume header label,
/// volume identifier): six characters `A` to `Z` and `0` to `9`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VolumeSerial([u8; 6]);

impl VolumeSerial {
    /// The six characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in, so the fallback is never taken.
        std::str::from_utf8(&self.0).unwrap_or("??????")
    }
}

impl FromStr for VolumeSerial {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        match <[u8; 6]>::try_from(text.as_bytes()) {
            Ok(bytes) if bytes.iter().all(plain) => Ok(Self(bytes)),
            _ => Err(IdError {
                text: text.to_owned(),
                expected: "a volume serial (six characters A-Z and 0-9)",
            }),
        }
    }
}

impl TryFrom<String> for VolumeSerial {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<VolumeSerial> for String {
    fn from(serial: VolumeSerial) -> Self {
        serial.as_str().to_owned()
    }
}

impl fmt::Display for VolumeSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for VolumeSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VolumeSerial({})", self.as_str())
    }
}

/// Number of a copy of a set, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CopyNumber(pub u8);

impl fmt::Display for TapeFileNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for CopyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of a tape file on a volume as `mt fsf` counts them, from 0: each filemark ends one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TapeFileNumber(pub u32);

/// The volume tag of a cartridge as a bar code reader or a person gives it, with surrounding
/// blanks removed: 1 to 32 printable ASCII characters (SMC-3, the primary volume tag).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Barcode(String);

impl Barcode {
    /// The text as read.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Barcode {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let trimmed = text.trim_matches([' ', '\0']);
        let plain = |byte: u8| (0x21..=0x7e).contains(&byte) || byte == b' ';
        if trimmed.is_empty() || trimmed.len() > 32 || !trimmed.bytes().all(plain) {
            return Err(IdError {
                text: text.to_owned(),
                expected: "a barcode (1 to 32 printable ASCII characters)",
            });
        }
        Ok(Self(trimmed.to_owned()))
    }
}

impl TryFrom<String> for Barcode {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Barcode> for String {
    fn from(barcode: Barcode) -> Self {
        barcode.0
    }
}

impl fmt::Display for Barcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Barcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Barcode({})", self.0)
    }
}
