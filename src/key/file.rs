//! Identity files: plain ones as `age-keygen` writes them, and those encrypted with a passphrase
//! as `age -p` does. Only their owner may be able to read them.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::str::FromStr;

use age::armor::ArmoredReader;
use age::secrecy::{ExposeSecret, SecretString};
use age::{scrypt, x25519};
use zeroize::Zeroizing;

use super::passphrase::Secrets;
use crate::error::{Context, Error, Result};

/// Largest identity file that is read.
const LARGEST: u64 = 1 << 20;

/// Who may be able to read a file of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readers {
    /// Its owner.
    Owner,
    /// Its owner and whoever the service manager let in by a group or ACL (systemd.exec(5),
    /// CREDENTIALS).
    Manager,
}

/// Opens a file that only its owner can read. Pipes and the like are taken as they are.
///
/// # Errors
/// A usage error that says what to do about a file that others can read.
pub(super) fn open_private(path: &Path) -> Result<File> {
    open(path, Readers::Owner)
}

fn open(path: &Path, readers: Readers) -> Result<File> {
    let file = File::open(path).map_err(|source| {
        Error::usage(format!("cannot read {}", path.display())).because(source)
    })?;
    let facts = file
        .metadata()
        .context(format!("cannot look at {}", path.display()))?;
    if !facts.is_file() {
        return Ok(file);
    }
    let mode = facts.mode() & 0o7777;
    let others = match readers {
        Readers::Owner => 0o077,
        Readers::Manager => 0o007,
    };
    if mode & others != 0 {
        return Err(Error::usage(format!(
            "{} can be read by others than its owner (mode {mode:04o})",
            path.display()
        ))
        .hint(format!("chmod 600 {}", path.display())));
    }
    let me = nix::unistd::geteuid().as_raw();
    if facts.uid() != me && facts.uid() != 0 {
        return Err(Error::usage(format!(
            "{} belongs to another user (uid {})",
            path.display(),
            facts.uid()
        ))
        .hint("an identity must be its reader's or root's"));
    }
    Ok(file)
}

/// The identities in a file; `what` names it for whoever is asked for its passphrase.
pub(super) fn load(path: &Path, what: &str, secrets: &Secrets) -> Result<Vec<x25519::Identity>> {
    identities_in(
        &read(open(path, Readers::Owner)?, path)?,
        path,
        what,
        secrets,
    )
}

/// The identities in a credential.
pub(super) fn load_credential(
    path: &Path,
    what: &str,
    secrets: &Secrets,
) -> Result<Vec<x25519::Identity>> {
    identities_in(
        &read(open(path, Readers::Manager)?, path)?,
        path,
        what,
        secrets,
    )
}

/// All bytes of a file that only its owner can read.
pub(crate) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    read(open(path, Readers::Owner)?, path)
}

fn read(file: File, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(LARGEST)
        .read_to_end(&mut bytes)
        .context(format!("cannot read the identity file {}", path.display()))?;
    Ok(bytes)
}

/// The identities in the bytes of a file.
pub(super) fn identities_in(
    bytes: &[u8],
    path: &Path,
    what: &str,
    secrets: &Secrets,
) -> Result<Vec<x25519::Identity>> {
    if !is_encrypted(bytes) {
        return parse(bytes, path);
    }
    secrets.once(path, || {
        let passphrase = secrets.passphrase(what)?;
        let plain = decrypt(bytes, passphrase).map_err(|error| {
            Error::usage(format!("{} cannot be decrypted", path.display()))
                .because(error.to_string())
                .hint("it takes the passphrase it was encrypted with")
        })?;
        parse(&plain, path)
    })
}

/// Whether a file begins as an age file does, in binary or armoured
/// (age-encryption.org/v1, "Header", "ASCII armor").
pub(super) fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(b"age-encryption.org/")
        || bytes.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----")
}

fn decrypt(
    bytes: &[u8],
    passphrase: SecretString,
) -> std::result::Result<Zeroizing<Vec<u8>>, age::DecryptError> {
    let decryptor = age::Decryptor::new(ArmoredReader::new(bytes))?;
    let identity = scrypt::Identity::new(passphrase);
    let mut plain = Zeroizing::new(Vec::new());
    decryptor
        .decrypt(std::iter::once(&identity as &dyn age::Identity))?
        .read_to_end(&mut plain)?;
    Ok(plain)
}

fn parse(bytes: &[u8], path: &Path) -> Result<Vec<x25519::Identity>> {
    let mut all = Vec::new();
    for line in BufReader::new(bytes).lines() {
        let line = line
            .map(Zeroizing::new)
            .context(format!("cannot read the identity file {}", path.display()))?;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The text itself is a secret: never repeat it in a message.
        let identity = x25519::Identity::from_str(line).map_err(|_| {
            Error::usage(format!(
                "{} holds a line that is not an age identity",
                path.display()
            ))
        })?;
        all.push(identity);
    }
    if all.is_empty() {
        return Err(Error::usage(format!(
            "{} holds no age identity",
            path.display()
        )));
    }
    Ok(all)
}

/// An identity as `age-keygen` writes it.
pub(super) fn text(identity: &x25519::Identity, created: &str) -> Zeroizing<String> {
    Zeroizing::new(format!(
        "# created: {created}\n# public key: {}\n{}\n",
        identity.to_public(),
        identity.to_string().expose_secret()
    ))
}

/// The text encrypted with a passphrase, as `age -p` does.
pub(super) fn encrypted(text: &str, passphrase: SecretString) -> Result<Vec<u8>> {
    use std::io::Write;
    let mut out = Vec::new();
    let encryptor = age::Encryptor::with_user_passphrase(passphrase);
    encryptor
        .wrap_output(&mut out)
        .and_then(|mut stream| {
            stream.write_all(text.as_bytes())?;
            stream.finish()
        })
        .context("cannot encrypt the identity")?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::passphrase::PassphraseSource;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// What `age -p -a` of Debian (1.1.1) made of a key of `age-keygen`; its passphrase is
    /// "hunter2 x y".
    const ARMOURED: &[u8] = include_bytes!("../../tests/data/age-1.1.1-passphrase.age");
    const RECIPIENT: &str = "age15c8j23r593s8vsp6cgy0rt5jaxg8hkgcwdnf5v7ywf3vfj9h03aql34fa9";

    #[test]
    fn what_age_encrypted_with_a_passphrase_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let private = std::fs::Permissions::from_mode(0o600);
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            std::fs::set_permissions(&path, private.clone()).unwrap();
            path
        };
        let identity = write("identity", ARMOURED);
        let right = write("right", b"hunter2 x y\nnot this line\n");
        let wrong = write("wrong", b"hunter2 x\n");
        let source = |path| Secrets::from_source(PassphraseSource::File(path));
        let found = load(&identity, "it", &source(right)).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].to_public().to_string(), RECIPIENT);
        let error = load(&identity, "it", &source(wrong)).err().unwrap();
        assert!(error.to_string().contains("cannot be decrypted"), "{error}");
    }
}
