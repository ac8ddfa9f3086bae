//! What is recorded.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::signing::{PublicKey, Signature, SignerId};
use super::{JournalError, canonical_json};
use crate::archive::member::SegmentNumber;
use crate::catalogue::{
    ContentState, CopyReason, DriveNeed, KeyRole, KitForm, Month, Place, PoolName, ProofKind,
    RunKind, RunState, SetCopyState, SetTotals, StepKind, TaskState, Witness,
};
use crate::health::{DriveSerial, Verdict};
use crate::id::{
    Barcode, CartridgeId, CopyNumber, KeyId, LibraryId, RunId, SetDefinitionId, SetId, StepId,
    TapeFileNumber, TaskId, VolumeId, VolumeSerial,
};
use crate::tape::{Codec, TapeDigest};

/// Who did it, and where.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// Name of the person, operating system user or service account.
    pub person: String,
    /// The operating system user or service account that a person who is named otherwise, by badge
    /// for instance, works under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Name of the host or scanning station.
    pub station: String,
}

impl Actor {
    /// The operating system user this process runs as, on this host.
    #[must_use]
    pub fn of_this_process() -> Self {
        let uid = nix::unistd::geteuid();
        let user = nix::unistd::User::from_uid(uid).ok().flatten();
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = host.trim();
        Self {
            person: user.map_or_else(|| format!("uid {uid}"), |user| user.name),
            account: None,
            station: if host.is_empty() { "localhost" } else { host }.to_owned(),
        }
    }

    /// Somebody who is known by name or badge, at this station and under this account.
    #[must_use]
    pub fn with_person(&self, person: &str) -> Self {
        let account = self.account.as_ref().unwrap_or(&self.person);
        Self {
            account: (account != person).then(|| account.clone()),
            person: person.to_owned(),
            station: self.station.clone(),
        }
    }
}

