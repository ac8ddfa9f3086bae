//! Planning rotation: scratch stock and purchases.

use serde::{Deserialize, Serialize};

use crate::catalogue::Generation;

/// What the plan of rotation needs to know beside pools, places and calendars.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RotationConfig {
    /// Scratch cartridges that should be left when a day's writing is done.
    pub minimum_scratch: u32,
    /// Days from an order to the delivery.
    pub lead_days: u16,
    /// What is bought; without it what most cartridges of the record are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buy: Option<Generation>,
}

impl Default for RotationConfig {
    fn default() -> Self {
        Self {
            minimum_scratch: 2,
            lead_days: 14,
            buy: None,
        }
    }
}
