//! People: who they are, their PINs, and that nobody leaves with something of ours.

use age::secrecy::{ExposeSecret, SecretString};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use super::stamp::Stamp;
use crate::catalogue::{Person, Tx, View};
use crate::error::{Context, Error, Result};
use crate::id::PersonCode;
use crate::journal::Event;

/// Digits of a PIN at least.
const SHORTEST_PIN: usize = 4;
/// Digits of a PIN at most.
const LONGEST_PIN: usize = 12;

/// Adds a person, or changes what is known of one.
///
/// # Errors
/// A name without letters; a person who has left.
pub fn save(tx: &Tx<'_>, stamp: &Stamp, person: &Person) -> Result<()> {
    if person.name.trim().is_empty() {
        return Err(Error::usage("a person has a name"));
    }
    match tx.person(&person.code)? {
        Some(known) if known.closed_at.is_some() => {
            return Err(Error::usage(format!(
                "{} was the badge of {}, who has left: a badge is not given again",
                person.code, known.name
            )));
        }
        Some(_) => tx.change_person(person)?,
        None => tx.add_person(person)?,
    }
    stamp.note(
        tx,
        &Event::PersonSaved {
            person: person.code.clone(),
            name: person.name.clone(),
            roles: person.roles.clone(),
        },
    )
}

/// Keeps a new PIN, as a hash (Argon2id).
///
/// # Errors
/// Nobody has the badge; it is no PIN.
pub fn set_pin(tx: &Tx<'_>, stamp: &Stamp, code: &PersonCode, pin: &SecretString) -> Result<()> {
    let person = here(tx, code)?;
    let digits = pin.expose_secret();
    let is_pin = (SHORTEST_PIN..=LONGEST_PIN).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_digit());
    if !is_pin {
        return Err(Error::usage(format!(
            "a PIN is {SHORTEST_PIN} to {LONGEST_PIN} digits"
        )));
    }
    let hash = Argon2::default()
        .hash_password(digits.as_bytes())
        .map_err(|error| Error::failed(format!("the PIN cannot be hashed: {error}")))?;
    tx.set_pin_hash(code, &hash.to_string(), stamp.entered_at)?;
    stamp.note(
        tx,
        &Event::PinSet {
            person: person.code,
        },
    )
}

/// Whether a PIN is the one of a person; `false` too for somebody without one.
///
/// # Errors
/// Nobody has the badge; what is kept is no hash.
pub fn is_pin(view: &View<'_>, code: &PersonCode, pin: &SecretString) -> Result<bool> {
    here(view, code)?;
    let Some(kept) = view.pin_hash(code)? else {
        return Ok(false);
    };
    let hash = argon2::PasswordHash::new(&kept)
        .map_err(|error| Error::failed(error.to_string()))
        .context(format!("the PIN of {code} on record cannot be read"))?;
    Ok(Argon2::default()
        .verify_password(pin.expose_secret().as_bytes(), &hash)
        .is_ok())
}

/// A person who has not left.
///
/// # Errors
/// Nobody has the badge, or who had it has left.
pub fn here(view: &View<'_>, code: &PersonCode) -> Result<Person> {
    let person = view.person(code)?.ok_or_else(|| {
        Error::usage(format!("nobody has the badge {code}"))
            .hint("\"tapeward person list\" shows all of them")
    })?;
    if person.closed_at.is_some() {
        return Err(Error::usage(format!("{} ({code}) has left", person.name)));
    }
    Ok(person)
}

/// A person leaves.
///
/// # Errors
/// The person has not left yet what was lent: each item is named.
pub fn close(tx: &Tx<'_>, stamp: &Stamp, code: &PersonCode, reason: &str) -> Result<()> {
    let person = here(tx, code)?;
    let loans = tx.open_loans(Some(code))?;
    if !loans.is_empty() {
        let items = loans
            .iter()
            .map(|loan| Ok(tx.item(loan.item)?.barcode().to_string()))
            .collect::<Result<Vec<_>>>()?;
        return Err(
            Error::usage(format!("{} still has {}", person.name, items.join(", "))).hint(
                "check it in first, or report it lost: tapeward media problem BARCODE --kind lost",
            ),
        );
    }
    tx.close_person(code, stamp.at)?;
    stamp.note(
        tx,
        &Event::PersonClosed {
            person: person.code,
            reason: reason.to_owned(),
        },
    )
}
