//! The month a full belongs to.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use super::sql::text_column;
use crate::id::IdError;

/// A calendar month, `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    year: u16,
    month: u8,
}

impl Month {
    /// The month of a moment, in UTC.
    #[must_use]
    pub fn of(moment: DateTime<Utc>) -> Self {
        // Outside the years 0 to 9999 no tape is written; such a moment is held at the edge.
        let year = u16::try_from(moment.year().clamp(0, 9999)).unwrap_or(9999);
        let month = u8::try_from(moment.month()).unwrap_or(12);
        Self { year, month }
    }

    /// The month of a day.
    #[must_use]
    pub fn of_day(day: NaiveDate) -> Self {
        Self::of(day.and_time(NaiveTime::MIN).and_utc())
    }

    /// The one before; none before the year 0.
    #[must_use]
    pub fn before(self) -> Option<Self> {
        Some(match self.month {
            1 => Self {
                year: self.year.checked_sub(1)?,
                month: 12,
            },
            month => Self {
                month: month - 1,
                ..self
            },
        })
    }

    /// Whether a day is in it.
    #[must_use]
    pub fn has(self, day: NaiveDate) -> bool {
        day.year() == i32::from(self.year) && day.month() == u32::from(self.month)
    }

    /// Its last day.
    #[must_use]
    pub fn last_day(self) -> NaiveDate {
        let first = NaiveDate::from_ymd_opt(self.year.into(), self.month.into(), 1);
        let next = first.and_then(|first| first.checked_add_months(Months::new(1)));
        next.and_then(|next| next.pred_opt())
            .unwrap_or(NaiveDate::MAX)
    }

    /// The year, 0 to 9999.
    #[must_use]
    pub fn year(self) -> u16 {
        self.year
    }

    /// 1 to 12.
    #[must_use]
    pub fn month(self) -> u8 {
        self.month
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError {
            text: text.to_owned(),
            expected: "a month (YYYY-MM)",
        };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let (year, month) = text.split_once('-').ok_or_else(wrong)?;
        if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
            return Err(wrong());
        }
        let year = year.parse().map_err(|_| wrong())?;
        let month = month.parse().map_err(|_| wrong())?;
        if !(1..=12).contains(&month) {
            return Err(wrong());
        }
        Ok(Self { year, month })
    }
}

impl TryFrom<String> for Month {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

text_column!(Month);
