//! What ends at a logical unit reset and at the loss of an I_T nexus (SAM-5).

use tapeward_drivers::socket::InitiatorId;

use super::Changer;
use super::attention::Condition;
use super::drive::{Buffering, Drive};
use super::medium::Medium;

impl Drive {
    /// Logical unit reset: what is buffered is written and the tape stays where it is; modes and
    /// prevention are as after power on.
    pub(crate) fn logical_unit_reset(&mut self) {
        if let Medium::Loaded(mounted) = &mut self.medium
            && let Err(sense) = mounted.synchronize()
        {
            self.deferred = Some(sense.as_deferred());
        }
        self.pages.reset();
        self.buffering = Buffering::Buffered;
        self.block_length = 0;
        self.prevented_by.clear();
        self.attentions.raise(Condition::UnitReset, None);
    }

    /// An initiator went away with its session.
    pub(crate) fn lose_nexus(&mut self, initiator: InitiatorId) {
        self.prevented_by.remove(&initiator);
        self.attentions.lose_nexus(initiator);
    }
}

impl Changer {
    /// Logical unit reset: modes and prevention are as after power on.
    pub(crate) fn logical_unit_reset(&mut self) {
        self.pages.reset();
        self.prevented_by.clear();
        self.attentions.raise(Condition::UnitReset, None);
    }

    /// An initiator went away with its session.
    pub(crate) fn lose_nexus(&mut self, initiator: InitiatorId) {
        self.prevented_by.remove(&initiator);
        self.attentions.lose_nexus(initiator);
    }
}
