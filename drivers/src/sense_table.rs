//! Texts and classes of sense codes (T10 list of additional sense codes, SPC-5: those
//! assigned to sequential-access devices, medium changers and all device types).

use serde::{Deserialize, Serialize};

use crate::sense::{AdditionalSense, SenseData, SenseKey};

/// What kind of trouble sense data reports, for deciding what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SenseClass {
    /// Nothing of interest.
    None,
    /// A filemark was met.
    Filemark,
    /// A block's length differs from what was asked for.
    IncorrectLength,
    /// Early warning: the data was written, little room is left.
    EarlyWarning,
    /// Programmable early warning: the data was written.
    ProgrammableEarlyWarning,
    /// The end of the partition was met while reading or spacing.
    EndOfMedium,
    /// The beginning of the partition was met while spacing backwards.
    BeginningOfMedium,
    /// No data is recorded behind this point.
    EndOfData,
    /// Another kind of blank check.
    BlankCheck,
    /// Data was not written: the partition is full.
    VolumeOverflow,
    /// The drive overcame an error.
    Recovered,
    /// The device comes back by itself: loading, calibrating, scanning, resetting.
    NotReadyTransient,
    /// No cartridge, or one that is not loaded.
    NotReadyNoMedium,
    /// The drive is being cleaned or holds a cleaning cartridge.
    NotReadyCleaning,
    /// Somebody has to do something: close a door, put a magazine in, switch it on line.
    NotReadyManual,
    /// Any other NOT READY.
    NotReady,
    /// The drive asks to be cleaned.
    CleaningRequired,
    /// The medium can't be read or written here.
    MediumError,
    /// The medium's kind or format doesn't suit the drive.
    IncompatibleMedium,
    /// The device is broken or lost its way.
    HardwareError,
    /// The source element of a move is empty.
    SourceEmpty,
    /// The destination element of a move is full.
    DestinationFull,
    /// The drive does not let the cartridge go.
    RemovalPrevented,
    /// The element address is not one of this library's.
    InvalidElement,
    /// The device lacks this command or field.
    Unsupported,
    /// Any other ILLEGAL REQUEST.
    IllegalRequest,
    /// A cartridge may have been changed.
    MediumChanged,
    /// An import or export element, or a magazine, was opened or changed.
    ElementsChanged,
    /// The device was reset or powered on.
    Reset,
    /// Any other UNIT ATTENTION.
    UnitAttention,
    /// The cartridge is write-protected.
    WriteProtected,
    /// The cartridge can be written once only, and this place is written.
    WormOverwrite,
    /// Encryption keys are missing or wrong.
    Encryption,
    /// Any other DATA PROTECT.
    DataProtect,
    /// The command was aborted; it may be sent again if it is safe to repeat.
    Aborted,
    /// None of these.
    Other,
}

