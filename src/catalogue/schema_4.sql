-- Encryption by the drive: who encrypts, and files with keys on tapes.
ALTER TABLE set_definition ADD COLUMN encryption TEXT NOT NULL DEFAULT 'age'
    CHECK (encryption IN ('age', 'drive'));
ALTER TABLE backup_set ADD COLUMN encryption TEXT NOT NULL DEFAULT 'age'
    CHECK (encryption IN ('age', 'drive'));

-- A check cannot be changed in place: the rows step aside while the table is made anew. Those that
-- refer to them are looked at when the transaction ends.
PRAGMA defer_foreign_keys = ON;

CREATE TABLE tape_file_before AS SELECT * FROM tape_file;
DROP TABLE tape_file;
CREATE TABLE tape_file (
    volume      TEXT NOT NULL REFERENCES volume (id),
    number      INTEGER NOT NULL CHECK (number >= 0),
    kind        TEXT NOT NULL CHECK (kind IN ('volume_header', 'segment_data', 'part',
        'index_part', 'set_index', 'directory', 'drive_key')),
    first_block INTEGER NOT NULL CHECK (first_block >= 0),
    blocks      INTEGER NOT NULL CHECK (blocks >= 0),
    bytes       INTEGER NOT NULL CHECK (bytes >= 0),
    digest      TEXT NOT NULL CHECK (length(digest) = 32),
    trailer     TEXT NOT NULL,
    written_at  TEXT NOT NULL,
    PRIMARY KEY (volume, number)
) STRICT, WITHOUT ROWID;
INSERT INTO tape_file SELECT * FROM tape_file_before;
DROP TABLE tape_file_before;

CREATE TABLE segment_before AS SELECT * FROM segment;
DROP TABLE segment;
CREATE TABLE segment (
    backup_set       TEXT NOT NULL REFERENCES backup_set (id),
    number           INTEGER NOT NULL CHECK (number >= 0),
    stream_offset    INTEGER NOT NULL CHECK (stream_offset >= 0),
    plaintext_length INTEGER NOT NULL CHECK (plaintext_length >= 0),
    coded_length     INTEGER NOT NULL CHECK (coded_length >= 0),
    codec            TEXT NOT NULL CHECK (codec IN ('none', 'zstd', 'age', 'zstd+age',
                         'drive', 'zstd+drive')),
    digest           TEXT NOT NULL CHECK (length(digest) = 32),
    entries          INTEGER NOT NULL CHECK (entries >= 0),
    resume_point     TEXT NOT NULL CHECK (json_valid(resume_point)),
    part_file        TEXT,
    part_digest      TEXT CHECK (length(part_digest) = 64),
    closed_at        TEXT NOT NULL,
    PRIMARY KEY (backup_set, number),
    CONSTRAINT segment_part_whole CHECK ((part_file IS NULL) = (part_digest IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO segment SELECT * FROM segment_before;
DROP TABLE segment_before;
