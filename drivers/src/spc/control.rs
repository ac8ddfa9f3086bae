//! Control mode page 0Ah and control extension mode page 0Ah/01h (SPC-4).

use serde::{Deserialize, Serialize};

use super::mode::ModePage;

/// Control mode page, what of it matters for tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// D_SENSE: sense data comes in descriptor format.
    pub descriptor_sense: bool,
    /// TST: each initiator has a task set of its own.
    pub task_set_per_initiator: bool,
    /// SWP: the medium is write protected by software.
    pub software_write_protect: bool,
    /// TAS: aborted commands end with TASK ABORTED.
    pub task_aborted_status: bool,
    /// BUSY TIMEOUT PERIOD in tenths of a second, FFFFh for unlimited.
    pub busy_timeout: u16,
}

impl Control {
    /// From page 0Ah; `None` when it is cut off.
    #[must_use]
    pub fn parse(page: &ModePage) -> Option<Self> {
        Some(Self {
            descriptor_sense: page.byte(2)? & 0x04 != 0,
            task_set_per_initiator: page.byte(2)? >> 5 == 1,
            software_write_protect: page.byte(4)? & 0x08 != 0,
            task_aborted_status: page.byte(5)? & 0x40 != 0,
            busy_timeout: page.u16(8)?,
        })
    }
}

/// Control extension mode page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlExtension {
    /// TCMOS: the clock may be set by other ways than SET TIMESTAMP.
    pub clock_set_otherwise: bool,
    /// SCSIP: SET TIMESTAMP has precedence; without it it is refused.
    pub clock_set_by_host: bool,
    /// INITIAL COMMAND PRIORITY.
    pub initial_priority: u8,
    /// MAXIMUM SENSE DATA LENGTH in bytes; 0 for no limit told.
    pub maximum_sense_length: u8,
}

impl ControlExtension {
    /// From page 0Ah/01h; `None` when it is cut off. Older devices end before the last field.
    #[must_use]
    pub fn parse(page: &ModePage) -> Option<Self> {
        let flags = page.byte(4)?;
        Some(Self {
            clock_set_otherwise: flags & 0x04 != 0,
            clock_set_by_host: flags & 0x02 != 0,
            initial_priority: page.byte(5)? & 0x0f,
            maximum_sense_length: page.byte(6).unwrap_or(0),
        })
    }
}
