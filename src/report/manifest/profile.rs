//! How a vendor wants the list of lines as a file: which columns, which form of dates, divided by what. Vault
//! vendors publish no layout, so a profile is data that a site writes.

use chrono::NaiveDate;
use chrono::format::{Item, StrftimeItems};
use serde::{Deserialize, Serialize};

use super::Audience;
use crate::error::{Context, Error, Result};

/// A file's layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Profile {
    /// What it is called.
    pub name: String,
    /// Between the columns; none: each has its width.
    pub delimiter: Option<char>,
    /// Whether the first row has the titles.
    pub header: bool,
    /// What ends a row.
    #[serde(default)]
    pub line_end: LineEnd,
    /// Form of dates, as `strftime` has it.
    #[serde(default = "iso_date")]
    pub date: String,
    /// What stands for yes.
    #[serde(default = "yes")]
    pub yes: String,
    /// What stands for no.
    #[serde(default = "no")]
    pub no: String,
    /// The columns from left to right.
    #[serde(rename = "column")]
    pub columns: Vec<Column>,
}

fn iso_date() -> String {
    "%Y-%m-%d".to_owned()
}

fn yes() -> String {
    "yes".to_owned()
}

fn no() -> String {
    "no".to_owned()
}

/// What ends a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineEnd {
    /// Carriage return and line feed (RFC 4180, 2).
    #[default]
    Crlf,
    /// Line feed.
    Lf,
}

impl LineEnd {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Crlf => "\r\n",
            Self::Lf => "\n",
        }
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Column {
    /// Its title.
    pub title: String,
    /// What stands in it.
    pub field: Field,
    /// What stands in it, for [`Field::Constant`].
    pub value: Option<String>,
    /// Its width in characters, in a file without delimiter.
    pub width: Option<usize>,
    /// Where shorter values stand in that width.
    #[serde(default)]
    pub align: Align,
}

/// Where a value stands in its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// At the left.
    #[default]
    Left,
    /// At the right.
    Right,
}

/// What can stand in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// Number of the manifest.
    Manifest,
    /// Its revision.
    Revision,
    /// OUT or BACK.
    Direction,
    /// Day of the run.
    RunDate,
    /// Sender's name.
    From,
    /// Receiver's name.
    To,
    /// Carrier's name.
    Carrier,
    /// Our number with the receiver, or with the sender for BACK.
    CustomerNumber,
    /// Number of the line.
    Line,
    /// Barcode.
    Barcode,
    /// First six characters of the barcode.
    VolumeSerial,
    /// "cartridge" or "other".
    Kind,
    /// Type of medium.
    MediaType,
    /// Code of the case; empty: loose.
    Case,
    /// Numbers of the case's seals.
    Seals,
    /// Whether it is encrypted.
    Encrypted,
    /// Number of the exception by which it is not.
    Exception,
    /// Day of return; empty: until recalled, or coming home.
    ReturnDate,
    /// Day of return, "until recalled" or "home".
    Return,
    /// Code of the reason.
    Reason,
    /// Whether it is urgent.
    Urgent,
    /// Remark.
    Remark,
    /// The list's digest, twelve characters.
    Digest,
    /// The column's value.
    Constant,
    /// In-house: system.
    System,
    /// In-house: its owner.
    Owner,
    /// In-house: content.
    Content,
}

impl Field {
    fn is_in_house(self) -> bool {
        matches!(self, Self::System | Self::Owner | Self::Content)
    }
}

