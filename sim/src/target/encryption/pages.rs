//! What SECURITY PROTOCOL IN tells of encryption (SSC-4, the pages of protocol 20h).

use tapeward_drivers::socket::InitiatorId;

use super::super::drive::Drive;
use super::super::medium::Medium;
use super::{ALGORITHM, DecryptionMode, EncryptionMode, Parameters};
use crate::bytes::u16;
use crate::create::DriveEncryption;
use crate::seal::{
    KEY_LENGTH, KeyAssociated, MAX_AUTHENTICATED, MAX_UNAUTHENTICATED, RawRead, Seal,
};
use crate::sense::Sense;
use crate::store::{BlockFlags, RecordKind};

const IN_SUPPORT: u16 = 0x0000;
const OUT_SUPPORT: u16 = 0x0001;
const CAPABILITIES: u16 = 0x0010;
const KEY_FORMATS: u16 = 0x0011;
const MANAGEMENT_CAPABILITIES: u16 = 0x0012;
const STATUS: u16 = 0x0020;
const NEXT_BLOCK_STATUS: u16 = 0x0021;
/// The one page of SECURITY PROTOCOL OUT.
pub(super) const SET_DATA_ENCRYPTION: u16 = 0x0010;

/// Security algorithm code of AES-256-GCM with a tag of 128 bits (SPC-5).
const AES_256_GCM: u32 = 0x0001_0014;

/// AUTHENTICATED: nobody has tried.
const NOT_TRIED: u8 = 1;
/// AUTHENTICATED: it is genuine.
const AUTHENTIC: u8 = 2;
/// AUTHENTICATED: it is not.
const NOT_AUTHENTIC: u8 = 3;

impl EncryptionMode {
    fn code(self) -> u8 {
        match self {
            Self::Disable => 0,
            Self::Encrypt => 2,
        }
    }
}

impl DecryptionMode {
    fn code(self) -> u8 {
        match self {
            Self::Disable => 0,
            Self::Raw => 1,
            Self::Decrypt => 2,
            Self::Mixed => 3,
        }
    }
}

impl Drive {
    /// One page with its header: PAGE CODE, PAGE LENGTH.
    pub(super) fn encryption_page(
        &mut self,
        page: u16,
        initiator: InitiatorId,
    ) -> Result<Vec<u8>, Sense> {
        let body = match page {
            IN_SUPPORT => [
                IN_SUPPORT,
                OUT_SUPPORT,
                CAPABILITIES,
                KEY_FORMATS,
                MANAGEMENT_CAPABILITIES,
                STATUS,
                NEXT_BLOCK_STATUS,
            ]
            .iter()
            .flat_map(|code| code.to_be_bytes())
            .collect(),
            OUT_SUPPORT => SET_DATA_ENCRYPTION.to_be_bytes().to_vec(),
            CAPABILITIES => self.capabilities(),
            KEY_FORMATS => vec![0x00], // plain text
            MANAGEMENT_CAPABILITIES => management_capabilities(),
            STATUS => self.encryption_status(initiator),
            NEXT_BLOCK_STATUS => self.next_block_status(initiator)?,
            _ => return Err(Sense::invalid_cdb_field(2)),
        };
        let [high, low] = page.to_be_bytes();
        let [length_high, length_low] = u16(body.len());
        let mut bytes = vec![high, low, length_high, length_low];
        bytes.extend(body);
        Ok(bytes)
    }

    /// EXTDECC and CFG_P in byte 4, 01b each (no control from outside, hosts may set keys), 10b where
    /// the library does, one algorithm descriptor
    /// from byte 20 on.
    fn capabilities(&self) -> Vec<u8> {
        let mounted = matches!(self.medium, Medium::Loaded(_));
        let mut body = vec![0; 16];
        body[0] = if self.is_managed_by_library() {
            0x0a
        } else {
            0x05
        };
        body.extend([ALGORITHM, 0, 0, 20]);
        // AVFMV; DELB_C; DECRYPT_C and ENCRYPT_C 2h: in hardware.
        body.push(u8::from(mounted) << 7 | 0x10 | 0x0a);
        // AVFCLP 2h: valid here; NONCE_C 1h: the drive makes it; KADF_C; VCELB_C.
        body.push(if mounted { 0x80 } else { 0 } | 0x10 | 0x08 | 0x04);
        body.extend(u16(MAX_UNAUTHENTICATED));
        body.extend(u16(MAX_AUTHENTICATED));
        body.extend(u16(KEY_LENGTH));
        // DKAD_C 3h: key-associated data as the host likes; EEMC_C 1h: never EXTERNAL; RDMC_C 4h:
        // raw reading is refused unless the host allows it.
        body.push(0xc0 | 0x10 | 0x08);
        body.extend([0; 7]);
        body.extend(AES_256_GCM.to_be_bytes());
        body
    }

