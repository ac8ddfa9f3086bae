//! What a drive and a cartridge can do together: which cartridges a drive takes, told before the
//! robot moves one, and protection of the blocks between them.

use std::fmt;

use serde::Serialize;
use tapeward_drivers::Drive;
use tapeward_drivers::ssc::encryption::EncryptionError;
use tapeward_drivers::ssc::generation::may;
use tapeward_drivers::ssc::protection::INFORMATION;
use tapeward_drivers::ssc::{CartridgeAccess, LtoCartridge, LtoGeneration};

use super::robot::DriveSite;
use crate::error::{Error, Result};
use crate::id::Barcode;

/// What a drive with this product identification can do with a cartridge with this label; `None`
/// when one of them does not tell.
fn access(product: &str, barcode: &Barcode) -> Option<CartridgeAccess> {
    let text = barcode.as_str();
    let identifier = text.get(6..).filter(|_| text.len() == 8)?;
    let cartridge = LtoCartridge::from_media_identifier(identifier)?;
    Some(may(LtoGeneration::from_product(product)?, cartridge))
}

/// Whether a drive may be able to write a cartridge.
#[must_use]
pub fn can_write(site: &DriveSite, barcode: &Barcode) -> bool {
    writes(&site.product, barcode)
}

/// Whether a drive with this product identification may be able to write a cartridge.
#[must_use]
pub fn writes(product: &str, barcode: &Barcode) -> bool {
    matches!(
        access(product, barcode),
        None | Some(CartridgeAccess::ReadWrite)
    )
}

/// Whether a drive may be able to read a cartridge.
#[must_use]
pub fn can_read(site: &DriveSite, barcode: &Barcode) -> bool {
    !matches!(access(&site.product, barcode), Some(CartridgeAccess::No(_)))
}

/// The generation of a drive, where its product identification tells.
#[must_use]
pub fn generation(site: &DriveSite) -> Option<LtoGeneration> {
    LtoGeneration::from_product(&site.product)
}

/// Refuses to bring a cartridge into a drive that can neither read nor write it.
pub fn check(site: &DriveSite, barcode: &Barcode) -> Result<()> {
    let Some(CartridgeAccess::No(why)) = access(&site.product, barcode) else {
        return Ok(());
    };
    Err(Error::failed(format!(
        "{barcode} cannot be used in {} ({}): {why}",
        site.name, site.product
    ))
    .hint("mount it in a drive of its own generation"))
}

/// Who gives a drive its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyGiver {
    /// Any host, this one too.
    Host,
    /// The library or a key manager: hosts are kept from it.
    Library,
    /// Nobody: the drive does not encrypt.
    Nobody,
}

impl fmt::Display for KeyGiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Host => "by hosts",
            Self::Library => "by the library",
            Self::Nobody => "none",
        })
    }
}

/// Who gives a drive its keys, as its encryption pages have it; `None` when it cannot be asked.
pub fn key_giver(drive: &mut Drive) -> Option<KeyGiver> {
    let drive = drive.scsi()?;
    match drive.usable_encryption() {
        Ok(_) => Some(KeyGiver::Host),
        Err(EncryptionError::ManagedElsewhere { .. }) => Some(KeyGiver::Library),
        Err(EncryptionError::Unsupported { .. }) => Some(KeyGiver::Nobody),
        Err(error) => {
            tracing::debug!(drive = drive.path(), %error, "who gives it keys is not known");
            None
        }
    }
}

/// Lets blocks be checked on their way to the tape and back, where the drive can: what is written
/// and read from now on carries a CRC. Says why not where the path to the drive is what refuses:
/// its longest transfer has no room for a block and the CRC.
#[must_use]
pub fn protect(drive: &mut Drive, block: u32) -> Option<String> {
    let drive = drive.scsi()?;
    match drive.carries_protected(block as usize) {
        Ok(true) => {}
        Ok(false) => {
            return Some(format!(
                "without block protection: the host adapter takes no blocks of {block} bytes with \
                 the {INFORMATION} bytes of it"
            ));
        }
        Err(error) => tracing::debug!(drive = drive.path(), %error, "longest transfer"),
    }
    match drive.protect_blocks(true) {
        Ok(Some(found)) => tracing::debug!(drive = drive.path(), ?found, "block protection"),
        Ok(None) => tracing::info!(drive = drive.path(), "the drive has no block protection"),
        Err(error) => tracing::warn!(drive = drive.path(), %error, "block protection"),
    }
    None
}

/// Ends that, for others who use the drive afterwards.
pub fn unprotect(drive: &mut Drive) {
    let Some(drive) = drive.scsi() else { return };
    if let Err(error) = drive.protect_blocks(false) {
        tracing::warn!(drive = drive.path(), %error, "block protection stays on");
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tapeward_drivers::ssc::generation::Incompatible;

    use super::*;

    #[rstest]
    #[case(
        "ULTRIUM-TD9",
        "TW0001L7",
        Some(CartridgeAccess::No(Incompatible::TooOld))
    )]
    #[case("ULTRIUM-TD9", "TW0001L8", Some(CartridgeAccess::ReadWrite))]
    #[case("Ultrium 7-SCSI", "TW0001LV", Some(CartridgeAccess::ReadOnly))]
    #[case(
        "ULTRIUM-TDA",
        "TW0001L9",
        Some(CartridgeAccess::No(Incompatible::TooOld))
    )]
    #[case("ULTRIUM-TD8", "TW0001M8", Some(CartridgeAccess::ReadWrite))]
    #[case("ULTRIUM-TD8", "TW0001", None)]
    #[case("ULTRIUM-TD8", "CLN001CU", None)]
    #[case("VIRTUAL TAPE", "TW0001L1", None)]
    fn labels_and_drives(
        #[case] product: &str,
        #[case] label: &str,
        #[case] expected: Option<CartridgeAccess>,
    ) {
        assert_eq!(access(product, &label.parse().unwrap()), expected);
    }
}
