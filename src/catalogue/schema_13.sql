-- Scanning: one task of one person at one station, from its first place card to DONE.
CREATE TABLE scan_session (
    id        TEXT NOT NULL PRIMARY KEY,
    person    TEXT NOT NULL REFERENCES person (code),
    station   TEXT NOT NULL,
    -- What is being done, as the state machine keeps it, less what was expected at its beginning and
    -- what the lines say: so a line costs the same however long the list is.
    task      TEXT NOT NULL CHECK (json_valid(task)),
    expected  TEXT NOT NULL CHECK (json_valid(expected)),
    opened_at TEXT NOT NULL,
    last_at   TEXT NOT NULL,
    ended_at  TEXT
) STRICT;
CREATE UNIQUE INDEX scan_session_open ON scan_session (person, station) WHERE ended_at IS NULL;

-- Every line that was answered, PINs excepted.
CREATE TABLE scan_line (
    session    TEXT NOT NULL REFERENCES scan_session (id),
    number     INTEGER NOT NULL CHECK (number > 0),
    at         TEXT NOT NULL,
    -- Later than at when it was scanned without the record.
    entered_at TEXT NOT NULL,
    text       TEXT NOT NULL,
    -- The word of its answer.
    answer     TEXT NOT NULL,
    accepted   INTEGER NOT NULL CHECK (accepted IN (0, 1)),
    keyed      INTEGER NOT NULL CHECK (keyed IN (0, 1)),
    -- What it was about, when it changed something.
    barcode    TEXT,
    -- How that was before: place and movement, for UNDO.
    before     TEXT CHECK (json_valid(before)),
    undone     INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1)),
    PRIMARY KEY (session, number)
) STRICT, WITHOUT ROWID;
