//! Age files made by others: the test vectors of the format, and Debian's `age` both ways.

use std::fmt::Write as _;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::*;
use crate::key::{Identities, Recipient, create_identity_file};

/// One file of `tests/data/age-testkit`; its README says where they come from.
struct Vector {
    name: String,
    expect: String,
    /// SHA-256 of all plaintext that is given out, even before an error.
    payload: Option<String>,
    identities: Identities,
    file: Vec<u8>,
}

impl Vector {
    fn read(path: &Path, folder: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let end = bytes.windows(2).position(|two| two == b"\n\n").unwrap();
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let field = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find_map(|(key, value)| (key == name).then(|| value.to_owned()))
        };
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let keys: Vec<_> = head
            .lines()
            .filter_map(|line| line.strip_prefix("identity: "))
            .collect();
        let identities = if keys.is_empty() {
            Identities::default()
        } else {
            let file = folder.join(&name);
            std::fs::write(&file, keys.join("\n")).unwrap();
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&file, private).unwrap();
            Identities::load(&[file]).unwrap()
        };
        let body = &bytes[end + 2..];
        let file = match field("compressed").as_deref() {
            None => body.to_vec(),
            Some("zstd") => zstd::decode_all(body).unwrap(),
            Some(other) => panic!("{name} is compressed with {other}"),
        };
        Self {
            expect: field("expect").unwrap(),
            payload: field("payload"),
            identities,
            file,
            name,
        }
    }

    /// What a reader should have come to, by the words of the vectors' own format.
    fn check(&self, result: Result<(Vec<u8>, std::io::Result<()>), CodecError>, how: &str) {
        let name = &self.name;
        let outcome = match &result {
            Ok((_, Ok(()))) => "success",
            Ok((_, Err(_))) => "payload failure",
            Err(CodecError::WrongIdentity { .. }) => "no match",
            Err(CodecError::Decrypt(age::DecryptError::InvalidMac)) => "HMAC failure",
            Err(_) => "header failure",
        };
        assert_eq!(outcome, self.expect, "{name} {how}: {:?}", result.err());
        if let (Ok((plaintext, _)), Some(payload)) = (&result, &self.payload) {
            let mut digest = String::new();
            for byte in Sha256::digest(plaintext) {
                write!(digest, "{byte:02x}").unwrap();
            }
            assert_eq!(&digest, payload, "{name} {how}: {} bytes", plaintext.len());
        }
    }
}

/// All that can be read, and how it ended.
fn drain(mut reader: impl Read) -> (Vec<u8>, std::io::Result<()>) {
    let mut plaintext = Vec::new();
    let ended = reader.read_to_end(&mut plaintext).map(drop);
    (plaintext, ended)
}

#[test]
fn the_vectors_of_the_format_are_read_and_refused_as_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/age-testkit");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(data)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none())
        .collect();
    paths.sort();
    assert!(paths.len() > 60, "{} vectors", paths.len());
    for path in paths {
        let vector = Vector::read(&path, folder.path());
        let stream = decode(&vector.file[..], Codec::Age, &vector.identities).map(drain);
        vector.check(stream, "as a stream");
        let chunks =
            age_header::open(&mut &vector.file[..], &vector.identities).and_then(|opened| {
                let mut input = Cursor::new(&vector.file);
                input.seek(SeekFrom::Start(opened.length))?;
                Ok(drain(age_reader::PayloadReader::new(input, opened)))
            });
        vector.check(chunks, "chunk by chunk");
    }
}

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // Knuth's MMIX generator; the high bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 16
    }

    /// A length: often at or next to the end of a chunk.
    fn length(&mut self) -> usize {
        let chunks = usize::try_from(self.next() % 5).unwrap() * 65_536;
        match self.next() % 4 {
            0 => chunks,
            1 => chunks + 1,
            2 => chunks.saturating_sub(1),
            _ => usize::try_from(self.next() % 300_000).unwrap(),
        }
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

fn age(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let child = Command::new("age")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => panic!("age is needed for this test (apt install age): {error}"),
    };
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "age {arguments:?}: {errors}");
    output.stdout
}

#[test]
fn a_thousand_streams_go_to_age_and_come_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("identity");
    let recipient = create_identity_file(&file, chrono::DateTime::UNIX_EPOCH).unwrap();
    let to = recipient.to_string();
    let from = file.to_str().unwrap();
    let identities = Identities::load(std::slice::from_ref(&file)).unwrap();
    let one = |seed: u64| {
        let mut numbers = Numbers(seed);
        let length = numbers.length();
        let plaintext = numbers.bytes(length);
        if seed.is_multiple_of(2) {
            let coded = coded(&mut numbers, &recipient, &plaintext);
            let back = age(&["-d", "-i", from], &coded);
            assert!(back == plaintext, "stream {seed}, {length} bytes, to age");
        } else {
            let coded = age(&["-r", &to], &plaintext);
            let (back, ended) = drain(decode(&coded[..], Codec::Age, &identities).unwrap());
            ended.unwrap();
            assert!(back == plaintext, "stream {seed}, {length} bytes, from age");
        }
    };
    std::thread::scope(|scope| {
        for first in 0..4 {
            let one = &one;
            scope.spawn(move || (first..1000).step_by(4).for_each(one));
        }
    });
}

/// Encodes in pieces of any length, copied and shared.
fn coded(numbers: &mut Numbers, recipient: &Recipient, plaintext: &[u8]) -> Vec<u8> {
    let window = Window::at_most(numbers.next() % (4 << 20));
    let recipients = std::slice::from_ref(recipient);
    let mut encoder = Encoder::new(
        Codec::Age,
        recipients,
        FrameSize::DEFAULT,
        window,
        Vec::new(),
    )
    .unwrap();
    let mut left = plaintext;
    while !left.is_empty() {
        let length = usize::try_from(1 + numbers.next() % 100_000).unwrap();
        let (now, later) = left.split_at(length.min(left.len()));
        if length.is_multiple_of(2) {
            encoder.write(now).unwrap();
        } else {
            let now = bytes::Bytes::copy_from_slice(now);
            encoder.write_shared(now).unwrap();
        }
        left = later;
    }
    encoder.finish().unwrap().output
}
