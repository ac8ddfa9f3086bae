//! Turning encryption on and off, and seeing that it is so.

use thiserror::Error;

use super::super::drive::Drive;
use super::{
    Algorithm, EncryptionCapabilities, EncryptionKey, EncryptionMode, EncryptionScope,
    EncryptionStatus, KeyClearing, KeyManagementCapabilities, NextBlock, SetDataEncryption, page,
};
use crate::error::ScsiError;
use crate::spc::security::{self, SecurityProtocol};

/// Whether this host holds a reservation of the drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reservation {
    /// It does.
    Held,
    /// It does not.
    None,
}

/// Encryption is not as it was asked for.
#[derive(Debug, Error)]
pub enum EncryptionError {
    /// A command failed.
    #[error(transparent)]
    Scsi(#[from] ScsiError),
    /// The drive can't.
    #[error(
        "{path}: the drive does not encrypt with AES-256-GCM; encrypt in software, or use an LTO-4 or later drive with encryption enabled"
    )]
    Unsupported {
        /// Device node or socket.
        path: String,
    },
    /// The library or a key manager has control of encryption.
    #[error(
        "{path}: encryption of this drive is managed by the library or a key manager; set the library to application-managed encryption"
    )]
    ManagedElsewhere {
        /// Device node or socket.
        path: String,
    },
    /// A key of another length is needed.
    #[error("{path}: the drive takes keys of {needed} bytes, this one has {given}")]
    KeyLength {
        /// Device node or socket.
        path: String,
        /// Bytes the drive takes.
        needed: u16,
        /// Bytes there are.
        given: usize,
    },
    /// What goes with the key is too long for this drive.
    #[error(
        "{path}: the drive takes key-associated data of at most {most} bytes, {given} were given"
    )]
    AssociatedLength {
        /// Device node or socket.
        path: String,
        /// Most bytes.
        most: u16,
        /// Bytes there are.
        given: usize,
    },
    /// The drive took the command, and something else is in force.
    #[error("{path}: the drive was told to {wanted}, but its status says encryption {:?}, decryption {:?}; do not write to it, power-cycle it", .status.encryption, .status.decryption)]
    NotInForce {
        /// Device node or socket.
        path: String,
        /// What was asked.
        wanted: &'static str,
        /// What it says.
        status: Box<EncryptionStatus>,
    },
}

impl EncryptionError {
    /// The same for callers who tell commands apart only.
    #[must_use]
    pub fn into_scsi(self) -> ScsiError {
        let what = self.to_string();
        match self {
            Self::Scsi(error) => error,
            Self::Unsupported { path }
            | Self::ManagedElsewhere { path }
            | Self::KeyLength { path, .. }
            | Self::AssociatedLength { path, .. }
            | Self::NotInForce { path, .. } => ScsiError::Malformed {
                command: "SECURITY PROTOCOL OUT",
                what: what.trim_start_matches(&format!("{path}: ")).to_owned(),
                path,
                bytes: Vec::new(),
            },
        }
    }
}

impl Drive {
    /// What the drive says it can encrypt with; `None` when it lacks tape data encryption.
    pub fn encryption_capabilities(&mut self) -> Result<Option<EncryptionCapabilities>, ScsiError> {
        self.encryption_page(page::CAPABILITIES, EncryptionCapabilities::parse)
    }

    /// What the drive can do with keys; `None` when it lacks tape data encryption.
    pub fn key_management_capabilities(
        &mut self,
    ) -> Result<Option<KeyManagementCapabilities>, ScsiError> {
        let parse = KeyManagementCapabilities::parse;
        self.encryption_page(page::MANAGEMENT_CAPABILITIES, parse)
    }

    /// What is in force for this host; `None` when the drive lacks tape data encryption.
    pub fn encryption_status(&mut self) -> Result<Option<EncryptionStatus>, ScsiError> {
        self.encryption_page(page::STATUS, EncryptionStatus::parse)
    }