/// Decides by key first, since codes mean different things under different keys.
pub(crate) fn classify(sense: &SenseData) -> SenseClass {
    let AdditionalSense { code, qualifier } = sense.asc;
    match sense.key {
        SenseKey::NoSense | SenseKey::Completed => stream_class(sense),
        SenseKey::RecoveredError => SenseClass::Recovered,
        SenseKey::NotReady => match (code, qualifier) {
            (0x30, 0x03 | 0x07) => SenseClass::NotReadyCleaning,
            (0x3a, _) => SenseClass::NotReadyNoMedium,
            (0x04, 0x01 | 0x04..=0x0a | 0x11 | 0x13 | 0x14) => SenseClass::NotReadyTransient,
            (0x04, 0x02 | 0x03 | 0x12) | (0x3b, 0x11 | 0x12) => SenseClass::NotReadyManual,
            (0x30, _) => SenseClass::IncompatibleMedium,
            _ => SenseClass::NotReady,
        },
        SenseKey::MediumError => match (code, qualifier) {
            (0x00, 0x02) => SenseClass::EndOfMedium,
            (0x30, _) => SenseClass::IncompatibleMedium,
            _ => SenseClass::MediumError,
        },
        SenseKey::HardwareError => match (code, qualifier) {
            (0x3b, 0x0d) => SenseClass::DestinationFull,
            (0x3b, 0x0e) => SenseClass::SourceEmpty,
            _ => SenseClass::HardwareError,
        },
        SenseKey::IllegalRequest => match (code, qualifier) {
            (0x20, 0x00) | (0x24 | 0x26, _) => SenseClass::Unsupported,
            (0x21, 0x01) => SenseClass::InvalidElement,
            (0x30, _) => SenseClass::IncompatibleMedium,
            (0x3b, 0x0d) => SenseClass::DestinationFull,
            (0x3b, 0x0e) => SenseClass::SourceEmpty,
            (0x53, 0x02 | 0x03) => SenseClass::RemovalPrevented,
            _ => SenseClass::IllegalRequest,
        },
        SenseKey::UnitAttention => match (code, qualifier) {
            (0x28, 0x00) => SenseClass::MediumChanged,
            (0x28, 0x01 | 0x03) | (0x3b, 0x11..=0x15 | 0x18..=0x1b) => SenseClass::ElementsChanged,
            (0x29, _) => SenseClass::Reset,
            _ => SenseClass::UnitAttention,
        },
        SenseKey::DataProtect => match (code, qualifier) {
            (0x27, _) | (0x5a, 0x02) => SenseClass::WriteProtected,
            (0x30, 0x0c) => SenseClass::WormOverwrite,
            (0x30, _) => SenseClass::IncompatibleMedium,
            (0x26 | 0x74 | 0x2a, _) => SenseClass::Encryption,
            _ => SenseClass::DataProtect,
        },
        SenseKey::BlankCheck => match (code, qualifier) {
            // Without a code the key alone says it (SPC-5, BLANK CHECK).
            (0x00, 0x00 | 0x05) | (0x14, 0x03) => SenseClass::EndOfData,
            _ => SenseClass::BlankCheck,
        },
        SenseKey::VolumeOverflow => SenseClass::VolumeOverflow,
        SenseKey::AbortedCommand => SenseClass::Aborted,
        SenseKey::VendorSpecific
        | SenseKey::CopyAborted
        | SenseKey::Reserved
        | SenseKey::Miscompare => SenseClass::Other,
    }
}

/// NO SENSE with stream flags (SSC-4).
fn stream_class(sense: &SenseData) -> SenseClass {
    match (sense.asc.code, sense.asc.qualifier) {
        (0x00, 0x07) => SenseClass::ProgrammableEarlyWarning,
        (0x00, 0x17) => SenseClass::CleaningRequired,
        (0x00, 0x04) => SenseClass::BeginningOfMedium,
        _ if sense.filemark => SenseClass::Filemark,
        _ if sense.incorrect_length => SenseClass::IncorrectLength,
        _ if sense.end_of_medium => SenseClass::EarlyWarning,
        _ => SenseClass::None,
    }
}

/// The text T10 assigned to a code, if it is one of those known here.
pub(crate) fn text(asc: AdditionalSense) -> Option<&'static str> {
    match ROWS.binary_search_by_key(&(asc.code, asc.qualifier), |row| (row.0, row.1)) {
        Ok(at) => Some(ROWS[at].2),
        Err(_) if asc.code == 0x40 && asc.qualifier >= 0x80 => {
            Some("DIAGNOSTIC FAILURE ON COMPONENT (80h-FFh)")
        }
        Err(_) if asc.code == 0x4d => Some("TAGGED OVERLAPPED COMMANDS"),
        Err(_) if asc.code == 0x70 => Some("DECOMPRESSION EXCEPTION SHORT ALGORITHM ID"),
        Err(_) => None,
    }
}

