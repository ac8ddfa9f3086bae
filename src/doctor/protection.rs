//! Encryption by the drive and logical block protection.

use tapeward_drivers::ssc::encryption::{
    BlockEncryption, EncryptionError, EncryptionKey, Reservation,
};
use tapeward_drivers::ssc::protection::BlockProtection;
use tapeward_drivers::ssc::{Drive, Synchronize};
use zeroize::Zeroizing;

use super::exam::{Checked, Exam, NotPassed, Passed};
use super::pattern;
use super::tape::{BLOCK, after_first_block, expect_block, write};

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

/// Writes a few blocks and a filemark behind the first block.
fn append(drive: &mut Drive) -> Result<(), NotPassed> {
    after_first_block(drive)?;
    for number in 0..BLOCKS {
        write(drive, &pattern::block(number, BLOCK))?;
    }
    drive.write_filemarks(1, Synchronize::Flush)?;
    Ok(())
}

fn read_back(drive: &mut Drive) -> Result<(), NotPassed> {
    after_first_block(drive)?;
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
    with_key?;
    forgotten?;
    after_first_block(drive)?;
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

fn encrypted(drive: &mut Drive) -> Result<(), NotPassed> {
    append(drive)?;
    after_first_block(drive)?;
    if let Some(next) = drive.next_block_encryption()?
        && next.encryption != BlockEncryption::Readable
    {
        let what = format!(
            "a block written with a key is told to be {:?}",
            next.encryption
        );
        return Err(NotPassed::failed(what));
    }
    read_back(drive)
}

/// Written and read with CRC32C behind each block, and read without.
pub(super) fn block_protection(drive: &mut Drive) -> Checked {
    if drive.block_protection()?.is_none() {
        return Err(NotPassed::unsupported("the drive lacks block protection"));
    }
    if !drive.carries_protected(BLOCK)? {
        return Err(NotPassed::unsupported(format!(
            "the host adapter takes no blocks of {BLOCK} bytes with four more: jobs go without"
        )));
    }
    let found = drive.protect_blocks(true)?;
    let protected = if found == Some(BlockProtection::CRC32C) {
        append(drive).and_then(|()| read_back(drive))
    } else {
        Err(NotPassed::unsupported("CRC32C is not among its methods"))
    };
    drive.protect_blocks(false)?;
    protected?;
    read_back(drive)?;
    Ok(Passed::new(
        "blocks written and read with CRC32C, and read without",
    ))
}
