//! What initiator and target agree on: the operational keys of a login (RFC 7143 clause 13).

use super::frame::{Digest, Digests};
use super::text::number;

/// MaxRecvDataSegmentLength of this target, in bytes: what it takes in one unit.
pub(crate) const MAX_SEGMENT: u32 = 256 << 10;
/// The same before anything is agreed, and during a login (RFC 7143 clause 13.12).
pub(crate) const DEFAULT_SEGMENT: u32 = 8192;
/// Most unsolicited data taken for one command (FirstBurstLength), in bytes.
const MAX_FIRST_BURST: u32 = 256 << 10;

/// Values with the defaults of RFC 7143 clause 13 until something else is agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) digests: Digests,
    /// MaxRecvDataSegmentLength of the initiator.
    pub(crate) initiator_segment: u32,
    pub(crate) max_burst: u32,
    pub(crate) first_burst: u32,
    /// Whether all data but immediate data waits for an R2T.
    pub(crate) initial_r2t: bool,
    pub(crate) immediate_data: bool,
    /// DefaultTime2Wait and DefaultTime2Retain, in seconds.
    pub(crate) times: [u16; 2],
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            digests: Digests::default(),
            initiator_segment: DEFAULT_SEGMENT,
            max_burst: 256 << 10,
            first_burst: 64 << 10,
            initial_r2t: true,
            immediate_data: true,
            times: [2, 20],
        }
    }
}

/// What a key gets for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It was a declaration.
    None,
    Value(String),
}

fn value(text: &(impl ToString + ?Sized)) -> Answer {
    Answer::Value(text.to_string())
}

/// The value is not one the key can have (RFC 7143 clause 6.2).
fn reject() -> Answer {
    value("Reject")
}

impl Parameters {
    /// Takes what the initiator offers or declares, and answers it.
    pub(crate) fn negotiate(&mut self, key: &str, offer: &str) -> Answer {
        match key {
            "HeaderDigest" => digest(offer, &mut self.digests.header),
            "DataDigest" => digest(offer, &mut self.digests.data),
            "MaxRecvDataSegmentLength" => match ranged(offer, 512, 0xff_ffff) {
                Some(length) => {
                    self.initiator_segment = length;
                    Answer::None
                }
                None => reject(),
            },
            "MaxBurstLength" => lower(offer, 512, 0xff_ffff, &mut self.max_burst),
            "FirstBurstLength" => lower(offer, 512, MAX_FIRST_BURST, &mut self.first_burst),
            "InitialR2T" => boolean(offer, &mut self.initial_r2t, |offer| offer),
            "ImmediateData" => boolean(offer, &mut self.immediate_data, |offer| offer),
            "DefaultTime2Wait" => self.time(offer, 0, u32::max),
            "DefaultTime2Retain" => self.time(offer, 1, u32::min),
            // What stays as it is: one connection, one R2T, everything in order, level 0.
            "MaxConnections" | "MaxOutstandingR2T" => {
                ranged(offer, 1, 65535).map_or_else(reject, |_| value(&1))
            }
            "ErrorRecoveryLevel" => ranged(offer, 0, 2).map_or_else(reject, |_| value(&0)),
            "DataPDUInOrder" | "DataSequenceInOrder" => boolean(offer, &mut true, |_| true),
            // RFC 7144: level 1 is RFC 7143.
            "iSCSIProtocolLevel" => {
                ranged(offer, 0, 31).map_or_else(reject, |level| value(&level.min(1)))
            }
            "TaskReporting" => choose(offer, &["RFC3720"]).map_or_else(reject, value),
            // Obsolete: clause 13.25.
            "IFMarker" | "OFMarker" | "IFMarkInt" | "OFMarkInt" => reject(),
            _ => value("NotUnderstood"),
        }
    }

    fn time(&mut self, offer: &str, which: usize, agree: fn(u32, u32) -> u32) -> Answer {
        let Some(offer) = ranged(offer, 0, 3600) else {
            return reject();
        };
        let ours = u32::from(Self::default().times[which]);
        let agreed = agree(offer, ours);
        self.times[which] = u16::try_from(agreed).unwrap_or(u16::MAX);
        value(&agreed)
    }

    /// What has to hold at the end of the login (RFC 7143 clause 13.14).
    pub(crate) fn settle(&mut self) {
        self.first_burst = self.first_burst.min(self.max_burst);
    }
}

