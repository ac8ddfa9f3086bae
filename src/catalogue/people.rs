//! People, and what they have signed for.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::error::{CatalogueError, ConstraintKind, Noun};
use super::sql::{Day, Json, Moment, moment, moment_option};
use super::store::{Tx, View};
use crate::id::{ItemId, PersonCode};

/// Somebody who touches media, or answers for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// As on the badge.
    pub code: PersonCode,
    /// The name.
    pub name: String,
    /// What the person does: names of roles, as the site calls them.
    pub roles: Vec<String>,
    /// Number to call.
    pub telephone: Option<String>,
    /// Address for mail.
    pub mail: Option<String>,
    /// Employer, where that is not us.
    pub organisation: Option<String>,
    /// When the person became known.
    pub added_at: DateTime<Utc>,
    /// When the person left.
    pub closed_at: Option<DateTime<Utc>>,
}

/// Something a person has signed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loan {
    /// What.
    pub item: ItemId,
    /// To whom.
    pub person: PersonCode,
    /// Since when.
    pub lent_at: DateTime<Utc>,
    /// Who gave it out.
    pub lent_by: String,
    /// By when it is to be back.
    pub due: NaiveDate,
    /// Why, in a person's words.
    pub reason: String,
    /// How it was signed for: a PIN, or the digest of a signed page.
    pub signed: String,
    /// When it came back.
    pub returned_at: Option<DateTime<Utc>>,
}

fn person(row: &Row<'_>) -> rusqlite::Result<Person> {
    Ok(Person {
        code: row.get("code")?,
        name: row.get("name")?,
        roles: row.get::<_, Json<_>>("roles")?.0,
        telephone: row.get("telephone")?,
        mail: row.get("mail")?,
        organisation: row.get("organisation")?,
        added_at: moment(row, "added_at")?,
        closed_at: moment_option(row, "closed_at")?,
    })
}

fn loan(row: &Row<'_>) -> rusqlite::Result<Loan> {
    Ok(Loan {
        item: row.get("item")?,
        person: row.get("person")?,
        lent_at: moment(row, "lent_at")?,
        lent_by: row.get("lent_by")?,
        due: row.get::<_, Day>("due")?.0,
        reason: row.get("reason")?,
        signed: row.get("signed")?,
        returned_at: moment_option(row, "returned_at")?,
    })
}

impl View<'_> {
    /// A person by code, whether still here or not.
    pub fn person(&self, code: &PersonCode) -> Result<Option<Person>, CatalogueError> {
        self.find("SELECT * FROM person WHERE code = ?1", [code], person)
    }

    /// Everybody, by code; those who left too.
    pub fn people(&self) -> Result<Vec<Person>, CatalogueError> {
        self.all("SELECT * FROM person ORDER BY code", [], person)
    }

    /// The hash of a person's PIN, if there is one.
    pub fn pin_hash(&self, code: &PersonCode) -> Result<Option<String>, CatalogueError> {
        self.find(
            "SELECT hash FROM person_pin WHERE person = ?1",
            [code],
            |row| row.get(0),
        )
    }

    /// What is lent out now: all of it, or to one person; first due first.
    pub fn open_loans(&self, to: Option<&PersonCode>) -> Result<Vec<Loan>, CatalogueError> {
        self.all(
            "SELECT * FROM loan WHERE returned_at IS NULL AND (?1 IS NULL OR person = ?1)
             ORDER BY due, id",
            [to],
            loan,
        )
    }
}

impl Tx<'_> {
    /// Adds a person.
    ///
    /// # Errors
    /// [`CatalogueError::Exists`] when somebody has the code, or had it once.
    pub fn add_person(&self, new: &Person) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO person
             VALUES (:code, :name, :roles, :telephone, :mail, :organisation, :at, NULL)",
            named_params! {
                ":code": new.code,
                ":name": new.name,
                ":roles": Json(&new.roles),
                ":telephone": new.telephone,
                ":mail": new.mail,
                ":organisation": new.organisation,
                ":at": Moment(new.added_at),
            },
        )
        .map(|_| ())
        .map_err(|error| {
            if error.is_constraint(ConstraintKind::Unique) {
                CatalogueError::Exists {
                    noun: Noun::Person,
                    which: new.code.to_string(),
                }
            } else {
                error
            }
        })
    }

    /// Changes name, roles and how to reach a person.
    pub fn change_person(&self, new: &Person) -> Result<(), CatalogueError> {
        self.change(
            Noun::Person,
            &new.code,
            "UPDATE person SET name = :name, roles = :roles, telephone = :telephone,
                mail = :mail, organisation = :organisation
             WHERE code = :code AND closed_at IS NULL",
            named_params! {
                ":code": new.code,
                ":name": new.name,
                ":roles": Json(&new.roles),
                ":telephone": new.telephone,
                ":mail": new.mail,
                ":organisation": new.organisation,
            },
        )
    }

    /// The person left; the PIN goes.
    pub fn close_person(&self, code: &PersonCode, at: DateTime<Utc>) -> Result<(), CatalogueError> {
        self.change(
            Noun::Person,
            code,
            "UPDATE person SET closed_at = ?2 WHERE code = ?1 AND closed_at IS NULL",
            (code, Moment(at)),
        )?;
        self.execute("DELETE FROM person_pin WHERE person = ?1", [code])
            .map(|_| ())
    }

    /// Keeps the hash of a person's PIN.
    pub fn set_pin_hash(
        &self,
        code: &PersonCode,
        hash: &str,
        at: DateTime<Utc>,
    ) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO person_pin VALUES (?1, ?2, ?3)
             ON CONFLICT (person) DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at",
            (code, hash, Moment(at)),
        )
        .map(|_| ())
    }

    /// Records that somebody has signed for something.
    pub fn add_loan(&self, new: &Loan) -> Result<(), CatalogueError> {
        self.execute(
            "INSERT INTO loan (item, person, lent_at, lent_by, due, reason, signed)
             VALUES (:item, :person, :at, :by, :due, :reason, :signed)",
            named_params! {
                ":item": new.item,
                ":person": new.person,
                ":at": Moment(new.lent_at),
                ":by": new.lent_by,
                ":due": Day(new.due),
                ":reason": new.reason,
                ":signed": new.signed,
            },
        )
        .map(|_| ())
    }

    /// What was lent is back; returns what the loan was, if there was one.
    pub fn return_loan(
        &self,
        item: ItemId,
        at: DateTime<Utc>,
    ) -> Result<Option<Loan>, CatalogueError> {
        let open = self.find(
            "SELECT * FROM loan WHERE item = ?1 AND returned_at IS NULL",
            [item],
            loan,
        )?;
        self.execute(
            "UPDATE loan SET returned_at = ?2 WHERE item = ?1 AND returned_at IS NULL",
            (item, Moment(at)),
        )?;
        Ok(open)
    }
}