/// Something that happened. Fields that hold the id of a thing become the entry's subjects, the
/// others its details.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are named after what they hold")]
pub enum Event {
    /// A catalogue was made. The first entry of a journal.
    CatalogueCreated { program: String },
    /// The record was rebuilt from tapes, or what it did not know was added to it.
    CatalogueRebuilt {
        cartridges: Vec<String>,
        snapshot: Option<String>,
        volumes: u64,
        sets: u64,
        segments: u64,
    },
    /// The configuration was changed.
    ConfigurationChanged { digest: String },
    /// A library was seen for the first time.
    LibraryAdded {
        library: LibraryId,
        name: String,
        vendor: String,
        product: String,
        serial: String,
    },
    /// A cartridge was registered.
    CartridgeAdded {
        cartridge: CartridgeId,
        barcode: Barcode,
    },
    /// A cartridge left for good.
    CartridgeRetired {
        cartridge: CartridgeId,
        reason: String,
    },
    /// A cartridge was seen, or moved and then seen.
    CartridgePlaced {
        cartridge: CartridgeId,
        run: Option<RunId>,
        place: Place,
        witness: Witness,
    },
    /// A label was written.
    VolumeLabelled {
        volume: VolumeId,
        cartridge: CartridgeId,
        run: Option<RunId>,
        serial: VolumeSerial,
        pool: PoolName,
        overwrote: Option<String>,
    },
    /// A volume's content state changed.
    VolumeContent {
        volume: VolumeId,
        run: Option<RunId>,
        content: ContentState,
        reason: String,
    },
    /// A volume's life ended.
    VolumeEnded { volume: VolumeId, reason: String },
    /// A set definition was made or changed.
    DefinitionSaved {
        definition: SetDefinitionId,
        name: String,
        source: String,
    },
    /// What must be kept whatever its retention says: every set of a definition, or one set.
    HoldPlaced {
        definition: Option<SetDefinitionId>,
        set: Option<SetId>,
        reason: String,
    },
    /// It need not be kept any more for that.
    HoldReleased {
        definition: Option<SetDefinitionId>,
        set: Option<SetId>,
        reason: String,
    },
    /// A set definition was taken out of use.
    DefinitionRetired { definition: SetDefinitionId },
    /// A key was made or registered.
    KeyAdded {
        key: KeyId,
        name: String,
        role: KeyRole,
        recipient: String,
    },
    /// A key was taken out of use.
    KeyRetired { key: KeyId },
    /// A key's private half was deleted for good.
    KeyIdentityDeleted { key: KeyId },
    /// A recovery kit was made.
    KitMade {
        form: KitForm,
        digest: String,
        expires_at: DateTime<Utc>,
    },
    /// A key's private half was put on a page.
    EscrowPagePrinted { key: KeyId },
    /// A key's identity opened something on a volume.
    KeyProved {
        key: KeyId,
        volume: VolumeId,
        run: RunId,
        how: ProofKind,
    },
    /// A run was planned.
    RunPlanned {
        run: RunId,
        run_kind: RunKind,
        month: Option<Month>,
    },
    /// A run changed its state: started, resumed, interrupted, done, failed.
    RunChanged {
        run: RunId,
        state: RunState,
        note: Option<String>,
    },
    /// A step is about to be done.
    StepIntended {
        run: RunId,
        step: StepId,
        step_kind: StepKind,
        intent: Value,
    },
    /// A step was done or not, as observed.
    StepObserved {
        run: RunId,
        step: StepId,
        done: bool,
        observation: Value,
    },
    /// A step left open was settled by looking.
    StepSettled {
        run: RunId,
        step: StepId,
        observation: Value,
    },
    /// A set was begun.
    SetStarted {
        run: RunId,
        set: SetId,
        definition: SetDefinitionId,
        month: Month,
    },
    /// A set's stream is complete.
    SetCompleted {
        run: RunId,
        set: SetId,
        totals: SetTotals,
        segments: u32,
    },
    /// A set was given up.
    SetFailed {
        run: RunId,
        set: SetId,
        reason: String,
    },
    /// A command that a set is read from, or that runs around it, ended.
    CommandEnded {
        run: RunId,
        set: SetId,
        purpose: Purpose,
        command: String,
        how: String,
        said: String,
    },
    /// A copy of a set changed its state.
    SetCopyChanged {
        run: Option<RunId>,
        set: SetId,
        copy: CopyNumber,
        state: SetCopyState,
    },
    /// A copy of a set was too slow for the others, which go on without it; the rest of it is
    /// copied from tape to tape.
    SetCopyLeftBehind {
        run: RunId,
        set: SetId,
        copy: CopyNumber,
        reason: String,
    },
    /// A cartridge could not be mounted or written on, and another one is taken in its place.
    CartridgeSetAside {
        run: RunId,
        barcode: Barcode,
        reason: String,
    },
    /// A segment was committed on a volume.
    SegmentCommitted {
        run: RunId,
        set: SetId,
        volume: VolumeId,
        segment: SegmentNumber,
        copy: CopyNumber,
        tape_file: TapeFileNumber,
        codec: Codec,
        digest: TapeDigest,
        bytes: u64,
    },
    /// A segment was read back from a volume and compared.
    SegmentVerified {
        run: RunId,
        set: SetId,
        volume: VolumeId,
        segment: SegmentNumber,
        copy: CopyNumber,
    },
    /// A segment cannot be read, or could not be written, on a volume.
    SegmentLost {
        run: Option<RunId>,
        set: SetId,
        volume: VolumeId,
        segment: SegmentNumber,
        copy: CopyNumber,
        reason: String,
    },
    /// A segment on this volume took the place of the one on another.
    SegmentReplaced {
        run: RunId,
        set: SetId,
        volume: VolumeId,
        segment: SegmentNumber,
        copy: CopyNumber,
        instead_of: Option<VolumeId>,
    },
    /// Something is to be copied to other cartridges.
    CopyTaskOpened {
        task: TaskId,
        set: SetId,
        copy: CopyNumber,
        volume: Option<VolumeId>,
        pool: Option<PoolName>,
        reason: CopyReason,
        note: String,
        due: NaiveDate,
    },
    /// It was copied, or somebody decided that it need not be.
    CopyTaskClosed {
        task: TaskId,
        set: SetId,
        copy: CopyNumber,
        volume: Option<VolumeId>,
        state: TaskState,
        reason: String,
    },
    /// A cartridge with data of another program is kept as it is.
    ForeignRegistered {
        cartridge: CartridgeId,
        run: Option<RunId>,
        found: String,
        description: String,
    },
    /// Such a cartridge need not be kept any more.
    ForeignReleased {
        cartridge: CartridgeId,
        reason: String,
    },
    /// A cartridge was copied block by block to files, or from files.
    RawCopied {
        run: RunId,
        cartridge: CartridgeId,
        direction: String,
        folder: String,
        manifest: String,
        bad_blocks: u64,
    },
    /// Something was restored.
    Restored {
        run: RunId,
        set: SetId,
        target: String,
        members: u64,
        problems: u64,
    },
    /// Files were drawn by lot for a drill; `sha256` is over the draw as it is in the run's plan.
    DrillDrawn {
        run: RunId,
        seed: String,
        cartridges: Vec<Barcode>,
        files: u64,
        sha256: String,
    },
    /// What was drawn from a volume was restored to nowhere.
    DrillRead {
        run: RunId,
        volume: VolumeId,
        files: u64,
        restored: u64,
        problems: u64,
    },
    /// A lease was taken over from a holder that is gone.
    LeaseTakenOver {
        run: Option<RunId>,
        resource: String,
        from_host: String,
        from_pid: u32,
    },
    /// Somebody who goes first asked for a drive or a cartridge that a run may hold.
    DriveRequested {
        library: LibraryId,
        purpose: String,
        pid: u32,
        need: DriveNeed,
        cartridges: Vec<Barcode>,
    },
    /// A run let others have a drive for a while, with this cartridge in it.
    DriveGivenAway {
        run: RunId,
        serial: String,
        barcode: Option<Barcode>,
        reason: String,
    },
    /// A run has a drive again that it gave away.
    DriveTakenAgain { run: RunId, serial: String },
    /// A drive is used without being kept from other hosts.
    DriveNotReserved {
        run: RunId,
        serial: String,
        reason: String,
    },
    /// Which blocks get through to a drive is seen for the first time, or is other than before.
    BlockLimitSeen {
        run: RunId,
        serial: String,
        path: Option<u32>,
        device: Option<u32>,
        tried: Option<u32>,
        refused: Option<u32>,
    },
    /// A drive writes and reads blocks without checking them on their way.
    DriveNotProtected {
        run: RunId,
        serial: String,
        reason: String,
    },
    /// A mount ended, and the drive said how it went.
    MountObserved {
        cartridge: CartridgeId,
        run: Option<RunId>,
        drive: DriveSerial,
        hard_errors: u32,
        failed: bool,
        alerts: Vec<u8>,
    },
    /// A drive or cartridge was taken out of use for its health, or put back.
    HealthDecided {
        cartridge: Option<CartridgeId>,
        drive: Option<DriveSerial>,
        verdict: Verdict,
        automatic: bool,
        reason: String,
    },
    /// A rule was overridden by a person.
    Overridden {
        volume: Option<VolumeId>,
        cartridge: Option<CartridgeId>,
        rule: String,
        reason: String,
    },
    /// A key for signing checkpoints was made. Its `endorsement` is the signature of the key that
    /// it replaces; without one that key was not at hand.
    JournalKeyMade {
        signing_key: SignerId,
        public_key: PublicKey,
        replaces: Option<SignerId>,
        endorsement: Option<Signature>,
        reason: String,
    },
    /// The journal was signed up to the entry before this one.
    CheckpointSigned {
        number: u64,
        hash: String,
        signing_key: SignerId,
        signature: Signature,
    },
    /// A full need not be in a month.
    MonthWaived {
        definition: Option<SetDefinitionId>,
        month: Month,
        name: String,
        waived_by: String,
        reason: String,
    },
    /// Every full of a month has its copies in their places, or was waived; `sha256` is over the
    /// lines as they are in the record.
    MonthClosed {
        month: Month,
        sets: u64,
        copies: u64,
        waived: u64,
        made_up: u64,
        sha256: String,
    },
    /// Something is not as it should be.
    ProblemFound {
        run: Option<RunId>,
        volume: Option<VolumeId>,
        cartridge: Option<CartridgeId>,
        what: String,
    },
}