    /// I_T NEXUS SCOPE bits 7-5 and KEY SCOPE bits 2-0 of byte 4; modes; ALGORITHM INDEX; KEY
    /// INSTANCE COUNTER; PARAMETERS CONTROL 1h (any host) or 3h (the library), VCELB bit 3, CEEMS bits 2-1, RDMD bit 0
    /// of byte 12; KAD FORMAT.
    fn encryption_status(&self, initiator: InitiatorId) -> Vec<u8> {
        let (key_scope, parameters) = self.encryption.in_force(initiator);
        let own_scope = self.encryption.scope_of(initiator);
        let contains_encrypted = matches!(&self.medium, Medium::Loaded(mounted)
            if mounted.cartridge.store.has_sealed());
        let encrypts = parameters.encryption == EncryptionMode::Encrypt;
        let raw_disabled = encrypts && parameters.raw_read == RawRead::Refused;
        let mut body = vec![
            own_scope.code() << 5 | key_scope.code(),
            parameters.encryption.code(),
            parameters.decryption.code(),
            algorithm_of(parameters),
        ];
        body.extend(parameters.instance.to_be_bytes());
        let control = if self.is_managed_by_library() {
            0x30
        } else {
            0x10
        };
        body.extend([
            control
                | u8::from(contains_encrypted) << 3
                | parameters.check_external << 1
                | u8::from(raw_disabled),
            parameters.associated.format,
        ]);
        body.extend([0; 10]);
        body.extend(descriptors(&parameters.associated, NOT_TRIED));
        body
    }

    fn is_managed_by_library(&self) -> bool {
        self.identity.encryption == DriveEncryption::Library
    }

    /// LOGICAL OBJECT NUMBER; COMPRESSION STATUS 0h and ENCRYPTION STATUS; ALGORITHM INDEX; RDMDS
    /// bit 0 of byte 14; KAD FORMAT.
    fn next_block_status(&mut self, initiator: InitiatorId) -> Result<Vec<u8>, Sense> {
        let mounted = self.ready()?;
        let position = mounted.position;
        let row = mounted.cartridge.store.row(position);
        let mut body = position.to_be_bytes().to_vec();
        let plain = match row {
            None => Some(0x01),
            Some(row) if row.kind == RecordKind::Filemark => Some(0x02),
            Some(row) if !row.flags.contains(BlockFlags::SEALED) => Some(0x03),
            Some(_) => None,
        };
        let (Some(row), None) = (row, plain) else {
            body.extend([plain.unwrap_or_default(), 0, 0, 0]);
            return Ok(body);
        };
        let stored = mounted.cartridge.store.read_whole(row);
        let stored = stored
            .map_err(|error| super::super::medium::read_failure(&mounted.cartridge, &error))?;
        let length = row.sealed_length();
        let Some(seal) = stored.get(length..).and_then(Seal::parse) else {
            body.extend([0x01, 0, 0, 0]);
            return Ok(body);
        };
        let (_, parameters) = self.encryption.in_force(initiator);
        let fitting = parameters.key.as_ref().filter(|key| seal.fits(key));
        let decrypts = matches!(
            parameters.decryption,
            DecryptionMode::Decrypt | DecryptionMode::Mixed
        );
        let authenticated = fitting.map_or(NOT_TRIED, |key| {
            let opened = seal.open(key, &mut stored[..length].to_vec());
            opened.map_or(NOT_AUTHENTIC, |()| AUTHENTIC)
        });
        let status = if decrypts && fitting.is_some() {
            0x05
        } else {
            0x06
        };
        let raw_disabled = u8::from(seal.raw_read == RawRead::Refused);
        body.extend([status, ALGORITHM, raw_disabled, seal.associated.format]);
        body.extend(descriptors(&seal.associated, authenticated));
        Ok(body)
    }
}

fn algorithm_of(parameters: &Parameters) -> u8 {
    if parameters.key.is_some() {
        ALGORITHM
    } else {
        0
    }
}

/// No LOCK_C; CKOD_C bit 2, CKORP_C bit 1, CKORL_C bit 0 of byte 5; AITN_C bit 2, LOCAL_C bit 1,
/// PUBLIC_C bit 0 of byte 7.
fn management_capabilities() -> Vec<u8> {
    let mut body = vec![0; 12];
    body[1] = 0x07;
    body[3] = 0x07;
    body
}

/// U-KAD (type 0), which nothing authenticates, and A-KAD (type 1).
fn descriptors(associated: &KeyAssociated, authenticated: u8) -> Vec<u8> {
    let all = [
        (0, NOT_TRIED, &associated.unauthenticated),
        (1, authenticated, &associated.authenticated),
    ];
    let mut bytes = Vec::new();
    for (kind, state, data) in all {
        if let Some(data) = data {
            let [high, low] = u16(data.len());
            bytes.extend([kind, state, high, low]);
            bytes.extend(data);
        }
    }
    bytes
}
