-- How long each copy is kept, whose data a set is, holds, and which blocks get through to a drive.
ALTER TABLE set_copy ADD COLUMN retain_until TEXT;
UPDATE set_copy SET retain_until =
    (SELECT backup_set.retain_until FROM backup_set WHERE backup_set.id = set_copy.backup_set);

ALTER TABLE set_definition ADD COLUMN agency TEXT;
ALTER TABLE backup_set ADD COLUMN agency TEXT;

-- A hold on every set of a definition or on one set, placed or released, by whom and why; of each
-- subject the newest counts.
CREATE TABLE hold_event (
    id         INTEGER PRIMARY KEY,
    definition TEXT REFERENCES set_definition (id),
    backup_set TEXT REFERENCES backup_set (id),
    held       INTEGER NOT NULL CHECK (held IN (0, 1)),
    reason     TEXT NOT NULL,
    person     TEXT NOT NULL,
    station    TEXT NOT NULL,
    at         TEXT NOT NULL,
    CONSTRAINT hold_event_subject CHECK ((definition IS NULL) <> (backup_set IS NULL))
) STRICT;
CREATE INDEX hold_event_set ON hold_event (backup_set) WHERE backup_set IS NOT NULL;
CREATE INDEX hold_event_definition ON hold_event (definition) WHERE definition IS NOT NULL;

CREATE TRIGGER hold_event_no_update BEFORE UPDATE ON hold_event
BEGIN SELECT RAISE(ABORT, 'holds are append-only'); END;
CREATE TRIGGER hold_event_no_delete BEFORE DELETE ON hold_event
BEGIN SELECT RAISE(ABORT, 'holds are append-only'); END;

-- By serial number of the drive: what its path and the drive itself take, and what was tried on a
-- tape. Lengths of blocks in bytes; none: not known, or not tried.
CREATE TABLE block_limit (
    drive   TEXT NOT NULL PRIMARY KEY,
    path    INTEGER CHECK (path > 0),
    device  INTEGER CHECK (device > 0),
    tried   INTEGER CHECK (tried > 0),
    refused INTEGER CHECK (refused > 0),
    at      TEXT NOT NULL
) STRICT;
