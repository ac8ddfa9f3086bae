//! A tree with every kind of entry, and a comparator that shares no code with the product.
#![allow(dead_code)] // each test program uses a part of it

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag, open, openat, readlinkat};
use nix::sys::stat::{Mode, SFlag, UtimensatFlags, fstatat, makedev, mkdirat, mknodat, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, Whence, fchownat, linkat, lseek, symlinkat};

/// Whether entries that take root are made and compared.
pub(crate) fn is_root() -> bool {
    Uid::effective().is_root()
}

/// A path from raw bytes.
pub(crate) fn raw(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// Makes every kind of entry below `root`, which must exist and be empty.
pub(crate) fn build_everything(root: &Path) {
    files(root);
    names(root);
    symlinks(root);
    sparse(root);
    hard_links(root);
    special(root);
    attributes(root);
    deep_chain(root, b"s", 1200, DeepEnd::Everything);
    owners_and_modes(root);
    times(root);
}

/// A small tree with one of each that matters to resuming: about 20 KiB of stream.
pub(crate) fn build_small(root: &Path) {
    fs::create_dir(root.join("a")).unwrap();
    fs::create_dir(root.join("empty")).unwrap();
    fs::write(root.join("a/one"), pattern(1, 1300)).unwrap();
    fs::write(root.join("a/two"), pattern(2, 512)).unwrap();
    fs::write(root.join("a/zero"), b"").unwrap();
    fs::write(root.join(raw(b"caf\xe9")), pattern(3, 700)).unwrap();
    fs::write(root.join(raw(&[0xff; 120])), pattern(4, 100)).unwrap();
    fs::write(root.join("linked"), pattern(5, 900)).unwrap();
    fs::hard_link(root.join("linked"), root.join("z-linked")).unwrap();
    symlink("a/one", root.join("soft")).unwrap();
    let holes = File::create(root.join("sparse")).unwrap();
    holes.write_all_at(&pattern(6, 600), 65536).unwrap();
    holes.set_len(300_000).unwrap();
    xattr::set(root.join("a/two"), "user.note", b"kept").unwrap();
}

/// Bytes that tell one file and place from another.
pub(crate) fn pattern(seed: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| u8::try_from((at / 7 + at * 31 + seed * 101) % 251).unwrap())
        .collect()
}

fn files(root: &Path) {
    for (seed, size) in [0, 1, 511, 512, 513, 10_000, 262_144, 700_001]
        .into_iter()
        .enumerate()
    {
        fs::write(root.join(format!("file-{size}")), pattern(seed, size)).unwrap();
    }
    fs::write(root.join(".hidden"), b"hidden").unwrap();
    fs::create_dir_all(root.join("directory/.hidden/empty")).unwrap();
    fs::create_dir_all(root.join("directory.first")).unwrap();
    fs::write(root.join("directory/inner"), b"inner").unwrap();
    fs::write(root.join("directory/.hidden/file"), b"below").unwrap();
}

fn names(root: &Path) {
    let long_text = "ä".repeat(127);
    let names: &[&[u8]] = &[
        b"caf\xe9",
        b"new\nline",
        b" blank ",
        b"-dash",
        b"back\\slash",
        b"quote\"'",
        &[b'n'; 99],
        &[b'n'; 100],
        &[b'n'; 101],
        &[b'n'; 255],
        &[0xff; 99],
        &[0xfe; 100],
        &[0xfd; 101],
        &[0xfc; 255],
        long_text.as_bytes(),
    ];
    let folder = root.join("names");
    fs::create_dir(&folder).unwrap();
    for name in names {
        fs::write(folder.join(raw(name)), name).unwrap();
        let inside = folder.join(raw(&[b"d", &name[..name.len().min(254)]].concat()));
        fs::create_dir(&inside).unwrap();
        fs::write(inside.join(raw(name)), name).unwrap();
    }
}

fn symlinks(root: &Path) {
    let folder = root.join("symlinks");
    fs::create_dir(&folder).unwrap();
    symlink("../file-513", folder.join("good")).unwrap();
    symlink("nowhere", folder.join("dangling")).unwrap();
    symlink("/etc", folder.join("absolute")).unwrap();
    symlink(raw(b"\xff\xfe"), folder.join("latin")).unwrap();
    symlink(raw(&[0xfb; 100]), folder.join("latin-100")).unwrap();
    symlink(raw(&[0xfb; 101]), folder.join("latin-101")).unwrap();
    symlink("t".repeat(100), folder.join("long-100")).unwrap();
    symlink("t".repeat(101), folder.join("long-101")).unwrap();
    symlink("t/".repeat(2000), folder.join("long-4000")).unwrap();
    symlink(raw(&[0xfa; 4000]), folder.join("latin-4000")).unwrap();
    symlink("x", folder.join(raw(&[0xf9; 200]))).unwrap();
}

