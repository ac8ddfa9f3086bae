//! A certificate as text.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat, Utc};

use super::certificate::{Certificate, Device, Figure, Outcome};

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn device(device: &Device) -> String {
    format!(
        "{:<9}{} {}, firmware {}, serial {}",
        device.name, device.vendor, device.product, device.revision, device.serial
    )
}

fn figure(figure: &Figure) -> String {
    format!("{}: {:.2} {}", figure.what, figure.value, figure.unit)
}

pub(super) fn render(certificate: &Certificate) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let mut line = |text: &str| {
        let _ = writeln!(out, "{}", text.trim_end());
    };
    line("ACCEPTANCE CERTIFICATE");
    line("");
    line(&format!("Library    {}", certificate.library));
    for one in &certificate.devices {
        line(&format!("           {}", device(one)));
    }
    let scratch = certificate.scratch.as_ref();
    line(&format!(
        "Cartridge  {}",
        scratch.map_or_else(|| "none".to_owned(), ToString::to_string)
    ));
    line(&format!(
        "Examined   {} to {} by {} on {} with {}",
        time(certificate.started),
        time(certificate.finished),
        certificate.person,
        certificate.station,
        certificate.program
    ));
    line(&format!("Run        {}", certificate.run));
    let mut subject = "";
    for finding in &certificate.findings {
        if finding.subject != subject {
            subject = &finding.subject;
            line("");
            line(subject);
        }
        line(&format!(
            "  {:<12}{:<28}{}",
            finding.outcome,
            finding.check.title(),
            finding.detail
        ));
        for one in &finding.figures {
            line(&format!("{:42}{}", "", figure(one)));
        }
    }
    line("");
    let count = |outcome| certificate.count(outcome);
    line(&format!(
        "{} passed, {} failed, {} unsupported, {} skipped{}",
        count(Outcome::Passed),
        count(Outcome::Failed),
        count(Outcome::Unsupported),
        count(Outcome::Skipped),
        if certificate.interrupted {
            "; stopped before its end"
        } else {
            ""
        }
    ));
    line("");
    line("Accepted by ______________________________   Date ______________");
    out
}
