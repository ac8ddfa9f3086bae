-- Copies that are made anew from tape to tape, and tapes of other programs that are kept.
-- Runs with foreign keys off: the table is made anew with a wider check.
CREATE TABLE segment_copy_new (
    backup_set    TEXT NOT NULL,
    segment       INTEGER NOT NULL,
    copy          INTEGER NOT NULL,
    volume        TEXT NOT NULL,
    tape_file     INTEGER NOT NULL,
    block_address INTEGER NOT NULL CHECK (block_address >= 0),
    state         TEXT NOT NULL CHECK (state IN
        ('committed', 'verified', 'lost', 'superseded', 'replacing', 'replaced')),
    committed_at  TEXT NOT NULL,
    verified_at   TEXT,
    PRIMARY KEY (volume, tape_file),
    FOREIGN KEY (backup_set, segment) REFERENCES segment (backup_set, number),
    FOREIGN KEY (backup_set, copy) REFERENCES set_copy (backup_set, copy),
    FOREIGN KEY (volume, tape_file) REFERENCES tape_file (volume, number)
) STRICT, WITHOUT ROWID;
INSERT INTO segment_copy_new SELECT backup_set, segment, copy, volume, tape_file, block_address,
    state, committed_at, verified_at FROM segment_copy;
DROP TABLE segment_copy;
ALTER TABLE segment_copy_new RENAME TO segment_copy;
CREATE UNIQUE INDEX segment_copy_live ON segment_copy (backup_set, copy, segment)
    WHERE state IN ('committed', 'verified');
CREATE UNIQUE INDEX segment_copy_replacing ON segment_copy (backup_set, copy, segment)
    WHERE state = 'replacing';
CREATE INDEX segment_copy_segment ON segment_copy (backup_set, segment);

-- A copy of a set is to be complete again; where a volume is named, without what is on that one.
CREATE TABLE copy_task (
    id          TEXT NOT NULL PRIMARY KEY,
    backup_set  TEXT NOT NULL,
    copy        INTEGER NOT NULL,
    volume      TEXT REFERENCES volume (id),
    pool        TEXT,
    reason      TEXT NOT NULL CHECK (reason IN
        ('lost', 'damaged', 'quarantined', 'refresh', 'consolidation', 'behind')),
    note        TEXT NOT NULL,
    due         TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('open', 'done', 'cancelled')),
    opened_at   TEXT NOT NULL,
    opened_by   TEXT NOT NULL,
    closed_at   TEXT,
    closed_by   TEXT,
    closed_note TEXT,
    FOREIGN KEY (backup_set, copy) REFERENCES set_copy (backup_set, copy),
    CONSTRAINT copy_task_closed CHECK ((state = 'open') = (closed_at IS NULL)
        AND (closed_at IS NULL) = (closed_by IS NULL)
        AND (closed_at IS NULL) = (closed_note IS NULL))
) STRICT;
CREATE UNIQUE INDEX copy_task_open ON copy_task (backup_set, copy, coalesce(volume, ''))
    WHERE state = 'open';

-- Cartridges with data of other programs: never written, until somebody lets one go.
CREATE TABLE foreign_tape (
    id            INTEGER PRIMARY KEY,
    cartridge     TEXT NOT NULL REFERENCES cartridge (id),
    found         TEXT NOT NULL,
    description   TEXT NOT NULL,
    registered_at TEXT NOT NULL,
    released_at   TEXT
) STRICT;
CREATE UNIQUE INDEX foreign_tape_cartridge ON foreign_tape (cartridge) WHERE released_at IS NULL;
