//! Amanda and Bacula as Debian has them, writing the same folder to their kind of a virtual tape.
//!
//! Both want folders of their own user and a configuration; Amanda wants that in `/etc/amanda` and to
//! be started by root. What is not installed, or cannot be started, is left out and named.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Failure, Folder, Run, timed};

/// A program that is ready to back the folder up.
pub enum Peer {
    Amanda(Amanda),
    Bacula(Bacula),
}

impl Peer {
    pub fn run(&self) -> Result<Run, Failure> {
        match self {
            Self::Amanda(amanda) => amanda.run(),
            Self::Bacula(bacula) => bacula.run(),
        }
    }
}

fn is_root(folder: &Path) -> Result<bool, Failure> {
    Ok(fs::metadata(folder)?.uid() == 0)
}

/// `amdump` to a `chg-disk` of three slots, GNU tar without compression.
pub struct Amanda {
    name: String,
    slots: PathBuf,
    /// Where it looks for configurations; made for this run.
    configuration: PathBuf,
}

/// As many as it keeps before it writes over one.
const SLOTS: [&str; 3] = ["slot1", "slot2", "slot3"];

const AMANDA: &str = "org \"bench\"\nmailto \"\"\ndumpcycle 0\nrunspercycle 1\ntapecycle 3\nruntapes 1\n\
    autolabel \"BENCH-%%\" any\nlabelstr \"BENCH-[0-9][0-9]\"\nnetusage 80000000 Kbps\ninparallel 1\n\
    define tapetype DISK {\n length 64 gbytes\n blocksize 256 kbytes\n}\ntapetype DISK\n\
    define dumptype plain {\n auth \"local\"\n program \"GNUTAR\"\n compress none\n index yes\n \
    holdingdisk never\n strategy noinc\n}\n";

impl Amanda {
    /// `Err` says in words why it cannot be.
    pub fn new(source: &Folder, scratch: &Path) -> Result<Result<Self, String>, Failure> {
        if !Path::new("/usr/sbin/amdump").exists() {
            return Ok(Err("amanda-server is not installed".to_owned()));
        }
        if !is_root(scratch)? {
            return Ok(Err("only root can start it as its own user".to_owned()));
        }
        let name = format!("tapeward-bench-{}", std::process::id());
        let folder = scratch.join("amanda");
        let owner = fs::metadata("/etc/amanda")?;
        let made = Self {
            slots: folder.join("slots"),
            configuration: Path::new("/etc/amanda").join(&name),
            name,
        };
        let places = ["", "logs", "index", "info", "slots"];
        let mut folders: Vec<PathBuf> = places.iter().map(|place| folder.join(place)).collect();
        folders.extend(SLOTS.map(|slot| made.slots.join(slot)));
        folders.extend([
            made.configuration.clone(),
            "/var/lib/amanda/gnutar-lists".into(),
        ]);
        for place in &folders {
            fs::create_dir_all(place)?;
            chown(place, Some(owner.uid()), Some(owner.gid()))?;
        }
        // It reads the data as root, but walks to its own folders as itself.
        for above in [scratch, &source.path] {
            fs::set_permissions(above, fs::Permissions::from_mode(0o755))?;
        }
        let mut text = AMANDA.to_owned();
        for (key, place) in [
            ("infofile", "info"),
            ("logdir", "logs"),
            ("indexdir", "index"),
            ("tapelist", "tapes"),
        ] {
            writeln!(text, "{key} \"{}\"", folder.join(place).display())?;
        }
        writeln!(text, "tpchanger \"chg-disk:{}\"", made.slots.display())?;
        let disks = format!("localhost {} plain\n", source.path.display());
        let files = [
            (made.configuration.join("amanda.conf"), text),
            (made.configuration.join("disklist"), disks),
            (folder.join("tapes"), String::new()),
        ];
        for (file, text) in files {
            fs::write(&file, text)?;
            chown(&file, Some(owner.uid()), Some(owner.gid()))?;
        }
        Ok(Ok(made))
    }

    fn run(&self) -> Result<Run, Failure> {
        for slot in SLOTS {
            for file in fs::read_dir(self.slots.join(slot))? {
                fs::remove_file(file?.path())?;
            }
        }
        let run = timed(
            Command::new("su")
                .args(["-s", "/bin/sh", "backup", "-c"])
                .arg(format!("amdump {}", self.name)),
        )?;
        Ok(run)
    }
}

impl Drop for Amanda {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.configuration);
    }
}

/// A director with SQLite, a file daemon and a storage daemon with a file device, on loopback.
pub struct Bacula {
    console: PathBuf,
    volumes: PathBuf,
    daemons: Vec<Child>,
}

const TABLES: &str = "/usr/share/bacula-director/make_sqlite3_tables";