fn sparse(root: &Path) {
    let folder = root.join("sparse");
    fs::create_dir(&folder).unwrap();
    let make = |name: &[u8], size: u64, runs: &[(u64, usize)]| {
        let file = File::create(folder.join(raw(name))).unwrap();
        file.set_len(size).unwrap();
        for (offset, length) in runs {
            file.write_all_at(&pattern(9, *length), *offset).unwrap();
        }
        file.sync_all().unwrap();
    };
    let nine = 9 << 30;
    make(
        b"nine-gib",
        nine,
        &[(0, 4096), (5 << 30, 100_000), (nine - 777, 777)],
    );
    make(b"only-hole", 1 << 20, &[]);
    make(b"starts", 1 << 20, &[(1 << 19, 1 << 19)]);
    make(b"ends", 1 << 20, &[(0, 8192)]);
    make(
        b"many",
        16 << 20,
        &(0..200).map(|at| (at * 65536, 4096)).collect::<Vec<_>>(),
    );
    make(b"lat\xefn", 1 << 20, &[(4096, 4096)]);
    make(&[0xf8; 222], 1 << 30, &[(1 << 29, 4096)]);
    make("ö".repeat(100).as_bytes(), 1 << 24, &[(1 << 23, 4096)]);
}

fn hard_links(root: &Path) {
    let folder = root.join("links");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("b-first"), b"linked").unwrap();
    fs::hard_link(folder.join("b-first"), folder.join("c-second")).unwrap();
    fs::hard_link(folder.join("b-first"), root.join("directory/third")).unwrap();
    fs::hard_link(folder.join("b-first"), folder.join(raw(&[0xf7; 150]))).unwrap();
    fs::hard_link(root.join("sparse/starts"), folder.join("sparse-too")).unwrap();
    fs::hard_link(
        root.join("names").join(raw(&[0xfc; 255])),
        root.join("zz-long-latin-target"),
    )
    .unwrap();
    fs::hard_link(
        root.join("names").join("ä".repeat(127)),
        root.join("zz-long-text-target"),
    )
    .unwrap();
    symlink("b-first", folder.join("soft-first")).unwrap();
    let here = open_directory(&folder);
    let link = |from: &str, to: &str| {
        linkat(&here, from, &here, to, AtFlags::empty()).unwrap();
    };
    link("soft-first", "soft-second");
    mknodat(&here, "fifo-first", SFlag::S_IFIFO, Mode::S_IRWXU, 0).unwrap();
    link("fifo-first", "fifo-second");
}

fn special(root: &Path) {
    let here = open_directory(root);
    mknodat(&here, "fifo", SFlag::S_IFIFO, Mode::S_IRUSR, 0).unwrap();
    if is_root() {
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        mknodat(&here, "null", SFlag::S_IFCHR, mode, makedev(1, 3)).unwrap();
        mknodat(
            &here,
            "block",
            SFlag::S_IFBLK,
            mode,
            makedev(259, 1_000_000),
        )
        .unwrap();
        linkat(&here, "null", &here, "null-too", AtFlags::empty()).unwrap();
    }
}

