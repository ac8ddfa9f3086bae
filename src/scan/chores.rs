//! HELP, UNDO and PROBLEM.

use super::answer::Answer;
use super::effect::Effect;
use super::session::{Asked, Turn};
use super::task::Task;
use crate::catalogue::ExceptionKind;
use crate::error::Result;
use crate::id::Barcode;

/// What can be the matter with an item, in the order of the question.
pub(super) const KINDS: [ExceptionKind; 6] = [
    ExceptionKind::Dropped,
    ExceptionKind::Wet,
    ExceptionKind::Unreadable,
    ExceptionKind::Broken,
    ExceptionKind::Lost,
    ExceptionKind::Foreign,
];

fn question() -> String {
    let kinds: Vec<String> = KINDS
        .iter()
        .enumerate()
        .map(|(index, kind)| format!("{} {kind}", index + 1))
        .collect();
    format!("type the number: {}", kinds.join(", "))
}

impl Turn<'_> {
    /// What can be done now.
    pub(super) fn help(&self) -> Answer {
        let session = &self.session;
        let sentence = match (&session.asked, &session.badge, &session.task) {
            (Asked::Pin { .. }, ..) => "type your PIN, then Enter".to_owned(),
            (_, None, _) => "scan your badge".to_owned(),
            (Asked::Again { typed, .. }, ..) => format!("type {typed} once more"),
            (Asked::Problem, ..) => "scan what the problem is about".to_owned(),
            (Asked::Kind { .. }, ..) => question(),
            (Asked::Leave, ..) => "scan DONE to leave them open, or go on scanning".to_owned(),
            (_, _, None) => "scan OUT, IN, PACK, COUNT or PROBLEM".to_owned(),
            (_, _, Some(task)) if task.spot.is_none() => task.errand.wants().to_owned(),
            (_, _, Some(task)) => format!(
                "{}: scan one by one, UNDO takes the last one back, DONE ends",
                task.title()
            ),
        };
        Answer::good("HELP", sentence)
    }

    /// The last scan was wrong.
    pub(super) fn undo(&mut self) -> Answer {
        let last = self.session.task.as_mut().and_then(Task::take_back);
        let Some(barcode) = last else {
            return Answer::bad("NOTHING", "there is nothing to take back");
        };
        let answer = Answer::good("UNDONE", format!("{barcode} is where it was: put it back"));
        self.effects.push(Effect::Undone { barcode });
        answer
    }

    /// Something is the matter with this.
    pub(super) fn about(&mut self, barcode: &Barcode) -> Result<Answer> {
        // What is not on record may be somebody else's.
        let barcode = match self.known(barcode)? {
            Ok(known) => known.barcode,
            Err(answer) if answer.word == "UNKNOWN" => barcode.clone(),
            Err(answer) => {
                self.session.asked = Asked::Problem;
                return Ok(answer);
            }
        };
        let answer = Answer::good("WHICH", format!("{barcode}: {}", question()));
        self.session.asked = Asked::Kind { barcode };
        Ok(answer)
    }

    /// What is the matter with it.
    pub(super) fn kind(&mut self, barcode: &Barcode, text: &str) -> Answer {
        let by_number = text
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1));
        let kind = match by_number {
            Some(index) => KINDS.get(index).copied(),
            None => KINDS
                .into_iter()
                .find(|kind| kind.as_str().eq_ignore_ascii_case(text)),
        };
        let Some(kind) = kind else {
            self.session.asked = Asked::Kind {
                barcode: barcode.clone(),
            };
            return Answer::bad("WHICH", format!("{barcode}: {}", question()));
        };
        self.effects.push(Effect::Problem {
            barcode: barcode.clone(),
            kind,
        });
        let after = if kind == ExceptionKind::Lost {
            "it is looked for"
        } else {
            "put it aside"
        };
        Answer::good("NOTED", format!("{barcode} is {kind}: {after}"))
    }
}
