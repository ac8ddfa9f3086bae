//! Disposal: asked for by one person, agreed to by another, done by a contractor, proved item by item.

use chrono::NaiveDate;
use serde::Serialize;

use super::exception::{self, About};
use super::stamp::Stamp;
use super::{custody, rule};
use crate::app::App;
use crate::catalogue::{
    Approval, Certificate, ContentState, Contractor, Disposal, DisposalState, ElementKind,
    ExceptionKind, Item, Place, Tx,
};
use crate::error::{Error, Result};
use crate::id::{Barcode, DisposalId};
use crate::journal::Event;
use crate::media::list_file::List;
use crate::retention;

/// One transaction in the name of whoever does it.
#[derive(Debug)]
pub struct Office<'a> {
    /// The state folder.
    pub app: &'a App,
    /// The transaction.
    pub tx: &'a Tx<'a>,
    /// Who, when, why.
    pub stamp: &'a Stamp,
}

/// How a second person agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Second {
    /// By badge: whoever does it.
    Badge,
    /// On paper: the name and the digest of the signed page.
    Page {
        /// Who signed.
        name: String,
        /// SHA-256 of the page.
        digest: String,
    },
}

/// What a certificate proves and what not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Certified {
    /// Number of the disposal.
    pub disposal: String,
    /// Items the certificate names.
    pub certified: Vec<Barcode>,
    /// Items of the disposal that no certificate names yet.
    pub open: Vec<Barcode>,
    /// Numbers of the exceptions that are open.
    pub exceptions: Vec<u32>,
}