impl Profile {
    /// Reads and checks a profile in TOML.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self> {
        let profile: Self = toml::from_str(text)
            .map_err(|error| Error::usage(format!("a vendor profile: {}", error.message())))?;
        profile.check()?;
        Ok(profile)
    }

    /// The layout without a vendor's wishes: RFC 4180, ISO dates, every field outsiders get.
    ///
    /// # Errors
    /// None: a test reads it.
    pub fn standard() -> Result<Self> {
        Self::parse(include_str!("../profiles/standard.toml")).context("the standard profile")
    }

    /// The same with what is in-house.
    ///
    /// # Errors
    /// None: a test reads it.
    pub fn in_house() -> Result<Self> {
        let mut profile = Self::standard()?;
        "in-house".clone_into(&mut profile.name);
        let more = [
            ("system", Field::System),
            ("owner", Field::Owner),
            ("content", Field::Content),
        ];
        profile.columns.extend(more.map(|(title, field)| Column {
            title: title.to_owned(),
            field,
            value: None,
            width: None,
            align: Align::Left,
        }));
        Ok(profile)
    }

    /// Whether it can be used for whom the file is.
    ///
    /// # Errors
    /// A column with what outsiders are not told.
    pub fn check_for(&self, audience: Audience) -> Result<()> {
        let secret = self
            .columns
            .iter()
            .find(|column| column.field.is_in_house());
        match secret {
            Some(column) if audience == Audience::Outsiders => Err(self.wrong(&format!(
                "column \"{}\" names systems, owners or content, which outsiders are not told",
                column.title
            ))),
            _ => Ok(()),
        }
    }

    /// Looks for what cannot work, whatever the manifest.
    ///
    /// # Errors
    /// What and in which column.
    pub fn check(&self) -> Result<()> {
        if self.columns.is_empty() {
            return Err(self.wrong("it has no column"));
        }
        if let Some(delimiter) = self.delimiter
            && (!delimiter.is_ascii() || "\"\r\n".contains(delimiter))
        {
            return Err(self.wrong(&format!("{delimiter:?} cannot be the delimiter")));
        }
        let known = |item: Item<'_>| !matches!(item, Item::Error);
        // Times of day have no place in a day.
        let day = NaiveDate::from_ymd_opt(2026, 12, 31).unwrap_or_default();
        let mut shown = String::new();
        let written =
            std::fmt::Write::write_fmt(&mut shown, format_args!("{}", day.format(&self.date)));
        if !StrftimeItems::new(&self.date).all(known) || written.is_err() || shown.is_empty() {
            return Err(self.wrong(&format!("\"{}\" is not the form of a date", self.date)));
        }
        for column in &self.columns {
            let name = &column.title;
            if (column.field == Field::Constant) != column.value.is_some() {
                return Err(self.wrong(&format!(
                    "column \"{name}\": a value belongs to the field \"constant\", and only to it"
                )));
            }
            if self.delimiter.is_none() && column.width.is_none_or(|width| width == 0) {
                return Err(self.wrong(&format!(
                    "column \"{name}\" needs a width, as there is no delimiter"
                )));
            }
            if self.delimiter.is_some() && column.width.is_some() {
                return Err(self.wrong(&format!(
                    "column \"{name}\" has a width, and there is a delimiter"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn wrong(&self, what: &str) -> Error {
        Error::usage(format!("vendor profile \"{}\": {what}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn the_shipped_ones_are_right() {
        Profile::standard()
            .unwrap()
            .check_for(Audience::Outsiders)
            .unwrap();
        let profile = Profile::in_house().unwrap();
        profile.check_for(Audience::InHouse).unwrap();
        let error = profile.check_for(Audience::Outsiders).unwrap_err();
        assert!(error.to_string().contains("\"system\""), "{error}");
    }

    #[rstest]
    #[case("delimiter = \",\"\nheader = true\ncolumn = []", "no column")]
    #[case(
        "header = true\n[[column]]\ntitle = \"B\"\nfield = \"barcode\"",
        "needs a width"
    )]
    #[case(
        "delimiter = \";\"\nheader = true\n[[column]]\ntitle = \"B\"\nfield = \"barcode\"\nwidth = 8",
        "has a width"
    )]
    #[case(
        "delimiter = \";\"\nheader = true\n[[column]]\ntitle = \"B\"\nfield = \"bar\"",
        "bar"
    )]
    #[case(
        "delimiter = \";\"\nheader = true\n[[column]]\ntitle = \"B\"\nfield = \"constant\"",
        "a value belongs"
    )]
    #[case(
        "delimiter = \"\\n\"\nheader = true\n[[column]]\ntitle = \"B\"\nfield = \"barcode\"",
        "cannot be the delimiter"
    )]
    #[case(
        "delimiter = \";\"\ndate = \"%Q\"\nheader = true\n[[column]]\ntitle = \"B\"\nfield = \"barcode\"",
        "not the form of a date"
    )]
    #[case(
        "delimiter = \";\"\ndate = \"%H:%M\"\nheader = true\n[[column]]\ntitle = \"B\"\nfield = \"barcode\"",
        "not the form of a date"
    )]
    fn what_cannot_work_is_refused(#[case] text: &str, #[case] why: &str) {
        let error = Profile::parse(&format!("name = \"test\"\n{text}")).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}