fn attributes(root: &Path) {
    let folder = root.join("attributes");
    fs::create_dir(&folder).unwrap();
    for name in ["plain", "acl", "both"] {
        fs::write(folder.join(name), name).unwrap();
    }
    xattr::set(folder.join("plain"), "user.comment", b"text").unwrap();
    xattr::set(folder.join("plain"), "user.binary", b"a\nb\0c=d\xff").unwrap();
    xattr::set(folder.join("plain"), "user.empty", b"").unwrap();
    xattr::set(folder.join("both"), "user.big", &pattern(8, 3000)).unwrap();
    xattr::set(&folder, "user.on-directory", b"yes").unwrap();
    fs::create_dir(folder.join("shared")).unwrap();
    set_acl(
        &folder.join("acl"),
        &["-m", "u:4242:rw,g:4343:r,u:0:rwx,m::rwx"],
    );
    set_acl(&folder.join("both"), &["-m", "u:4242:r"]);
    set_acl(&folder.join("shared"), &["-m", "u:4242:rwx"]);
    set_acl(&folder.join("shared"), &["-d", "-m", "u:4242:rwx,g:0:rx"]);
    fs::write(folder.join("shared/inherits"), b"inherits").unwrap();
    let locked = folder.join("shared/plain-again");
    fs::write(&locked, b"none").unwrap();
    set_acl(&locked, &["-b"]);
    if is_root() {
        xattr::set(folder.join("plain"), "trusted.note", b"root").unwrap();
        symlink("plain", folder.join("soft")).unwrap();
        xattr::set(folder.join("soft"), "trusted.on-link", b"root").unwrap();
        let capability = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        xattr::set(folder.join("both"), "security.capability", &capability).unwrap();
    }
}

fn set_acl(path: &Path, arguments: &[&str]) {
    let status = Command::new("setfacl")
        .args(arguments)
        .arg(path)
        .status()
        .expect("setfacl (package acl) is needed");
    assert!(status.success());
}

/// What stands at the end of a deep chain of directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeepEnd {
    /// A file with an extended attribute.
    File,
    /// That, a second name of it and a symbolic link.
    Everything,
}

/// Directories whose paths grow beyond PATH_MAX, one chain of text and one of raw bytes.
pub(crate) fn build_beyond_path_max(root: &Path, end: DeepEnd) {
    for fill in [b'd', 0xf6] {
        deep_chain(root, &[fill; 255], 18, end);
    }
}

/// A chain of directories with something at its end.
pub(crate) fn deep_chain(root: &Path, name: &[u8], levels: usize, end: DeepEnd) {
    let mut here = open_directory(root);
    for _ in 0..levels {
        mkdirat(&here, name, Mode::S_IRWXU).unwrap();
        here = open_below(here.as_fd(), name);
    }
    let flags = OFlag::O_CREAT | OFlag::O_WRONLY;
    let made = openat(&here, "bottom", flags, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    File::from(made).write_all_at(b"deep", 0).unwrap();
    let through = format!("/proc/self/fd/{}", here.as_raw_fd());
    let attribute = Path::new(&through).join("bottom");
    xattr::set(attribute, "user.deep", b"x").unwrap();
    utimens(here.as_fd(), b"bottom", 1_234_567_890, 987_654_321);
    if end == DeepEnd::Everything {
        symlinkat("bottom", &here, "soft").unwrap();
        linkat(&here, "bottom", &here, "second", AtFlags::empty()).unwrap();
    }
    // Making what is below a directory moved its own time; the root's is set back by `times`.
    utimens(here.as_fd(), b".", 1_234_567_891, 1);
}

fn owners_and_modes(root: &Path) {
    let folder = root.join("modes");
    fs::create_dir(&folder).unwrap();
    // Only root can read a file without any permission.
    let shut = if is_root() { 0o000 } else { 0o400 };
    for mode in [0o4755, 0o2755, 0o6711, shut, 0o444, 0o777] {
        let file = folder.join(format!("file-{mode:o}"));
        fs::write(&file, b"mode").unwrap();
        set_mode(&file, mode);
    }
    for mode in [0o1777, 0o2775, 0o555, 0o700] {
        let inner = folder.join(format!("directory-{mode:o}"));
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("in"), b"in").unwrap();
        set_mode(&inner, mode);
    }
    if is_root() {
        for (name, uid, gid) in [("one", 12345, 54321), ("big", 3_000_000_000, 2_097_152)] {
            let file = folder.join(name);
            fs::write(&file, name).unwrap();
            own(&file, uid, gid);
            set_mode(&file, 0o6755);
            symlink(name, folder.join(format!("{name}-link"))).unwrap();
            own(&folder.join(format!("{name}-link")), uid, gid);
        }
    }
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn own(path: &Path, uid: u32, gid: u32) {
    let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    fchownat(
        nix::fcntl::AT_FDCWD,
        path,
        uid,
        gid,
        AtFlags::AT_SYMLINK_NOFOLLOW,
    )
    .unwrap();
}

fn times(root: &Path) {
    let folder = root.join("times");
    fs::create_dir(&folder).unwrap();
    let here = open_directory(&folder);
    for (name, seconds, nanos) in [
        ("epoch", 0, 0),
        ("first-nano", 0, 1),
        ("before-1970", -86_400 * 365, 0),
        ("before-1970-fraction", -2, 500_000_000),
        ("before-1970-nano", -1, 999_999_999),
        ("after-2038", 4_000_000_000, 123_456_789),
        ("after-2242", 8_589_934_592, 999_999_999),
    ] {
        fs::write(folder.join(name), name).unwrap();
        utimens(here.as_fd(), name.as_bytes(), seconds, nanos);
        let link = format!("{name}-link");
        symlink(name, folder.join(&link)).unwrap();
        utimens(here.as_fd(), link.as_bytes(), seconds, nanos);
        let inner = format!("{name}-directory");
        fs::create_dir(folder.join(&inner)).unwrap();
        fs::write(folder.join(&inner).join("in"), b"in").unwrap();
        utimens(here.as_fd(), inner.as_bytes(), seconds, nanos);
    }
    let above = open_directory(root);
    utimens(above.as_fd(), b"times", 1_000_000_000, 5);
    utimens(above.as_fd(), b".", 1_100_000_000, 7);
}

/// Sets a modification time.
pub(crate) fn utimens(directory: BorrowedFd<'_>, name: &[u8], seconds: i64, nanos: i64) {
    utimensat(
        directory,
        name,
        &TimeSpec::UTIME_OMIT,
        &TimeSpec::new(seconds, nanos),
        UtimensatFlags::NoFollowSymlink,
    )
    .unwrap();
}

pub(crate) fn open_directory(path: &Path) -> OwnedFd {
    open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty()).unwrap()
}

