-- What each entry of the journal is about, so that the story of one thing is a search and not a walk:
-- ids in its subjects, and what its details name as cartridge, volume or barcode. Runs have an index
-- of their own.
CREATE TABLE journal_subject (
    subject  TEXT NOT NULL,
    sequence INTEGER NOT NULL REFERENCES journal (sequence),
    PRIMARY KEY (subject, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX journal_kind ON journal (kind);
CREATE INDEX journal_at ON journal (at);

INSERT OR IGNORE INTO journal_subject SELECT member.atom, journal.sequence
    FROM journal, json_tree(journal.body) AS member
    WHERE member.type = 'text' AND (member.path = '$.subjects' AND member.key <> 'run'
        OR member.path LIKE '$.details%' AND (
            member.key IN ('barcode', 'cartridge', 'volume', 'instead_of')
            OR member.path LIKE '%.cartridges' OR member.path LIKE '%.barcodes'
            OR member.path LIKE '%.volumes'));

CREATE TRIGGER journal_subjects AFTER INSERT ON journal
BEGIN
    INSERT OR IGNORE INTO journal_subject SELECT member.atom, NEW.sequence
        FROM json_tree(NEW.body) AS member
        WHERE member.type = 'text' AND (member.path = '$.subjects' AND member.key <> 'run'
            OR member.path LIKE '$.details%' AND (
                member.key IN ('barcode', 'cartridge', 'volume', 'instead_of')
                OR member.path LIKE '%.cartridges' OR member.path LIKE '%.barcodes'
                OR member.path LIKE '%.volumes'));
END;
CREATE TRIGGER journal_subject_no_update BEFORE UPDATE ON journal_subject
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_subject_no_delete BEFORE DELETE ON journal_subject
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- Monthly fulls that need not be, by name: of a definition, or of what a pattern found before.
CREATE TABLE month_waiver (
    month      TEXT NOT NULL CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
    name       TEXT NOT NULL,
    waived_by  TEXT NOT NULL,
    reason     TEXT NOT NULL,
    person     TEXT NOT NULL,
    station    TEXT NOT NULL,
    at         TEXT NOT NULL,
    PRIMARY KEY (month, name)
) STRICT, WITHOUT ROWID;

-- Months that are closed, with what was found in their place then (JSON).
CREATE TABLE month_closed (
    month   TEXT NOT NULL PRIMARY KEY CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
    lines   TEXT NOT NULL CHECK (json_valid(lines)),
    person  TEXT NOT NULL,
    station TEXT NOT NULL,
    at      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER month_waiver_no_update BEFORE UPDATE ON month_waiver
BEGIN SELECT RAISE(ABORT, 'waivers are append-only'); END;
CREATE TRIGGER month_waiver_no_delete BEFORE DELETE ON month_waiver
BEGIN SELECT RAISE(ABORT, 'waivers are append-only'); END;
CREATE TRIGGER month_closed_no_update BEFORE UPDATE ON month_closed
BEGIN SELECT RAISE(ABORT, 'closed months are append-only'); END;
CREATE TRIGGER month_closed_no_delete BEFORE DELETE ON month_closed
BEGIN SELECT RAISE(ABORT, 'closed months are append-only'); END;
