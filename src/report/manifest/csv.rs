//! The list of lines as a file for programs.

use std::io::Write;

use chrono::NaiveDate;

use super::profile::{Align, Column, Field, Profile};
use super::{
    Audience, Case, Direction, Line, ListDigest, Manifest, Numbered, Ordered, Protection, Return,
    Urgency,
};
use crate::error::{Context, Result};

/// Writes the list of lines in the standard layout: RFC 4180, a header row, ISO dates.
///
/// # Errors
/// A manifest that contradicts itself ([`Ordered::of`]), or what cannot be written.
pub fn csv(manifest: &Manifest, audience: Audience, out: &mut dyn Write) -> Result<()> {
    let profile = match audience {
        Audience::Outsiders => Profile::standard()?,
        Audience::InHouse => Profile::in_house()?,
    };
    csv_by(&profile, manifest, audience, out)
}

/// Writes the list of lines as a vendor wants it.
///
/// # Errors
/// A profile that cannot be used for this audience, a value that is longer than its column (named by line
/// and column: nothing is ever cut off), a manifest that contradicts itself, or what cannot be written.
pub fn csv_by(
    profile: &Profile,
    manifest: &Manifest,
    audience: Audience,
    out: &mut dyn Write,
) -> Result<()> {
    profile.check()?;
    profile.check_for(audience)?;
    let ordered = Ordered::of(manifest)?;
    let row = Row {
        profile,
        manifest,
        digest: ListDigest::of(manifest, &ordered)?.short(),
    };
    match profile.delimiter {
        Some(delimiter) => delimited(&row, delimiter, &ordered, out),
        None => fixed(&row, &ordered, out),
    }
}

fn delimited(
    row: &Row<'_>,
    delimiter: char,
    ordered: &Ordered<'_>,
    out: &mut dyn Write,
) -> Result<()> {
    let failed = "cannot write the manifest as CSV";
    let mut writer = ::csv::WriterBuilder::new()
        // Checked to be ASCII.
        .delimiter(u8::try_from(delimiter).unwrap_or(b','))
        .terminator(match row.profile.line_end {
            super::profile::LineEnd::Crlf => ::csv::Terminator::CRLF,
            super::profile::LineEnd::Lf => ::csv::Terminator::Any(b'\n'),
        })
        .from_writer(out);
    let columns = &row.profile.columns;
    if row.profile.header {
        let titles = columns.iter().map(|column| column.title.as_str());
        writer.write_record(titles).context(failed)?;
    }
    for (case, line) in ordered.lines() {
        for column in columns {
            writer
                .write_field(row.value(column, case, line))
                .context(failed)?;
        }
        writer.write_record(None::<&[u8]>).context(failed)?;
    }
    writer.flush().context(failed)
}

fn fixed(row: &Row<'_>, ordered: &Ordered<'_>, out: &mut dyn Write) -> Result<()> {
    let failed = "cannot write the manifest in columns";
    let columns = &row.profile.columns;
    let mut text = String::new();
    if row.profile.header {
        for column in columns {
            pad(row.profile, &mut text, column, &column.title, None)?;
        }
        text.push_str(row.profile.line_end.text());
    }
    for (case, line) in ordered.lines() {
        for column in columns {
            let value = row.value(column, case, line);
            // A line break in a remark would be the end of the row.
            let value = value.replace(char::is_control, " ");
            pad(row.profile, &mut text, column, &value, Some(line.number))?;
        }
        text.push_str(row.profile.line_end.text());
        out.write_all(text.as_bytes()).context(failed)?;
        text.clear();
    }
    out.write_all(text.as_bytes()).context(failed)
}

/// Adds a value in its width; `line` is none for the titles.
fn pad(
    profile: &Profile,
    text: &mut String,
    column: &Column,
    value: &str,
    line: Option<usize>,
) -> Result<()> {
    // Checked to be there.
    let width = column.width.unwrap_or(0);
    let length = value.chars().count();
    if length > width {
        let place = line.map_or_else(|| "the header".to_owned(), |line| format!("line {line}"));
        return Err(profile.wrong(&format!(
            "{place}, column \"{}\": \"{value}\" has {length} characters, the column {width}",
            column.title
        )));
    }
    let blanks = " ".repeat(width - length);
    match column.align {
        Align::Left => text.extend([value, &blanks]),
        Align::Right => text.extend([&blanks, value]),
    }
    Ok(())
}

struct Row<'a> {
    profile: &'a Profile,
    manifest: &'a Manifest,
    digest: String,
}

impl Row<'_> {
    fn value(&self, column: &Column, case: Option<&Case>, numbered: Numbered<'_>) -> String {
        let manifest = self.manifest;
        let Numbered { number, line } = numbered;
        match column.field {
            Field::Manifest => manifest.number.to_string(),
            Field::Revision => manifest.revision.to_string(),
            Field::Direction => manifest.direction.word().to_owned(),
            Field::RunDate => self.date(manifest.run.date),
            Field::From => manifest.from.name.clone(),
            Field::To => manifest.to.name.clone(),
            Field::Carrier => manifest.carrier.name.clone(),
            Field::CustomerNumber => match manifest.direction {
                Direction::Out => manifest.to.customer_number.clone(),
                Direction::Back => manifest.from.customer_number.clone(),
            }
            .unwrap_or_default(),
            Field::Line => number.to_string(),
            Field::Case => case.map(|case| case.code.to_string()).unwrap_or_default(),
            Field::Seals => case.map(seals).unwrap_or_default(),
            Field::Digest => self.digest.clone(),
            Field::Constant => column.value.clone().unwrap_or_default(),
            other => self.of_line(other, line),
        }
    }

    fn of_line(&self, field: Field, line: &Line) -> String {
        let yes_or_no = |yes: bool| {
            if yes {
                self.profile.yes.clone()
            } else {
                self.profile.no.clone()
            }
        };
        let in_house = line.in_house.as_ref();
        match field {
            Field::Barcode => line.barcode.to_string(),
            Field::VolumeSerial => line.barcode.as_str().chars().take(6).collect(),
            Field::Kind => match line.kind {
                super::ItemKind::Cartridge => "cartridge",
                super::ItemKind::Other => "other",
            }
            .to_owned(),
            Field::MediaType => line.media_type.clone(),
            Field::Encrypted => match line.protection {
                Protection::Encrypted => yes_or_no(true),
                Protection::Exception(_) => yes_or_no(false),
                Protection::NotNeeded => String::new(),
            },
            Field::Exception => match &line.protection {
                Protection::Exception(number) => number.clone(),
                _ => String::new(),
            },
            Field::ReturnDate => match line.returns {
                Return::On(day) => self.date(day),
                Return::UntilRecalled | Return::Home => String::new(),
            },
            Field::Return => match line.returns {
                Return::On(day) => self.date(day),
                other => other.to_string(),
            },
            Field::Reason => line.reason.clone(),
            Field::Urgent => yes_or_no(line.urgency == Urgency::Urgent),
            Field::Remark => line.remark.clone(),
            Field::System => in_house.map(|one| one.system.clone()).unwrap_or_default(),
            Field::Owner => in_house.map(|one| one.owner.clone()).unwrap_or_default(),
            Field::Content => in_house.map(|one| one.content.clone()).unwrap_or_default(),
            // Of the manifest, not of a line.
            _ => String::new(),
        }
    }

    fn date(&self, day: NaiveDate) -> String {
        // Checked to be a form of dates.
        day.format(&self.profile.date).to_string()
    }
}

fn seals(case: &Case) -> String {
    let numbers: Vec<String> = case.seals.iter().map(ToString::to_string).collect();
    numbers.join(" ")
}
