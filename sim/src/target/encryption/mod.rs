//! Data encryption parameters: whose they are, when they go, what they do to blocks
//! (SSC-4, data encryption parameters and their scope).

mod pages;
mod reservation;
mod set;

use std::collections::BTreeMap;

use tapeward_drivers::socket::InitiatorId;

use super::drive::Drive;
use super::{Exchange, Stop};
use crate::bytes::{u16_at, u32_at};
use crate::create::DriveEncryption;
use crate::seal::{Key, KeyAssociated, RawRead, Seal, SealError};
use crate::sense::{Sense, SenseKey};

/// SECURITY PROTOCOL of tape data encryption.
const TAPE_DATA_ENCRYPTION: u8 = 0x20;
/// ALGORITHM INDEX of AES-256-GCM here.
const ALGORITHM: u8 = 1;

/// Whose parameters they are (SSC-4, SCOPE).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// 0h: none of its own.
    Public,
    /// 1h: this initiator's.
    Local,
    /// 2h: everybody's who has none of its own.
    AllNexuses,
}

impl Scope {
    fn code(self) -> u8 {
        match self {
            Self::Public => 0,
            Self::Local => 1,
            Self::AllNexuses => 2,
        }
    }
}

/// ENCRYPTION MODE (SSC-4); EXTERNAL (1h) is not for this drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EncryptionMode {
    Disable,
    Encrypt,
}

/// DECRYPTION MODE (SSC-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DecryptionMode {
    Disable,
    Raw,
    Decrypt,
    Mixed,
}

/// When a key goes by itself (SSC-4: CKOD, CKORP, CKORL).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct ClearKey {
    on_demount: bool,
    on_preempt: bool,
    on_reservation_loss: bool,
}

/// One set of data encryption parameters.
#[derive(Debug)]
struct Parameters {
    encryption: EncryptionMode,
    decryption: DecryptionMode,
    key: Option<Key>,
    associated: KeyAssociated,
    raw_read: RawRead,
    /// CEEM as it was sent.
    check_external: u8,
    clear: ClearKey,
    /// KEY INSTANCE COUNTER when they were set.
    instance: u32,
}

const DISABLED: Parameters = Parameters {
    encryption: EncryptionMode::Disable,
    decryption: DecryptionMode::Disable,
    key: None,
    associated: KeyAssociated {
        format: 0,
        unauthenticated: None,
        authenticated: None,
    },
    raw_read: RawRead::Refused,
    check_external: 0,
    clear: ClearKey {
        on_demount: false,
        on_preempt: false,
        on_reservation_loss: false,
    },
    instance: 0,
};

/// Those who set the shared parameters, and these.
#[derive(Debug)]
struct Shared {
    owner: Option<InitiatorId>,
    parameters: Parameters,
}

/// All parameters a drive keeps. A power cut takes them.
#[derive(Debug, Default)]
pub(super) struct Encryption {
    local: BTreeMap<InitiatorId, Parameters>,
    shared: Option<Shared>,
    /// Counts the sets of parameters that were given.
    instances: u32,
}

impl Encryption {
    fn scope_of(&self, initiator: InitiatorId) -> Scope {
        if self.local.contains_key(&initiator) {
            return Scope::Local;
        }
        match &self.shared {
            Some(Shared { owner, .. }) if *owner == Some(initiator) => Scope::AllNexuses,
            _ => Scope::Public,
        }
    }

    /// What is in force for this initiator, and by what scope.
    fn in_force(&self, initiator: InitiatorId) -> (Scope, &Parameters) {
        if let Some(parameters) = self.local.get(&initiator) {
            return (Scope::Local, parameters);
        }
        match &self.shared {
            Some(shared) => (Scope::AllNexuses, &shared.parameters),
            None => (Scope::Public, &DISABLED),
        }
    }

    /// Puts parameters in force; whether others have other ones now.
    fn set(&mut self, initiator: InitiatorId, scope: Scope, parameters: Parameters) -> bool {
        let owned = self.scope_of(initiator) == Scope::AllNexuses;
        self.instances = self.instances.wrapping_add(1);
        let parameters = Parameters {
            instance: self.instances,
            ..parameters
        };
        self.local.remove(&initiator);
        match scope {
            Scope::AllNexuses => {
                self.shared = Some(Shared {
                    owner: Some(initiator),
                    parameters,
                });
                true
            }
            Scope::Local | Scope::Public => {
                if let Some(shared) = self.shared.as_mut().filter(|_| owned) {
                    shared.owner = None;
                }
                if scope == Scope::Local {
                    self.local.insert(initiator, parameters);
                }
                false
            }
        }
    }

    /// Whether changed shared parameters are those of this initiator.
    pub(super) fn follows_shared(&self, initiator: InitiatorId) -> bool {
        !self.local.contains_key(&initiator)
    }

    /// The volume was demounted: keys with CKOD go.
    pub(super) fn demounted(&mut self) {
        self.clear(|parameters| parameters.clear.on_demount);
    }

    /// Sets parameters back to their defaults.
    fn clear(&mut self, goes: impl Fn(&Parameters) -> bool) {
        self.local.retain(|_, parameters| !goes(parameters));
        if self
            .shared
            .as_ref()
            .is_some_and(|shared| goes(&shared.parameters))
        {
            self.shared = None;
        }
    }

