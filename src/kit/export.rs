//! The kit as files: for a stick in the safe, or for a machine that has nothing else.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::commands::{FORMAT, SCRIPT, sets_table, tapes_table, volumes_table};
use super::{Contents, Imprint, contents, pages, record};
use crate::app::App;
use crate::catalogue::{KitForm, MadeKit};
use crate::error::{Context, Error, Result};
use crate::files::{create_private_folder, write_private};
use crate::print::Paper;

/// Writes the kit into a folder, which is made or must be empty: `README.txt`, `restore.sh`,
/// `sets.txt`, `volumes.txt`, `tapes.txt`, `tape-format.md` and `kit.pdf`, readable by this user only.
///
/// # Errors
/// A folder with something in it; a file system that is full.
pub fn export(app: &App, folder: &Path, paper: Paper) -> Result<MadeKit> {
    create_private_folder(folder)?;
    let mut there =
        std::fs::read_dir(folder).context(format!("cannot look into {}", folder.display()))?;
    if there.next().is_some() {
        return Err(Error::usage(format!("{} is not empty", folder.display()))
            .hint("a kit is never mixed with another one: name a new folder"));
    }
    let contents = contents::gather(app)?;
    let imprint = Imprint::of(app);
    let pdf = pages::pages(&contents, &imprint, paper)?;
    let readme = readme(&contents, &imprint);
    let (sets, tapes) = (sets_table(&contents), tapes_table(&contents));
    let volumes = volumes_table(&contents);
    let files: [(&str, &[u8]); 7] = [
        ("restore.sh", SCRIPT.as_bytes()),
        ("sets.txt", sets.as_bytes()),
        ("volumes.txt", volumes.as_bytes()),
        ("tapes.txt", tapes.as_bytes()),
        ("tape-format.md", FORMAT.as_bytes()),
        ("kit.pdf", &pdf),
        // Last: with it the kit is whole.
        ("README.txt", readme.as_bytes()),
    ];
    for (name, bytes) in files {
        write_private(&folder.join(name), bytes)?;
    }
    let script = folder.join("restore.sh");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700))
        .context(format!("cannot make {} executable", script.display()))?;
    record(app, &contents, &imprint, KitForm::Export)
}

fn readme(contents: &Contents, imprint: &Imprint) -> String {
    let keys: Vec<String> = contents
        .keys
        .iter()
        .map(|key| format!("  {}: {} ({})\n", key.name, key.identity, key.recipient))
        .collect();
    format!(
        "Recovery kit, made {} by {}, good until {} if nothing changes.\n\
         It is in-house: names of sets stand in it. It holds no key.\n\n\
         Programs: mt (package mt-st), dd, age, zstd, tar; xxhsum (package xxhash) where digests are\n\
         to be compared.\n\n\
         \x20 sh restore.sh list\n\
         \x20 IDENTITY=key.identity TAPE=/dev/nst0 sh restore.sh get SET FOLDER\n\n\
         \"sh restore.sh\" says the rest. Without the script: kit.pdf has every command, and\n\
         tape-format.md says what is on a tape.\n\n\
         Keys, any one of a set's opens it:\n{}\n{}\n",
        imprint.made_at.format("%Y-%m-%d"),
        imprint.made_by,
        imprint.expires_at.format("%Y-%m-%d"),
        keys.concat(),
        imprint.contacts.join("\n"),
    )
}
