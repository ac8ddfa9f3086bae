//! The labels before and behind a file, together.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{
    FileLabel1, FileLabel2, GroupEnd, LABEL_LENGTH, LabelBlock, LabelError, UserLabel1, UserLabel2,
};
use crate::id::IdError;

/// HDR1 HDR2 UHL1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderGroup {
    /// HDR1.
    pub file1: FileLabel1,
    /// HDR2.
    pub file2: FileLabel2,
    /// UHL1.
    pub user1: UserLabel1,
}

impl HeaderGroup {
    /// Labels in the group.
    pub const LABELS: u64 = 3;

    /// The blocks in order.
    #[must_use]
    pub fn encode(&self) -> [LabelBlock; 3] {
        [
            self.file1.encode(GroupEnd::Header),
            self.file2.encode(GroupEnd::Header),
            self.user1.encode(GroupEnd::Header),
        ]
    }

    /// The labels behind the same file once its data is known.
    #[must_use]
    pub fn trailer(&self, user2: UserLabel2) -> TrailerGroup {
        let mut file1 = self.file1.clone();
        // A file is closed before its seventh digit; UTL2 has room for all.
        file1.block_count = u32::try_from(user2.blocks.min(999_999)).unwrap_or(999_999);
        TrailerGroup {
            file1,
            file2: self.file2.clone(),
            user1: self.user1.clone(),
            user2,
        }
    }
}

/// EOF1 EOF2 UTL1 UTL2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailerGroup {
    /// EOF1.
    pub file1: FileLabel1,
    /// EOF2.
    pub file2: FileLabel2,
    /// UTL1.
    pub user1: UserLabel1,
    /// UTL2.
    pub user2: UserLabel2,
}

impl TrailerGroup {
    /// The labels as text.
    #[must_use]
    pub fn encode(&self) -> Trailer {
        let blocks = [
            self.file1.encode(GroupEnd::Trailer),
            self.file2.encode(GroupEnd::Trailer),
            self.user1.encode(GroupEnd::Trailer),
            self.user2.encode(),
        ];
        Trailer(blocks.concat().iter().copied().map(char::from).collect())
    }

    /// Reads the labels.
    pub fn parse(trailer: &Trailer) -> Result<Self, LabelError> {
        let blocks = trailer.blocks();
        Ok(Self {
            file1: FileLabel1::parse(blocks[0], GroupEnd::Trailer)?,
            file2: FileLabel2::parse(blocks[1], GroupEnd::Trailer)?,
            user1: UserLabel1::parse(blocks[2], GroupEnd::Trailer)?,
            user2: UserLabel2::parse(blocks[3])?,
        })
    }
}

/// EOF1 EOF2 UTL1 UTL2 as text: 320 characters, as they stand on tape. With the volume's serial,
/// the file's number, the set and the digest in it, no two files have the same.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Trailer(String);

impl Trailer {
    /// Labels in the group.
    pub const LABELS: u64 = 4;

    /// Joins the blocks read from tape.
    pub fn from_blocks(blocks: &[LabelBlock; 4]) -> Result<Self, IdError> {
        String::from_utf8_lossy(&blocks.concat()).parse()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The four labels.
    #[must_use]
    pub fn blocks(&self) -> [&[u8]; 4] {
        let bytes = self.0.as_bytes();
        let at = |number: usize| &bytes[number * LABEL_LENGTH..(number + 1) * LABEL_LENGTH];
        [at(0), at(1), at(2), at(3)]
    }
}

impl FromStr for Trailer {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let plain = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        if text.len() == 4 * LABEL_LENGTH && plain && text.starts_with("EOF1") {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError {
                text: text.to_owned(),
                expected: "a group of trailer labels (EOF1 EOF2 UTL1 UTL2, 320 characters)",
            })
        }
    }
}

impl TryFrom<String> for Trailer {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Trailer> for String {
    fn from(trailer: Trailer) -> Self {
        trailer.0
    }
}

impl fmt::Display for Trailer {
    /// The four labels, trailing blanks removed, joined by ` | `.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, block) in self.blocks().into_iter().enumerate() {
            if number > 0 {
                f.write_str(" | ")?;
            }
            f.write_str(String::from_utf8_lossy(block).trim_end())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Trailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trailer({self})")
    }
}
