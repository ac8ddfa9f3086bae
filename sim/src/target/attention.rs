//! Unit attention conditions, kept per initiator (SAM-5).

use std::collections::{BTreeMap, VecDeque};

use tapeward_drivers::socket::InitiatorId;

use crate::sense::{Sense, SenseKey};

/// Initiators remembered when those that go away are not forgotten.
const MAX_KNOWN: usize = 1024;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// POWER ON, RESET, OR BUS DEVICE RESET OCCURRED: the first command of a new initiator.
    Reset,
    /// POWER ON OCCURRED.
    PowerOn,
    /// BUS DEVICE RESET FUNCTION OCCURRED: a logical unit reset.
    UnitReset,
    /// I_T NEXUS LOSS OCCURRED.
    NexusLost,
    /// NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED.
    MediumChanged,
    /// IMPORT OR EXPORT ELEMENT ACCESSED.
    ImportExportAccessed,
    /// MODE PARAMETERS CHANGED.
    ModeParametersChanged,
    /// DATA ENCRYPTION PARAMETERS CHANGED BY ANOTHER I_T NEXUS.
    EncryptionParametersChanged,
    /// RESERVATIONS PREEMPTED: CLEAR took the initiator's registration.
    ReservationsPreempted,
    /// RESERVATIONS RELEASED.
    ReservationsReleased,
    /// REGISTRATIONS PREEMPTED.
    RegistrationsPreempted,
    /// TIMESTAMP CHANGED.
    TimestampChanged,
}

impl Condition {
    fn sense(self) -> Sense {
        let additional = match self {
            Self::Reset => (0x29, 0x00),
            Self::PowerOn => (0x29, 0x01),
            Self::UnitReset => (0x29, 0x03),
            Self::NexusLost => (0x29, 0x07),
            Self::MediumChanged => (0x28, 0x00),
            Self::ImportExportAccessed => (0x28, 0x01),
            Self::ModeParametersChanged => (0x2a, 0x01),
            Self::EncryptionParametersChanged => (0x2a, 0x11),
            Self::ReservationsPreempted => (0x2a, 0x03),
            Self::ReservationsReleased => (0x2a, 0x04),
            Self::RegistrationsPreempted => (0x2a, 0x05),
            Self::TimestampChanged => (0x2a, 0x10),
        };
        Sense::new(SenseKey::UnitAttention, additional)
    }
}

/// The conditions of one logical unit.
#[derive(Debug)]
pub(crate) struct Attentions {
    /// What an initiator that was never seen has to learn first.
    first: Condition,
    pending: BTreeMap<InitiatorId, VecDeque<Condition>>,
}

impl Attentions {
    pub(crate) fn new() -> Self {
        Self {
            first: Condition::Reset,
            pending: BTreeMap::new(),
        }
    }

    /// Tells every known initiator but `except`.
    pub(crate) fn raise(&mut self, condition: Condition, except: Option<InitiatorId>) {
        self.raise_where(condition, |initiator| Some(initiator) != except);
    }

    /// Tells those known initiators whom it concerns.
    pub(crate) fn raise_where(
        &mut self,
        condition: Condition,
        concerns: impl Fn(InitiatorId) -> bool,
    ) {
        for (initiator, queue) in &mut self.pending {
            if concerns(*initiator) && !queue.contains(&condition) {
                queue.push_back(condition);
            }
        }
    }

    /// Tells one initiator, whether it was seen since power on or not.
    pub(crate) fn raise_for(&mut self, condition: Condition, initiator: InitiatorId) {
        let queue = self.queue(initiator);
        if !queue.contains(&condition) {
            queue.push_back(condition);
        }
    }

    /// After the power was back: nothing else matters any more.
    pub(crate) fn power_on(&mut self) {
        self.first = Condition::PowerOn;
        for queue in self.pending.values_mut() {
            *queue = VecDeque::from([Condition::PowerOn]);
        }
    }

    /// An initiator went away; if it was here, it learns that first when it comes again. With too
    /// many that went away it is forgotten, and is new when it comes again.
    pub(crate) fn lose_nexus(&mut self, initiator: InitiatorId) {
        if self.pending.len() > MAX_KNOWN {
            self.pending.remove(&initiator);
        } else if let Some(queue) = self.pending.get_mut(&initiator)
            && !queue.contains(&Condition::NexusLost)
        {
            queue.push_front(Condition::NexusLost);
        }
    }

    /// The oldest condition this initiator was not told of.
    pub(crate) fn take(&mut self, initiator: InitiatorId) -> Option<Sense> {
        self.queue(initiator).pop_front().map(Condition::sense)
    }

    fn queue(&mut self, initiator: InitiatorId) -> &mut VecDeque<Condition> {
        let first = self.first;
        self.pending
            .entry(initiator)
            .or_insert_with(|| VecDeque::from([first]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: InitiatorId = InitiatorId([1; 16]);
    const TWO: InitiatorId = InitiatorId([2; 16]);

    fn told(attentions: &mut Attentions, initiator: InitiatorId) -> Vec<(u8, u8)> {
        std::iter::from_fn(|| attentions.take(initiator).map(|sense| sense.additional)).collect()
    }

    #[test]
    fn each_initiator_is_told_once_and_in_order() {
        let mut attentions = Attentions::new();
        assert_eq!(told(&mut attentions, ONE), [(0x29, 0x00)]);
        attentions.raise(Condition::MediumChanged, None);
        attentions.raise(Condition::MediumChanged, None);
        attentions.raise(Condition::ModeParametersChanged, Some(ONE));
        assert_eq!(told(&mut attentions, ONE), [(0x28, 0x00)]);
        assert_eq!(told(&mut attentions, TWO), [(0x29, 0x00)]);
        attentions.raise(Condition::ModeParametersChanged, Some(ONE));
        assert_eq!(told(&mut attentions, ONE), []);
        assert_eq!(told(&mut attentions, TWO), [(0x2a, 0x01)]);
    }

    #[test]
    fn a_lost_nexus_learns_of_it_once_and_first() {
        let mut attentions = Attentions::new();
        attentions.lose_nexus(ONE);
        assert_eq!(told(&mut attentions, ONE), [(0x29, 0x00)]);
        attentions.raise(Condition::MediumChanged, None);
        attentions.lose_nexus(ONE);
        attentions.lose_nexus(ONE);
        assert_eq!(told(&mut attentions, ONE), [(0x29, 0x07), (0x28, 0x00)]);
        assert_eq!(told(&mut attentions, TWO), [(0x29, 0x00)]);
    }

    #[test]
    fn initiators_that_went_away_are_not_remembered_without_end() {
        let mut attentions = Attentions::new();
        for number in 0..4 * MAX_KNOWN as u128 {
            let initiator = InitiatorId(number.to_be_bytes());
            assert_eq!(told(&mut attentions, initiator), [(0x29, 0x00)]);
            attentions.lose_nexus(initiator);
            assert!(attentions.pending.len() <= MAX_KNOWN + 1);
        }
    }

    #[test]
    fn power_on_replaces_what_was_pending() {
        let mut attentions = Attentions::new();
        attentions.take(ONE);
        attentions.raise(Condition::MediumChanged, None);
        attentions.power_on();
        assert_eq!(told(&mut attentions, ONE), [(0x29, 0x01)]);
        assert_eq!(told(&mut attentions, TWO), [(0x29, 0x01)]);
    }
}
