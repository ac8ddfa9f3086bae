//! `key`.

use std::path::Path;

use serde::Serialize;

use super::Session;
use super::key_args::{IdentityArg, KeepingArgs, KeyCommand, KeyRoleArg};
use super::output::{self, Column, or_dash, time};
use crate::app::App;
use crate::catalogue::{IdentityPlace, Key, KeyProof, KeyRole};
use crate::error::{Context, Error, Result};
use crate::id::Barcode;
use crate::key::{self, AuditedVolume, Finding, Keeping, Made, NewKey, Opens};

pub(super) fn run(session: &Session, command: KeyCommand) -> Result<()> {
    let app = session.open()?;
    match command {
        KeyCommand::Create {
            name,
            role,
            keeping,
        } => {
            let new = new_key(name, role_of(role), keeping)?;
            made(session, &new, &key::create(&app, &new)?)
        }
        KeyCommand::Import {
            name,
            recipient,
            role,
            identity_file,
            credential,
            pool,
        } => {
            let source = match (recipient, identity_file, credential) {
                (Some(text), _, None) => key::Source::Public(text.parse()?),
                (Some(text), _, Some(name)) => key::Source::Credential(text.parse()?, name),
                (None, Some(file), _) => key::Source::File(file),
                (None, None, _) => return Err(Error::usage("there is nothing to import")),
            };
            let mut new = NewKey::site(&name);
            new.role = role_of(role);
            new.pools = pool;
            let recipient = key::import(&app, &new, &source)?;
            if session.is_json() {
                return output::json(&serde_json::json!({
                    "name": name, "recipient": recipient.to_string(),
                }));
            }
            output::line(format!("Key \"{name}\": {recipient}"))
        }
        KeyCommand::List => list(session, &app),
        KeyCommand::Show { name } => show(session, &app, &name),
        KeyCommand::Rotate { name, to, keeping } => {
            let old = app.catalogue.read(|view| key::find(view, &name))?;
            let new = new_key(to, old.role, keeping)?;
            made(session, &new, &key::rotate(&app, &name, &new)?)?;
            if !session.is_json() {
                output::line(format!(
                    "\"{name}\" is retired; keep its identity as long as \"tapeward key show {name}\" names a volume"
                ))?;
            }
            Ok(())
        }
        KeyCommand::Retire { name } => {
            key::retire(&app, &name)?;
            done(session, &name, &format!("\"{name}\" is retired"))
        }
        KeyCommand::Audit => audit(session, &app),
        KeyCommand::EscrowPage {
            name,
            output: path,
            paper,
            identity,
        } => {
            let pdf = key::escrow_page(&app, &name, &identity, paper.into())?;
            output::document(&path, &pdf)?;
            if path == Path::new("-") {
                return Ok(());
            }
            let text = format!(
                "{} holds the private half of \"{name}\": print it, seal it, delete it",
                path.display()
            );
            done(session, &name, &text)
        }
        KeyCommand::Delete { name } => {
            let text = match key::delete(&app, &name)? {
                Some(path) => format!("{} is deleted", path.display()),
                None => format!(
                    "Nothing needs the identity of \"{name}\" any more; destroy it where it is kept"
                ),
            };
            done(session, &name, &text)
        }
    }
}

fn audit(session: &Session, app: &App) -> Result<()> {
    let audit = key::audit(app)?;
    if session.is_json() {
        output::json(&audit)?;
        return key::audit_outcome(&audit);
    }
    let rows = audit.volumes.iter().map(|volume| {
        let keys: Vec<String> = volume
            .facts
            .keys
            .iter()
            .map(|key| opens(key, volume))
            .collect();
        let findings: Vec<String> = volume.facts.findings.iter().map(Finding::words).collect();
        vec![
            volume.barcode.to_string(),
            volume.place.clone(),
            volume.facts.sets.to_string(),
            or_dash(volume.facts.stanzas_seen_at.map(day)),
            keys.join(", "),
            if findings.is_empty() {
                "ok".to_owned()
            } else {
                findings.join("; ")
            },
        ]
    });
    output::table(
        &[
            Column::Text("VOLUME"),
            Column::Text("PLACE"),
            Column::Number("SETS"),
            Column::Text("STANZAS SEEN"),
            Column::Text("KEYS (LAST DECRYPTED WITH)"),
            Column::Text("FINDINGS"),
        ],
        rows.collect(),
        "Nothing is on tape.",
    )?;
    key::audit_outcome(&audit)
}

