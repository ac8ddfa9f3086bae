//! Adding a section to the configuration file, leaving the rest of its text as it is.

use serde::Serialize;
use toml_edit::{DocumentMut, Item, Table};

use crate::app::App;
use crate::error::{Context, Error, Result};
use crate::journal::Event;

/// Adds a section `[KIND.CODE]` to the configuration file, with a journal entry. What is in use by
/// `app` does not change.
///
/// # Errors
/// There is such a section already, or the file would not be valid with it; nothing has changed then.
pub fn add_section<T: Serialize>(app: &App, kind: &str, code: &str, section: &T) -> Result<()> {
    let path = app.state.join(super::FILE_NAME);
    let before =
        std::fs::read_to_string(&path).context(format!("cannot read {}", path.display()))?;
    let text = with_section(&before, kind, code, section)?;
    super::Config::parse(&text, &path)?;
    app.write(|tx, now| {
        let digest = blake3::hash(text.as_bytes()).to_hex().to_string();
        app.note(tx, now, &Event::ConfigurationChanged { digest })?;
        crate::files::write_atomically(&path, text.as_bytes())
    })
}

fn with_section<T: Serialize>(text: &str, kind: &str, code: &str, section: &T) -> Result<String> {
    let mut document: DocumentMut = text.parse().context("cannot read config.toml")?;
    let rendered = toml::to_string(section).context("cannot render the configuration")?;
    let rendered: DocumentMut = rendered
        .parse()
        .context("cannot render the configuration")?;
    let sections = document
        .entry(kind)
        .or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        })
        .as_table_mut()
        .ok_or_else(|| Error::usage(format!("\"{kind}\" in config.toml is not a table")))?;
    if sections.contains_key(code) {
        return Err(
            Error::usage(format!("config.toml has a section {kind}.{code} already"))
                .hint("edit it there"),
        );
    }
    let mut table = rendered.as_table().clone();
    table.set_position(None);
    table.decor_mut().set_prefix("\n");
    sections.insert(code, Item::Table(table));
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{CarrierConfig, Config};

    #[test]
    fn a_section_is_added_and_the_rest_stays() {
        let text = "# ours\n[monthly]\nretention-days = 30 # short\n\n[site.A]\nname = \"a\"\n";
        let carrier = CarrierConfig {
            name: "Acme".to_owned(),
            drivers: vec!["Jo".to_owned()],
            ..CarrierConfig::default()
        };
        let added = with_section(text, "carrier", "ACME", &carrier).unwrap();
        assert!(added.starts_with(text.trim_end()), "{added}");
        let config = Config::parse(&added, std::path::Path::new("config.toml")).unwrap();
        assert_eq!(config.carrier[&"ACME".parse().unwrap()], carrier);
        let twice = with_section(&added, "carrier", "ACME", &carrier).unwrap_err();
        assert!(twice.to_string().contains("already"), "{twice}");
    }
}