fn ranged(offer: &str, lowest: u32, highest: u32) -> Option<u32> {
    number(offer).filter(|value| (lowest..=highest).contains(value))
}

/// The lower of both offers is agreed.
fn lower(offer: &str, lowest: u32, ours: u32, agreed: &mut u32) -> Answer {
    match ranged(offer, lowest, 0xff_ffff) {
        Some(offer) => {
            *agreed = offer.min(ours);
            value(agreed)
        }
        None => reject(),
    }
}

fn boolean(offer: &str, agreed: &mut bool, agree: fn(bool) -> bool) -> Answer {
    *agreed = match offer {
        "Yes" => agree(true),
        "No" => agree(false),
        _ => return reject(),
    };
    value(if *agreed { "Yes" } else { "No" })
}

/// The first of the offered values that is one of ours.
pub(crate) fn choose<'a>(offer: &'a str, ours: &[&str]) -> Option<&'a str> {
    offer.split(',').find(|value| ours.contains(value))
}

fn digest(offer: &str, agreed: &mut Digest) -> Answer {
    let Some(chosen) = choose(offer, &["CRC32C", "None"]) else {
        return reject();
    };
    *agreed = if chosen == "None" {
        Digest::None
    } else {
        Digest::Crc32c
    };
    value(chosen)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(parameters: &mut Parameters, key: &str, offer: &str) -> String {
        match parameters.negotiate(key, offer) {
            Answer::None => String::new(),
            Answer::Value(value) => value,
        }
    }

    #[test]
    fn each_key_is_answered_by_its_rule() {
        let mut agreed = Parameters::default();
        for (key, offer, expected) in [
            ("HeaderDigest", "CRC32C,None", "CRC32C"),
            ("DataDigest", "None,CRC32C", "None"),
            ("DataDigest", "MD5", "Reject"),
            ("MaxConnections", "8", "1"),
            ("InitialR2T", "No", "No"),
            ("ImmediateData", "Yes", "Yes"),
            ("MaxRecvDataSegmentLength", "65536", ""),
            ("MaxRecvDataSegmentLength", "511", "Reject"),
            ("MaxBurstLength", "16776192", "16776192"),
            ("FirstBurstLength", "0x10000", "65536"),
            ("DefaultTime2Wait", "0", "2"),
            ("DefaultTime2Retain", "0", "0"),
            ("MaxOutstandingR2T", "16", "1"),
            ("DataPDUInOrder", "No", "Yes"),
            ("DataSequenceInOrder", "Maybe", "Reject"),
            ("ErrorRecoveryLevel", "2", "0"),
            ("IFMarker", "No", "Reject"),
            ("iSCSIProtocolLevel", "2", "1"),
            ("TaskReporting", "FastAbort,RFC3720", "RFC3720"),
            ("X-com.example.colour", "blue", "NotUnderstood"),
        ] {
            assert_eq!(answer(&mut agreed, key, offer), expected, "{key}={offer}");
        }
        assert_eq!(agreed.digests.header, Digest::Crc32c);
        assert_eq!(agreed.initiator_segment, 65536);
        assert!(!agreed.initial_r2t && agreed.immediate_data);
        assert_eq!(agreed.times, [2, 0]);
    }

    #[test]
    fn the_first_burst_is_never_longer_than_a_burst() {
        let mut agreed = Parameters::default();
        answer(&mut agreed, "FirstBurstLength", "65536");
        answer(&mut agreed, "MaxBurstLength", "512");
        agreed.settle();
        assert_eq!(agreed.first_burst, 512);
    }

    proptest! {
        #[test]
        fn any_offer_is_answered_within_bounds(key in 0_usize..8, offer: String, number: u32) {
            let key = [
                "HeaderDigest", "MaxBurstLength", "FirstBurstLength", "MaxRecvDataSegmentLength",
                "InitialR2T", "DefaultTime2Wait", "TaskReporting", "MaxConnections",
            ][key];
            let mut agreed = Parameters::default();
            agreed.negotiate(key, &offer);
            agreed.negotiate(key, &number.to_string());
            agreed.settle();
            prop_assert!((512..=0xff_ffff).contains(&agreed.max_burst));
            prop_assert!((512..=MAX_FIRST_BURST).contains(&agreed.first_burst));
            prop_assert!((512..=0xff_ffff).contains(&agreed.initiator_segment));
        }
    }
}
