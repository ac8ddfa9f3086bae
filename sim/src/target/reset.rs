//! What ends at a logical unit reset and at the loss of an I_T nexus (SAM-5).

use tapeward_drivers::socket::InitiatorId;

use super::Changer;
use super::attention::Condition;
use super::drive::{Buffering, Drive};
use super::medium::Medium;
use super::primary::{Parts, PrimaryCommands};

impl Drive {
    /// Logical unit reset: what is buffered is written and the tape stays where it is; modes are
    /// as after power on.
    pub(crate) fn logical_unit_reset(&mut self) {
        if let Medium::Loaded(mounted) = &mut self.medium
            && let Err(sense) = mounted.synchronize()
        {
            self.deferred = Some(sense.as_deferred());
        }
        self.pages.reset();
        self.buffering = Buffering::Buffered;
        self.block_length = 0;
        self.lose_and_clear_keys(|drive| reset(&mut drive.parts()));
    }

    /// An initiator went away with its session.
    pub(crate) fn lose_nexus(&mut self, initiator: InitiatorId) {
        self.lose_and_clear_keys(|drive| lose(&mut drive.parts(), initiator));
    }
}

impl Changer {
    /// Logical unit reset: modes are as after power on.
    pub(crate) fn logical_unit_reset(&mut self) {
        self.pages.reset();
        reset(&mut self.parts());
    }

    /// An initiator went away with its session.
    pub(crate) fn lose_nexus(&mut self, initiator: InitiatorId) {
        self.found.remove(&initiator);
        lose(&mut self.parts(), initiator);
    }
}

fn reset(parts: &mut Parts<'_>) {
    parts.prevented_by.clear();
    parts.primary.reservations.reset();
    parts.attentions.raise(Condition::UnitReset, None);
}

fn lose(parts: &mut Parts<'_>, initiator: InitiatorId) {
    parts.prevented_by.remove(&initiator);
    parts.primary.reservations.lose_nexus(initiator);
    parts.attentions.lose_nexus(initiator);
}