fn open_below(directory: BorrowedFd<'_>, name: &[u8]) -> OwnedFd {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    openat(directory, name, flags, Mode::empty()).unwrap()
}

/// Everything about one entry that a backup must keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) kind: u32,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) modified: (i64, i64),
    pub(crate) device: u64,
    pub(crate) target: Vec<u8>,
    pub(crate) attributes: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Size and runs of data of a regular file.
    pub(crate) runs: (i64, Vec<(i64, i64)>),
    pub(crate) content: Option<blake3::Hash>,
    /// The first path of the same inode.
    pub(crate) group: Vec<u8>,
}

impl Facts {
    pub(crate) fn is_directory(&self) -> bool {
        self.kind == SFlag::S_IFDIR.bits()
    }

    /// Whether it is a fifo or a device.
    pub(crate) fn is_node(&self) -> bool {
        [SFlag::S_IFIFO, SFlag::S_IFCHR, SFlag::S_IFBLK]
            .map(|kind| kind.bits())
            .contains(&self.kind)
    }
}

/// All entries below a directory, by path.
pub(crate) type Tree = BTreeMap<Vec<u8>, Facts>;

/// Reads a tree, sockets left out.
pub(crate) fn read_tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut inodes = BTreeMap::new();
    let top = open_directory(root);
    tree.insert(b".".to_vec(), facts(top.as_fd(), b".", b".", &mut inodes));
    let mut pending = vec![(top, Vec::new())];
    // Depth first, so that few directories are open at a time in a deep tree.
    while let Some((directory, path)) = pending.pop() {
        for name in list(&directory) {
            let mut inner = path.clone();
            if !inner.is_empty() {
                inner.push(b'/');
            }
            inner.extend_from_slice(&name);
            let found = facts(directory.as_fd(), &name, &inner, &mut inodes);
            let kind = found.kind;
            if kind == SFlag::S_IFSOCK.bits() {
                continue;
            }
            tree.insert(inner.clone(), found);
            if kind == SFlag::S_IFDIR.bits() {
                pending.push((open_below(directory.as_fd(), &name), inner));
            }
        }
    }
    // The group's name must not depend on the order of reading.
    let mut firsts: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for (path, facts) in &tree {
        firsts
            .entry(facts.group.clone())
            .or_insert_with(|| path.clone());
    }
    for facts in tree.values_mut() {
        facts.group = firsts[&facts.group].clone();
    }
    tree
}

fn list(directory: &OwnedFd) -> Vec<Vec<u8>> {
    let again = open_below(directory.as_fd(), b".");
    let mut names: Vec<Vec<u8>> = Dir::from_fd(again)
        .unwrap()
        .iter()
        .map(|entry| entry.unwrap().file_name().to_bytes().to_vec())
        .filter(|name| name != b"." && name != b"..")
        .collect();
    names.sort();
    names
}