fn day(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

/// A key of a volume in words.
fn opens(key: &Opens, volume: &AuditedVolume) -> String {
    let proved = key.proved_at.map_or_else(|| "never".to_owned(), day);
    let some = if key.sets < volume.facts.sets {
        format!("{} of {} sets, ", key.sets, volume.facts.sets)
    } else {
        String::new()
    };
    let gone = if key.live { "" } else { "deleted, " };
    format!("{} ({gone}{some}{proved})", key.key)
}

fn role_of(role: KeyRoleArg) -> KeyRole {
    match role {
        KeyRoleArg::Site => KeyRole::Site,
        KeyRoleArg::Escrow => KeyRole::Escrow,
        KeyRoleArg::Other => KeyRole::Other,
    }
}

fn new_key(name: String, role: KeyRole, args: KeepingArgs) -> Result<NewKey> {
    let kind = args.identity.unwrap_or(match role {
        KeyRole::Escrow => IdentityArg::None,
        KeyRole::Site | KeyRole::Other => IdentityArg::File,
    });
    if role == KeyRole::Escrow && kind != IdentityArg::None {
        return Err(Error::usage(
            "the identity of an escrow key is never kept here",
        ));
    }
    let file = |what: &str| {
        Error::usage(format!("{what} needs --identity-file FILE")).hint(
            "the identity is written there, for you to take away; it is not kept in the state folder",
        )
    };
    let keeping = match (kind, args.identity_file, args.credential) {
        (IdentityArg::File, path, None) => Keeping::File(path),
        (IdentityArg::Prompt, None, None) => Keeping::Prompt,
        (IdentityArg::Credential, Some(file), Some(name)) => {
            if name.is_empty() || name.contains('/') || name.starts_with('.') {
                return Err(Error::usage(format!(
                    "{name:?} cannot be the name of a credential"
                )));
            }
            Keeping::Credential { name, file }
        }
        (IdentityArg::Credential, _, None) => {
            return Err(
                Error::usage("--identity credential needs --credential NAME")
                    .hint("the name under which the service manager hands it over"),
            );
        }
        (IdentityArg::Credential, None, _) => return Err(file("--identity credential")),
        (IdentityArg::None, Some(file), None) => Keeping::Elsewhere(file),
        (IdentityArg::None, None, None) => {
            return Err(file(match role {
                KeyRole::Escrow => "an escrow key",
                _ => "--identity none",
            }));
        }
        (IdentityArg::Prompt, Some(_), _) => {
            return Err(
                Error::usage("--identity prompt keeps the identity in the state folder")
                    .hint("leave out --identity-file"),
            );
        }
        (_, _, Some(_)) => {
            return Err(Error::usage("--credential goes with --identity credential"));
        }
    };
    Ok(NewKey {
        name,
        role,
        keeping,
        pools: args.pool,
    })
}

fn made(session: &Session, new: &NewKey, made: &Made) -> Result<()> {
    if session.is_json() {
        return output::json(&serde_json::json!({
            "name": new.name,
            "recipient": made.recipient.to_string(),
            "identity_file": made.file,
        }));
    }
    output::line(format!("Key \"{}\": {}", new.name, made.recipient))?;
    output::line(format!("Its identity is in {}", made.file.display()))?;
    match &new.keeping {
        Keeping::File(_) => Ok(()),
        Keeping::Prompt => output::line("It takes the passphrase to read it."),
        Keeping::Credential { name, file } => output::line(format!(
            "Encrypt it with \"systemd-creds encrypt --name={name} {} /etc/credstore.encrypted/{name}\", \
             then delete it here.",
            file.display()
        )),
        Keeping::Elsewhere(_) => output::line(
            "Put that file into the safe and delete it here: this host never needs it.",
        ),
    }
}

fn done(session: &Session, name: &str, text: &str) -> Result<()> {
    if session.is_json() {
        return output::json(&serde_json::json!({ "name": name, "done": text }));
    }
    output::line(text)
}

fn identity_words(key: &Key) -> String {
    if !key.is_live() {
        return "deleted".to_owned();
    }
    match &key.identity {
        IdentityPlace::File { path } => path.display().to_string(),
        IdentityPlace::Credential { name } => format!("credential {}", name.display()),
        IdentityPlace::Prompt => "passphrase".to_owned(),
        IdentityPlace::None => "not here".to_owned(),
    }
}

fn pool_words(key: &Key) -> String {
    if key.pools.is_empty() {
        return "all".to_owned();
    }
    let names: Vec<&str> = key.pools.iter().map(|pool| pool.as_str()).collect();
    names.join(", ")
}

fn list(session: &Session, app: &App) -> Result<()> {
    let keys = app
        .catalogue
        .read(|view| view.keys())
        .context("cannot list keys")?;
    if session.is_json() {
        return output::json(&keys);
    }
    output::table(
        &[
            Column::Text("NAME"),
            Column::Text("ROLE"),
            Column::Text("CREATED"),
            Column::Text("RETIRED"),
            Column::Text("POOLS"),
            Column::Text("IDENTITY"),
            Column::Text("RECIPIENT"),
        ],
        keys.into_iter()
            .map(|key| {
                vec![
                    key.name.clone(),
                    key.role.to_string(),
                    time(key.created_at),
                    or_dash(key.retired_at.map(time)),
                    pool_words(&key),
                    identity_words(&key),
                    key.recipient,
                ]
            })
            .collect(),
        "There is no key. Make one with \"tapeward key create site\".",
    )
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    key: Key,
    replaces_name: Option<String>,
    volumes: Vec<Barcode>,
    proof: Option<KeyProof>,
}

fn show(session: &Session, app: &App, name: &str) -> Result<()> {
    let shown = app.catalogue.read(|view| {
        let key = key::find(view, name)?;
        let replaces_name = key
            .replaces
            .map(|old| view.key(old).map(|old| old.name))
            .transpose()?;
        let volumes = view
            .volumes_needing(key.id)?
            .into_iter()
            .map(|volume| Ok(view.cartridge(view.volume(volume)?.cartridge)?.barcode))
            .collect::<Result<Vec<_>>>()?;
        let proof = view.newest_proof(key.id)?;
        Ok::<_, Error>(Shown {
            key,
            replaces_name,
            volumes,
            proof,
        })
    })?;
    if session.is_json() {
        return output::json(&shown);
    }
    let key = &shown.key;
    output::line(format!("Key \"{}\" ({}): {}", key.name, key.role, key.id))?;
    output::line(format!("  recipient  {}", key.recipient))?;
    output::line(format!("  identity   {}", identity_words(key)))?;
    output::line(format!("  pools      {}", pool_words(key)))?;
    output::line(format!("  created    {}", time(key.created_at)))?;
    output::line(format!(
        "  retired    {}",
        or_dash(key.retired_at.map(time))
    ))?;
    output::line(format!(
        "  replaces   {}",
        or_dash(shown.replaces_name.as_ref())
    ))?;
    let proved = shown
        .proof
        .map(|proof| format!("{} ({})", time(proof.at), proof.how));
    output::line(format!("  proved     {}", or_dash(proved)))?;
    let volumes: Vec<String> = shown.volumes.iter().map(ToString::to_string).collect();
    let volumes = (!volumes.is_empty()).then(|| volumes.join(" "));
    output::line(format!("  volumes    {}", or_dash(volumes)))
}