/// Code, qualifier, text; sorted.
#[rustfmt::skip]
const ROWS: &[(u8, u8, &str)] = &[
    (0x00, 0x00, "NO ADDITIONAL SENSE INFORMATION"),
    (0x00, 0x01, "FILEMARK DETECTED"),
    (0x00, 0x02, "END-OF-PARTITION/MEDIUM DETECTED"),
    (0x00, 0x03, "SETMARK DETECTED"),
    (0x00, 0x04, "BEGINNING-OF-PARTITION/MEDIUM DETECTED"),
    (0x00, 0x05, "END-OF-DATA DETECTED"),
    (0x00, 0x06, "I/O PROCESS TERMINATED"),
    (0x00, 0x07, "PROGRAMMABLE EARLY WARNING DETECTED"),
    (0x00, 0x16, "OPERATION IN PROGRESS"),
    (0x00, 0x17, "CLEANING REQUESTED"),
    (0x00, 0x18, "ERASE OPERATION IN PROGRESS"),
    (0x00, 0x19, "LOCATE OPERATION IN PROGRESS"),
    (0x00, 0x1a, "REWIND OPERATION IN PROGRESS"),
    (0x00, 0x1b, "SET CAPACITY OPERATION IN PROGRESS"),
    (0x00, 0x1c, "VERIFY OPERATION IN PROGRESS"),
    (0x00, 0x1d, "ATA PASS THROUGH INFORMATION AVAILABLE"),
    (0x00, 0x1e, "CONFLICTING SA CREATION REQUEST"),
    (0x00, 0x1f, "LOGICAL UNIT TRANSITIONING TO ANOTHER POWER CONDITION"),
    (0x00, 0x20, "EXTENDED COPY INFORMATION AVAILABLE"),
    (0x01, 0x00, "NO INDEX/SECTOR SIGNAL"),
    (0x02, 0x00, "NO SEEK COMPLETE"),
    (0x03, 0x00, "PERIPHERAL DEVICE WRITE FAULT"),
    (0x03, 0x01, "NO WRITE CURRENT"),
    (0x03, 0x02, "EXCESSIVE WRITE ERRORS"),
    (0x04, 0x00, "LOGICAL UNIT NOT READY, CAUSE NOT REPORTABLE"),
    (0x04, 0x01, "LOGICAL UNIT IS IN PROCESS OF BECOMING READY"),
    (0x04, 0x02, "LOGICAL UNIT NOT READY, INITIALIZING COMMAND REQUIRED"),
    (0x04, 0x03, "LOGICAL UNIT NOT READY, MANUAL INTERVENTION REQUIRED"),
    (0x04, 0x04, "LOGICAL UNIT NOT READY, FORMAT IN PROGRESS"),
    (0x04, 0x05, "LOGICAL UNIT NOT READY, REBUILD IN PROGRESS"),
    (0x04, 0x06, "LOGICAL UNIT NOT READY, RECALCULATION IN PROGRESS"),
    (0x04, 0x07, "LOGICAL UNIT NOT READY, OPERATION IN PROGRESS"),
    (0x04, 0x08, "LOGICAL UNIT NOT READY, LONG WRITE IN PROGRESS"),
    (0x04, 0x09, "LOGICAL UNIT NOT READY, SELF-TEST IN PROGRESS"),
    (0x04, 0x0a, "LOGICAL UNIT NOT ACCESSIBLE, ASYMMETRIC ACCESS STATE TRANSITION"),
    (0x04, 0x0b, "LOGICAL UNIT NOT ACCESSIBLE, TARGET PORT IN STANDBY STATE"),
    (0x04, 0x0c, "LOGICAL UNIT NOT ACCESSIBLE, TARGET PORT IN UNAVAILABLE STATE"),
    (0x04, 0x0d, "LOGICAL UNIT NOT READY, STRUCTURE CHECK REQUIRED"),
    (0x04, 0x0e, "LOGICAL UNIT NOT READY, SECURITY SESSION IN PROGRESS"),
    (0x04, 0x10, "LOGICAL UNIT NOT READY, AUXILIARY MEMORY NOT ACCESSIBLE"),
    (0x04, 0x11, "LOGICAL UNIT NOT READY, NOTIFY (ENABLE SPINUP) REQUIRED"),
    (0x04, 0x12, "LOGICAL UNIT NOT READY, OFFLINE"),
    (0x04, 0x13, "LOGICAL UNIT NOT READY, SA CREATION IN PROGRESS"),
    (0x04, 0x21, "LOGICAL UNIT NOT READY, HARD RESET REQUIRED"),
    (0x04, 0x22, "LOGICAL UNIT NOT READY, POWER CYCLE REQUIRED"),
    (0x05, 0x00, "LOGICAL UNIT DOES NOT RESPOND TO SELECTION"),
    (0x07, 0x00, "MULTIPLE PERIPHERAL DEVICES SELECTED"),
    (0x08, 0x00, "LOGICAL UNIT COMMUNICATION FAILURE"),
    (0x08, 0x01, "LOGICAL UNIT COMMUNICATION TIME-OUT"),
    (0x08, 0x02, "LOGICAL UNIT COMMUNICATION PARITY ERROR"),
    (0x09, 0x00, "TRACK FOLLOWING ERROR"),
    (0x0a, 0x00, "ERROR LOG OVERFLOW"),
    (0x0b, 0x00, "WARNING"),
    (0x0b, 0x01, "WARNING - SPECIFIED TEMPERATURE EXCEEDED"),
    (0x0b, 0x02, "WARNING - ENCLOSURE DEGRADED"),
    (0x0b, 0x08, "WARNING - POWER LOSS EXPECTED"),
    (0x0c, 0x00, "WRITE ERROR"),
    (0x0c, 0x0b, "AUXILIARY MEMORY WRITE ERROR"),
    (0x0c, 0x0d, "WRITE ERROR - NOT ENOUGH UNSOLICITED DATA"),
    (0x0e, 0x00, "INVALID INFORMATION UNIT"),
    (0x10, 0x00, "ID CRC OR ECC ERROR"),
    (0x10, 0x01, "LOGICAL BLOCK GUARD CHECK FAILED"),
    (0x10, 0x04, "LOGICAL BLOCK PROTECTION ERROR ON RECOVER BUFFERED DATA"),
    (0x10, 0x05, "LOGICAL BLOCK PROTECTION METHOD ERROR"),
    (0x11, 0x00, "UNRECOVERED READ ERROR"),
    (0x11, 0x01, "READ RETRIES EXHAUSTED"),
    (0x11, 0x02, "ERROR TOO LONG TO CORRECT"),
    (0x11, 0x03, "MULTIPLE READ ERRORS"),
    (0x11, 0x08, "INCOMPLETE BLOCK READ"),
    (0x11, 0x09, "NO GAP FOUND"),
    (0x11, 0x0a, "MISCORRECTED ERROR"),
    (0x11, 0x0d, "DE-COMPRESSION CRC ERROR"),
    (0x11, 0x0e, "CANNOT DECOMPRESS USING DECLARED ALGORITHM"),
    (0x11, 0x11, "READ ERROR - LOSS OF STREAMING"),
    (0x11, 0x12, "AUXILIARY MEMORY READ ERROR"),
    (0x12, 0x00, "ADDRESS MARK NOT FOUND FOR ID FIELD"),
    (0x14, 0x00, "RECORDED ENTITY NOT FOUND"),
    (0x14, 0x01, "RECORD NOT FOUND"),
    (0x14, 0x02, "FILEMARK OR SETMARK NOT FOUND"),
    (0x14, 0x03, "END-OF-DATA NOT FOUND"),
    (0x14, 0x04, "BLOCK SEQUENCE ERROR"),
    (0x14, 0x07, "LOCATE OPERATION FAILURE"),
    (0x15, 0x00, "RANDOM POSITIONING ERROR"),
    (0x15, 0x01, "MECHANICAL POSITIONING ERROR"),
    (0x15, 0x02, "POSITIONING ERROR DETECTED BY READ OF MEDIUM"),
    (0x17, 0x00, "RECOVERED DATA WITH NO ERROR CORRECTION APPLIED"),
    (0x17, 0x01, "RECOVERED DATA WITH RETRIES"),
    (0x18, 0x00, "RECOVERED DATA WITH ERROR CORRECTION APPLIED"),
    (0x1a, 0x00, "PARAMETER LIST LENGTH ERROR"),
    (0x1b, 0x00, "SYNCHRONOUS DATA TRANSFER ERROR"),
    (0x1d, 0x00, "MISCOMPARE DURING VERIFY OPERATION"),
    (0x20, 0x00, "INVALID COMMAND OPERATION CODE"),
    (0x20, 0x01, "ACCESS DENIED - INITIATOR PENDING-ENROLLED"),
    (0x20, 0x02, "ACCESS DENIED - NO ACCESS RIGHTS"),
    (0x20, 0x04, "ILLEGAL COMMAND WHILE IN WRITE CAPABLE STATE"),
    (0x20, 0x06, "ILLEGAL COMMAND WHILE IN EXPLICIT ADDRESS MODE"),
    (0x20, 0x07, "ILLEGAL COMMAND WHILE IN IMPLICIT ADDRESS MODE"),
    (0x20, 0x0c, "ILLEGAL COMMAND WHEN NOT IN APPEND-ONLY MODE"),
    (0x21, 0x00, "LOGICAL BLOCK ADDRESS OUT OF RANGE"),
    (0x21, 0x01, "INVALID ELEMENT ADDRESS"),
    (0x24, 0x00, "INVALID FIELD IN CDB"),
    (0x24, 0x01, "CDB DECRYPTION ERROR"),
    (0x24, 0x04, "SECURITY AUDIT VALUE FROZEN"),
    (0x24, 0x05, "SECURITY WORKING KEY FROZEN"),
    (0x24, 0x06, "NONCE NOT UNIQUE"),
    (0x24, 0x07, "NONCE TIMESTAMP OUT OF RANGE"),
    (0x25, 0x00, "LOGICAL UNIT NOT SUPPORTED"),
    (0x26, 0x00, "INVALID FIELD IN PARAMETER LIST"),
    (0x26, 0x01, "PARAMETER NOT SUPPORTED"),
    (0x26, 0x02, "PARAMETER VALUE INVALID"),
    (0x26, 0x03, "THRESHOLD PARAMETERS NOT SUPPORTED"),
    (0x26, 0x04, "INVALID RELEASE OF PERSISTENT RESERVATION"),
    (0x26, 0x05, "DATA DECRYPTION ERROR"),
    (0x26, 0x10, "DATA DECRYPTION KEY FAIL LIMIT REACHED"),
    (0x26, 0x11, "INCOMPLETE KEY-ASSOCIATED DATA SET"),
    (0x26, 0x12, "VENDOR SPECIFIC KEY REFERENCE NOT FOUND"),
    (0x27, 0x00, "WRITE PROTECTED"),
    (0x27, 0x01, "HARDWARE WRITE PROTECTED"),
    (0x27, 0x02, "LOGICAL UNIT SOFTWARE WRITE PROTECTED"),
    (0x27, 0x03, "ASSOCIATED WRITE PROTECT"),
    (0x27, 0x04, "PERSISTENT WRITE PROTECT"),
    (0x27, 0x05, "PERMANENT WRITE PROTECT"),
    (0x27, 0x06, "CONDITIONAL WRITE PROTECT"),
    (0x28, 0x00, "NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED"),
    (0x28, 0x01, "IMPORT OR EXPORT ELEMENT ACCESSED"),
    (0x28, 0x02, "FORMAT-LAYER MAY HAVE CHANGED"),
    (0x28, 0x03, "IMPORT/EXPORT ELEMENT ACCESSED, MEDIUM CHANGED"),
    (0x29, 0x00, "POWER ON, RESET, OR BUS DEVICE RESET OCCURRED"),
    (0x29, 0x01, "POWER ON OCCURRED"),
    (0x29, 0x02, "SCSI BUS RESET OCCURRED"),
    (0x29, 0x03, "BUS DEVICE RESET FUNCTION OCCURRED"),
    (0x29, 0x04, "DEVICE INTERNAL RESET"),
    (0x29, 0x05, "TRANSCEIVER MODE CHANGED TO SINGLE-ENDED"),
    (0x29, 0x06, "TRANSCEIVER MODE CHANGED TO LVD"),
    (0x29, 0x07, "I_T NEXUS LOSS OCCURRED"),
    (0x2a, 0x00, "PARAMETERS CHANGED"),
    (0x2a, 0x01, "MODE PARAMETERS CHANGED"),
    (0x2a, 0x02, "LOG PARAMETERS CHANGED"),
    (0x2a, 0x03, "RESERVATIONS PREEMPTED"),
    (0x2a, 0x04, "RESERVATIONS RELEASED"),
    (0x2a, 0x05, "REGISTRATIONS PREEMPTED"),
    (0x2a, 0x0a, "ERROR HISTORY I_T NEXUS CLEARED"),
    (0x2a, 0x10, "TIMESTAMP CHANGED"),
    (0x2a, 0x11, "DATA ENCRYPTION PARAMETERS CHANGED BY ANOTHER I_T NEXUS"),
    (0x2a, 0x12, "DATA ENCRYPTION PARAMETERS CHANGED BY VENDOR SPECIFIC EVENT"),
    (0x2a, 0x13, "DATA ENCRYPTION KEY INSTANCE COUNTER HAS CHANGED"),
    (0x2b, 0x00, "COPY CANNOT EXECUTE SINCE HOST CANNOT DISCONNECT"),
    (0x2c, 0x00, "COMMAND SEQUENCE ERROR"),
    (0x2c, 0x07, "PREVIOUS BUSY STATUS"),
    (0x2c, 0x08, "PREVIOUS TASK SET FULL STATUS"),
    (0x2c, 0x09, "PREVIOUS RESERVATION CONFLICT STATUS"),
    (0x2c, 0x0b, "NOT RESERVED"),
    (0x2d, 0x00, "OVERWRITE ERROR ON UPDATE IN PLACE"),
    (0x2f, 0x00, "COMMANDS CLEARED BY ANOTHER INITIATOR"),
    (0x2f, 0x01, "COMMANDS CLEARED BY POWER LOSS NOTIFICATION"),
    (0x2f, 0x02, "COMMANDS CLEARED BY DEVICE SERVER"),
    (0x30, 0x00, "INCOMPATIBLE MEDIUM INSTALLED"),
    (0x30, 0x01, "CANNOT READ MEDIUM - UNKNOWN FORMAT"),
    (0x30, 0x02, "CANNOT READ MEDIUM - INCOMPATIBLE FORMAT"),
    (0x30, 0x03, "CLEANING CARTRIDGE INSTALLED"),
    (0x30, 0x04, "CANNOT WRITE MEDIUM - UNKNOWN FORMAT"),
    (0x30, 0x05, "CANNOT WRITE MEDIUM - INCOMPATIBLE FORMAT"),
    (0x30, 0x06, "CANNOT FORMAT MEDIUM - INCOMPATIBLE MEDIUM"),
    (0x30, 0x07, "CLEANING FAILURE"),
    (0x30, 0x0c, "WORM MEDIUM - OVERWRITE ATTEMPTED"),
    (0x30, 0x0d, "WORM MEDIUM - INTEGRITY CHECK"),
    (0x31, 0x00, "MEDIUM FORMAT CORRUPTED"),
    (0x31, 0x01, "FORMAT COMMAND FAILED"),
    (0x33, 0x00, "TAPE LENGTH ERROR"),
    (0x34, 0x00, "ENCLOSURE FAILURE"),
    (0x37, 0x00, "ROUNDED PARAMETER"),
    (0x39, 0x00, "SAVING PARAMETERS NOT SUPPORTED"),
    (0x3a, 0x00, "MEDIUM NOT PRESENT"),
    (0x3a, 0x01, "MEDIUM NOT PRESENT - TRAY CLOSED"),
    (0x3a, 0x02, "MEDIUM NOT PRESENT - TRAY OPEN"),
    (0x3a, 0x03, "MEDIUM NOT PRESENT - LOADABLE"),
    (0x3a, 0x04, "MEDIUM NOT PRESENT - MEDIUM AUXILIARY MEMORY ACCESSIBLE"),
    (0x3b, 0x00, "SEQUENTIAL POSITIONING ERROR"),
    (0x3b, 0x01, "TAPE POSITION ERROR AT BEGINNING-OF-MEDIUM"),
    (0x3b, 0x02, "TAPE POSITION ERROR AT END-OF-MEDIUM"),
    (0x3b, 0x08, "REPOSITION ERROR"),
    (0x3b, 0x0c, "POSITION PAST BEGINNING OF MEDIUM"),
    (0x3b, 0x0d, "MEDIUM DESTINATION ELEMENT FULL"),
    (0x3b, 0x0e, "MEDIUM SOURCE ELEMENT EMPTY"),
    (0x3b, 0x0f, "END OF MEDIUM REACHED"),
    (0x3b, 0x11, "MEDIUM MAGAZINE NOT ACCESSIBLE"),
    (0x3b, 0x12, "MEDIUM MAGAZINE REMOVED"),
    (0x3b, 0x13, "MEDIUM MAGAZINE INSERTED"),
    (0x3b, 0x14, "MEDIUM MAGAZINE LOCKED"),
    (0x3b, 0x15, "MEDIUM MAGAZINE UNLOCKED"),
    (0x3b, 0x16, "MECHANICAL POSITIONING OR CHANGER ERROR"),
    (0x3b, 0x17, "READ PAST END OF USER OBJECT"),
    (0x3b, 0x18, "ELEMENT DISABLED"),
    (0x3b, 0x19, "ELEMENT ENABLED"),
    (0x3b, 0x1a, "DATA TRANSFER DEVICE REMOVED"),
    (0x3b, 0x1b, "DATA TRANSFER DEVICE INSERTED"),
    (0x3b, 0x1c, "TOO MANY LOGICAL OBJECTS ON PARTITION TO SUPPORT OPERATION"),
    (0x3d, 0x00, "INVALID BITS IN IDENTIFY MESSAGE"),
    (0x3e, 0x00, "LOGICAL UNIT HAS NOT SELF-CONFIGURED YET"),
    (0x3e, 0x01, "LOGICAL UNIT FAILURE"),
    (0x3e, 0x02, "TIMEOUT ON LOGICAL UNIT"),
    (0x3e, 0x03, "LOGICAL UNIT FAILED SELF-TEST"),
    (0x3f, 0x00, "TARGET OPERATING CONDITIONS HAVE CHANGED"),
    (0x3f, 0x01, "MICROCODE HAS BEEN CHANGED"),
    (0x3f, 0x02, "CHANGED OPERATING DEFINITION"),
    (0x3f, 0x03, "INQUIRY DATA HAS CHANGED"),
    (0x3f, 0x05, "DEVICE IDENTIFIER CHANGED"),
    (0x3f, 0x0e, "REPORTED LUNS DATA HAS CHANGED"),
    (0x3f, 0x0f, "ECHO BUFFER OVERWRITTEN"),
    (0x3f, 0x10, "MEDIUM LOADABLE"),
    (0x3f, 0x11, "MEDIUM AUXILIARY MEMORY ACCESSIBLE"),
    (0x43, 0x00, "MESSAGE ERROR"),
    (0x44, 0x00, "INTERNAL TARGET FAILURE"),
    (0x45, 0x00, "SELECT OR RESELECT FAILURE"),
    (0x47, 0x00, "SCSI PARITY ERROR"),
    (0x47, 0x01, "DATA PHASE CRC ERROR DETECTED"),
    (0x48, 0x00, "INITIATOR DETECTED ERROR MESSAGE RECEIVED"),
    (0x49, 0x00, "INVALID MESSAGE ERROR"),
    (0x4a, 0x00, "COMMAND PHASE ERROR"),
    (0x4b, 0x00, "DATA PHASE ERROR"),
    (0x4b, 0x02, "TOO MUCH WRITE DATA"),
    (0x4c, 0x00, "LOGICAL UNIT FAILED SELF-CONFIGURATION"),
    (0x4e, 0x00, "OVERLAPPED COMMANDS ATTEMPTED"),
    (0x50, 0x00, "WRITE APPEND ERROR"),
    (0x50, 0x01, "WRITE APPEND POSITION ERROR"),
    (0x51, 0x00, "ERASE FAILURE"),
    (0x51, 0x01, "ERASE FAILURE - INCOMPLETE ERASE OPERATION DETECTED"),
    (0x52, 0x00, "CARTRIDGE FAULT"),
    (0x53, 0x00, "MEDIA LOAD OR EJECT FAILED"),
    (0x53, 0x01, "UNLOAD TAPE FAILURE"),
    (0x53, 0x02, "MEDIUM REMOVAL PREVENTED"),
    (0x53, 0x03, "MEDIUM REMOVAL PREVENTED BY DATA TRANSFER ELEMENT"),
    (0x53, 0x04, "MEDIUM THREAD OR UNTHREAD FAILURE"),
    (0x53, 0x05, "VOLUME IDENTIFIER INVALID"),
    (0x53, 0x06, "VOLUME IDENTIFIER MISSING"),
    (0x53, 0x07, "DUPLICATE VOLUME IDENTIFIER"),
    (0x53, 0x08, "ELEMENT STATUS UNKNOWN"),
    (0x53, 0x09, "DATA TRANSFER DEVICE ERROR - LOAD FAILED"),
    (0x53, 0x0a, "DATA TRANSFER DEVICE ERROR - UNLOAD FAILED"),
    (0x53, 0x0b, "DATA TRANSFER DEVICE ERROR - UNLOAD MISSING"),
    (0x53, 0x0c, "DATA TRANSFER DEVICE ERROR - EJECT FAILED"),
    (0x53, 0x0d, "DATA TRANSFER DEVICE ERROR - LIBRARY COMMUNICATION FAILED"),
    (0x55, 0x00, "SYSTEM RESOURCE FAILURE"),
    (0x55, 0x02, "INSUFFICIENT RESERVATION RESOURCES"),
    (0x55, 0x03, "INSUFFICIENT RESOURCES"),
    (0x55, 0x04, "INSUFFICIENT REGISTRATION RESOURCES"),
    (0x55, 0x06, "AUXILIARY MEMORY OUT OF SPACE"),
    (0x55, 0x07, "QUOTA ERROR"),
    (0x55, 0x08, "MAXIMUM NUMBER OF SUPPLEMENTAL DECRYPTION KEYS EXCEEDED"),
    (0x55, 0x09, "MEDIUM AUXILIARY MEMORY NOT ACCESSIBLE"),
    (0x5a, 0x01, "OPERATOR MEDIUM REMOVAL REQUEST"),
    (0x5a, 0x02, "OPERATOR SELECTED WRITE PROTECT"),
    (0x5a, 0x03, "OPERATOR SELECTED WRITE PERMIT"),
    (0x5b, 0x00, "LOG EXCEPTION"),
    (0x5b, 0x01, "THRESHOLD CONDITION MET"),
    (0x5b, 0x02, "LOG COUNTER AT MAXIMUM"),
    (0x5d, 0x00, "FAILURE PREDICTION THRESHOLD EXCEEDED"),
    (0x5d, 0x01, "MEDIA FAILURE PREDICTION THRESHOLD EXCEEDED"),
    (0x5d, 0x02, "LOGICAL UNIT FAILURE PREDICTION THRESHOLD EXCEEDED"),
    (0x5d, 0xff, "FAILURE PREDICTION THRESHOLD EXCEEDED (FALSE)"),
    (0x5e, 0x00, "LOW POWER CONDITION ON"),
    (0x65, 0x00, "VOLTAGE FAULT"),
    (0x71, 0x00, "DECOMPRESSION EXCEPTION LONG ALGORITHM ID"),
    (0x74, 0x00, "SECURITY ERROR"),
    (0x74, 0x01, "UNABLE TO DECRYPT DATA"),
    (0x74, 0x02, "UNENCRYPTED DATA ENCOUNTERED WHILE DECRYPTING"),
    (0x74, 0x03, "INCORRECT DATA ENCRYPTION KEY"),
    (0x74, 0x04, "CRYPTOGRAPHIC INTEGRITY VALIDATION FAILED"),
    (0x74, 0x05, "ERROR DECRYPTING DATA"),
    (0x74, 0x08, "DIGITAL SIGNATURE VALIDATION FAILURE"),
    (0x74, 0x09, "ENCRYPTION MODE MISMATCH ON READ"),
    (0x74, 0x0a, "ENCRYPTED BLOCK NOT RAW READ ENABLED"),
    (0x74, 0x0b, "INCORRECT ENCRYPTION PARAMETERS"),
    (0x74, 0x61, "EXTERNAL DATA ENCRYPTION KEY MANAGER ACCESS ERROR"),
    (0x74, 0x62, "EXTERNAL DATA ENCRYPTION KEY MANAGER ERROR"),
    (0x74, 0x63, "EXTERNAL DATA ENCRYPTION KEY NOT FOUND"),
    (0x74, 0x71, "LOGICAL UNIT ACCESS NOT AUTHORIZED"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_many() {
        assert!(ROWS.len() >= 150, "{}", ROWS.len());
        for pair in ROWS.windows(2) {
            assert!((pair[0].0, pair[0].1) < (pair[1].0, pair[1].1), "{pair:?}");
        }
    }
}
