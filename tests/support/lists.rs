//! Lists that nobody printed.

use chrono::{DateTime, NaiveDate};
use std::num::NonZeroUsize;
use tapeward::report::Printed;
use tapeward::report::distribution::{DistributionItem, DistributionList};
use tapeward::report::inventory::{Inventory, InventoryItem};
use tapeward::report::list::List;
use tapeward::report::manifest::Urgency;
use tapeward::report::pick::{PickItem, PickList};
use tapeward::report::recall::{Authorised, RecallItem, RecallList, RecallPurpose};

use super::manifest::{LONG_REMARK, LONG_SYSTEM, barcode};

fn printed() -> Printed {
    Printed {
        at: DateTime::parse_from_rfc3339("2026-11-29T18:05:00+01:00").unwrap(),
        by: "Ann Miller".to_owned(),
    }
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
}

/// One of each kind with this many rows.
pub fn lists(rows: usize) -> Vec<(&'static str, Box<dyn List>)> {
    let pick = PickList {
        manifest: "CM-2026-0014".parse().unwrap(),
        library: "main".to_owned(),
        mail_slots: NonZeroUsize::new(8).unwrap(),
        items: (0..rows)
            .map(|at| PickItem {
                barcode: barcode(at).parse().unwrap(),
                media_type: "LTO-8".to_owned(),
                element: format!("slot {}", at + 1),
                case: Some("C01".parse().unwrap()),
                urgency: if at == 11 {
                    Urgency::Urgent
                } else {
                    Urgency::Routine
                },
            })
            .collect(),
        printed: printed(),
    };
    let distribution = DistributionList {
        manifest: "CM-2026-0015".parse().unwrap(),
        date: day(30),
        items: (0..rows)
            .map(|at| DistributionItem {
                barcode: barcode(at).parse().unwrap(),
                media_type: "LTO-8".to_owned(),
                from: "case C01".to_owned(),
                to: if at % 3 == 0 {
                    "safe 1"
                } else {
                    "library main"
                }
                .to_owned(),
                position: format!("shelf {}", at % 4),
                by: Some(day(30)),
                remark: if at == 1 {
                    LONG_REMARK.to_owned()
                } else {
                    String::new()
                },
            })
            .collect(),
        printed: printed(),
    };
    let call_out = recall(rows, RecallPurpose::CallOut);
    let urgent = recall(
        rows,
        RecallPurpose::Recall {
            authorised_by: "Ann Miller".to_owned(),
            reason: "server room flooded".to_owned(),
            wanted: day(30),
            urgency: Urgency::Urgent,
        },
    );
    let inventory = Inventory {
        code: Some("SAFE1".parse().unwrap()),
        place: "Safe 1 in the basement".to_owned(),
        capacity: Some(120),
        last_count: Some(day(2)),
        items: (0..rows)
            .map(|at| InventoryItem {
                barcode: barcode(at).parse().unwrap(),
                media_type: "LTO-8".to_owned(),
                shelf: ["", "A", "B"][at % 3].to_owned(),
                position: (at / 3 + 1).to_string(),
                content: "full".to_owned(),
                since: day(1),
                last_seen: (at % 2 == 0).then(|| day(20)),
            })
            .collect(),
        printed: printed(),
    };
    vec![
        ("pick", Box::new(pick)),
        ("distribution", Box::new(distribution)),
        ("call-out", Box::new(call_out)),
        ("recall", Box::new(urgent)),
        ("inventory", Box::new(inventory)),
    ]
}

fn recall(rows: usize, purpose: RecallPurpose) -> RecallList {
    RecallList {
        purpose,
        vault: "Iron Hill Vault Ltd.".to_owned(),
        customer_number: "77-41022".to_owned(),
        emergency_line: "+44 20 7946 0999, day and night".to_owned(),
        deliver_to: "Tape room, building 3, door B, Hauptstraße 12, Obersontheim".to_owned(),
        authorised: ["Ann Miller", "Bert Ozols"]
            .map(|name| Authorised {
                name: name.to_owned(),
                telephone: "+49 7973 555-911".to_owned(),
                known_by: "card number 12 and code word".to_owned(),
            })
            .to_vec(),
        items: (0..rows)
            .map(|at| RecallItem {
                barcode: barcode(at).parse().unwrap(),
                media_type: "LTO-8".to_owned(),
                case: (at % 2 == 0).then(|| "C01".parse().unwrap()),
                position: format!("V-{at:05}"),
                content: if at == 2 {
                    LONG_SYSTEM
                } else {
                    "grades 2026-10, copy 2"
                }
                .to_owned(),
            })
            .collect(),
        printed: printed(),
    }
}
