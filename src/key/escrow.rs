//! The page for the sealed envelope: a private half on paper, to be typed or scanned back.

use std::path::PathBuf;

use age::secrecy::ExposeSecret;
use crc_fast::{CrcAlgorithm, Digest};

use super::{Identities, Recipient, find};
use crate::app::App;
use crate::catalogue::Key;
use crate::error::{Error, Result};
use crate::id::Barcode;
use crate::journal::Event;
use crate::print::{Cell, Face, Flow, Paper};
use crate::progress::counted;

/// Characters of the identity on a line.
const LINE: usize = 20;
/// Characters of a group.
const GROUP: usize = 5;
/// Volumes that are named on the page; it has one side.
const NAMED: usize = 18;
/// What every identity begins with (age-encryption.org/v1, "X25519 recipient stanza").
const PREFIX: &str = "AGE-SECRET-KEY-1";

/// A line of the identity as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// Without blanks.
    text: String,
    /// What `cksum` says of it.
    check: u32,
}

impl Line {
    fn grouped(&self) -> String {
        if self.text == PREFIX {
            return self.text.clone();
        }
        let letters: Vec<char> = self.text.chars().collect();
        let groups: Vec<String> = letters
            .chunks(GROUP)
            .map(|one| one.iter().collect())
            .collect();
        groups.join(" ")
    }
}

/// The PDF of a key's private half, which is taken from the files given or from where this host
/// keeps it.
///
/// # Errors
/// No identity of this key at hand ([`crate::error::ErrorKind::OperatorNeeded`]); an identity of
/// another one.
pub fn escrow_page(app: &App, name: &str, files: &[PathBuf], paper: Paper) -> Result<Vec<u8>> {
    let key = app.catalogue.read(|view| find(view, name))?;
    let identities = Identities::at_hand(app, files, &[key.id])?;
    let what = format!("the page of \"{name}\"");
    identities
        .must_open(&what, std::slice::from_ref(&key))
        .map_err(|error| {
            let mine = Error::new(
                error.kind(),
                format!("no identity of \"{name}\" is at hand"),
            );
            mine.hint("name the file that holds it with --identity")
        })?;
    let (recipient, secret) = identities
        .texts()
        .into_iter()
        .find(|(recipient, _)| recipient.to_string() == key.recipient)
        .ok_or_else(|| Error::failed(format!("no identity of \"{name}\" is at hand")))?;
    let volumes = app.catalogue.read(|view| {
        view.volumes_needing(key.id)?
            .into_iter()
            .map(|volume| Ok(view.cartridge(view.volume(volume)?.cartridge)?.barcode))
            .collect::<Result<Vec<_>>>()
    })?;
    let now = app.clock.now();
    let mut flow = Flow::new(
        paper,
        &format!("Escrow page of key \"{name}\", {}", now.format("%Y-%m-%d")),
    );
    compose(
        &mut flow,
        &key,
        &recipient,
        secret.expose_secret(),
        &volumes,
    )?;
    let pdf = flow.finish(now)?;
    app.write(|tx, now| app.note(tx, now, &Event::EscrowPagePrinted { key: key.id }))?;
    Ok(pdf)
}

