//! `doctor`.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use super::Session;
use super::args::DoctorArgs;
use super::output;
use crate::doctor::certificate::{Certificate, Outcome};
use crate::doctor::{self, Fill, Options};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::files::write_atomically;
use crate::id::Barcode;

pub(super) fn run(session: &Session, args: &DoctorArgs) -> Result<()> {
    let app = Arc::new(session.open()?);
    let library = app.library(args.choice.library.as_deref(), "doctor")?;
    if let Some(folder) = &args.certificate {
        std::fs::create_dir_all(folder).context(format!("cannot make {}", folder.display()))?;
    }
    if let Some(barcode) = &args.scratch
        && !args.yes
    {
        confirm(barcode)?;
    }
    let options = Options {
        scratch: args.scratch.clone(),
        fill: if args.fill {
            Fill::Always
        } else {
            Fill::IfSmall
        },
    };
    let certificate = doctor::examine(&app, library, &options)?;
    if let Some(folder) = &args.certificate {
        save(folder, &certificate)?;
    }
    if session.is_json() {
        output::json(&certificate)?;
    } else {
        output::line(certificate.text().trim_end())?;
    }
    outcome(&certificate)
}

fn confirm(barcode: &Barcode) -> Result<()> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(Error::usage(format!(
            "{barcode} would be written on, and nobody can be asked"
        ))
        .hint("give --yes if it may be"));
    }
    let mut err = anstream::stderr().lock();
    write!(
        err,
        "{barcode} will be written on and erased. Type its barcode to go on: "
    )
    .and_then(|()| err.flush())
    .context("cannot ask")?;
    let mut answer = String::new();
    input
        .lock()
        .read_line(&mut answer)
        .context("cannot read the answer")?;
    if answer.trim() == barcode.as_str() {
        Ok(())
    } else {
        Err(Error::new(
            ErrorKind::Interrupted,
            "not confirmed: nothing was done",
        ))
    }
}

fn save(folder: &Path, certificate: &Certificate) -> Result<()> {
    let day = certificate.started.format("%Y-%m-%dT%H%M%SZ");
    let name = format!("{}-{day}", certificate.library);
    let json = serde_json::to_vec_pretty(certificate).context("cannot render the certificate")?;
    write_atomically(&folder.join(format!("{name}.json")), &json)?;
    write_atomically(
        &folder.join(format!("{name}.txt")),
        certificate.text().as_bytes(),
    )
}

fn outcome(certificate: &Certificate) -> Result<()> {
    if certificate.interrupted {
        return Err(Error::new(
            ErrorKind::Interrupted,
            "stopped: the certificate says what was examined until then",
        ));
    }
    match certificate.count(Outcome::Failed) {
        0 => Ok(()),
        1 => Err(Error::failed("1 check failed: the certificate names it")),
        failed => Err(Error::failed(format!(
            "{failed} checks failed: the certificate names them"
        ))),
    }
}
