-- Ids are UUIDs as text. Times are UTC, RFC 3339 with nine decimals, so that they sort as text.
-- Digests are lower-case hexadecimal. JSON is canonical (sorted keys).

CREATE TABLE library (
    id            TEXT NOT NULL PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    vendor        TEXT NOT NULL,
    product       TEXT NOT NULL,
    serial        TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    CONSTRAINT library_identity UNIQUE (vendor, product, serial)
) STRICT;

CREATE TABLE drive (
    serial        TEXT NOT NULL PRIMARY KEY,
    vendor        TEXT NOT NULL,
    product       TEXT NOT NULL,
    library       TEXT REFERENCES library (id),
    element       INTEGER CHECK (element BETWEEN 0 AND 65535),
    seen_at       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX drive_place ON drive (library, element) WHERE element IS NOT NULL;

CREATE TABLE key (
    id            TEXT NOT NULL PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    recipient     TEXT NOT NULL UNIQUE,
    role          TEXT NOT NULL CHECK (role IN ('site', 'escrow', 'other')),
    identity_kind TEXT NOT NULL CHECK (identity_kind IN ('none', 'prompt', 'file', 'credential')),
    identity_name BLOB,
    created_at    TEXT NOT NULL,
    retired_at    TEXT,
    CONSTRAINT key_identity_named
        CHECK ((identity_name IS NOT NULL) = (identity_kind IN ('file', 'credential')))
) STRICT;

CREATE TABLE run (
    id          TEXT NOT NULL PRIMARY KEY,
    kind        TEXT NOT NULL
        CHECK (kind IN ('backup', 'copy', 'verify', 'restore', 'label', 'inventory')),
    month       TEXT,
    state       TEXT NOT NULL
        CHECK (state IN ('planned', 'running', 'interrupted', 'waiting', 'done', 'failed')),
    plan        TEXT NOT NULL CHECK (json_valid(plan)),
    person      TEXT NOT NULL,
    station     TEXT NOT NULL,
    started_at  TEXT NOT NULL,
    finished_at TEXT,
    note        TEXT
) STRICT;

CREATE TABLE step (
    id          TEXT NOT NULL PRIMARY KEY,
    run         TEXT NOT NULL REFERENCES run (id),
    ordinal     INTEGER NOT NULL CHECK (ordinal >= 0),
    kind        TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('intended', 'done', 'failed', 'settled')),
    intent      TEXT NOT NULL CHECK (json_valid(intent)),
    observation TEXT CHECK (json_valid(observation)),
    started_at  TEXT NOT NULL,
    finished_at TEXT,
    CONSTRAINT step_order UNIQUE (run, ordinal),
    CONSTRAINT step_observed CHECK ((state = 'intended') = (observation IS NULL))
) STRICT;
CREATE INDEX step_open ON step (run) WHERE state = 'intended';

