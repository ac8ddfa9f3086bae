//! Keys that go with a reservation (SSC-4, CKORP and CKORL).

use tapeward_drivers::socket::InitiatorId;

use super::super::drive::Drive;
use super::super::primary::PrimaryCommands;
use super::super::{Exchange, LogicalUnit, Stop};
use super::Encryption;

/// How somebody came to hold a reservation no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Released,
    Preempted,
}

impl Encryption {
    /// Those whose keys go with their reservations.
    fn reservation_keepers(&self) -> Vec<InitiatorId> {
        let local = self.local.keys().copied();
        let shared = self.shared.iter().filter_map(|shared| shared.owner);
        local.chain(shared).collect()
    }

    fn reservation_lost(&mut self, nexus: InitiatorId, loss: Loss) {
        let goes = |clear: &super::ClearKey| {
            clear.on_reservation_loss || clear.on_preempt && loss == Loss::Preempted
        };
        if self.local.get(&nexus).is_some_and(|own| goes(&own.clear)) {
            self.local.remove(&nexus);
        }
        let shared = self.shared.as_ref();
        if shared.is_some_and(|all| all.owner == Some(nexus) && goes(&all.parameters.clear)) {
            self.shared = None;
        }
    }
}

impl Drive {
    /// RELEASE(6), and what it does to keys.
    pub(in super::super) fn release_and_clear_keys(
        &mut self,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Stop> {
        self.minding_keys(Loss::Released, |drive| drive.release_unit(exchange))
    }

    /// PERSISTENT RESERVE OUT, and what it does to keys: PREEMPT (4h) and PREEMPT AND ABORT (5h) are
    /// preemptions.
    pub(in super::super) fn reserve_out_and_clear_keys(
        &mut self,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Stop> {
        let loss = match exchange.cdb[1] & 0x1f {
            0x04 | 0x05 => Loss::Preempted,
            _ => Loss::Released,
        };
        self.minding_keys(loss, |drive| drive.persistent_reserve_out(exchange))
    }

    /// A reset or the loss of a nexus, and what it does to keys.
    pub(in super::super) fn lose_and_clear_keys(&mut self, event: impl FnOnce(&mut Self)) {
        self.minding_keys(Loss::Released, event);
    }

    fn minding_keys<T>(&mut self, loss: Loss, command: impl FnOnce(&mut Self) -> T) -> T {
        let mut holders = self.encryption.reservation_keepers();
        holders.retain(|nexus| self.reservations().holds(*nexus));
        let result = command(self);
        for nexus in holders {
            if !self.reservations().holds(nexus) {
                self.encryption.reservation_lost(nexus, loss);
            }
        }
        result
    }
}
