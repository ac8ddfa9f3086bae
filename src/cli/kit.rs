//! `kit`.

use std::path::Path;

use super::Session;
use super::kit_args::KitCommand;
use super::output::{self, time};
use crate::catalogue::MadeKit;
use crate::error::Result;
use crate::kit;

pub(super) fn run(session: &Session, command: KitCommand) -> Result<()> {
    let app = session.open()?;
    match command {
        KitCommand::Print {
            output: path,
            paper,
        } => {
            let made = kit::print(&app, paper.into(), |pdf| output::document(&path, pdf))?;
            if path == Path::new("-") {
                return Ok(());
            }
            said(session, &path, &made)
        }
        KitCommand::Export { dir, paper } => {
            let made = kit::export(&app, &dir, paper.into())?;
            said(session, &dir, &made)
        }
        KitCommand::Status => {
            let status = kit::status(&app)?;
            if session.is_json() {
                output::json(&status)?;
            } else if let Some(kit) = &status.kit {
                output::line(format!(
                    "The newest kit ({}) is of {}, good until {}",
                    kit.form,
                    time(kit.made_at),
                    kit.expires_at.format("%Y-%m-%d")
                ))?;
                for reason in &status.reasons {
                    output::line(format!("  {reason}"))?;
                }
            }
            kit::outcome(&status)
        }
    }
}

fn said(session: &Session, path: &Path, made: &MadeKit) -> Result<()> {
    if session.is_json() {
        return output::json(&serde_json::json!({ "path": path, "kit": made }));
    }
    output::line(format!(
        "The recovery kit is in {}, good until {} if nothing changes",
        path.display(),
        made.expires_at.format("%Y-%m-%d")
    ))
}
