//! The Set Data Encryption page (SSC-4, page 0010h of SECURITY PROTOCOL OUT).

use tapeward_drivers::socket::InitiatorId;

use super::super::LogicalUnit;
use super::super::attention::Condition;
use super::super::drive::Drive;
use super::super::medium::Medium;
use super::pages::SET_DATA_ENCRYPTION;
use super::{ALGORITHM, ClearKey, DecryptionMode, EncryptionMode, Parameters, Scope};
use crate::bytes::u16_at;
use crate::seal::{
    KEY_LENGTH, Key, KeyAssociated, MAX_AUTHENTICATED, MAX_UNAUTHENTICATED, RawRead,
};
use crate::sense::Sense;

/// Where the key stands.
const KEY_AT: usize = 20;

/// What a page asks for, found right as far as it can be told from the page alone.
#[derive(Debug)]
pub(super) struct Request {
    scope: Scope,
    parameters: Parameters,
}

impl Request {
    /// SCOPE bits 7-5 and LOCK bit 0 of byte 4; CEEM bits 7-6, RDMC 5-4, SDK 3, CKOD 2, CKORP 1,
    /// CKORL 0 of byte 5; ENCRYPTION MODE 6; DECRYPTION MODE 7; ALGORITHM INDEX 8; KEY FORMAT 9;
    /// KAD FORMAT 10; KEY LENGTH 18-19; the key; key-associated data descriptors.
    pub(super) fn parse(list: &[u8]) -> Result<Self, Sense> {
        if list.len() < KEY_AT || usize::from(u16_at(list, 2)) != list.len() - 4 {
            return Err(Sense::parameter_list_length());
        }
        if u16_at(list, 0) != SET_DATA_ENCRYPTION {
            return Err(Sense::invalid_parameter(0));
        }
        let scope = match list[4] >> 5 {
            0 => Scope::Public,
            1 => Scope::Local,
            2 => Scope::AllNexuses,
            _ => return Err(Sense::invalid_parameter(4)),
        };
        if list[4] & 0x01 != 0 {
            return Err(Sense::invalid_parameter(4)); // LOCK_C is 0
        }
        let parameters = if scope == Scope::Public {
            super::DISABLED
        } else {
            parameters(list)?
        };
        Ok(Self { scope, parameters })
    }
}

fn parameters(list: &[u8]) -> Result<Parameters, Sense> {
    let flags = list[5];
    let check_external = flags >> 6;
    // Checking needs blocks that say whether they were encrypted outside: not recorded here. No
    // supplemental decryption keys either.
    if check_external > 1 || flags & 0x08 != 0 {
        return Err(Sense::invalid_parameter(5));
    }
    let raw_read = match flags >> 4 & 0x03 {
        0 | 3 => RawRead::Refused,
        2 => RawRead::Allowed,
        _ => return Err(Sense::invalid_parameter(5)),
    };
    let encryption = match list[6] {
        0 => EncryptionMode::Disable,
        2 => EncryptionMode::Encrypt,
        _ => return Err(Sense::invalid_parameter(6)),
    };
    let decryption = match list[7] {
        0 => DecryptionMode::Disable,
        1 => DecryptionMode::Raw,
        2 => DecryptionMode::Decrypt,
        3 => DecryptionMode::Mixed,
        _ => return Err(Sense::invalid_parameter(7)),
    };
    let key_length = usize::from(u16_at(list, 18));
    let key = list.get(KEY_AT..KEY_AT + key_length);
    let key = key.ok_or_else(|| Sense::invalid_parameter(18))?;
    let encrypts = encryption == EncryptionMode::Encrypt;
    let needs_key =
        encrypts || matches!(decryption, DecryptionMode::Decrypt | DecryptionMode::Mixed);
    if needs_key && list[8] != ALGORITHM {
        return Err(Sense::invalid_parameter(8));
    }
    if needs_key && list[9] != 0 {
        return Err(Sense::invalid_parameter(9)); // plain text keys only
    }
    if needs_key && key_length != KEY_LENGTH {
        return Err(Sense::invalid_parameter(18));
    }
    let associated = if encrypts {
        associated(list, KEY_AT + key_length)?
    } else {
        KeyAssociated::default()
    };
    Ok(Parameters {
        encryption,
        decryption,
        key: Key::new(key).filter(|_| needs_key),
        associated,
        raw_read,
        check_external,
        clear: ClearKey {
            on_demount: flags & 0x04 != 0,
            on_preempt: flags & 0x02 != 0,
            on_reservation_loss: flags & 0x01 != 0,
        },
        instance: 0,
    })
}

/// Descriptors of four bytes and their data: KEY DESCRIPTOR TYPE byte 0, length bytes 2-3; in
/// ascending order of type (SSC-4, key-associated data descriptors list).
fn associated(list: &[u8], mut at: usize) -> Result<KeyAssociated, Sense> {
    let mut found = KeyAssociated {
        format: list[10],
        ..KeyAssociated::default()
    };
    if found.format > 2 {
        return Err(Sense::invalid_parameter(10));
    }
    let mut last = None;
    while at < list.len() {
        let kind = list[at];
        if last.is_some_and(|last| last >= kind) {
            return Err(Sense::invalid_parameter(at));
        }
        last = Some(kind);
        let length = usize::from(u16_at(list, at + 2));
        let data = list.get(at + 4..at + 4 + length);
        let data = data.ok_or_else(|| Sense::invalid_parameter(at + 2))?;
        let (place, longest) = match kind {
            0 => (&mut found.unauthenticated, MAX_UNAUTHENTICATED),
            1 => (&mut found.authenticated, MAX_AUTHENTICATED),
            _ => return Err(Sense::invalid_parameter(at)), // the nonce is the drive's own
        };
        if length > longest {
            return Err(Sense::invalid_parameter(at + 2));
        }
        *place = Some(data.to_vec());
        at += 4 + length;
    }
    Ok(found)
}

impl Drive {
    pub(super) fn set_data_encryption(
        &mut self,
        list: &[u8],
        initiator: InitiatorId,
    ) -> Result<(), Sense> {
        let Request { scope, parameters } = Request::parse(list)?;
        let mounted = matches!(self.medium, Medium::Loaded(_));
        if parameters.clear.on_demount && !mounted {
            return Err(Sense::invalid_parameter(5));
        }
        let reservations = self.reservations();
        let ClearKey {
            on_preempt,
            on_reservation_loss,
            ..
        } = parameters.clear;
        if on_preempt && !reservations.persistent().is_holder(initiator)
            || on_reservation_loss && !reservations.holds(initiator)
        {
            return Err(Sense::invalid_parameter(5));
        }
        if self.encryption.set(initiator, scope, parameters) {
            let encryption = &self.encryption;
            self.attentions
                .raise_where(Condition::EncryptionParametersChanged, |other| {
                    other != initiator && encryption.follows_shared(other)
                });
        }
        Ok(())
    }
}