impl Office<'_> {
    /// Asks for the disposal of items.
    ///
    /// # Errors
    /// Something on one must be kept, or it is on another disposal: each is named, and nothing is
    /// recorded.
    pub fn request(&self, barcodes: &[Barcode]) -> Result<Disposal> {
        let reason = self.stamp.reason.clone().unwrap_or_default();
        if reason.trim().is_empty() {
            return Err(Error::usage("why? A disposal has a --reason"));
        }
        let disposal = Disposal {
            id: DisposalId::generate(self.stamp.entered_at),
            number: self.next_number()?,
            state: DisposalState::Requested,
            reason,
            requested_at: self.stamp.at,
            requested_by: self.stamp.by.clone(),
            approval: None,
            contractor: None,
            certificates: Vec::new(),
            ended_at: None,
        };
        self.tx.put_disposal(&disposal)?;
        let mut refused = Vec::new();
        for barcode in barcodes {
            match self.may_go(barcode) {
                Ok(item) => self.tx.add_disposal_item(disposal.id, item.id(), barcode)?,
                Err(error) => refused.push(error),
            }
        }
        if let Some(error) = custody::joined(&refused) {
            return Err(error);
        }
        self.note(&disposal, "requested")?;
        Ok(disposal)
    }

    /// The item, if nothing on it must be kept and no other disposal is of it.
    fn may_go(&self, barcode: &Barcode) -> Result<Item> {
        let item = custody::known(self.tx, barcode)?;
        if let Some(other) = self.tx.open_disposal_of(item.id())? {
            return Err(Error::usage(format!(
                "{barcode} is on disposal {}",
                other.number
            )));
        }
        self.is_free(&item)?;
        Ok(item)
    }

    /// Refuses what retention or a hold keeps; settles what a volume's content is by now.
    fn is_free(&self, item: &Item) -> Result<()> {
        let barcode = item.barcode();
        let Some(cartridge) = item.cartridge() else {
            return Ok(());
        };
        if self.tx.foreign_on(cartridge.id)?.is_some() {
            return Err(Error::usage(format!(
                "{barcode} holds another program's data that is kept"
            ))
            .hint("release it first: tapeward media release-foreign"));
        }
        let Some(volume) = self.tx.volume_on(cartridge.id)? else {
            return Ok(());
        };
        let keeps = retention::keeps(self.tx, volume.id, self.stamp.entered_at)?;
        if let Some(keep) = keeps.first() {
            return Err(
                Error::usage(format!("{barcode} must be kept: {keep}")).hint(
                    "wait, end the hold, or copy it to another cartridge (tapeward copy refresh)",
                ),
            );
        }
        Ok(())
    }

    /// A second person agrees: the items are out of use.
    ///
    /// # Errors
    /// The same person as asked for it, or one without the role; something must be kept by now.
    pub fn approve(&self, number: &str, second: &Second) -> Result<Disposal> {
        let mut disposal = self.in_state(number, DisposalState::Requested)?;
        let role = self.app.config.disposal.approver_role.clone();
        let (by, signed) = match second {
            Second::Page { name, digest } => (name.clone(), Some(digest.clone())),
            Second::Badge => {
                let code = self.stamp.by.parse().map_err(|_| {
                    Error::usage("who agrees? Say --as PERSON, or --signed FILE with --name NAME")
                })?;
                let person = super::person::here(self.tx, &code)?;
                if !person.roles.contains(&role) {
                    return Err(Error::usage(format!(
                        "{} is not \"{role}\" and cannot agree",
                        person.name
                    ))
                    .hint("the role is approver-role in [disposal] of config.toml"));
                }
                (code.to_string(), None)
            }
        };
        if by == disposal.requested_by {
            return Err(Error::usage(format!(
                "{by} has asked for it: another person must agree"
            ))
            .hint("where there is nobody else: --signed FILE --name NAME with a page another person signed"));
        }
        for row in self.tx.disposal_items(disposal.id)? {
            let item = self.tx.item(row.item)?;
            self.is_free(&item)?;
            self.retire(&item, number)?;
        }
        disposal.state = DisposalState::Approved;
        disposal.approval = Some(Approval {
            by,
            role,
            at: self.stamp.at,
            signed,
        });
        self.tx.put_disposal(&disposal)?;
        self.note(&disposal, "approved")?;
        Ok(disposal)
    }

    fn retire(&self, item: &Item, number: &str) -> Result<()> {
        let Some(cartridge) = item.cartridge() else {
            return Ok(());
        };
        let Some(volume) = self.tx.volume_on(cartridge.id)? else {
            return Ok(());
        };
        let now = self.stamp.entered_at;
        retention::review_volume(self.app, self.tx, now, &volume)?;
        let reason = format!("disposal {number}");
        let retired = ContentState::Retired;
        retention::change_content(self.app, self.tx, now, volume.id, retired, &reason)
    }

    /// A contractor takes the items: destruction is pending.
    ///
    /// # Errors
    /// Its accreditation is over on the day it is due; an item is in a library; something must be kept
    /// by now.
    pub fn hand_over(
        &self,
        number: &str,
        name: &str,
        accredited_until: NaiveDate,
        due: NaiveDate,
    ) -> Result<Disposal> {
        let mut disposal = self.in_state(number, DisposalState::Approved)?;
        if name.trim().is_empty() {
            return Err(Error::usage("who takes it? A contractor has a name"));
        }
        if due < self.stamp.day() {
            return Err(Error::usage(format!("{due} is over")));
        }
        if accredited_until < due {
            return Err(Error::usage(format!(
                "{name} is accredited until {accredited_until}, and the certificate is due {due}"
            ))
            .hint("ask for a new accreditation, or take another contractor"));
        }
        for row in self.tx.disposal_items(disposal.id)? {
            let item = self.tx.item(row.item)?;
            self.is_free(&item)?;
            if let Place::Element { kind, .. } = item.place()
                && *kind != ElementKind::ImportExport
            {
                return Err(
                    Error::usage(format!("{} is in the library", row.barcode)).hint(format!(
                        "move it out first: tapeward library eject {}",
                        row.barcode
                    )),
                );
            }
            let note = format!("disposal {number}, {name}");
            custody::place(
                self.tx,
                self.stamp,
                &item,
                &Place::InTransit,
                None,
                Some(&note),
            )?;
        }
        disposal.state = DisposalState::Pending;
        disposal.contractor = Some(Contractor {
            name: name.to_owned(),
            accredited_until,
            taken_at: self.stamp.at,
            due,
        });
        self.tx.put_disposal(&disposal)?;
        self.note(&disposal, "handed_over")?;
        Ok(disposal)
    }

    /// A certificate came: each item it names is destroyed and leaves the inventory; what it does not
    /// name stays open.
    ///
    /// # Errors
    /// No contractor has it yet; the certificate was entered before.
    pub fn certificate(
        &self,
        number: &str,
        certificate_number: &str,
        digest: &str,
        list: &List,
    ) -> Result<Certified> {
        let mut disposal = self.in_state(number, DisposalState::Pending)?;
        if disposal
            .certificates
            .iter()
            .any(|known| known.digest == digest)
        {
            return Err(Error::usage("this certificate was entered before"));
        }
        let items = self.tx.disposal_items(disposal.id)?;
        let mut certified = Vec::new();
        let mut exceptions = Vec::new();
        for barcode in &list.barcodes {
            match items.iter().find(|row| row.barcode == *barcode) {
                Some(row) if row.certified_at.is_some() => {}
                Some(row) => {
                    self.destroyed(&disposal, row.item)?;
                    certified.push(barcode.clone());
                }
                None => exceptions.push(self.surplus(number, barcode)?),
            }
        }
        disposal.certificates.push(Certificate {
            digest: digest.to_owned(),
            number: certificate_number.to_owned(),
            items: u32::try_from(certified.len()).unwrap_or(u32::MAX),
            at: self.stamp.at,
            by: self.stamp.by.clone(),
        });
        let mut open = Vec::new();
        for row in self.tx.disposal_items(disposal.id)? {
            if row.certified_at.is_none() {
                let detail = format!(
                    "{} of disposal {number} is on no certificate (the last is {certificate_number})",
                    row.barcode
                );
                let about = About::item(&self.tx.item(row.item)?);
                let kind = ExceptionKind::ShortCertificate;
                exceptions.push(exception::open(self.tx, self.stamp, kind, &about, &detail)?);
                open.push(row.barcode);
            }
        }
        if open.is_empty() {
            disposal.state = DisposalState::Closed;
            disposal.ended_at = Some(self.stamp.at);
        }
        self.tx.put_disposal(&disposal)?;
        self.note(&disposal, "certificate")?;
        Ok(Certified {
            disposal: number.to_owned(),
            certified,
            open,
            exceptions,
        })
    }

    fn destroyed(&self, disposal: &Disposal, item: crate::id::ItemId) -> Result<()> {
        let now = self.stamp.entered_at;
        self.tx.certify_item(disposal.id, item, self.stamp.at)?;
        let reason = format!("destroyed: disposal {}", disposal.number);
        match self.tx.item(item)? {
            Item::Cartridge(cartridge) => {
                if let Some(volume) = self.tx.volume_on(cartridge.id)? {
                    let gone = ContentState::Destroyed;
                    retention::change_content(self.app, self.tx, now, volume.id, gone, &reason)?;
                }
                self.tx.retire_cartridge(cartridge.id, now)?;
                let cartridge = cartridge.id;
                self.stamp
                    .note(self.tx, &Event::CartridgeRetired { cartridge, reason })
            }
            Item::Thing(thing) => {
                self.tx.retire_thing(thing.id, now)?;
                let thing = thing.id;
                self.stamp
                    .note(self.tx, &Event::ThingRetired { thing, reason })
            }
        }
    }

    fn surplus(&self, number: &str, barcode: &Barcode) -> Result<u32> {
        let (about, place) = match self.tx.item_by_barcode(barcode)? {
            Some(item) => (About::item(&item), rule::going(item.place())),
            None => (About::barcode(barcode), "not on record".to_owned()),
        };
        let detail = format!(
            "the certificate of disposal {number} names {barcode}, which is not on it: it is {place}"
        );
        exception::open(self.tx, self.stamp, ExceptionKind::Surplus, &about, &detail)
    }

    /// It does not take place. What was retired for it stays out of use until somebody decides.
    ///
    /// # Errors
    /// A contractor has it already.
    pub fn withdraw(&self, number: &str) -> Result<Disposal> {
        let mut disposal = self.tx.disposal(number)?;
        if !matches!(
            disposal.state,
            DisposalState::Requested | DisposalState::Approved
        ) {
            return Err(Error::usage(format!(
                "disposal {number} is {} and cannot be withdrawn",
                disposal.state
            )));
        }
        disposal.state = DisposalState::Withdrawn;
        disposal.ended_at = Some(self.stamp.at);
        self.tx.put_disposal(&disposal)?;
        self.note(&disposal, "withdrawn")?;
        Ok(disposal)
    }

    fn in_state(&self, number: &str, state: DisposalState) -> Result<Disposal> {
        let disposal = self.tx.disposal(&number.to_ascii_uppercase())?;
        if disposal.state == state {
            return Ok(disposal);
        }
        let hint = match disposal.state {
            DisposalState::Requested => "somebody must agree first: tapeward disposal approve",
            DisposalState::Approved => "hand it over first: tapeward disposal hand-over",
            DisposalState::Pending => "its certificate is awaited: tapeward disposal certificate",
            DisposalState::Closed | DisposalState::Withdrawn => "nothing more happens with it",
        };
        Err(Error::usage(format!("disposal {number} is {}", disposal.state)).hint(hint))
    }

    fn note(&self, disposal: &Disposal, what: &str) -> Result<()> {
        let items = self.tx.disposal_items(disposal.id)?;
        self.stamp.note(
            self.tx,
            &Event::DisposalChanged {
                number: disposal.number.clone(),
                what: what.to_owned(),
                happened_at: self.stamp.happened_at(),
                barcodes: items.into_iter().map(|row| row.barcode).collect(),
                detail: serde_json::json!({
                    "approval": disposal.approval,
                    "contractor": disposal.contractor,
                    "certificate": disposal.certificates.last(),
                }),
            },
        )
    }

    fn next_number(&self) -> Result<String> {
        let year = self.stamp.day().format("D%Y-").to_string();
        let last = self
            .tx
            .disposals()?
            .iter()
            .filter_map(|disposal| disposal.number.strip_prefix(&year)?.parse::<u32>().ok())
            .max()
            .unwrap_or(0);
        Ok(format!("{year}{:03}", last + 1))
    }
}
