//! What a barcode says about its cartridge (LTO Ultrium bar code label specification: six
//! characters of volume serial, two of media identifier).

use crate::catalogue::{Generation, MediumUse};
use crate::id::{Barcode, VolumeSerial};

/// What can be read off a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelReading {
    /// The six characters before the media identifier, when the label follows the specification.
    pub serial: Option<VolumeSerial>,
    /// Generation of the medium; `Unknown` when the label does not tell.
    pub generation: Generation,
    /// What the cartridge is for.
    pub medium_use: MediumUse,
}

/// Media identifiers: two characters, generation, use.
const MEDIA_IDENTIFIERS: &[(&str, Generation, MediumUse)] = &[
    ("L1", Generation::Lto1, MediumUse::Data),
    ("L2", Generation::Lto2, MediumUse::Data),
    ("L3", Generation::Lto3, MediumUse::Data),
    ("L4", Generation::Lto4, MediumUse::Data),
    ("L5", Generation::Lto5, MediumUse::Data),
    ("L6", Generation::Lto6, MediumUse::Data),
    ("L7", Generation::Lto7, MediumUse::Data),
    ("M8", Generation::Lto7TypeM, MediumUse::Data),
    ("L8", Generation::Lto8, MediumUse::Data),
    ("L9", Generation::Lto9, MediumUse::Data),
    ("LA", Generation::Lto10, MediumUse::Data),
    ("PA", Generation::Lto10, MediumUse::Data),
    ("LT", Generation::Lto3, MediumUse::Worm),
    ("LU", Generation::Lto4, MediumUse::Worm),
    ("LV", Generation::Lto5, MediumUse::Worm),
    ("LW", Generation::Lto6, MediumUse::Worm),
    ("LX", Generation::Lto7, MediumUse::Worm),
    ("LY", Generation::Lto8, MediumUse::Worm),
    ("LZ", Generation::Lto9, MediumUse::Worm),
    ("LH", Generation::Lto10, MediumUse::Worm),
    ("CU", Generation::Unknown, MediumUse::Cleaning),
];

/// Reads a label. Never fails: what the label does not tell is unknown.
#[must_use]
pub fn read(barcode: &Barcode) -> LabelReading {
    let text = barcode.as_str();
    let whole = text.len() == 8 && text.is_ascii();
    let identifier = whole.then(|| {
        MEDIA_IDENTIFIERS
            .iter()
            .find(|(identifier, _, _)| *identifier == &text[6..])
    });
    let (generation, by_identifier) = identifier.flatten().map_or(
        (Generation::Unknown, MediumUse::Data),
        |(_, generation, medium_use)| (*generation, *medium_use),
    );
    let medium_use = if text.starts_with("CLN") {
        MediumUse::Cleaning
    } else if text.starts_with("DG ") {
        MediumUse::Diagnostic
    } else {
        by_identifier
    };
    let serial = match text.len() {
        6 => text.parse().ok(),
        8 => text.get(..6).and_then(|serial| serial.parse().ok()),
        _ => None,
    };
    LabelReading {
        serial,
        generation,
        medium_use,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("TWV001L8", Some("TWV001"), Generation::Lto8, MediumUse::Data)]
    #[case("ABC123M8", Some("ABC123"), Generation::Lto7TypeM, MediumUse::Data)]
    #[case("ABC123LY", Some("ABC123"), Generation::Lto8, MediumUse::Worm)]
    #[case("CLN001L1", Some("CLN001"), Generation::Lto1, MediumUse::Cleaning)]
    #[case("CLNU01CU", Some("CLNU01"), Generation::Unknown, MediumUse::Cleaning)]
    #[case("DG 001L6", None, Generation::Lto6, MediumUse::Diagnostic)]
    #[case("ABC123", Some("ABC123"), Generation::Unknown, MediumUse::Data)]
    #[case("ABC123Q9", Some("ABC123"), Generation::Unknown, MediumUse::Data)]
    #[case("A", None, Generation::Unknown, MediumUse::Data)]
    #[case("abc123L8", None, Generation::Lto8, MediumUse::Data)]
    fn labels_are_read(
        #[case] text: &str,
        #[case] serial: Option<&str>,
        #[case] generation: Generation,
        #[case] medium_use: MediumUse,
    ) {
        let reading = read(&text.parse().unwrap());
        assert_eq!(reading.serial, serial.map(|serial| serial.parse().unwrap()));
        assert_eq!(reading.generation, generation);
        assert_eq!(reading.medium_use, medium_use);
    }
}
