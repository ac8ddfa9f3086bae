//! How our types stand in columns.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::id::{
    Barcode, CarrierCode, CartridgeId, CopyNumber, CountId, CourierRunId, DisposalId,
    DriveRequestId, ItemId, KeyId, LibraryId, MovementId, PersonCode, PlaceCode, RunId,
    ScanSessionId, SetDefinitionId, SetId, SiteCode, StepId, TapeFileNumber, TaskId, ThingId,
    VolumeId, VolumeSerial,
};

/// Declares an enum that is one word in SQL, JSON and messages.
macro_rules! text_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize)]
        $vis enum $name {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// The word that stands for it.
            #[must_use]
            $vis fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::id::IdError;
            fn from_str(text: &str) -> Result<Self, crate::id::IdError> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(crate::id::IdError {
                        text: text.to_owned(),
                        expected: concat!("one of", $(" ", $text),+),
                    }),
                }
            }
        }

        crate::catalogue::sql::text_column!($name);
    };
}
pub(super) use text_enum;

/// A type that is stored as its `Display` text and read by its `FromStr`.
macro_rules! text_column {
    ($($name:ty),+ $(,)?) => {$(
        impl rusqlite::types::ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok(self.to_string().into())
            }
        }

        impl rusqlite::types::FromSql for $name {
            fn column_result(
                value: rusqlite::types::ValueRef<'_>,
            ) -> rusqlite::types::FromSqlResult<Self> {
                crate::catalogue::sql::parse_text(value)
            }
        }
    )+};
}
pub(super) use text_column;

/// A type that is stored as the integer it wraps.
macro_rules! integer_column {
    ($($name:ty),+ $(,)?) => {$(
        impl rusqlite::types::ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl rusqlite::types::FromSql for $name {
            fn column_result(
                value: rusqlite::types::ValueRef<'_>,
            ) -> rusqlite::types::FromSqlResult<Self> {
                rusqlite::types::FromSql::column_result(value).map(Self)
            }
        }
    )+};
}
pub(super) use integer_column;

pub(super) fn parse_text<T>(value: ValueRef<'_>) -> FromSqlResult<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    value.as_str()?.parse().map_err(FromSqlError::other)
}

text_column!(
    Barcode,
    CarrierCode,
    CartridgeId,
    CountId,
    CourierRunId,
    DisposalId,
    DriveRequestId,
    ItemId,
    KeyId,
    LibraryId,
    MovementId,
    PersonCode,
    PlaceCode,
    RunId,
    ScanSessionId,
    SetDefinitionId,
    SetId,
    SiteCode,
    StepId,
    TaskId,
    ThingId,
    VolumeId,
    VolumeSerial,
    crate::archive::member::SetForm,
);
integer_column!(
    CopyNumber,
    TapeFileNumber,
    crate::archive::member::SegmentNumber
);

/// A moment: RFC 3339, UTC, nine decimals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(pub(super) DateTime<Utc>);

impl ToSql for Moment {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_rfc3339_opts(SecondsFormat::Nanos, true).into())
    }
}

impl FromSql for Moment {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let moment = DateTime::parse_from_rfc3339(value.as_str()?).map_err(FromSqlError::other)?;
        Ok(Self(moment.with_timezone(&Utc)))
    }
}

/// A value kept as JSON text.
#[derive(Debug, Clone)]
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        serde_json::to_string(&self.0)
            .map(Into::into)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?)
            .map(Self)
            .map_err(FromSqlError::other)
    }
}

/// Raw bytes of a path.
#[derive(Debug, Clone)]
pub(super) struct RawPath(pub(super) std::path::PathBuf);

impl ToSql for RawPath {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        use std::os::unix::ffi::OsStrExt;
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(
            self.0.as_os_str().as_bytes(),
        )))
    }
}

impl FromSql for RawPath {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        use std::os::unix::ffi::OsStrExt;
        let bytes = value.as_blob()?;
        Ok(Self(std::ffi::OsStr::from_bytes(bytes).into()))
    }
}

/// A moment from a column.
pub(super) fn moment(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<DateTime<Utc>> {
    row.get::<_, Moment>(column).map(|moment| moment.0)
}

/// A moment that may be absent.
pub(super) fn moment_option(
    row: &rusqlite::Row<'_>,
    column: &str,
) -> rusqlite::Result<Option<DateTime<Utc>>> {
    Ok(row.get::<_, Option<Moment>>(column)?.map(|moment| moment.0))
}

/// A day: ISO 8601, `2026-11-30`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Day(pub(super) NaiveDate);

impl ToSql for Day {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_string().into())
    }
}

impl FromSql for Day {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        parse_text(value).map(Self)
    }
}

/// A lower-case hexadecimal text.
pub(super) fn hexadecimal(bytes: &[u8], f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// The bytes of a hexadecimal text of exactly that length.
pub(super) fn from_hexadecimal<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(bytes)
}
