-- Custody: things other than cartridges, people, movements, courier runs, what disagrees.
-- Runs with foreign keys off: the table of place events is made anew for any item.
CREATE TABLE item (
    id   TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('cartridge', 'thing'))
) STRICT, WITHOUT ROWID;
INSERT INTO item SELECT id, 'cartridge' FROM cartridge;

CREATE TABLE thing (
    id             TEXT NOT NULL PRIMARY KEY REFERENCES item (id),
    barcode        TEXT NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN ('case', 'portable_drive', 'disk_cartridge',
        'envelope', 'key', 'code', 'usb_stick', 'other')),
    description    TEXT NOT NULL,
    holds          INTEGER CHECK (holds > 0),
    added_at       TEXT NOT NULL,
    gone_at        TEXT,
    place          TEXT NOT NULL DEFAULT 'unknown',
    place_library  TEXT REFERENCES library (id),
    place_kind     TEXT,
    place_element  INTEGER,
    place_name     TEXT,
    place_since    TEXT NOT NULL,
    CONSTRAINT thing_case_holds CHECK ((kind = 'case') = (holds IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX thing_barcode ON thing (barcode) WHERE gone_at IS NULL;

-- What was seen or said about where an item is; its row caches the newest.
CREATE TABLE place_event_new (
    id         INTEGER PRIMARY KEY,
    item       TEXT NOT NULL REFERENCES item (id),
    at         TEXT NOT NULL,
    entered_at TEXT NOT NULL,
    place      TEXT NOT NULL CHECK (place IN ('element', 'outside', 'in_transit', 'safe', 'shelf',
        'vault', 'cloud', 'home', 'repair', 'foreign', 'case', 'person', 'missing', 'unknown')),
    library    TEXT REFERENCES library (id),
    kind       TEXT CHECK (kind IN ('transport', 'storage', 'import_export', 'drive')),
    element    INTEGER CHECK (element BETWEEN 0 AND 65535),
    name       TEXT,
    witness    TEXT NOT NULL CHECK (witness IN ('robot', 'person', 'derived', 'scanned', 'keyed',
        'receipt', 'case', 'signed')),
    run        TEXT REFERENCES run (id),
    note       TEXT,
    CONSTRAINT place_element_whole CHECK ((place = 'element') =
        (library IS NOT NULL AND kind IS NOT NULL AND element IS NOT NULL)),
    CONSTRAINT place_named CHECK ((place IN ('safe', 'shelf', 'vault', 'cloud', 'home', 'repair',
        'foreign', 'case', 'person')) = (name IS NOT NULL))
) STRICT;
INSERT INTO place_event_new SELECT id, cartridge, at, at, place, library, kind, element, name,
    witness, run, note FROM place_event;
DROP TABLE place_event;
ALTER TABLE place_event_new RENAME TO place_event;
CREATE TRIGGER place_event_no_update BEFORE UPDATE ON place_event
BEGIN SELECT RAISE(ABORT, 'place events are append-only'); END;
CREATE TRIGGER place_event_no_delete BEFORE DELETE ON place_event
BEGIN SELECT RAISE(ABORT, 'place events are append-only'); END;
CREATE INDEX place_event_item ON place_event (item, id);
CREATE INDEX cartridge_place_name ON cartridge (place, place_name) WHERE place_name IS NOT NULL;
CREATE INDEX thing_place_name ON thing (place, place_name) WHERE place_name IS NOT NULL;

CREATE TABLE person (
    code         TEXT NOT NULL PRIMARY KEY,
    name         TEXT NOT NULL,
    roles        TEXT NOT NULL CHECK (json_valid(roles)),
    telephone    TEXT,
    mail         TEXT,
    organisation TEXT,
    added_at     TEXT NOT NULL,
    closed_at    TEXT
) STRICT;
-- Apart, so that copies of the record can be made without it.
CREATE TABLE person_pin (
    person TEXT NOT NULL PRIMARY KEY REFERENCES person (code),
    hash   TEXT NOT NULL,
    set_at TEXT NOT NULL
) STRICT;

-- What a person has signed for.
CREATE TABLE loan (
    id          INTEGER PRIMARY KEY,
    item        TEXT NOT NULL REFERENCES item (id),
    person      TEXT NOT NULL REFERENCES person (code),
    lent_at     TEXT NOT NULL,
    lent_by     TEXT NOT NULL,
    due         TEXT NOT NULL,
    reason      TEXT NOT NULL,
    signed      TEXT NOT NULL,
    returned_at TEXT
) STRICT;
CREATE UNIQUE INDEX loan_open ON loan (item) WHERE returned_at IS NULL;

-- A run of a courier: its movements are the lines of the manifest.
CREATE TABLE courier_run (
    id             TEXT NOT NULL PRIMARY KEY,
    number         TEXT NOT NULL UNIQUE,
    direction      TEXT NOT NULL CHECK (direction IN ('out', 'back')),
    carrier        TEXT NOT NULL,
    site           TEXT NOT NULL,
    vault          TEXT NOT NULL,
    due            TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('building', 'handed_over', 'closed',
        'cancelled')),
    -- 0 before the first print, 1 is A.
    revision       INTEGER NOT NULL DEFAULT 0 CHECK (revision >= 0),
    -- Of the lines as printed; none when they changed since.
    printed_digest TEXT,
    handed_over    TEXT CHECK (json_valid(handed_over)),
    corrects       TEXT REFERENCES courier_run (id),
    built_at       TEXT NOT NULL,
    built_by       TEXT NOT NULL,
    closed_at      TEXT,
    closed_by      TEXT
) STRICT;

CREATE TABLE movement (
    id            TEXT NOT NULL PRIMARY KEY,
    item          TEXT NOT NULL REFERENCES item (id),
    origin        TEXT NOT NULL CHECK (json_valid(origin)),
    destination   TEXT NOT NULL CHECK (json_valid(destination)),
    reason        TEXT NOT NULL,
    note          TEXT NOT NULL DEFAULT '',
    role          TEXT NOT NULL,
    due           TEXT NOT NULL,
    urgent        INTEGER NOT NULL DEFAULT 0 CHECK (urgent IN (0, 1)),
    authorised_by TEXT,
    state         TEXT NOT NULL CHECK (state IN ('planned', 'picked', 'in_transit', 'received',
        'cancelled', 'missing')),
    planned_at    TEXT NOT NULL,
    planned_by    TEXT NOT NULL,
    run           TEXT REFERENCES courier_run (id),
    line          INTEGER CHECK (line > 0),
    in_case       TEXT REFERENCES thing (id),
    return_on     TEXT,
    -- Why it may travel unencrypted.
    exempt        TEXT,
    grade         TEXT CHECK (grade IN ('scanned', 'keyed', 'receipt', 'case', 'signed')),
    ended_at      TEXT,
    ended_note    TEXT,
    CONSTRAINT movement_line CHECK ((run IS NULL) = (line IS NULL)),
    CONSTRAINT movement_case CHECK (in_case IS NULL OR run IS NOT NULL),
    CONSTRAINT movement_ended CHECK ((state IN ('received', 'cancelled', 'missing'))
        = (ended_at IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX movement_open ON movement (item)
    WHERE state IN ('planned', 'picked', 'in_transit');
CREATE UNIQUE INDEX movement_line ON movement (run, line) WHERE run IS NOT NULL;
CREATE INDEX movement_item ON movement (item, id);

-- A case on a run: sealed while its content equals its list.
CREATE TABLE courier_case (
    run       TEXT NOT NULL REFERENCES courier_run (id),
    thing     TEXT NOT NULL REFERENCES thing (id),
    ordinal   INTEGER NOT NULL CHECK (ordinal > 0),
    seals     TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(seals)),
    sealed_at TEXT,
    -- What was found on arrival: JSON with who, when, intact or the numbers found.
    arrival   TEXT CHECK (json_valid(arrival)),
    PRIMARY KEY (run, thing)
) STRICT, WITHOUT ROWID;

-- Each print, with its lines as printed: a document that is never changed.
CREATE TABLE courier_print (
    run        TEXT NOT NULL REFERENCES courier_run (id),
    revision   INTEGER NOT NULL CHECK (revision > 0),
    digest     TEXT NOT NULL,
    document   TEXT NOT NULL CHECK (json_valid(document)),
    printed_at TEXT NOT NULL,
    printed_by TEXT NOT NULL,
    PRIMARY KEY (run, revision)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER courier_print_kept BEFORE UPDATE ON courier_print
    BEGIN SELECT raise(ABORT, 'what was printed is never changed'); END;
CREATE TRIGGER courier_print_not_deleted BEFORE DELETE ON courier_print
    BEGIN SELECT raise(ABORT, 'what was printed is never changed'); END;

-- What disagrees, open until somebody explains it.
CREATE TABLE exception (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL,
    item        TEXT REFERENCES item (id),
    -- As read, where nothing by it is known.
    barcode     TEXT,
    place       TEXT,
    run         TEXT REFERENCES courier_run (id),
    detail      TEXT NOT NULL,
    opened_at   TEXT NOT NULL,
    opened_by   TEXT NOT NULL,
    closed_at   TEXT,
    closed_by   TEXT,
    explanation TEXT,
    CONSTRAINT exception_closed CHECK ((closed_at IS NULL) = (explanation IS NULL)
        AND (closed_at IS NULL) = (closed_by IS NULL))
) STRICT;
CREATE INDEX exception_open ON exception (kind) WHERE closed_at IS NULL;
CREATE INDEX exception_item ON exception (item);

-- Counts of places: who, when, what was found.
CREATE TABLE stock_count (
    id          TEXT NOT NULL PRIMARY KEY,
    place       TEXT NOT NULL,
    blind       INTEGER NOT NULL CHECK (blind IN (0, 1)),
    counted_by  TEXT NOT NULL,
    -- The count this is the second opinion on.
    second_of   TEXT REFERENCES stock_count (id),
    started_at  TEXT NOT NULL,
    finished_at TEXT,
    expected    INTEGER,
    found       INTEGER
) STRICT;
CREATE INDEX stock_count_place ON stock_count (place, finished_at);
CREATE TABLE stock_count_line (
    count   TEXT NOT NULL REFERENCES stock_count (id),
    barcode TEXT NOT NULL,
    keyed   INTEGER NOT NULL CHECK (keyed IN (0, 1)),
    at      TEXT NOT NULL,
    PRIMARY KEY (count, barcode)
) STRICT, WITHOUT ROWID;

-- Names an item had before.
CREATE TABLE barcode_change (
    id     INTEGER PRIMARY KEY,
    item   TEXT NOT NULL REFERENCES item (id),
    old    TEXT NOT NULL,
    new    TEXT NOT NULL,
    reason TEXT NOT NULL,
    at     TEXT NOT NULL,
    by     TEXT NOT NULL
) STRICT;
