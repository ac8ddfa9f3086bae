-- Disposal: what is to be destroyed, who asked and who agreed, who did it, and what proves it.
CREATE TABLE disposal (
    id          TEXT NOT NULL PRIMARY KEY,
    number      TEXT NOT NULL UNIQUE,
    state       TEXT NOT NULL CHECK (state IN ('requested', 'approved', 'pending', 'closed',
        'withdrawn')),
    reason      TEXT NOT NULL,
    requested_at TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    -- JSON: who, when, in what role, the digest of a signed page.
    approval    TEXT CHECK (json_valid(approval)),
    -- JSON: the contractor, until when it is accredited, when it took what, by when it is due.
    contractor  TEXT CHECK (json_valid(contractor)),
    -- JSON: the digests of the certificates, each with when and by whom it was entered.
    certificates TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(certificates)),
    ended_at    TEXT,
    CONSTRAINT disposal_approved CHECK (state IN ('requested', 'withdrawn') OR approval IS NOT NULL),
    CONSTRAINT disposal_handed CHECK (state NOT IN ('pending', 'closed') OR contractor IS NOT NULL)
) STRICT;

CREATE TABLE disposal_item (
    disposal     TEXT NOT NULL REFERENCES disposal (id),
    item         TEXT NOT NULL REFERENCES item (id),
    barcode      TEXT NOT NULL,
    certified_at TEXT,
    PRIMARY KEY (disposal, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX disposal_item_item ON disposal_item (item);
