//! What is recorded.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::signing::{PublicKey, Signature, SignerId};
use crate::archive::member::SegmentNumber;
use crate::catalogue::{
    ContentState, CopyReason, DriveNeed, ExceptionKind, KeyRole, KitForm, Month, MoveReason,
    MovementState, Place, PoolName, ProofKind, RunKind, RunState, SetCopyState, SetTotals,
    StepKind, TaskState, ThingKind, Witness,
};
use crate::health::{DriveSerial, Verdict};
use crate::id::{
    Barcode, CartridgeId, CopyNumber, CountId, CourierRunId, KeyId, LibraryId, PersonCode,
    PlaceCode, RunId, SetDefinitionId, SetId, StepId, TapeFileNumber, TaskId, ThingId, VolumeId,
    VolumeSerial,
};
use crate::tape::{Codec, TapeDigest};

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
    /// Somebody says where an item is, or is on record for having taken it there.
    ItemPlaced {
        cartridge: Option<CartridgeId>,
        thing: Option<ThingId>,
        courier_run: Option<CourierRunId>,
        place: Place,
        witness: Witness,
        happened_at: Option<DateTime<Utc>>,
        note: Option<String>,
    },
    /// A case, envelope, key or the like was registered.
    ThingAdded {
        thing: ThingId,
        barcode: Barcode,
        thing_kind: ThingKind,
        description: String,
    },
    /// It left for good.
    ThingRetired { thing: ThingId, reason: String },
    /// An item got another barcode.
    BarcodeChanged {
        cartridge: Option<CartridgeId>,
        thing: Option<ThingId>,
        old: Barcode,
        new: Barcode,
        reason: String,
    },
    /// A person was added, or what is known of the person changed.
    PersonSaved {
        person: PersonCode,
        name: String,
        roles: Vec<String>,
    },
    /// A person chose a PIN, or was given one.
    PinSet { person: PersonCode },
    /// A person left.
    PersonClosed { person: PersonCode, reason: String },
    /// A person signed for something.
    Lent {
        cartridge: Option<CartridgeId>,
        thing: Option<ThingId>,
        person: PersonCode,
        due: NaiveDate,
        reason: String,
        signed: String,
    },
    /// It came back.
    LoanReturned {
        cartridge: Option<CartridgeId>,
        thing: Option<ThingId>,
        person: PersonCode,
    },
    /// An item is to go somewhere, or no longer, or it went.
    MovementChanged {
        cartridge: Option<CartridgeId>,
        thing: Option<ThingId>,
        courier_run: Option<CourierRunId>,
        destination: Place,
        state: MovementState,
        reason: MoveReason,
        due: NaiveDate,
        note: Option<String>,
    },
    /// Something was done with a courier run.
    CourierRunChanged {
        courier_run: CourierRunId,
        number: String,
        what: String,
        happened_at: Option<DateTime<Utc>>,
        detail: Value,
    },
    /// Something was done with a disposal.
    DisposalChanged {
        number: String,
        what: String,
        happened_at: Option<DateTime<Utc>>,
        barcodes: Vec<Barcode>,
        detail: Value,
    },
    /// Something disagrees.
    ExceptionOpened {
        cartridge: Option<CartridgeId>,
        thing: Option<ThingId>,
        courier_run: Option<CourierRunId>,
        number: u32,
        exception_kind: ExceptionKind,
        barcode: Option<Barcode>,
        detail: String,
    },
    /// Somebody explained it.
    ExceptionExplained {
        cartridge: Option<CartridgeId>,
        thing: Option<ThingId>,
        courier_run: Option<CourierRunId>,
        number: u32,
        explanation: String,
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
    /// What is in a place was counted.
    StockCounted {
        count: CountId,
        place: PlaceCode,
        blind: bool,
        second_of: Option<CountId>,
        expected: u32,
        found: u32,
        exceptions: Vec<u32>,
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