CREATE TABLE cartridge (
    id             TEXT NOT NULL PRIMARY KEY,
    barcode        TEXT NOT NULL,
    generation     TEXT NOT NULL,
    medium_use     TEXT NOT NULL CHECK (medium_use IN ('data', 'worm', 'cleaning', 'diagnostic')),
    medium_serial  TEXT,
    added_at       TEXT NOT NULL,
    gone_at        TEXT,
    place          TEXT NOT NULL DEFAULT 'unknown',
    place_library  TEXT REFERENCES library (id),
    place_kind     TEXT,
    place_element  INTEGER,
    place_name     TEXT,
    place_since    TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX cartridge_barcode ON cartridge (barcode) WHERE gone_at IS NULL;
CREATE UNIQUE INDEX cartridge_element ON cartridge (place_library, place_element)
    WHERE place = 'element';

-- What was seen or said about where a cartridge is; the cartridge row caches the newest.
CREATE TABLE place_event (
    id        INTEGER PRIMARY KEY,
    cartridge TEXT NOT NULL REFERENCES cartridge (id),
    at        TEXT NOT NULL,
    place     TEXT NOT NULL CHECK (place IN
        ('element', 'outside', 'in_transit', 'safe', 'vault', 'missing', 'unknown')),
    library   TEXT REFERENCES library (id),
    kind      TEXT CHECK (kind IN ('transport', 'storage', 'import_export', 'drive')),
    element   INTEGER CHECK (element BETWEEN 0 AND 65535),
    name      TEXT,
    witness   TEXT NOT NULL CHECK (witness IN ('robot', 'person', 'derived')),
    run       TEXT REFERENCES run (id),
    note      TEXT,
    CONSTRAINT place_element_whole CHECK ((place = 'element') =
        (library IS NOT NULL AND kind IS NOT NULL AND element IS NOT NULL)),
    CONSTRAINT place_named CHECK ((place IN ('safe', 'vault')) = (name IS NOT NULL))
) STRICT;
CREATE INDEX place_event_cartridge ON place_event (cartridge, id);

CREATE TABLE volume (
    id           TEXT NOT NULL PRIMARY KEY,
    cartridge    TEXT NOT NULL REFERENCES cartridge (id),
    serial       TEXT NOT NULL CHECK (length(serial) = 6),
    pool         TEXT NOT NULL,
    content      TEXT NOT NULL CHECK (content IN ('scratch', 'filling', 'full', 'expired',
        'held', 'quarantined', 'retired', 'destroyed')),
    capacity     INTEGER NOT NULL CHECK (capacity >= 0),
    block_size   INTEGER NOT NULL CHECK (block_size > 0),
    worm         INTEGER NOT NULL CHECK (worm IN (0, 1)),
    labelled_at  TEXT NOT NULL,
    retain_until TEXT,
    ended_at     TEXT
) STRICT;
CREATE UNIQUE INDEX volume_serial ON volume (serial) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX volume_cartridge ON volume (cartridge) WHERE ended_at IS NULL;

-- Each change of a volume's content state; the volume row caches the newest.
CREATE TABLE volume_event (
    id      INTEGER PRIMARY KEY,
    volume  TEXT NOT NULL REFERENCES volume (id),
    at      TEXT NOT NULL,
    content TEXT NOT NULL,
    reason  TEXT NOT NULL,
    run     TEXT REFERENCES run (id)
) STRICT;
CREATE INDEX volume_event_volume ON volume_event (volume, id);

CREATE TABLE tape_file (
    volume      TEXT NOT NULL REFERENCES volume (id),
    number      INTEGER NOT NULL CHECK (number >= 0),
    kind        TEXT NOT NULL CHECK (kind IN ('volume_header', 'segment_data', 'part',
        'index_part', 'set_index', 'directory')),
    first_block INTEGER NOT NULL CHECK (first_block >= 0),
    blocks      INTEGER NOT NULL CHECK (blocks >= 0),
    bytes       INTEGER NOT NULL CHECK (bytes >= 0),
    digest      TEXT NOT NULL CHECK (length(digest) = 32),
    trailer     TEXT NOT NULL,
    written_at  TEXT NOT NULL,
    PRIMARY KEY (volume, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE set_definition (
    id             TEXT NOT NULL PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    source         BLOB NOT NULL,
    compression    TEXT NOT NULL CHECK (compression IN ('none', 'zstd')),
    retention_days INTEGER CHECK (retention_days > 0),
    created_at     TEXT NOT NULL,
    changed_at     TEXT NOT NULL,
    retired_at     TEXT
) STRICT;

CREATE TABLE set_definition_exclude (
    definition TEXT NOT NULL REFERENCES set_definition (id) ON DELETE CASCADE,
    path       BLOB NOT NULL,
    PRIMARY KEY (definition, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE set_definition_copy (
    definition TEXT NOT NULL REFERENCES set_definition (id) ON DELETE CASCADE,
    copy       INTEGER NOT NULL CHECK (copy BETWEEN 1 AND 9),
    pool       TEXT NOT NULL,
    PRIMARY KEY (definition, copy)
) STRICT, WITHOUT ROWID;

CREATE TABLE set_definition_key (
    definition TEXT NOT NULL REFERENCES set_definition (id) ON DELETE CASCADE,
    key        TEXT NOT NULL REFERENCES key (id),
    PRIMARY KEY (definition, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE backup_set (
    id           TEXT NOT NULL PRIMARY KEY,
    definition   TEXT NOT NULL REFERENCES set_definition (id),
    run          TEXT NOT NULL REFERENCES run (id),
    month        TEXT NOT NULL CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
    state        TEXT NOT NULL CHECK (state IN ('open', 'complete', 'failed', 'expired')),
    started_at   TEXT NOT NULL,
    finished_at  TEXT,
    retain_until TEXT NOT NULL,
    members      INTEGER NOT NULL DEFAULT 0 CHECK (members >= 0),
    bytes        INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    problems     INTEGER NOT NULL DEFAULT 0 CHECK (problems >= 0),
    index_file   TEXT,
    index_digest TEXT CHECK (length(index_digest) = 64),
    CONSTRAINT set_index_whole CHECK ((index_file IS NULL) = (index_digest IS NULL)),
    CONSTRAINT set_complete CHECK (state <> 'complete' OR index_file IS NOT NULL)
) STRICT;
CREATE INDEX backup_set_definition ON backup_set (definition, started_at);
CREATE INDEX backup_set_run ON backup_set (run);

-- The keys a set was encrypted to, as it was written; none: it is in clear.
CREATE TABLE set_key (
    backup_set TEXT NOT NULL REFERENCES backup_set (id),
    key        TEXT NOT NULL REFERENCES key (id),
    PRIMARY KEY (backup_set, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE set_copy (
    backup_set TEXT NOT NULL REFERENCES backup_set (id),
    copy       INTEGER NOT NULL CHECK (copy BETWEEN 1 AND 9),
    pool       TEXT NOT NULL,
    state      TEXT NOT NULL
        CHECK (state IN ('writing', 'complete', 'verified', 'incomplete', 'lost', 'expired')),
    changed_at TEXT NOT NULL,
    PRIMARY KEY (backup_set, copy)
) STRICT, WITHOUT ROWID;

CREATE TABLE segment (
    backup_set       TEXT NOT NULL REFERENCES backup_set (id),
    number           INTEGER NOT NULL CHECK (number >= 0),
    stream_offset    INTEGER NOT NULL CHECK (stream_offset >= 0),
    plaintext_length INTEGER NOT NULL CHECK (plaintext_length >= 0),
    coded_length     INTEGER NOT NULL CHECK (coded_length >= 0),
    codec            TEXT NOT NULL CHECK (codec IN ('none', 'zstd', 'age', 'zstd+age')),
    digest           TEXT NOT NULL CHECK (length(digest) = 32),
    entries          INTEGER NOT NULL CHECK (entries >= 0),
    resume_point     TEXT NOT NULL CHECK (json_valid(resume_point)),
    part_file        TEXT,
    part_digest      TEXT CHECK (length(part_digest) = 64),
    closed_at        TEXT NOT NULL,
    PRIMARY KEY (backup_set, number),
    CONSTRAINT segment_part_whole CHECK ((part_file IS NULL) = (part_digest IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE segment_copy (
    backup_set    TEXT NOT NULL,
    segment       INTEGER NOT NULL,
    copy          INTEGER NOT NULL,
    volume        TEXT NOT NULL,
    tape_file     INTEGER NOT NULL,
    block_address INTEGER NOT NULL CHECK (block_address >= 0),
    state         TEXT NOT NULL
        CHECK (state IN ('committed', 'verified', 'lost', 'superseded')),
    committed_at  TEXT NOT NULL,
    verified_at   TEXT,
    PRIMARY KEY (volume, tape_file),
    FOREIGN KEY (backup_set, segment) REFERENCES segment (backup_set, number),
    FOREIGN KEY (backup_set, copy) REFERENCES set_copy (backup_set, copy),
    FOREIGN KEY (volume, tape_file) REFERENCES tape_file (volume, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX segment_copy_live ON segment_copy (backup_set, copy, segment)
    WHERE state IN ('committed', 'verified');
CREATE INDEX segment_copy_segment ON segment_copy (backup_set, segment);

CREATE TABLE lease (
    resource TEXT NOT NULL PRIMARY KEY,
    host     TEXT NOT NULL,
    pid      INTEGER NOT NULL,
    run      TEXT REFERENCES run (id),
    purpose  TEXT NOT NULL,
    since    TEXT NOT NULL
) STRICT;

-- The hash-chained record: body is the canonical JSON that hash is the SHA-256 of.
CREATE TABLE journal (
    sequence INTEGER PRIMARY KEY,
    body     TEXT NOT NULL,
    hash     TEXT NOT NULL CHECK (length(hash) = 64),
    at       TEXT NOT NULL GENERATED ALWAYS AS (body ->> '$.at') VIRTUAL,
    kind     TEXT NOT NULL GENERATED ALWAYS AS (body ->> '$.kind') VIRTUAL,
    run      TEXT GENERATED ALWAYS AS (body ->> '$.subjects.run') VIRTUAL,
    CONSTRAINT journal_sequence CHECK (sequence >= 1 AND body ->> '$.sequence' = sequence)
) STRICT;
CREATE INDEX journal_run ON journal (run) WHERE run IS NOT NULL;

CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_in_order BEFORE INSERT ON journal
WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM journal)
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER place_event_no_update BEFORE UPDATE ON place_event
BEGIN SELECT RAISE(ABORT, 'place events are append-only'); END;
CREATE TRIGGER place_event_no_delete BEFORE DELETE ON place_event
BEGIN SELECT RAISE(ABORT, 'place events are append-only'); END;
CREATE TRIGGER volume_event_no_update BEFORE UPDATE ON volume_event
BEGIN SELECT RAISE(ABORT, 'volume events are append-only'); END;
CREATE TRIGGER volume_event_no_delete BEFORE DELETE ON volume_event
BEGIN SELECT RAISE(ABORT, 'volume events are append-only'); END;