    /// How the next block is encrypted; `None` when the drive lacks tape data encryption.
    pub fn next_block_encryption(&mut self) -> Result<Option<NextBlock>, ScsiError> {
        self.encryption_page(page::NEXT_BLOCK_STATUS, NextBlock::parse)
    }

    /// Which security protocols the drive has; none when it lacks the command.
    pub fn security_protocols(&mut self) -> Result<Vec<SecurityProtocol>, ScsiError> {
        security::security_protocols(&mut *self.transport)
    }

    fn encryption_page<T>(
        &mut self,
        page: u16,
        parse: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, ScsiError> {
        let protocol = SecurityProtocol::TAPE_DATA_ENCRYPTION;
        let raw = match security::security_protocol_in(&mut *self.transport, protocol, page) {
            Ok(raw) => raw,
            Err(error) if error.is_unsupported() => return Ok(None),
            Err(error) => return Err(error),
        };
        let malformed = || ScsiError::Malformed {
            command: "SECURITY PROTOCOL IN",
            path: self.path().to_owned(),
            what: format!("the reply is not page {page:04X}h of tape data encryption"),
            bytes: raw.clone(),
        };
        parse(&raw).map(Some).ok_or_else(malformed)
    }

    /// Sends the page as it is, one command.
    pub fn set_data_encryption(&mut self, wanted: &SetDataEncryption<'_>) -> Result<(), ScsiError> {
        let Some(list) = wanted.encode() else {
            let what = "the key and what goes with it are too long".to_owned();
            return Err(self.not_sent("SECURITY PROTOCOL OUT", what));
        };
        let protocol = SecurityProtocol::TAPE_DATA_ENCRYPTION;
        let page = page::SET_DATA_ENCRYPTION;
        security::security_protocol_out(&mut *self.transport, protocol, page, &list)
    }

    /// The algorithm this host can set keys for. Two commands.
    ///
    /// # Errors
    /// [`EncryptionError::Unsupported`], and [`EncryptionError::ManagedElsewhere`] when the
    /// capabilities (CFG_P) or the status (PARAMETERS CONTROL) say that the library or a key manager
    /// decides.
    pub fn usable_encryption(&mut self) -> Result<Algorithm, EncryptionError> {
        let path = self.path().to_owned();
        let Some(capabilities) = self.encryption_capabilities()? else {
            return Err(EncryptionError::Unsupported { path });
        };
        if capabilities.configuration_prevented {
            return Err(EncryptionError::ManagedElsewhere { path });
        }
        let Some(algorithm) = capabilities.preferred().cloned() else {
            return Err(EncryptionError::Unsupported { path });
        };
        let status = self.encryption_status()?;
        if status.is_some_and(|status| status.is_managed_elsewhere()) {
            return Err(EncryptionError::ManagedElsewhere { path });
        }
        Ok(algorithm)
    }

    /// Encrypts what is written from now on, and decrypts what was encrypted with the same key;
    /// blocks in clear stay readable. `name` (U-KAD) is recorded with each block and told to
    /// everybody. The drive is asked to forget the key at demount, and with a reservation when it
    /// is preempted or lost; [`Drive::unload`] forgets it first. Five commands.
    ///
    /// The parameters are for this host alone where the drive can do that.
    pub fn encrypt_with(
        &mut self,
        key: &EncryptionKey,
        name: &[u8],
        reservation: Reservation,
    ) -> Result<EncryptionStatus, EncryptionError> {
        self.use_key(key, name, reservation, EncryptionMode::Encrypt)
    }

    /// As [`Drive::encrypt_with`] for reading alone: what is written is not encrypted.
    pub fn decrypt_with(
        &mut self,
        key: &EncryptionKey,
        reservation: Reservation,
    ) -> Result<EncryptionStatus, EncryptionError> {
        self.use_key(key, &[], reservation, EncryptionMode::Disable)
    }

    fn use_key(
        &mut self,
        key: &EncryptionKey,
        name: &[u8],
        reservation: Reservation,
        encryption: EncryptionMode,
    ) -> Result<EncryptionStatus, EncryptionError> {
        let algorithm = self.usable_encryption()?;
        let path = self.path().to_owned();
        if usize::from(algorithm.key_length) != key.len() {
            return Err(EncryptionError::KeyLength {
                path,
                needed: algorithm.key_length,
                given: key.len(),
            });
        }
        let most = algorithm.maximum_unauthenticated;
        if name.len() > usize::from(most) {
            let given = name.len();
            return Err(EncryptionError::AssociatedLength { path, most, given });
        }
        let management = self.key_management_capabilities()?.unwrap_or_default();
        let scope = if management.local {
            EncryptionScope::Local
        } else {
            EncryptionScope::AllNexuses
        };
        let wanted = SetDataEncryption {
            clear: KeyClearing::all(management, reservation),
            unauthenticated: name,
            encryption,
            ..SetDataEncryption::on(scope, algorithm.index, key)
        };
        // From here on there may be a key in the drive, whatever is answered.
        self.key_given = true;
        self.set_data_encryption(&wanted)?;
        let Some(status) = self.encryption_status()? else {
            return Err(EncryptionError::Unsupported { path });
        };
        if (status.encryption, status.decryption) != (wanted.encryption, wanted.decryption) {
            return Err(EncryptionError::NotInForce {
                path,
                wanted: match encryption {
                    EncryptionMode::Encrypt => "encrypt",
                    _ => "decrypt",
                },
                status: Box::new(status),
            });
        }
        Ok(status)
    }

    /// That everything since [`Drive::encrypt_with`] was encrypted with its key: what is in force is
    /// what was then (KEY INSTANCE COUNTER counts every change). One command.
    pub fn check_still_encrypting(
        &mut self,
        since: &EncryptionStatus,
    ) -> Result<(), EncryptionError> {
        let path = self.path().to_owned();
        match self.encryption_status()? {
            Some(now)
                if now.encryption == since.encryption && now.key_instance == since.key_instance =>
            {
                Ok(())
            }
            Some(now) => Err(EncryptionError::NotInForce {
                path,
                wanted: "go on encrypting",
                status: Box::new(now),
            }),
            None => Err(EncryptionError::Unsupported { path }),
        }
    }

    /// Takes back what this host set at an earlier time, in a process that died perhaps. Whether there
    /// was something; `false` without tape data encryption. One command, three more if there was.
    pub fn forget_earlier_key(&mut self) -> Result<bool, EncryptionError> {
        let own = self.encryption_status()?.map(|status| status.own_scope);
        if matches!(own, None | Some(EncryptionScope::Public)) {
            return Ok(false);
        }
        self.key_given = true;
        self.forget_key()?;
        Ok(true)
    }

    /// Takes back what this host has set, so that its key is no longer in the drive. Three commands,
    /// none when [`Drive::encrypt_with`] was not called.
    pub fn forget_key(&mut self) -> Result<(), EncryptionError> {
        if !self.key_given {
            return Ok(());
        }
        let Some(before) = self.encryption_status()? else {
            return Ok(());
        };
        let scope = match before.own_scope {
            // Without parameters of its own this host's go.
            EncryptionScope::Local => EncryptionScope::Public,
            other => other,
        };
        if before.own_scope != EncryptionScope::Public {
            self.set_data_encryption(&SetDataEncryption::off(scope, before.algorithm))?;
        }
        let after = self.encryption_status()?;
        match after.filter(|after| !after.is_off() && after.key_scope == before.own_scope) {
            None => {
                self.key_given = false;
                Ok(())
            }
            Some(status) => Err(EncryptionError::NotInForce {
                path: self.path().to_owned(),
                wanted: "stop encrypting",
                status: Box::new(status),
            }),
        }
    }
}