impl Bacula {
    /// `Err` says in words why it cannot be.
    pub fn new(source: &Folder, scratch: &Path) -> Result<Result<Self, String>, Failure> {
        if !Path::new(TABLES).exists() || !Path::new("/usr/sbin/bacula-sd").exists() {
            return Ok(Err(
                "bacula-director-sqlite3, bacula-sd, bacula-fd or bconsole is not installed"
                    .to_owned(),
            ));
        }
        let folder = scratch.join("bacula");
        let volumes = folder.join("volumes");
        fs::create_dir_all(&volumes)?;
        make_tables(&folder)?;
        let ports = free_ports()?;
        let files = configurations(&folder, source, ports);
        for (name, text) in &files {
            fs::write(folder.join(name), text)?;
        }
        let mut made = Self {
            console: folder.join("bconsole.conf"),
            volumes,
            daemons: Vec::new(),
        };
        for daemon in ["bacula-sd", "bacula-fd", "bacula-dir"] {
            let mut command = Command::new(Path::new("/usr/sbin").join(daemon));
            command
                .arg("-f")
                .arg("-c")
                .arg(folder.join(format!("{daemon}.conf")));
            made.daemons
                .push(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?);
        }
        for _ in 0..50 {
            if made.ask("status client\n").is_ok() {
                return Ok(Ok(made));
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        Ok(Err("its director does not answer".to_owned()))
    }

    fn console(&self, orders: &str) -> Command {
        let mut command = Command::new("timeout");
        command
            .args([
                "600",
                "sh",
                "-c",
                "printf \"$1\" | /usr/sbin/bconsole -c \"$2\"",
                "sh",
            ])
            .arg(format!("{orders}quit\n"))
            .arg(&self.console);
        command
    }

    fn ask(&self, orders: &str) -> Result<String, Failure> {
        let output = self.console(orders).stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err("the console failed".into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn run(&self) -> Result<Run, Failure> {
        for volume in fs::read_dir(&self.volumes)? {
            fs::remove_file(volume?.path())?;
        }
        let before = self.processor()?;
        let mut run = timed(&mut self.console("run job=bench yes\nwait\n"))?;
        run.processor = self.processor()? - before;
        let said = self.ask("messages\n")?;
        if !said.contains("Backup OK") {
            return Err(format!("Bacula: {said}").into());
        }
        Ok(run)
    }

    /// Seconds of processor time of its daemons, which are no children that ended.
    fn processor(&self) -> Result<f64, Failure> {
        let mut ticks = 0;
        for daemon in &self.daemons {
            let stat = fs::read_to_string(format!("/proc/{}/stat", daemon.id()))?;
            let behind = stat.rsplit_once(") ").ok_or("no stat")?.1;
            let fields: Vec<&str> = behind.split(' ').collect();
            ticks += fields[11].parse::<u32>()? + fields[12].parse::<u32>()?;
        }
        Ok(f64::from(ticks) / 100.0)
    }
}

impl Drop for Bacula {
    fn drop(&mut self) {
        for daemon in &mut self.daemons {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

fn make_tables(folder: &Path) -> Result<(), Failure> {
    let script = fs::read_to_string(TABLES)?;
    let (_, rest) = script.split_once("<<END-OF-DATA\n").ok_or("no tables")?;
    let (tables, _) = rest.split_once("END-OF-DATA").ok_or("no end of tables")?;
    let database = rusqlite::Connection::open(folder.join("bacula.db"))?;
    database.execute_batch(tables)?;
    Ok(())
}

fn free_ports() -> Result<[u16; 3], Failure> {
    let mut ports = [0; 3];
    // All three at the same time, so that they differ.
    let mut sockets = Vec::new();
    for port in &mut ports {
        let socket = std::net::TcpListener::bind("127.0.0.1:0")?;
        *port = socket.local_addr()?.port();
        sockets.push(socket);
    }
    Ok(ports)
}

fn configurations(
    folder: &Path,
    source: &Folder,
    [dir, sd, fd]: [u16; 3],
) -> [(&'static str, String); 4] {
    let work = folder.display();
    let own = format!(" WorkingDirectory = \"{work}\"\n PidDirectory = \"{work}\"\n");
    let director = format!(
        "Director {{\n Name = bench-dir\n DIRport = {dir}\n DirAddress = 127.0.0.1\n Password = \"bench\"\n Messages = M\n \
         QueryFile = \"/dev/null\"\n{own}}}\n\
         Job {{\n Name = \"bench\"\n Type = Backup\n Level = Full\n Client = bench-fd\n FileSet = \"bench\"\n Storage = S\n \
         Messages = M\n Pool = P\n Spool Attributes = yes\n}}\n\
         FileSet {{\n Name = \"bench\"\n Include {{\n Options {{\n signature = MD5\n }}\n File = \"{}\"\n }}\n}}\n\
         Client {{\n Name = bench-fd\n Address = 127.0.0.1\n FDPort = {fd}\n Catalog = C\n Password = \"bench\"\n}}\n\
         Storage {{\n Name = S\n Address = 127.0.0.1\n SDPort = {sd}\n Password = \"bench\"\n Device = D\n Media Type = File\n}}\n\
         Catalog {{\n Name = C\n dbname = \"bacula\"\n dbuser = \"\"\n dbpassword = \"\"\n}}\n\
         Messages {{\n Name = M\n console = all, !skipped\n}}\n\
         Pool {{\n Name = P\n Pool Type = Backup\n Label Format = \"V-\"\n Maximum Volume Jobs = 1\n}}\n",
        source.path.display()
    );
    let known = "Director {\n Name = bench-dir\n Password = \"bench\"\n}\nMessages {\n Name = S\n director = bench-dir = all\n}\n";
    let storage = format!(
        "Storage {{\n Name = bench-sd\n SDPort = {sd}\n SDAddress = 127.0.0.1\n{own}}}\n{known}\
         Device {{\n Name = D\n Media Type = File\n Archive Device = \"{work}/volumes\"\n LabelMedia = yes\n \
         Random Access = yes\n AutomaticMount = yes\n RemovableMedia = no\n AlwaysOpen = no\n \
         Maximum Block Size = 262144\n}}\n"
    );
    let file = format!(
        "FileDaemon {{\n Name = bench-fd\n FDport = {fd}\n FDAddress = 127.0.0.1\n{own}}}\n{known}"
    );
    let console = format!(
        "Director {{\n Name = bench-dir\n DIRport = {dir}\n address = 127.0.0.1\n Password = \"bench\"\n}}\n"
    );
    [
        ("bacula-dir.conf", director),
        ("bacula-sd.conf", storage),
        ("bacula-fd.conf", file),
        ("bconsole.conf", console),
    ]
}
