//! Signed checkpoints: Ed25519 (RFC 8032), keys as PKCS #8 and SubjectPublicKeyInfo (RFC 8410).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::Checkpoint;

/// What a checkpoint line begins with.
const PREFIX: &str = "TAPEWARD-CHECKPOINT-1:";
/// What stands before the 32 bytes of a public key as SubjectPublicKeyInfo (RFC 8410, section 4).
const PUBLIC_HEAD: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
const PUBLIC_LABEL: &str = "PUBLIC KEY";
const PRIVATE_LABEL: &str = "PRIVATE KEY";

/// What cannot be read as a key or a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SigningError {
    /// No public key.
    #[error(
        "it is no public key: 64 hexadecimal digits or a PEM block \"{PUBLIC_LABEL}\" of Ed25519 are"
    )]
    PublicKey,
    /// No private key.
    #[error("it is no private key: a PEM block \"{PRIVATE_LABEL}\" of Ed25519 is")]
    PrivateKey,
    /// Neither an id nor a signature.
    #[error("it is not {0} hexadecimal digits")]
    Digits(usize),
    /// No checkpoint.
    #[error("it is no checkpoint: {PREFIX}NUMBER:HASH:KEY:SIGNATURE is")]
    Checkpoint,
    /// The operating system gave no random numbers.
    #[error("no key can be made: there are no random numbers")]
    Random,
}

/// Declares bytes that are lower-case hexadecimal digits in text and JSON.
macro_rules! digits {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; $bytes]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = SigningError;
            fn try_from(text: String) -> Result<Self, SigningError> {
                from_digits(&text).map(Self).ok_or(SigningError::Digits(2 * $bytes))
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}

digits!(
    /// Which key signed: the first eight bytes of SHA-256 over the public key.
    SignerId,
    8
);
digits!(
    /// An Ed25519 signature.
    Signature,
    64
);
digits!(
    /// The public half of a key for checkpoints.
    PublicKey,
    32
);

/// The bytes of so many hexadecimal digits, in either case.
fn from_digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let digit = |digit: u8| char::from(digit).to_digit(16);
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

impl PublicKey {
    /// Which key it is.
    #[must_use]
    pub fn id(&self) -> SignerId {
        let mut id = [0; 8];
        for (byte, hashed) in id.iter_mut().zip(Sha256::digest(self.0)) {
            *byte = hashed;
        }
        SignerId(id)
    }

    /// As a PEM block, which `openssl` reads.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem(PUBLIC_LABEL, &[&PUBLIC_HEAD[..], &self.0].concat())
    }

    /// Whether it was this key that signed the checkpoint.
    #[must_use]
    pub fn signed(&self, checkpoint: &Checkpoint, signature: &Signature) -> bool {
        self.holds(&checkpoint_message(checkpoint), signature)
    }

    /// Whether it was this key that endorsed the other one.
    #[must_use]
    pub fn endorsed(&self, other: &Self, signature: &Signature) -> bool {
        self.holds(&endorsement_message(other), signature)
    }

    fn holds(&self, message: &str, signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0)
            .verify(message.as_bytes(), &signature.0)
            .is_ok()
    }
}

/// Reads hexadecimal digits or a PEM block, alone or with other text around it.
impl FromStr for PublicKey {
    type Err = SigningError;
    fn from_str(text: &str) -> Result<Self, SigningError> {
        if let Some(bytes) = from_digits(text.trim()) {
            return Ok(Self(bytes));
        }
        let der = from_pem(PUBLIC_LABEL, text).ok_or(SigningError::PublicKey)?;
        let raw = der.strip_prefix(&PUBLIC_HEAD[..]);
        let raw = raw.and_then(|raw| raw.try_into().ok());
        raw.map(Self).ok_or(SigningError::PublicKey)
    }
}

