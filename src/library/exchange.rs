//! What a robot does beside moving one cartridge: exchanging two, going before an element.

use tapeward_drivers::ScsiError;
use tapeward_drivers::smc::{ElementAddress, ElementKind, Exchange};

use super::robot::Library;
use super::view::{Place, View};
use crate::error::{Context, Error, Result};

impl Library {
    /// Moves the cartridge of the first destination to the second and that of the source to the
    /// first: checks first, moves, looks again.
    ///
    /// # Errors
    /// Nothing was moved when the check fails; after an error of the robot the message says where
    /// both cartridges are seen.
    pub fn exchange(&self, exchange: Exchange) -> Result<View> {
        let mut changer = self.changer()?;
        let _lock = self.hold_robot()?;
        let before = self.look(&mut changer)?;
        let [source, first, second] = check(&before, exchange)?;
        let kinds = (source.name.kind, first.name.kind);
        let mut outcome = changer.exchange_medium(picker(&before), exchange, kinds);
        if outcome.as_ref().is_err_and(ScsiError::is_unit_attention) {
            // The command was not performed (SPC-5, unit attention conditions): once more, if the
            // elements still are as checked.
            check(&self.look(&mut changer)?, exchange)?;
            outcome = changer.exchange_medium(picker(&before), exchange, kinds);
        }
        let after = self.look(&mut changer)?;
        let seen = |place: &Place| where_is(&after, place);
        let what = format!(
            "exchange {} in {} with {} in {}",
            source.content(),
            source.name,
            first.content(),
            first.name
        );
        let now = format!(
            "{} is {}, {} is {}",
            source.content(),
            seen(source),
            first.content(),
            seen(first)
        );
        outcome.context(format!("cannot {what} ({now})"))?;
        let is_at = |place: &Place, address| {
            let there = after.at(address).filter(|there| there.full);
            there.is_some_and(|there| there.content() == place.content())
        };
        if is_at(source, first.address) && is_at(first, second.address) {
            return Ok(after);
        }
        Err(
            Error::failed(format!("the robot says it did {what}, but {now}"))
                .hint("look with \"tapeward library inventory --initialize\""),
        )
    }

    /// Brings the robot before an element.
    pub fn position(&self, place: &Place) -> Result<()> {
        let mut changer = self.changer()?;
        let _lock = self.hold_robot()?;
        let picker = picker(&self.look(&mut changer)?);
        let mut outcome = changer.position_to_element(picker, place.address);
        if outcome.as_ref().is_err_and(ScsiError::is_unit_attention) {
            outcome = changer.position_to_element(picker, place.address);
        }
        outcome.context(format!("cannot bring the robot before {}", place.name))
    }
}

/// The robot itself as an element; 0 is the library's choice.
fn picker(view: &View) -> ElementAddress {
    view.of_kind(ElementKind::MediumTransport)
        .next()
        .map_or(ElementAddress(0), |place| place.address)
}

/// Source, first and second destination, if all of them allow it.
fn check(view: &View, exchange: Exchange) -> Result<[&Place; 3]> {
    let find = |address| {
        view.at(address)
            .ok_or_else(|| Error::usage(format!("the library has no element {address}")))
    };
    let (source, first) = (find(exchange.source)?, find(exchange.first_destination)?);
    let second = find(exchange.second_destination)?;
    if source.address == first.address || first.address == second.address {
        return Err(Error::usage(format!(
            "the cartridge in {} has to go to another element",
            first.name
        )));
    }
    for place in [source, first] {
        if !place.full {
            return Err(Error::failed(format!("{} is empty", place.name))
                .hint("\"tapeward library transfer\" moves one cartridge"));
        }
        if !place.access && place.name.kind != ElementKind::DataTransfer {
            return Err(Error::failed(format!(
                "the robot cannot reach {}",
                place.name
            )));
        }
    }
    if second.full && second.address != source.address {
        return Err(Error::failed(format!(
            "{} is not free: {} is in it",
            second.name,
            second.content()
        )));
    }
    match [first, second].into_iter().find(|place| place.disabled) {
        Some(place) => Err(Error::failed(format!("{} is disabled", place.name))),
        None => Ok([source, first, second]),
    }
}

/// Where the cartridge that was in a place is seen, in words.
fn where_is(view: &View, place: &Place) -> String {
    let content = place.content();
    let mut places = view.places.iter();
    let found = places.find(|other| other.full && other.content() == content);
    found.map_or_else(
        || "seen nowhere".to_owned(),
        |found| format!("in {}", found.name),
    )
}
