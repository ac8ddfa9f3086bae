-- A tape file may hold a snapshot of this catalogue; a set may be known from tapes alone.
-- Runs with foreign keys off: the tables are made anew with wider checks.
CREATE TABLE tape_file_new (
    volume      TEXT NOT NULL REFERENCES volume (id),
    number      INTEGER NOT NULL CHECK (number >= 0),
    kind        TEXT NOT NULL CHECK (kind IN ('volume_header', 'segment_data', 'part',
        'index_part', 'set_index', 'catalogue', 'directory', 'drive_key')),
    first_block INTEGER NOT NULL CHECK (first_block >= 0),
    blocks      INTEGER NOT NULL CHECK (blocks >= 0),
    bytes       INTEGER NOT NULL CHECK (bytes >= 0),
    digest      TEXT NOT NULL CHECK (length(digest) = 32),
    trailer     TEXT NOT NULL,
    written_at  TEXT NOT NULL,
    PRIMARY KEY (volume, number)
) STRICT, WITHOUT ROWID;
INSERT INTO tape_file_new SELECT volume, number, kind, first_block, blocks, bytes, digest, trailer,
    written_at FROM tape_file;
DROP TABLE tape_file;
ALTER TABLE tape_file_new RENAME TO tape_file;

CREATE TABLE backup_set_new (
    id           TEXT NOT NULL PRIMARY KEY,
    definition   TEXT NOT NULL REFERENCES set_definition (id),
    run          TEXT NOT NULL REFERENCES run (id),
    month        TEXT NOT NULL CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
    state        TEXT NOT NULL
        CHECK (state IN ('open', 'sealed', 'complete', 'failed', 'expired')),
    started_at   TEXT NOT NULL,
    finished_at  TEXT,
    retain_until TEXT NOT NULL,
    members      INTEGER NOT NULL DEFAULT 0 CHECK (members >= 0),
    bytes        INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    problems     INTEGER NOT NULL DEFAULT 0 CHECK (problems >= 0),
    index_file   TEXT,
    index_digest TEXT CHECK (length(index_digest) = 64),
    encryption   TEXT NOT NULL DEFAULT 'age' CHECK (encryption IN ('age', 'drive')),
    CONSTRAINT set_index_whole CHECK ((index_file IS NULL) = (index_digest IS NULL)),
    CONSTRAINT set_complete CHECK (state <> 'complete' OR index_file IS NOT NULL)
) STRICT;
INSERT INTO backup_set_new SELECT id, definition, run, month, state, started_at, finished_at,
    retain_until, members, bytes, problems, index_file, index_digest, encryption FROM backup_set
    ORDER BY rowid;
DROP TABLE backup_set;
ALTER TABLE backup_set_new RENAME TO backup_set;
CREATE INDEX backup_set_definition ON backup_set (definition, started_at);
CREATE INDEX backup_set_run ON backup_set (run);
