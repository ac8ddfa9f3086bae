//! Coded bytes are what the `age` and `zstd` programs read, and every offset is found again.

use std::io::{BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;
use crate::key::{Identities, Recipient, create_identity_file};

struct Keys {
    folder: tempfile::TempDir,
    recipients: Vec<Recipient>,
}

impl Keys {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let recipients = ["one", "two"]
            .iter()
            .map(|name| {
                let now = chrono::DateTime::UNIX_EPOCH;
                create_identity_file(&folder.path().join(name), now).unwrap()
            })
            .collect();
        Self { folder, recipients }
    }

    fn identities(&self, name: &str) -> Identities {
        Identities::load(&[self.folder.path().join(name)]).unwrap()
    }
}

/// Bytes that compress somewhat and are never the same at two places.
fn plaintext(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| match at % 7 {
            0..4 => b'a',
            _ => (at / 7).wrapping_mul(2_654_435_761).to_le_bytes()[2],
        })
        .collect()
}

fn encode(codec: Codec, keys: &Keys, size: FrameSize, plaintext: &[u8]) -> Encoded<Vec<u8>> {
    let mut encoder =
        Encoder::new(codec, &keys.recipients, size, Window::DEFAULT, Vec::new()).unwrap();
    for piece in plaintext.chunks(10_007) {
        encoder.write(piece).unwrap();
    }
    let bound = encoder.coded_bound(0);
    let encoded = encoder.finish().unwrap();
    assert!(encoded.output.len() as u64 <= bound, "{codec}");
    assert_eq!(encoded.plaintext_length, plaintext.len() as u64);
    encoded
}

#[test]
fn every_codec_decodes_as_a_stream_and_from_any_offset() {
    let keys = Keys::new();
    let size = FrameSize::at_most(64 << 10);
    let original = plaintext(700_001);
    for codec in Codec::ALL {
        let encoded = encode(codec, &keys, size, &original);
        let identities = keys.identities("two");
        let mut back = Vec::new();
        decode(&encoded.output[..], codec, &identities)
            .unwrap()
            .read_to_end(&mut back)
            .unwrap();
        assert!(back == original, "{codec}");
        let mut reader = PlaintextReader::open(
            Cursor::new(&encoded.output),
            codec,
            original.len() as u64,
            encoded.frames,
            &identities,
        )
        .unwrap();
        for offset in [0, 1, 65_535, 65_536, 65_537, 131_072, 699_999, 3, 400_000] {
            let mut buffer = vec![0; 70_000.min(original.len() - offset)];
            reader.seek(SeekFrom::Start(offset as u64)).unwrap();
            reader.read_exact(&mut buffer).unwrap();
            assert!(
                buffer == original[offset..offset + buffer.len()],
                "{codec} at {offset}"
            );
        }
        assert_eq!(reader.seek(SeekFrom::End(0)).unwrap(), 700_001);
        assert_eq!(reader.read(&mut [0; 8]).unwrap(), 0);
    }
}

/// Counts what is read of the coded bytes.
struct Counted<'a> {
    inner: Cursor<&'a [u8]>,
    read: std::rc::Rc<std::cell::Cell<u64>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(to)
    }
}

#[test]
fn one_byte_takes_a_header_and_a_few_chunks() {
    let keys = Keys::new();
    let original = plaintext(8 << 20);
    for codec in [Codec::Age, Codec::ZstdAge] {
        let encoded = encode(codec, &keys, FrameSize::at_most(128 << 10), &original);
        // The first byte of a chunk included, where the last chunk must not be looked at.
        for offset in [5 << 20, (5 << 20) + 77] {
            let read = std::rc::Rc::default();
            let counted = Counted {
                inner: Cursor::new(&encoded.output),
                read: std::rc::Rc::clone(&read),
            };
            let length = original.len() as u64;
            let identities = keys.identities("one");
            let frames = encoded.frames.clone();
            let mut reader =
                PlaintextReader::open(counted, codec, length, frames, &identities).unwrap();
            reader.seek(SeekFrom::Start(offset)).unwrap();
            let mut byte = [0];
            reader.read_exact(&mut byte).unwrap();
            assert_eq!(byte[0], original[usize::try_from(offset).unwrap()]);
            assert!(read.get() < 5 * (64 << 10), "{codec}: {} bytes", read.get());
        }
    }
}

#[test]
fn damage_is_an_error_and_not_other_bytes() {
    let keys = Keys::new();
    let original = plaintext(300_000);
    for codec in [Codec::Zstd, Codec::Age, Codec::ZstdAge] {
        let encoded = encode(codec, &keys, FrameSize::at_most(64 << 10), &original);
        let mut damaged = encoded.output.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0x10;
        let mut back = Vec::new();
        let result = decode(&damaged[..], codec, &keys.identities("one"))
            .map_err(std::io::Error::other)
            .and_then(|mut reader| reader.read_to_end(&mut back));
        assert!(result.is_err(), "{codec}");
        let cut = &encoded.output[..encoded.output.len() - 1];
        let result = decode(cut, codec, &keys.identities("one"))
            .map_err(std::io::Error::other)
            .and_then(|mut reader| reader.read_to_end(&mut Vec::new()));
        assert!(result.is_err(), "{codec} cut off");
    }
}

