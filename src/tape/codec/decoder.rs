//! Coded bytes in, plaintext out, as a stream.

use std::io::{BufRead, Read};

use super::age_reader::PayloadStream;
use super::{Codec, CodecError, age_header};
use crate::key::Identities;

/// Decodes a whole file from its first byte on, decrypting on all cores. Reads ahead.
/// `identities` may be empty when the codec is no age
/// file.
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

fn decrypt<R: Read>(mut coded: R, identities: &Identities) -> Result<PayloadStream<R>, CodecError> {
    let opened = age_header::open(&mut coded, identities)?;
    Ok(PayloadStream::new(coded, opened))
}