fn facts(
    directory: BorrowedFd<'_>,
    name: &[u8],
    path: &[u8],
    inodes: &mut BTreeMap<(u64, u64), Vec<u8>>,
) -> Facts {
    let status = fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).unwrap();
    let kind = status.st_mode & SFlag::S_IFMT.bits();
    let through = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(raw(name));
    let attributes = xattr::list(&through)
        .unwrap()
        .map(|name| {
            let value = xattr::get(&through, &name).unwrap().unwrap();
            (name.into_vec(), value)
        })
        .collect();
    let mut runs = (0, Vec::new());
    let mut content = None;
    let regular = kind == SFlag::S_IFREG.bits();
    if regular {
        let name = CString::new(name).unwrap();
        if let Ok(file) = openat(directory, name.as_c_str(), OFlag::O_RDONLY, Mode::empty()) {
            let file = File::from(file);
            runs = (status.st_size, data_runs(&file, status.st_size));
            content = Some(hash(&file, &runs.1));
        }
    }
    let group = inodes
        .entry((status.st_dev, status.st_ino))
        .or_insert_with(|| path.to_vec())
        .clone();
    Facts {
        kind,
        mode: status.st_mode & 0o7777,
        owner: (status.st_uid, status.st_gid),
        modified: (status.st_mtime, status.st_mtime_nsec),
        device: status.st_rdev,
        target: if kind == SFlag::S_IFLNK.bits() {
            readlinkat(directory, name).unwrap().into_vec()
        } else {
            Vec::new()
        },
        attributes,
        runs,
        content,
        group,
    }
}

fn data_runs(file: &File, size: i64) -> Vec<(i64, i64)> {
    let mut runs = Vec::new();
    let mut at = 0;
    while at < size {
        let Ok(start) = lseek(file, at, Whence::SeekData) else {
            break;
        };
        at = lseek(file, start, Whence::SeekHole).unwrap();
        runs.push((start, at));
    }
    runs
}

fn hash(file: &File, runs: &[(i64, i64)]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    for (start, end) in runs {
        let mut at = u64::try_from(*start).unwrap();
        let end = u64::try_from(*end).unwrap();
        while at < end {
            let wanted = usize::try_from(end - at).unwrap().min(buffer.len());
            file.read_exact_at(&mut buffer[..wanted], at).unwrap();
            hasher.update(&buffer[..wanted]);
            at += wanted as u64;
        }
    }
    hasher.finalize()
}

/// Every difference between two trees, one line each.
pub(crate) fn differences(expected: &Tree, found: &Tree) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, want) in expected {
        let shown = String::from_utf8_lossy(&path[..path.len().min(80)]);
        let Some(have) = found.get(path) else {
            lines.push(format!("{shown}: missing"));
            continue;
        };
        let mut check = |what: &str, want: &dyn std::fmt::Debug, have: &dyn std::fmt::Debug| {
            let (want, have) = (format!("{want:?}"), format!("{have:?}"));
            if want != have {
                lines.push(format!("{shown}: {what}: wanted {want}, found {have}"));
            }
        };
        check("kind", &want.kind, &have.kind);
        check("mode", &want.mode, &have.mode);
        check("owner", &want.owner, &have.owner);
        check("mtime", &want.modified, &have.modified);
        check("device", &want.device, &have.device);
        check("target", &want.target, &have.target);
        check("attributes", &want.attributes, &have.attributes);
        check("runs", &want.runs, &have.runs);
        check("content", &want.content, &have.content);
        check("link group", &want.group, &have.group);
    }
    for path in found.keys().filter(|path| !expected.contains_key(*path)) {
        lines.push(format!("{}: surplus", String::from_utf8_lossy(path)));
    }
    lines
}

/// Fails with every difference.
pub(crate) fn assert_same(expected: &Tree, found: &Tree) {
    let lines = differences(expected, found);
    assert!(lines.is_empty(), "trees differ:\n{}", lines.join("\n"));
}

/// Removes a tree however deep it is, with its read-only directories.
pub(crate) fn remove_tree(root: &Path) {
    for program in ["chmod", "rm"] {
        let arguments = if program == "chmod" {
            ["-R", "u+rwX"]
        } else {
            ["-r", "-f"]
        };
        let status = Command::new(program)
            .args(arguments)
            .arg(root)
            .status()
            .unwrap();
        assert!(status.success());
    }
}
