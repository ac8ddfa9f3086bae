//! Coded bytes in, plaintext out, as a stream.

use std::io::{BufRead, Read};

use super::{Codec, CodecError};
use crate::key::Identities;

/// Decodes a whole file from its first byte on. `identities` may be empty when the codec is no
/// age file.
pub fn decode<'a, R: BufRead + 'a>(
    coded: R,
    codec: Codec,
    identities: &Identities,
) -> Result<Box<dyn Read + 'a>, CodecError> {
    Ok(match codec {
        Codec::None | Codec::Drive => Box::new(coded),
        Codec::Zstd | Codec::ZstdDrive => Box::new(zstd::Decoder::with_buffer(coded)?),
        Codec::Age => Box::new(decrypt(coded, identities)?),
        Codec::ZstdAge => Box::new(zstd::Decoder::new(decrypt(coded, identities)?)?),
    })
}

pub(super) fn decrypt<R: Read>(
    coded: R,
    identities: &Identities,
) -> Result<age::stream::StreamReader<R>, CodecError> {
    age::Decryptor::new(coded)
        .and_then(|decryptor| decryptor.decrypt(identities.iter()))
        .map_err(|error| match error {
            age::DecryptError::NoMatchingKeys => CodecError::WrongIdentity {
                tried: identities.iter().count(),
            },
            other => CodecError::Decrypt(other),
        })
}
