//! Encryption by the drive and logical block protection.

use tapeward_drivers::ssc::encryption::{
    BlockEncryption, EncryptionError, EncryptionKey, Reservation,
};
use tapeward_drivers::ssc::protection::BlockProtection;
use tapeward_drivers::ssc::{BlockAddress, Drive, Space, Synchronize};
use zeroize::Zeroizing;

use super::exam::{Checked, Exam, NotPassed, Passed};
use super::pattern;
use super::tape::{BLOCK, expect_block, write};

/// Blocks written for each.
const BLOCKS: u64 = 4;

fn not_passed(error: EncryptionError) -> NotPassed {
    match &error {
        EncryptionError::Unsupported { .. } | EncryptionError::ManagedElsewhere { .. } => {
            NotPassed::unsupported(error.to_string())
        }
        _ => error.into_scsi().into(),
    }
}

/// Writes a few blocks and a filemark behind everything; the address of the first.
fn append(drive: &mut Drive) -> Result<BlockAddress, NotPassed> {
    drive.space(Space::EndOfData)?;
    let start = drive.position()?.block;
    for number in 0..BLOCKS {
        write(drive, &pattern::block(number, BLOCK))?;
    }
    drive.write_filemarks(1, Synchronize::Flush)?;
    Ok(start)
}

fn read_back(drive: &mut Drive, start: BlockAddress) -> Result<(), NotPassed> {
    drive.locate(start)?;
    let mut buffer = vec![0; BLOCK];
    for number in 0..BLOCKS {
        let outcome = drive.read_block(&mut buffer)?;
        expect_block(outcome, &buffer, number)?;
    }
    Ok(())
}

/// Written with a key for the test, read with it, not readable without it.
pub(super) fn encryption(exam: &Exam, drive: &mut Drive) -> Checked {
    let Some(capabilities) = drive.encryption_capabilities()? else {
        return Err(NotPassed::unsupported(
            "the drive lacks tape data encryption",
        ));
    };
    let Some(algorithm) = capabilities.preferred().cloned() else {
        return Err(NotPassed::unsupported("no algorithm this host can use"));
    };
    // It protects nothing but random test data, so that it can be known is no harm.
    let mut key = Zeroizing::new(vec![0; usize::from(algorithm.key_length)]);
    blake3::Hasher::new()
        .update(exam.context.run.as_uuid().as_bytes())
        .finalize_xof()
        .fill(&mut key);
    let key = EncryptionKey::new(key);
    drive
        .encrypt_with(&key, b"tapeward doctor", Reservation::None)
        .map_err(not_passed)?;
    let with_key = encrypted(drive);
    let forgotten = drive.forget_key().map_err(not_passed);
    let start = with_key?;
    forgotten?;
    drive.locate(start)?;
    let mut buffer = vec![0; BLOCK];
    match drive.read_block(&mut buffer) {
        Err(error) if error.sense().is_some() => {}
        Err(error) => return Err(error.into()),
        Ok(outcome) => {
            let what = format!("without the key an encrypted block read as {outcome:?}");
            return Err(NotPassed::failed(what));
        }
    }
    Ok(Passed::new(format!(
        "keys of {} bits; blocks read back with the key, refused without it",
        u32::from(algorithm.key_length) * 8
    )))
}

fn encrypted(drive: &mut Drive) -> Result<BlockAddress, NotPassed> {
    let start = append(drive)?;
    drive.locate(start)?;
    if let Some(next) = drive.next_block_encryption()?
        && next.encryption != BlockEncryption::Readable
    {
        let what = format!(
            "a block written with a key is told to be {:?}",
            next.encryption
        );
        return Err(NotPassed::failed(what));
    }
    read_back(drive, start)?;
    Ok(start)
}

/// Written and read with CRC32C behind each block, and read without.
pub(super) fn block_protection(drive: &mut Drive) -> Checked {
    if drive.block_protection()?.is_none() {
        return Err(NotPassed::unsupported("the drive lacks block protection"));
    }
    let found = drive.protect_blocks(true)?;
    let protected = if found == Some(BlockProtection::CRC32C) {
        append(drive).and_then(|start| {
            read_back(drive, start)?;
            Ok(start)
        })
    } else {
        Err(NotPassed::unsupported("CRC32C is not among its methods"))
    };
    drive.protect_blocks(false)?;
    read_back(drive, protected?)?;
    Ok(Passed::new(
        "blocks written and read with CRC32C, and read without",
    ))
}
