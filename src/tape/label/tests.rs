//! Labels of another program read, ours written column by column, and nothing panics.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::archive::member::SegmentNumber;
use crate::tape::codec::Codec;
use crate::tape::digest::TapeDigest;
use crate::tape::layout::{BlockSize, FileKind, FileSequence};

// Captured from tapes written by CERN's CASTOR, printed as hex dumps in the documentation of the
// CERN Tape Archive, "CTA Tape Format" (eoscta.docs.cern.ch, tape_format).

/// CASTOR 2.1.12, the beginning of a tape.
const CASTOR_VOL1: &str = concat!(
    "564f4c31563532303031202020202020",
    "20202020202020202020202020202020",
    "2020202020434153544f522020202020",
    "20202020202020202020202020202020",
    "20202020202020202020202020202033",
);

/// CASTOR 2.1.12, HDR1 of the second file.
const CASTOR_HDR1: &str = concat!(
    "48445231313241313630433338202020",
    "20202020205635323030313030303130",
    "30303230303031303030313230343130",
    "31323034312030303030303043415354",
    "4f5220322e312e313220202020202020",
);

/// CASTOR 2.1.12, HDR2 of the first file (blocks of 256 KiB).
const CASTOR_HDR2: &str = concat!(
    "48445232463030303030303030303020",
    "20202020202020202020202020202020",
    "20202020202020202020202020202020",
    "20203030202020202020202020202020",
    "20202020202020202020202020202020",
);

fn bytes(hexadecimal: &str) -> Vec<u8> {
    (0..hexadecimal.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap())
        .collect()
}

fn day(year: i32, ordinal: u32) -> chrono::NaiveDate {
    chrono::NaiveDate::from_yo_opt(year, ordinal).unwrap()
}

#[test]
fn volume_label_of_castor() {
    let block = bytes(CASTOR_VOL1);
    let label = VolumeLabel::parse(&block).unwrap();
    assert_eq!(label.volume, "V52001");
    assert_eq!(label.owner, "CASTOR");
    assert_eq!(label.implementation, "");
    assert_eq!(label.standard_version, '3');
    assert!(!label.is_ours());
    assert_eq!(label.encode().to_vec(), block);
}

#[test]
fn file_labels_of_castor() {
    let block = bytes(CASTOR_HDR1);
    let label = FileLabel1::parse(&block, GroupEnd::Header).unwrap();
    assert_eq!(label.identifier.as_str(), "12A160C38");
    assert_eq!(label.file_set, "V52001");
    assert_eq!(label.sequence, FileSequence(2));
    assert_eq!(label.created.day(), Some(day(2012, 41)));
    assert_eq!(label.expires.day(), Some(day(2012, 41)));
    assert_eq!(label.block_count, 0);
    assert_eq!(label.system, "CASTOR 2.1.12");
    assert_eq!(label.encode(GroupEnd::Header).to_vec(), block);

    let block = bytes(CASTOR_HDR2);
    let label = FileLabel2::parse(&block, GroupEnd::Header).unwrap();
    assert_eq!(label.block_length, BlockLength::TooLong);
    assert_eq!(label.encode(GroupEnd::Header).to_vec(), block);
}

fn header() -> HeaderGroup {
    HeaderGroup {
        file1: FileLabel1::header(
            FileKind::Segment,
            Some(SegmentNumber(7)),
            &"ABC001".parse().unwrap(),
            FileSequence(12),
            LabelDate::on(day(2026, 325)),
            LabelDate::NONE,
        ),
        file2: FileLabel2 {
            block_length: BlockSize::new(65_536).unwrap().into(),
        },
        user1: UserLabel1 {
            subject: Uuid::from_u128(0x0192_3456_789a_7bcd_8ef0_1234_5678_9abc),
            kind: FileKind::Segment,
            segment: Some(SegmentNumber(7)),
            block_size: BlockSize::new(65_536).unwrap(),
            codec: Codec::ZstdAge,
        },
    }
}

/// Every column of every label, so that no change goes unnoticed.
#[test]
fn labels_written_here() {
    let volume = VolumeLabel::new(&"ABC001".parse().unwrap()).encode();
    let mut text = String::from_utf8(volume.to_vec()).unwrap() + "\n";
    let header = header();
    for block in header.encode() {
        text += std::str::from_utf8(&block).unwrap();
        text.push('\n');
    }
    let trailer = header
        .trailer(UserLabel2 {
            xxh3_128: TapeDigest::of(b"abc"),
            length: 123_456_789,
            blocks: 1884,
        })
        .encode();
    for block in trailer.blocks() {
        text += std::str::from_utf8(block).unwrap();
        text.push('\n');
    }
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.iter().all(|line| line.len() == 80), "{text}");
    let blanks = " ".repeat(47);
    assert_eq!(
        lines[0],
        format!("VOL1ABC001{}TAPEWARD{blanks}4", " ".repeat(14))
    );
    let shown: Vec<&str> = lines.iter().skip(1).map(|line| line.trim_end()).collect();
    assert_eq!(
        shown,
        [
            "HDR1SEG.0000000007   ABC00100010012000100026325 00000 000000TAPEWARD",
            "HDR2F6553665536                                   00",
            "UHL1019234567\
             89A7BCD8EF0123456789ABCSG00000000070000065536ZA",
            "EOF1SEG.0000000007   ABC00100010012000100026325 00000 001884TAPEWARD",
            "EOF2F6553665536                                   00",
            "UTL1019234567\
             89A7BCD8EF0123456789ABCSG00000000070000065536ZA",
            "UTL206B05AB6733A618578AF5F94892F395000000000000123456789000000001884",
        ]
    );
}