/// A key that signs.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new one.
    pub fn generate() -> Result<Self, SigningError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| SigningError::Random)?;
        Self::of(pair).ok_or(SigningError::Random)
    }

    fn of(pair: Ed25519KeyPair) -> Option<Self> {
        let public = PublicKey(pair.public_key().as_ref().try_into().ok()?);
        Some(Self { pair, public })
    }

    /// Reads a PEM block of PKCS #8.
    pub fn from_pem(text: &str) -> Result<Self, SigningError> {
        let der = Zeroizing::new(from_pem(PRIVATE_LABEL, text).ok_or(SigningError::PrivateKey)?);
        let pair = Ed25519KeyPair::from_pkcs8(&der).ok();
        pair.and_then(Self::of).ok_or(SigningError::PrivateKey)
    }

    /// As a PEM block of PKCS #8.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, SigningError> {
        let der = self.pair.to_pkcs8v1();
        let der = der.map_err(|_| SigningError::PrivateKey)?;
        Ok(Zeroizing::new(pem(PRIVATE_LABEL, der.as_ref())))
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs a checkpoint.
    #[must_use]
    pub fn sign(&self, checkpoint: Checkpoint) -> SignedCheckpoint {
        SignedCheckpoint {
            signature: self.signature(&checkpoint_message(&checkpoint)),
            key: self.public.id(),
            checkpoint,
        }
    }

    /// Says that another key goes on where this one ends.
    #[must_use]
    pub fn endorse(&self, other: &PublicKey) -> Signature {
        self.signature(&endorsement_message(other))
    }

    fn signature(&self, message: &str) -> Signature {
        let mut bytes = [0; 64];
        let signature = self.pair.sign(message.as_bytes());
        for (byte, signed) in bytes.iter_mut().zip(signature.as_ref()) {
            *byte = *signed;
        }
        Signature(bytes)
    }
}

fn checkpoint_message(checkpoint: &Checkpoint) -> String {
    let Checkpoint { sequence, hash } = checkpoint;
    format!("tapeward checkpoint 1\n{sequence}\n{hash}\n")
}

fn endorsement_message(key: &PublicKey) -> String {
    format!("tapeward journal key 1\n{key}\n")
}

/// A checkpoint with the signature of who kept the journal. Its text is one line of digits, capital
/// letters, `-` and `:`, which a QR code holds in its alphanumeric mode (ISO/IEC 18004).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SignedCheckpoint {
    /// Number and hash of an entry.
    #[serde(flatten)]
    pub checkpoint: Checkpoint,
    /// Who signed.
    pub key: SignerId,
    /// Over number and hash.
    pub signature: Signature,
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checkpoint { sequence, hash } = &self.checkpoint;
        let rest = format!("{hash}:{}:{}", self.key, self.signature);
        write!(f, "{PREFIX}{sequence}:{}", rest.to_uppercase())
    }
}

/// Reads a line in either case. White space counts for nothing: it may have been broken to fit.
impl FromStr for SignedCheckpoint {
    type Err = SigningError;
    fn from_str(text: &str) -> Result<Self, SigningError> {
        let mut found = Self::find_in(text);
        let compact = |text: &str| text.split_whitespace().collect::<String>();
        match found.pop() {
            Some(only)
                if found.is_empty() && compact(text).eq_ignore_ascii_case(&only.to_string()) =>
            {
                Ok(only)
            }
            _ => Err(SigningError::Checkpoint),
        }
    }
}

impl SignedCheckpoint {
    /// Every checkpoint in a text, wherever it stands.
    #[must_use]
    pub fn find_in(text: &str) -> Vec<Self> {
        let upper = text.to_ascii_uppercase();
        let after = upper.split(PREFIX).skip(1);
        after.filter_map(Self::after_prefix).collect()
    }

    fn after_prefix(text: &str) -> Option<Self> {
        let compact = text.chars().filter(|letter| !letter.is_whitespace());
        // 20 digits, a hash, an id, a signature and what is between them.
        let compact: String = compact.take(20 + 64 + 16 + 128 + 3).collect();
        let mut fields = compact.splitn(4, ':');
        let number = fields.next()?;
        // Without leading zeros, so that there is one text for one checkpoint.
        if number.starts_with(['0', '+']) {
            return None;
        }
        let mut next = || fields.next().map(str::to_ascii_lowercase);
        let (hash, key) = (next()?, next()?);
        from_digits::<32>(&hash)?;
        Some(Self {
            checkpoint: Checkpoint {
                sequence: number.parse().ok()?,
                hash,
            },
            key: key.try_into().ok()?,
            // Anything may follow in a text.
            signature: next()?.get(..128)?.to_owned().try_into().ok()?,
        })
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    // A key is one line: 48 bytes at most.
    let body = Zeroizing::new(STANDARD.encode(der));
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        *body
    )
}

