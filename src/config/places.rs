//! Where things are kept and who carries them: sites, places, carriers.

use serde::{Deserialize, Serialize};

use super::Config;
use crate::catalogue::{Place, PlaceKind, Witness};
use crate::error::{Error, Result};
use crate::id::{CarrierCode, PersonCode, PlaceCode, SiteCode};
use crate::rotation::Calendar;

/// An address with people and libraries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SiteConfig {
    /// Its name, on manifests.
    pub name: String,
    /// Its address, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address: Vec<String>,
    /// Whom to call when something is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telephone: Option<String>,
    /// When people are there.
    #[serde(default, skip_serializing_if = "is_default")]
    pub calendar: Calendar,
}

/// A safe, shelf, vault or other place.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlaceConfig {
    /// What kind of place.
    pub kind: PlaceKind,
    /// Its name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The site it is at; for a vault the site it serves. The only site without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteCode>,
    /// How many cartridges it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    /// Where cartridges go that it has no room for, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overflow: Vec<PlaceCode>,
    /// Fire rating of a safe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fire_rating: Option<FireRating>,
    /// Vault: the vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Vault: our number there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_number: Option<String>,
    /// Vault: its address, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub address: Vec<String>,
    /// Vault: whom to call at night.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency_line: Option<String>,
    /// Vault: who may authorise an urgent recall, by badge.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorised: Vec<PersonCode>,
    /// Vault: the carrier that drives there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<CarrierCode>,
    /// What must be seen before a line on its way out counts as there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_grade: Option<Witness>,
    /// What must be seen before a line on its way back counts as here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_grade: Option<Witness>,
    /// Hours that what comes from there rests before it is loaded.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub acclimatise_hours: u32,
    /// Vault: when it takes and gives.
    #[serde(default, skip_serializing_if = "is_default")]
    pub calendar: Calendar,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_default(calendar: &Calendar) -> bool {
    *calendar == Calendar::default()
}

/// A carrier.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CarrierConfig {
    /// Its name, on manifests.
    pub name: String,
    /// Whom to call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telephone: Option<String>,
    /// Registrations of its vehicles, where known: only these are accepted at a hand-over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vehicles: Vec<String>,
    /// Names of its drivers, where known: only these are accepted at a hand-over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drivers: Vec<String>,
    /// The days it comes; the time of day by which a run must be announced.
    #[serde(default, skip_serializing_if = "is_default")]
    pub calendar: Calendar,
}

/// How safe a safe is for media in a fire. Paper survives 177 °C, tape does not survive 52.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum FireRating {
    /// UL 72 class 125, for media.
    #[serde(rename = "ul72-125")]
    Ul72Class125,
    /// EN 1047-1 DIS, for media.
    #[serde(rename = "en1047-1-dis")]
    En1047Dis,
    /// UL 72 class 350, for paper.
    #[serde(rename = "ul72-350")]
    Ul72Class350,
    /// EN 1047-1 P, for paper.
    #[serde(rename = "en1047-1-p")]
    En1047P,
    /// None at all.
    #[serde(rename = "none")]
    None,
}

impl FireRating {
    /// Whether media survive in it.
    #[must_use]
    pub fn is_for_media(self) -> bool {
        matches!(self, Self::Ul72Class125 | Self::En1047Dis)
    }
}

impl PlaceConfig {
    /// The name for people; the code where it has none.
    #[must_use]
    pub fn name<'a>(&'a self, code: &'a PlaceCode) -> &'a str {
        self.name.as_deref().unwrap_or(code.as_str())
    }
}

impl Config {
    /// A place as configured.
    ///
    /// # Errors
    /// No place has this code.
    pub fn place(&self, code: &PlaceCode) -> Result<&PlaceConfig> {
        self.place.get(code).ok_or_else(|| {
            let known: Vec<&str> = self.place.keys().map(PlaceCode::as_str).collect();
            Error::usage(format!("no place has the code {code}")).hint(if known.is_empty() {
                "add one: \"tapeward place add safe CODE\"".to_owned()
            } else {
                format!("configured: {}", known.join(", "))
            })
        })
    }

    /// Being in a place.
    ///
    /// # Errors
    /// No place has this code.
    pub fn kept_at(&self, code: &PlaceCode) -> Result<Place> {
        Ok(Place::Kept {
            kind: self.place(code)?.kind,
            code: code.clone(),
        })
    }

