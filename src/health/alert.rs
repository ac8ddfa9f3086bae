//! Whom a TapeAlert flag is about (SSC-5 4.2.20 and its table of flags; the probable causes the
//! standard gives for each).

use tapeward_drivers::ssc::{TapeAlert, TapeAlertSeverity};

/// What a flag points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The cartridge.
    Medium,
    /// The drive.
    Drive,
    /// One of the two; the flag does not say which.
    Either,
    /// Neither: how it is used, what is asked of it, its cables, its cleaning.
    Use,
}

/// Whom a flag is about.
#[must_use]
pub fn subject(flag: TapeAlert) -> Subject {
    match flag.number() {
        // 04h media, 07h media life, 08h not data grade, 0Dh 0Eh cartridge mechanics, 0Fh memory
        // chip, 13h nearing media life, 31h capacity, 34h 35h system area, 36h no start of data,
        // 3Bh WORM integrity
        0x04 | 0x07 | 0x08 | 0x0d | 0x0e | 0x0f | 0x13 | 0x31 | 0x34..=0x36 | 0x3b => {
            Subject::Medium
        }
        // 1Ah fan, 1Bh 1Ch power, 1Dh maintenance, 1Eh 1Fh hardware, 22h firmware update, 25h
        // voltage, 26h predictive failure, 27h diagnostics, 39h automation interface, 3Ah microcode
        0x1a..=0x1f | 0x22 | 0x25..=0x27 | 0x39 | 0x3a => Subject::Drive,
        // 01h read, 02h write warning, 03h hard error, 05h read, 06h write failure, 37h loading,
        // 38h unload failure
        0x01..=0x03 | 0x05 | 0x06 | 0x37 | 0x38 => Subject::Either,
        _ => Subject::Use,
    }
}

/// Whether a mount that raised it was a failure. Warnings that data was hard to read or write
/// (01h, 02h) are not: corrected errors are counted by themselves.
#[must_use]
pub fn is_failure(flag: TapeAlert) -> bool {
    match subject(flag) {
        Subject::Use => false,
        Subject::Either => flag == TapeAlert::HARD_ERROR || is_critical(flag),
        Subject::Medium | Subject::Drive => is_critical(flag),
    }
}

/// What the standard calls critical.
#[must_use]
pub fn is_critical(flag: TapeAlert) -> bool {
    flag.severity() == TapeAlertSeverity::Critical
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flag(number: u8) -> TapeAlert {
        TapeAlert::try_from(number).unwrap()
    }

    #[test]
    fn requests_for_cleaning_and_handling_are_no_failures() {
        for number in [9, 10, 11, 12, 16, 17, 20, 21, 22, 23, 33, 47, 48, 60, 61] {
            assert!(!is_failure(flag(number)), "{}", flag(number));
        }
        for number in [3, 4, 5, 6, 13, 14, 30, 31, 38, 52, 53, 54, 55, 56, 57] {
            assert!(is_failure(flag(number)), "{}", flag(number));
        }
    }
}