fn from_pem(label: &str, text: &str) -> Option<Vec<u8>> {
    let after = text.split(&format!("-----BEGIN {label}-----")).nth(1)?;
    let body = after.split(&format!("-----END {label}-----")).next()?;
    let body: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
    STANDARD.decode(body.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 8410, sections 10.1 and 10.3: one pair.
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";

    fn key() -> SigningKey {
        SigningKey::from_pem(PRIVATE).unwrap()
    }

    fn checkpoint(sequence: u64) -> Checkpoint {
        Checkpoint {
            sequence,
            hash: "0123456789abcdef".repeat(4),
        }
    }

    #[test]
    fn keys_are_read_and_written_as_the_standard_has_them() {
        let public: PublicKey = PUBLIC.parse().unwrap();
        assert_eq!(
            public.to_string(),
            "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"
        );
        assert_eq!(key().public(), public);
        assert_eq!(public.to_pem(), PUBLIC);
        assert_eq!(*key().to_pem().unwrap(), PRIVATE);
        assert_eq!(public.to_string().to_uppercase().parse(), Ok(public));
        assert_eq!(format!("our key:\n{PUBLIC}\n").parse(), Ok(public));
        for wrong in ["", "19bf", PRIVATE, &PUBLIC.replace("MCow", "MCox")] {
            assert_eq!(wrong.parse::<PublicKey>(), Err(SigningError::PublicKey));
        }
        SigningKey::from_pem(PUBLIC).unwrap_err();
        assert!(!format!("{:?}", key()).contains("d4ee72db"));
    }

    #[test]
    fn a_line_is_read_as_it_was_printed_however_it_was_broken() {
        let signed = key().sign(checkpoint(4711));
        let line = signed.to_string();
        let alphanumeric = |letter: char| {
            letter.is_ascii_digit() || letter.is_ascii_uppercase() || "-:".contains(letter)
        };
        assert!(line.chars().all(alphanumeric), "{line}");
        let broken: String = line
            .chars()
            .enumerate()
            .flat_map(|(place, letter)| {
                let gap = (place > 30 && place % 40 == 0).then_some("\n  ");
                gap.unwrap_or_default().chars().chain([letter])
            })
            .collect();
        for text in [line.clone(), line.to_lowercase(), broken.clone()] {
            assert_eq!(text.parse(), Ok(signed.clone()), "{text}");
        }
        let other = key().sign(checkpoint(9));
        let page = format!("Manifest 12\n{broken}\npage 1 of 2 {other} end");
        assert_eq!(SignedCheckpoint::find_in(&page), [signed, other]);
        for wrong in [
            line.replace(":4711:", ":04711:"),
            line.replace("TAPEWARD", "TAPE"),
            line[..line.len() - 1].to_owned(),
            format!("{line}0"),
            line.replacen("89ABCDEF", "89ABCDEG", 1),
        ] {
            assert!(wrong.parse::<SignedCheckpoint>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn another_key_and_another_checkpoint_are_not_signed() {
        let signed = key().sign(checkpoint(7));
        let public = key().public();
        assert!(public.signed(&signed.checkpoint, &signed.signature));
        assert!(!public.signed(&checkpoint(8), &signed.signature));
        let other = SigningKey::generate().unwrap().public();
        assert!(!other.signed(&signed.checkpoint, &signed.signature));
        let endorsement = key().endorse(&other);
        assert!(public.endorsed(&other, &endorsement));
        assert!(!other.endorsed(&public, &endorsement));
    }

    proptest! {
        #[test]
        fn a_misread_line_is_never_taken_for_a_signed_one(place in any::<prop::sample::Index>(), letter in "[0-9A-F:-]") {
            let signed = key().sign(checkpoint(4711));
            let mut line = signed.to_string();
            let place = place.index(line.len());
            line.replace_range(place..=place, &letter);
            if let Ok(read) = line.parse::<SignedCheckpoint>()
                && read != signed
            {
                let holds = key().public().signed(&read.checkpoint, &read.signature);
                prop_assert!(!holds || read.key != signed.key);
            }
        }
    }
}