/// What a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// What it writes is the set.
    Source,
    /// It runs before the source is read.
    Before,
    /// It runs after the source was read.
    After,
}

/// Fields of an event that name what it is about.
const SUBJECTS: [&str; 8] = [
    "cartridge",
    "definition",
    "key",
    "library",
    "run",
    "set",
    "step",
    "volume",
];

/// An entry as read back. Kind and details are JSON, so that entries of any program version can
/// be shown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// From 1, without gaps.
    pub sequence: u64,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: Actor,
    /// What happened: the variant of [`Event`] in snake case.
    pub kind: String,
    /// What it is about: ids by the name of their kind.
    pub subjects: Map<String, Value>,
    /// The rest.
    pub details: Map<String, Value>,
    /// Hash of the entry before, in hexadecimal.
    pub previous: String,
}

impl Entry {
    /// Reads a stored body.
    ///
    /// # Errors
    /// [`JournalError::Express`] when it is not an entry.
    pub fn parse(body: &str) -> Result<Self, JournalError> {
        Ok(serde_json::from_str(body)?)
    }
}

/// The canonical text of an entry and its hash.
pub(super) fn seal(
    sequence: u64,
    now: DateTime<Utc>,
    actor: &Actor,
    event: &Event,
    previous: &str,
) -> Result<(String, String), JournalError> {
    let mut subjects = Map::new();
    let mut details = Map::new();
    let mut kind = Value::Null;
    if let Value::Object(fields) = serde_json::to_value(event)? {
        for (name, value) in fields {
            if name == "kind" {
                kind = value;
            } else if value.is_null() {
                // An absent field and one that is null mean the same.
            } else if SUBJECTS.contains(&name.as_str()) {
                subjects.insert(name, value);
            } else {
                details.insert(name, value);
            }
        }
    }
    let entry = serde_json::json!({
        "sequence": sequence,
        "at": now.to_rfc3339_opts(SecondsFormat::Nanos, true),
        "actor": actor,
        "kind": kind,
        "subjects": subjects,
        "details": details,
        "previous": previous,
    });
    let body = canonical_json(&entry)?;
    let hash = hash(&body);
    Ok((body, hash))
}

/// What an entry tells of a key for checkpoints or of a signature; `None`: it is of another kind.
///
/// # Errors
/// It is of such a kind and does not have what that has.
pub(super) fn parse_signing(body: &str) -> Result<Option<Event>, ()> {
    let entry = Entry::parse(body).map_err(|_| ())?;
    if !["journal_key_made", "checkpoint_signed"].contains(&entry.kind.as_str()) {
        return Ok(None);
    }
    let mut fields = entry.details;
    fields.insert("kind".to_owned(), Value::from(entry.kind));
    serde_json::from_value(Value::Object(fields))
        .map(Some)
        .map_err(|_| ())
}

/// SHA-256 of a body, in lower-case hexadecimal.
pub(super) fn hash(body: &str) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(body.as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
