//! DONE: what is open is listed and asked about; a count says what disagrees.

use super::answer::Answer;
use super::effect::Effect;
use super::lookup::words;
use super::session::{Asked, Turn};
use super::task::{Errand, Sight, Spot, Task};
use crate::catalogue::ExceptionKind;
use crate::error::Result;
use crate::id::PlaceCode;

/// Open lines that are shown.
const SHOWN: usize = 40;

impl Turn<'_> {
    /// That was all.
    pub(super) fn done(&mut self, asked: &Asked) -> Result<Answer> {
        let Some(task) = self.session.task.clone() else {
            return Ok(Answer::bad(
                "NOTHING",
                "nothing is begun: scan OUT, IN, PACK or COUNT",
            ));
        };
        let Some(spot) = &task.spot else {
            self.session.task = None;
            return Ok(Answer::good("DONE", "scan OUT, IN, PACK or COUNT"));
        };
        let open = task.open();
        if !open.is_empty() && task.sight == Sight::Open && *asked != Asked::Leave {
            self.session.asked = Asked::Leave;
            let sentence = format!(
                "{} not scanned: scan DONE again to leave {} so, or go on",
                open.len(),
                if open.len() == 1 { "it" } else { "them" }
            );
            let more = open.len().saturating_sub(SHOWN);
            let mut list: Vec<String> = open.iter().take(SHOWN).map(ToString::to_string).collect();
            if more > 0 {
                list.push(format!("and {more} more"));
            }
            return Ok(Answer::bad("OPEN", sentence).with(list));
        }
        let mut answer = match (task.errand, spot) {
            (Errand::Count, Spot::Place(place)) => self.end_count(&task, place)?,
            _ if open.is_empty() => Answer::good("DONE", format!("{} is finished", task.title())),
            _ => Answer::good(
                "DONE",
                format!("{} is over, {} stay open", task.title(), open.len()),
            ),
        };
        answer.count = Some(task.count());
        self.effects.push(Effect::Closed);
        self.session.task = None;
        Ok(answer)
    }

    /// What was counted against what is on record now: what came or left meanwhile is not lost.
    fn end_count(&mut self, task: &Task, place: &PlaceCode) -> Result<Answer> {
        let here = self.lookups.place(place)?;
        let mut list = Vec::new();
        let mut disagree = |kind: ExceptionKind, barcode, detail: String| {
            list.push(detail.clone());
            self.effects.push(Effect::Disagrees {
                kind,
                barcode,
                place: Some(place.clone()),
                detail,
            });
        };
        for barcode in task.open() {
            let known = self.lookups.item(&barcode)?;
            let still = known.is_some_and(|known| Some(&known.place) == here.as_ref());
            if still {
                let detail = format!("{barcode} is not in {place}");
                disagree(ExceptionKind::Missing, barcode, detail);
            }
        }
        for barcode in &task.done {
            match self.lookups.item(barcode)? {
                Some(known) if Some(&known.place) == here.as_ref() => {}
                Some(known) => disagree(
                    ExceptionKind::Misplaced,
                    barcode.clone(),
                    format!(
                        "{barcode} is in {place}, on record it is {}",
                        words(&known.place)
                    ),
                ),
                None => disagree(
                    ExceptionKind::Surplus,
                    barcode.clone(),
                    format!("{barcode} is in {place} and not on record"),
                ),
            }
        }
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        self.effects.push(Effect::CountEnded {
            expected: number(task.expected.len()),
            found: number(task.done.len()),
        });
        let sentence = match list.len() {
            0 => format!("{place} is as on record"),
            1 => "1 difference is noted".to_owned(),
            many => format!("{many} differences are noted"),
        };
        let bell = if list.is_empty() {
            Answer::good
        } else {
            Answer::bad
        };
        Ok(bell("DONE", sentence).with(list))
    }
}
