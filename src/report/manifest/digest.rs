//! The digest that says which list of lines a page belongs to.

use std::fmt;

use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Manifest, Ordered};
use crate::error::{Context, Result};
use crate::journal::canonical_json;

/// SHA-256 of the canonical list of lines: number and direction of the manifest, then the cases in their
/// order with their seals, then the lines in the order of printing; each as one line of canonical JSON
/// (`docs/journal.md`), ended by a line feed. Nothing in-house is in it, so every copy has the same one, and
/// neither is the revision, so lists can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListDigest([u8; 32]);

impl ListDigest {
    /// Of a manifest.
    ///
    /// # Errors
    /// A line without canonical form, which there is none of.
    pub fn of(manifest: &Manifest, ordered: &Ordered<'_>) -> Result<Self> {
        let mut hash = Sha256::new();
        let mut add = |value: &serde_json::Value| -> Result<()> {
            let text = canonical_json(value).context("cannot digest the list of lines")?;
            hash.update(text);
            hash.update("\n");
            Ok(())
        };
        add(&json!({ "number": manifest.number, "direction": manifest.direction }))?;
        for case in &manifest.cases {
            add(&json!({ "case": case.code, "seals": case.seals }))?;
        }
        for (case, one) in ordered.lines() {
            let line = one.line;
            add(&json!({
                "line": one.number,
                "barcode": line.barcode,
                "kind": line.kind,
                "media_type": line.media_type,
                "case": case.map(|case| &case.code),
                "protection": line.protection,
                "returns": line.returns,
                "reason": line.reason,
                "urgency": line.urgency,
                "remark": line.remark,
            }))?;
        }
        Ok(Self(hash.finalize().into()))
    }

    /// The first twelve characters: what is on every page.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for ListDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for ListDigest {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