    /// A carrier as configured.
    ///
    /// # Errors
    /// No carrier has this code.
    pub fn carrier(&self, code: &CarrierCode) -> Result<&CarrierConfig> {
        self.carrier.get(code).ok_or_else(|| {
            let known: Vec<&str> = self.carrier.keys().map(CarrierCode::as_str).collect();
            Error::usage(format!("no carrier has the code {code}")).hint(if known.is_empty() {
                "add one: \"tapeward carrier add CODE\"".to_owned()
            } else {
                format!("configured: {}", known.join(", "))
            })
        })
    }

    /// The site of a place: its own, else the only one.
    ///
    /// # Errors
    /// It names none, and there is none or more than one.
    pub fn site_of(&self, code: &PlaceCode) -> Result<(&SiteCode, &SiteConfig)> {
        let named = match &self.place(code)?.site {
            Some(site) => self.site.get_key_value(site),
            None if self.site.len() == 1 => self.site.first_key_value(),
            None => None,
        };
        named.ok_or_else(|| {
            Error::usage(format!("it is not known to which site {code} belongs")).hint(format!(
                "add a site with \"tapeward place add site CODE\" and name it in place.{code}"
            ))
        })
    }

    /// What is wrong with sections of sites, places and carriers.
    pub(super) fn check_places(&self) -> std::result::Result<(), String> {
        for (code, site) in &self.site {
            if site.name.trim().is_empty() {
                return Err(format!("site.{code} has no name"));
            }
            site.calendar
                .check()
                .map_err(|what| format!("site.{code}.calendar: {what}"))?;
        }
        for (code, carrier) in &self.carrier {
            if carrier.name.trim().is_empty() {
                return Err(format!("carrier.{code} has no name"));
            }
            carrier
                .calendar
                .check()
                .map_err(|what| format!("carrier.{code}.calendar: {what}"))?;
        }
        self.place
            .iter()
            .try_for_each(|(code, place)| self.check_place(code, place))
    }

    fn check_place(
        &self,
        code: &PlaceCode,
        place: &PlaceConfig,
    ) -> std::result::Result<(), String> {
        let wrong = |what: String| Err(format!("place.{code}{what}"));
        if let Some(site) = place
            .site
            .as_ref()
            .filter(|site| !self.site.contains_key(*site))
        {
            return wrong(format!(".site names {site}, and there is no site.{site}"));
        }
        if let Some(carrier) = &place.carrier
            && !self.carrier.contains_key(carrier)
        {
            return wrong(format!(
                ".carrier names {carrier}, and there is no carrier.{carrier}"
            ));
        }
        for other in &place.overflow {
            if other == code || !self.place.contains_key(other) {
                return wrong(format!(".overflow names {other}, which is no other place"));
            }
        }
        if place.capacity == Some(0) {
            return wrong(".capacity is 0, it must be at least 1".to_owned());
        }
        let of_vaults = [
            ("vendor", place.vendor.is_some()),
            ("customer-number", place.customer_number.is_some()),
            ("emergency-line", place.emergency_line.is_some()),
            ("authorised", !place.authorised.is_empty()),
            ("carrier", place.carrier.is_some()),
            ("out-grade", place.out_grade.is_some()),
            ("back-grade", place.back_grade.is_some()),
        ];
        if place.kind != PlaceKind::Vault
            && let Some((what, _)) = of_vaults.iter().find(|(_, given)| *given)
        {
            return wrong(format!(
                ".{what} is for vaults, and this is a {}",
                place.kind
            ));
        }
        if place.kind != PlaceKind::Safe && place.fire_rating.is_some() {
            return wrong(format!(
                ".fire-rating is for safes, and this is a {}",
                place.kind
            ));
        }
        let no_grade = |grade: Option<Witness>| {
            grade.is_some_and(|grade| {
                matches!(grade, Witness::Robot | Witness::Person | Witness::Derived)
            })
        };
        if no_grade(place.out_grade) || no_grade(place.back_grade) {
            return wrong(
                ".out-grade and .back-grade are one of scanned, keyed, receipt, case, signed"
                    .to_owned(),
            );
        }
        place
            .calendar
            .check()
            .or_else(|what| wrong(format!(".calendar: {what}")))
    }
}
