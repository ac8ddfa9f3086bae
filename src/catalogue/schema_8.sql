-- Who waits for a drive or a cartridge that a run holds, and goes first. A row lives as long as the
-- process that made it; asked counts what it asked for, since each is answered once.
CREATE TABLE drive_request (
    id         TEXT NOT NULL PRIMARY KEY,
    library    TEXT NOT NULL REFERENCES library (id),
    host       TEXT NOT NULL,
    pid        INTEGER NOT NULL,
    purpose    TEXT NOT NULL,
    since      TEXT NOT NULL,
    asked      INTEGER NOT NULL CHECK (asked > 0),
    need       TEXT NOT NULL CHECK (need IN ('drive', 'cartridge', 'nothing')),
    cartridges TEXT NOT NULL CHECK (json_valid(cartridges))
) STRICT, WITHOUT ROWID;
