//! What does not fit in a library's answers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::element::{ElementAddress, ElementKind};

/// Something in the library's answer that does not fit the standard or itself. The rest of the
/// inventory stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "anomaly", rename_all = "kebab-case")]
pub enum Anomaly {
    /// A page's header is cut off.
    TruncatedPage {
        /// What is there.
        bytes: Vec<u8>,
    },
    /// An element's descriptor is cut off; what could be read of it is in the inventory.
    TruncatedDescriptor {
        /// Which element, if that much can be read.
        address: Option<ElementAddress>,
        /// What is there.
        bytes: Vec<u8>,
    },
    /// A page is about a type of element that does not exist.
    UnknownElementType {
        /// ELEMENT TYPE CODE.
        code: u8,
    },
    /// A page's descriptors are too short to say anything.
    DescriptorLength {
        /// The kind of the page.
        kind: ElementKind,
        /// ELEMENT DESCRIPTOR LENGTH.
        length: usize,
    },
    /// An element was described twice, differently; the first description was kept.
    Contradiction {
        /// Which element.
        address: ElementAddress,
    },
    /// The element address assignment page counts other elements than the library described.
    Count {
        /// Of which kind.
        kind: ElementKind,
        /// What the page says.
        assigned: u16,
        /// How many were described.
        described: usize,
    },
    /// The library's replies end before they should; what was missing was asked for again.
    ShortReplies {
        /// Of which kind.
        kind: ElementKind,
    },
    /// The library says of no element that its robot can reach it. It is taken that it can
    /// reach all of them.
    NoAccess,
    /// The library would not say what was asked for in addition.
    Refused {
        /// Of which kind.
        kind: ElementKind,
        /// What was asked for.
        what: Extra,
    },
}

/// What can be asked for in addition to an element's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extra {
    /// VOLTAG
    VolumeTags,
    /// DVCID
    DeviceIdentifiers,
}

impl Anomaly {
    /// Something ended early.
    pub(crate) fn is_cut(&self) -> bool {
        matches!(
            self,
            Self::TruncatedPage { .. } | Self::TruncatedDescriptor { .. }
        )
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TruncatedPage { bytes } => {
                write!(
                    f,
                    "an element status page is cut off after {} bytes",
                    bytes.len()
                )
            }
            Self::TruncatedDescriptor {
                address: Some(address),
                bytes,
            } => {
                write!(
                    f,
                    "element {address}: its descriptor is cut off after {} bytes",
                    bytes.len()
                )
            }
            Self::TruncatedDescriptor {
                address: None,
                bytes,
            } => {
                write!(
                    f,
                    "an element's descriptor is cut off after {} bytes",
                    bytes.len()
                )
            }
            Self::UnknownElementType { code } => {
                write!(
                    f,
                    "the library reports elements of an unknown type ({code:02X}h)"
                )
            }
            Self::DescriptorLength { kind, length } => {
                write!(
                    f,
                    "descriptors of {length} bytes for each {kind} can't be read"
                )
            }
            Self::Contradiction { address } => {
                write!(f, "element {address} was described twice, differently")
            }
            Self::Count {
                kind,
                assigned,
                described,
            } => {
                write!(
                    f,
                    "{assigned} of kind {kind} are assigned, {described} were described"
                )
            }
            Self::ShortReplies { kind } => {
                write!(f, "replies about every {kind} end early")
            }
            Self::NoAccess => f.write_str(
                "the library says of no element that the robot can reach it (ACCESS): it is taken to reach all",
            ),
            Self::Refused { kind, what } => {
                let what = match what {
                    Extra::VolumeTags => "volume tags",
                    Extra::DeviceIdentifiers => "device identifiers",
                };
                write!(f, "the library does not tell {what} of any {kind}")
            }
        }
    }
}