#[test]
fn groups_come_back_as_they_were() {
    let header = header();
    let [file1, file2, user1] = header.encode();
    let end = GroupEnd::Header;
    assert_eq!(FileLabel1::parse(&file1, end).as_ref(), Ok(&header.file1));
    assert_eq!(FileLabel2::parse(&file2, end).as_ref(), Ok(&header.file2));
    assert_eq!(UserLabel1::parse(&user1, end).as_ref(), Ok(&header.user1));
    let group = header.trailer(UserLabel2 {
        xxh3_128: TapeDigest::of(b""),
        length: 0,
        blocks: 1,
    });
    assert_eq!(TrailerGroup::parse(&group.encode()), Ok(group));
}

#[test]
fn errors_name_label_and_columns() {
    let mut block = header().file1.encode(GroupEnd::Header);
    block[54] = b'x';
    let error = FileLabel1::parse(&block, GroupEnd::Header).unwrap_err();
    assert_eq!(
        error.to_string(),
        "HDR1 columns 55-60: \"x00000\" is not a decimal number"
    );
    assert_eq!(
        FileLabel1::parse(&block[..79], GroupEnd::Header),
        Err(LabelError::Length(79))
    );
    let error = FileLabel1::parse(&block, GroupEnd::Trailer).unwrap_err();
    assert_eq!(error.to_string(), "expected the label EOF1, found \"HDR1\"");
}

#[test]
fn centuries_of_dates() {
    for (text, year) in [(" 99365", 1999), ("026001", 2026), ("100001", 2100)] {
        let date: LabelDate = text.parse().unwrap();
        assert_eq!(
            date.day().map(|day| chrono::Datelike::year(&day)),
            Some(year)
        );
        assert_eq!(date.to_string(), text);
    }
    assert_eq!(" 00000".parse(), Ok(LabelDate::NONE));
    assert!("026366".parse::<LabelDate>().is_err());
    assert!("26001".parse::<LabelDate>().is_err());
}

fn any_kind() -> impl Strategy<Value = FileKind> {
    prop::sample::select(FileKind::ALL.to_vec())
}

proptest! {
    #[test]
    fn no_block_makes_a_parser_panic(block in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = VolumeLabel::parse(&block);
        for end in [GroupEnd::Header, GroupEnd::Trailer] {
            let _ = FileLabel1::parse(&block, end);
            let _ = FileLabel2::parse(&block, end);
            let _ = UserLabel1::parse(&block, end);
        }
        let _ = UserLabel2::parse(&block);
    }

    #[test]
    fn no_damage_makes_a_parser_panic(at in 0_usize..320, value in any::<u8>()) {
        let group = header().trailer(UserLabel2 {
            xxh3_128: TapeDigest::of(b"x"),
            length: 1,
            blocks: 1,
        });
        let mut text = group.encode().as_str().as_bytes().to_vec();
        text[at] = value;
        if let Ok(trailer) = String::from_utf8_lossy(&text).parse::<Trailer>() {
            let _ = TrailerGroup::parse(&trailer);
        }
    }

    #[test]
    fn standard_labels_come_back(
        serial in "[A-Z0-9]{6}",
        owner in "([!-~][ -~]{0,12}[!-~])?",
        kind in any_kind(),
        segment in any::<u32>(),
        sequence in 1_u16..=9_999,
        days in (0_u64..400_000, 0_u64..400_000),
        block_count in 0_u32..=999_999,
        kibibytes in 1_u64..8193,
    ) {
        let serial = serial.parse().unwrap();
        let volume = VolumeLabel { owner, ..VolumeLabel::new(&serial) };
        prop_assert_eq!(VolumeLabel::parse(&volume.encode()), Ok(volume));
        let date = |days| LabelDate::on(day(1900, 1) + chrono::Days::new(days));
        let segment = kind.has_segment().then_some(SegmentNumber(segment));
        let (created, expires) = (date(days.0), date(days.1));
        let file = FileLabel1 {
            block_count,
            ..FileLabel1::header(kind, segment, &serial, FileSequence(sequence), created, expires)
        };
        let second = FileLabel2 {
            block_length: BlockSize::new(kibibytes * 1024).unwrap().into(),
        };
        for end in [GroupEnd::Header, GroupEnd::Trailer] {
            prop_assert_eq!(&FileLabel1::parse(&file.encode(end), end).unwrap(), &file);
            prop_assert_eq!(&FileLabel2::parse(&second.encode(end), end).unwrap(), &second);
        }
    }

    #[test]
    fn user_labels_come_back(
        subject in any::<u128>(),
        kind in any_kind(),
        segment in any::<u32>(),
        kibibytes in 1_u64..8193,
        codec in prop::sample::select(Codec::ALL.to_vec()),
        digest in any::<[u8; 16]>(),
        length in any::<u64>(),
        blocks in 0_u64..1_000_000_000_000,
    ) {
        let label = UserLabel1 {
            subject: Uuid::from_u128(subject),
            kind,
            segment: kind.has_segment().then_some(SegmentNumber(segment)),
            block_size: BlockSize::new(kibibytes * 1024).unwrap(),
            codec,
        };
        for end in [GroupEnd::Header, GroupEnd::Trailer] {
            prop_assert_eq!(&UserLabel1::parse(&label.encode(end), end).unwrap(), &label);
        }
        let label = UserLabel2 { xxh3_128: TapeDigest::from_bytes(digest), length, blocks };
        prop_assert_eq!(UserLabel2::parse(&label.encode()).unwrap(), label);
    }
}
