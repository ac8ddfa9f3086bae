//! Why a line is in a plan: codes that stay the same, and their words.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal $words:literal,)+) => {
        /// Why something is to be done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)+
        }

        impl Reason {
            /// All there are, in the order of their codes.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The code, which never changes its meaning.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What it says, for people.
            #[must_use]
            pub fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)+ }
            }
        }
    };
}

reasons! {
    /// Written: a month's set.
    MonthlyDue = "R01" "monthly set is due",
    /// Written: a week's set.
    WeeklyDue = "R02" "weekly set is due",
    /// Written: a day's set.
    DailyDue = "R03" "daily set is due",
    /// Written: it was due before and there was no cartridge.
    MadeUp = "R04" "made up: no cartridge when it was due",
    /// Goes out: to where its pool is kept.
    KeptThere = "R10" "kept there by its pool's rotation",
    /// Goes out or comes home: planned by hand.
    ByHand = "R11" "planned by hand",
    /// Goes out: a recall is over.
    RecallOver = "R12" "recall is over",
    /// Comes home: nothing on it must be kept.
    ExpiredAway = "R20" "nothing on it must be kept any more",
    /// Comes home: somebody wants it.
    Recalled = "R21" "recalled",
    /// Comes home: scratch from a shelf to the library.
    ScratchNeeded = "R22" "scratch is needed in the library",
    /// Expires: its time is over.
    RetentionOver = "R30" "retention is over",
    /// Expires: newer sets are off-site.
    Superseded = "R31" "enough newer sets are off-site",
    /// Scratch again: where it can be loaded.
    Reusable = "R40" "expired, and here",
    /// Scratch again: it came home and lay long enough.
    Acclimatised = "R41" "came home, and lay long enough to be loaded",
    /// Bought: less than the minimum would be left.
    BelowMinimum = "R50" "scratch falls below the minimum",
    /// Bought: what is due needs more than there is.
    NeededForWriting = "R51" "what is due needs more scratch than there is",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.words())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