    /// Encrypts a block that is to be written, if it is to be encrypted. `None`: it is not.
    pub(super) fn seal(
        &self,
        initiator: InitiatorId,
        block: &[u8],
    ) -> Result<Option<Vec<u8>>, Sense> {
        let (_, parameters) = self.in_force(initiator);
        let (EncryptionMode::Encrypt, Some(key)) = (parameters.encryption, &parameters.key) else {
            return Ok(None);
        };
        let mut bytes = Vec::with_capacity(block.len() + Seal::length(&parameters.associated));
        bytes.extend_from_slice(block);
        Seal::close(key, &parameters.associated, parameters.raw_read, &mut bytes)
            .map_err(|_| Sense::internal_failure())?;
        Ok(Some(bytes))
    }

    /// Whether this initiator may read a block that is not encrypted.
    pub(super) fn read_plain(&self, initiator: InitiatorId) -> Result<(), Sense> {
        match self.in_force(initiator).1.decryption {
            DecryptionMode::Disable | DecryptionMode::Mixed => Ok(()),
            // UNENCRYPTED DATA ENCOUNTERED WHILE DECRYPTING
            DecryptionMode::Raw | DecryptionMode::Decrypt => Err(protected(0x02)),
        }
    }

    /// What this initiator reads of an encrypted block, `length` bytes of which are the block
    /// and the rest its seal.
    pub(super) fn read_sealed(
        &self,
        initiator: InitiatorId,
        mut stored: Vec<u8>,
        length: usize,
    ) -> Result<Vec<u8>, Sense> {
        let (_, parameters) = self.in_force(initiator);
        let seal = stored.get(length..).and_then(Seal::parse);
        // CRYPTOGRAPHIC INTEGRITY VALIDATION FAILED
        let seal = seal.ok_or(protected(0x04))?;
        match (parameters.decryption, &parameters.key) {
            (DecryptionMode::Raw, _) if seal.raw_read == RawRead::Allowed => Ok(stored),
            // ENCRYPTED BLOCK NOT RAW READ ENABLED
            (DecryptionMode::Raw, _) => Err(protected(0x0a)),
            (DecryptionMode::Decrypt | DecryptionMode::Mixed, Some(key)) => {
                stored.truncate(length);
                match seal.open(key, &mut stored) {
                    Ok(()) => Ok(stored),
                    // INCORRECT DATA ENCRYPTION KEY
                    Err(SealError::OtherKey) => Err(protected(0x03)),
                    Err(SealError::Damaged | SealError::Failed) => Err(protected(0x04)),
                }
            }
            // UNABLE TO DECRYPT DATA
            (DecryptionMode::Disable, _) | (_, None) => Err(protected(0x01)),
        }
    }
}

/// DATA PROTECT with a code of the security group (74h).
fn protected(qualifier: u8) -> Sense {
    Sense::new(SenseKey::DataProtect, (0x74, qualifier))
}

impl Drive {
    /// SECURITY PROTOCOL IN A2h (SPC-5): SECURITY PROTOCOL byte 1, SECURITY PROTOCOL SPECIFIC
    /// bytes 2-3, INC_512 bit 7 of byte 4, ALLOCATION LENGTH bytes 6-9.
    pub(super) fn security_protocol_in(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Stop> {
        let allocation = length_of(exchange.cdb)?;
        let has_encryption = self.identity.encryption != DriveEncryption::None;
        let page = match (exchange.cdb[1], u16_at(exchange.cdb, 2)) {
            (0x00, 0x0000) if !has_encryption => vec![0, 0, 0, 0, 0, 0, 0, 1, 0x00],
            (TAPE_DATA_ENCRYPTION, _) if !has_encryption => {
                return Err(Sense::invalid_cdb_field(1).into());
            }
            // Security protocol information: this one and tape data encryption.
            (0x00, 0x0000) => vec![0, 0, 0, 0, 0, 0, 0, 2, 0x00, TAPE_DATA_ENCRYPTION],
            // No certificate.
            (0x00, 0x0001) => vec![0, 0, 0, 0],
            (TAPE_DATA_ENCRYPTION, page) => self.encryption_page(page, exchange.initiator)?,
            (0x00, _) => return Err(Sense::invalid_cdb_field(2).into()),
            _ => return Err(Sense::invalid_cdb_field(1).into()),
        };
        exchange.reply(&page, allocation);
        Ok(())
    }

    /// SECURITY PROTOCOL OUT B5h (SPC-5), laid out alike, TRANSFER LENGTH bytes 6-9: Set Data
    /// Encryption 0010h is the only page.
    pub(super) fn security_protocol_out(
        &mut self,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Stop> {
        let managed = self.identity.encryption;
        if exchange.cdb[1] != TAPE_DATA_ENCRYPTION || managed == DriveEncryption::None {
            return Err(Sense::invalid_cdb_field(1).into());
        }
        if managed == DriveEncryption::Library {
            // DATA ENCRYPTION CONFIGURATION PREVENTED
            return Err(Sense::new(SenseKey::IllegalRequest, (0x74, 0x21)).into());
        }
        if u16_at(exchange.cdb, 2) != pages::SET_DATA_ENCRYPTION {
            return Err(Sense::invalid_cdb_field(2).into());
        }
        let length = length_of(exchange.cdb)?;
        if length == 0 {
            return Ok(());
        }
        let list = exchange.take(length)?;
        Ok(self.set_data_encryption(list, exchange.initiator)?)
    }
}

fn length_of(cdb: &[u8]) -> Result<usize, Sense> {
    if cdb[4] & 0x80 != 0 {
        return Err(Sense::invalid_cdb_field(4)); // lengths are in bytes here
    }
    Ok(u32_at(cdb, 6) as usize)
}
