//! Dates in labels.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use crate::id::IdError;

/// A day as six characters `cYYDDD`: century (a blank for 19xx, `0` for 20xx, `1` for 21xx ...),
/// year, day of the year (ISO 1001, HDR1 columns 42-47 and 48-53). ` 00000` means no date:
/// for the expiration date, that the file may be overwritten at any time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct LabelDate(Option<NaiveDate>);

impl LabelDate {
    /// No date.
    pub const NONE: Self = Self(None);

    /// The UTC day of a moment.
    #[must_use]
    pub fn of(moment: DateTime<Utc>) -> Self {
        Self::on(moment.date_naive())
    }

    /// A day; [`LabelDate::NONE`] for years six characters can't say (before 1900, after 2999).
    #[must_use]
    pub fn on(day: NaiveDate) -> Self {
        Self((1900..=2999).contains(&day.year()).then_some(day))
    }

    /// The day, if there is one.
    #[must_use]
    pub fn day(self) -> Option<NaiveDate> {
        self.0
    }
}

impl fmt::Display for LabelDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(day) = self.0 else {
            return f.write_str(" 00000");
        };
        match day.year() / 100 {
            19 => f.write_str(" ")?,
            century => write!(f, "{}", century - 20)?,
        }
        write!(f, "{:02}{:03}", day.year() % 100, day.ordinal())
    }
}

impl TryFrom<String> for LabelDate {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<LabelDate> for String {
    fn from(date: LabelDate) -> Self {
        date.to_string()
    }
}

impl FromStr for LabelDate {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError {
            text: text.to_owned(),
            expected: "a label date (cYYDDD)",
        };
        let bytes = text.as_bytes();
        if bytes.len() != 6 || !bytes[1..].iter().all(u8::is_ascii_digit) {
            return Err(wrong());
        }
        let century = match bytes[0] {
            b' ' => 19,
            digit @ b'0'..=b'9' => 20 + i32::from(digit - b'0'),
            _ => return Err(wrong()),
        };
        let year: i32 = text[1..3].parse().map_err(|_| wrong())?;
        let day: u32 = text[3..].parse().map_err(|_| wrong())?;
        if day == 0 {
            // Day zero of any year occurs as "expired" in labels of other systems.
            return Ok(Self::NONE);
        }
        NaiveDate::from_yo_opt(century * 100 + year, day)
            .map(|day| Self(Some(day)))
            .ok_or_else(wrong)
    }
}