/// Ends with an error, as a tape does at a bad block.
struct BreaksOff<'a>(&'a [u8]);

impl Read for BreaksOff<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            return Err(std::io::Error::other("a bad block"));
        }
        let now = self.0.len().min(buffer.len()).min(10_000);
        buffer[..now].copy_from_slice(&self.0[..now]);
        self.0 = &self.0[now..];
        Ok(now)
    }
}

#[test]
fn what_stands_before_a_bad_block_is_read() {
    let keys = Keys::new();
    let original = plaintext(6 << 20);
    let encoded = encode(Codec::Age, &keys, FrameSize::DEFAULT, &original);
    for cut in [100_000, 1 << 20, 5_000_000] {
        let input = BufReader::new(BreaksOff(&encoded.output[..cut]));
        let mut back = Vec::new();
        let mut reader = decode(input, Codec::Age, &keys.identities("one")).unwrap();
        let error = reader.read_to_end(&mut back).unwrap_err();
        assert_eq!(error.to_string(), "a bad block");
        // All chunks that are there whole; the header is shorter than a chunk.
        assert!(back.len() + 2 * 65_552 > cut, "{} of {cut}", back.len());
        assert_eq!(back, original[..back.len()]);
    }
}

#[test]
fn a_wrong_identity_is_told() {
    let keys = Keys::new();
    let encoded = encode(Codec::Age, &keys, FrameSize::DEFAULT, b"secret");
    let other = Keys::new();
    let error = decode(&encoded.output[..], Codec::Age, &other.identities("one")).err();
    assert!(
        matches!(error, Some(CodecError::WrongIdentity { tried: 1 })),
        "{error:?}"
    );
    let error = Encoder::new(
        Codec::Age,
        &[],
        FrameSize::DEFAULT,
        Window::DEFAULT,
        Vec::new(),
    )
    .err();
    assert!(
        matches!(error, Some(CodecError::NoRecipient(Codec::Age))),
        "{error:?}"
    );
}

/// Runs a program with `input` and returns what it prints; it must end well and say nothing.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => panic!("{program} is needed for this test (apt install age zstd): {error}"),
    };
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{program}: {errors}"
    );
    output.stdout
}

fn identity(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

#[test]
fn age_and_zstd_read_it() {
    let keys = Keys::new();
    let original = plaintext(1_000_000);
    let encoded = encode(
        Codec::ZstdAge,
        &keys,
        FrameSize::at_most(64 << 10),
        &original,
    );
    for name in ["one", "two"] {
        let file = identity(keys.folder.path(), name);
        let compressed = run("age", &["-d", "-i", &file], &encoded.output);
        assert!(run("zstd", &["-d", "-q"], &compressed) == original);
    }
    // Several segments' frames one behind the other are one stream to zstd.
    let one = encode(Codec::Zstd, &keys, FrameSize::DEFAULT, &original[..600_000]).output;
    let two = encode(Codec::Zstd, &keys, FrameSize::DEFAULT, &original[600_000..]).output;
    assert!(run("zstd", &["-d", "-q"], &[one, two].concat()) == original);
}

#[test]
fn we_read_what_age_and_zstd_write() {
    let keys = Keys::new();
    let original = plaintext(200_000);
    let to = keys.recipients[0].to_string();
    let coded = run("age", &["-r", &to], &run("zstd", &["-q"], &original));
    let mut back = Vec::new();
    decode(&coded[..], Codec::ZstdAge, &keys.identities("one"))
        .unwrap()
        .read_to_end(&mut back)
        .unwrap();
    assert!(back == original);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_coded_bytes_make_a_decoder_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        lengths in prop::collection::vec(any::<u32>(), 0..4),
        length in 0_u64..40_000,
    ) {
        let identities = Identities::default();
        for codec in Codec::ALL {
            let mut out = Vec::new();
            if let Ok(reader) = decode(&bytes[..], codec, &identities) {
                let _ = reader.take(1 << 20).read_to_end(&mut out);
            }
            let frames = FrameTable {
                frame_size: FrameSize::at_most(16 << 10),
                plaintext_length: length,
                lengths: lengths.clone(),
            };
            let coded = Cursor::new(&bytes);
            let opened = PlaintextReader::open(coded, codec, length, Some(frames), &identities);
            if let Ok(mut reader) = opened {
                let _ = reader.read_to_end(&mut out);
            }
        }
    }

    #[test]
    fn any_lengths_come_back(
        length in 0_usize..300_000,
        exponent in 12_u32..18,
        codec in prop::sample::select(Codec::ALL.to_vec()),
    ) {
        let keys = Keys::new();
        let original = plaintext(length);
        let size = FrameSize::at_most(1 << exponent);
        let encoded = encode(codec, &keys, size, &original);
        let mut back = Vec::new();
        decode(&encoded.output[..], codec, &keys.identities("one"))
            .unwrap()
            .read_to_end(&mut back)
            .unwrap();
        prop_assert!(back == original);
    }
}