fn compose(
    flow: &mut Flow,
    key: &Key,
    recipient: &Recipient,
    secret: &str,
    volumes: &[Barcode],
) -> Result<()> {
    let name = &key.name;
    flow.chapter(&format!("Key \"{name}\": private half"));
    flow.paragraph(
        "Whoever holds this page can read every tape that was written for this key. Seal it in an \
         envelope, write the key's name and the date on the outside, and keep it apart from the \
         tapes. Delete the file it was printed from.",
    );
    flow.heading("The identity");
    flow.spaced(
        Face::Mono,
        13.0,
        &lines(secret)
            .iter()
            .enumerate()
            .map(|(at, line)| format!("{}  {:<23}  {:>10}", at + 1, line.grouped(), line.check))
            .collect::<Vec<_>>(),
    );
    flow.paragraph(&format!(
        "Typed back it is one line of {} characters without blanks, in capitals: line 1, then 2, and \
         so on. Behind line 1 there is no letter B, I or O and no digit 1. The number behind a line \
         is what cksum says of it, so that each can be checked by itself:",
        secret.len()
    ));
    flow.typed(&format!("printf %s {PREFIX} | cksum"));
    flow.code(secret, 52.0)?;
    flow.heading("What it opens");
    let since = key.created_at.format("%Y-%m-%d");
    let until = key.retired_at.map_or_else(
        || "to this day".to_owned(),
        |at| format!("to {}", at.format("%Y-%m-%d")),
    );
    let pools = if key.pools.is_empty() {
        "every pool".to_owned()
    } else {
        let names: Vec<&str> = key.pools.iter().map(|pool| pool.as_str()).collect();
        format!("sets with a copy in {}", names.join(", "))
    };
    flow.table(
        &[],
        &[1.0, 5.0],
        &[
            row("recipient", &recipient.to_string(), true),
            row("written", &format!("from {since} {until}, {pools}"), false),
            row("volumes", &volume_words(volumes), false),
        ],
    );
    flow.heading("How to use it");
    flow.typed(&format!(
        "umask 077\n\
         cat > {name}.identity            # type the line, Enter, Control-D; or from a scan:\n\
         zbarimg --raw -q scan.png > {name}.identity\n\
         age-keygen -y {name}.identity    # must print the recipient above\n\
         age -d -i {name}.identity FILE   # FILE: a segment as dd reads it off the tape"
    ));
    flow.paragraph(
        "Which tape file of which cartridge, and what follows on age, is in the recovery kit and on \
         the page of the tape format. age, zstd and tar are in every distribution; age's format is at \
         age-encryption.org.",
    );
    flow.heading("Sealed");
    flow.table(
        &["date", "name", "signature", "envelope"],
        &[2.0, 4.0, 4.0, 2.0],
        &[vec![
            Cell::Text("_________".to_owned()),
            Cell::Text("____________________".to_owned()),
            Cell::Text("____________________".to_owned()),
            Cell::Text("_________".to_owned()),
        ]],
    );
    Ok(())
}

fn row(name: &str, value: &str, typed: bool) -> Vec<Cell> {
    let value = value.to_owned();
    vec![
        Cell::Text(name.to_owned()),
        if typed {
            Cell::Typed(value)
        } else {
            Cell::Text(value)
        },
    ]
}

fn volume_words(volumes: &[Barcode]) -> String {
    let mut names: Vec<String> = volumes
        .iter()
        .take(NAMED)
        .map(ToString::to_string)
        .collect();
    if volumes.len() > NAMED {
        names.push(format!("and {} more", volumes.len() - NAMED));
    }
    let count = counted(volumes.len() as u64, "volume", "volumes");
    if names.is_empty() {
        return "none yet".to_owned();
    }
    format!("{count} on the day of print: {}", names.join(", "))
}

/// The identity in lines: what all of them begin with, then the rest.
fn lines(secret: &str) -> Vec<Line> {
    let rest = secret.strip_prefix(PREFIX).unwrap_or(secret);
    let head = &secret[..secret.len() - rest.len()];
    let letters: Vec<char> = rest.chars().collect();
    let parts = letters.chunks(LINE).map(|part| part.iter().collect());
    std::iter::once(head.to_owned())
        .chain(parts)
        .filter(|text| !text.is_empty())
        .map(|text| Line {
            check: cksum(text.as_bytes()),
            text,
        })
        .collect()
}

/// What `cksum` prints (POSIX.1-2017, cksum: CRC-32 of the bytes and of their number, least
/// significant byte first, as many as it takes).
fn cksum(bytes: &[u8]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Cksum);
    digest.update(bytes);
    let length = bytes.len().to_le_bytes();
    let used = length
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    digest.update(&length[..used]);
    // A CRC of 32 bits in a wider type.
    u32::try_from(digest.finalize()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that Debian's coreutils 9.1 print.
    #[test]
    fn sums_are_those_of_cksum() {
        assert_eq!(cksum(b""), 4_294_967_295);
        assert_eq!(cksum(b"123456789"), 930_766_865);
    }

    #[test]
    fn lines_joined_are_the_identity() {
        let secret = format!("{PREFIX}{}", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".repeat(2));
        let lines = lines(&secret);
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[0].text, PREFIX);
        assert_eq!(lines[1].grouped(), "QPZRY 9X8GF 2TVDW 0S3JN");
        let joined: String = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(joined, secret);
    }
}
