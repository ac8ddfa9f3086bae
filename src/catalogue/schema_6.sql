-- Keys: for which pools, what replaced what, when each was last seen to open a volume. Recovery kits.
-- A key without a pool is for all of them.
CREATE TABLE key_pool (
    key  TEXT NOT NULL REFERENCES key (id),
    pool TEXT NOT NULL,
    PRIMARY KEY (key, pool)
) STRICT, WITHOUT ROWID;

ALTER TABLE key ADD COLUMN replaces TEXT REFERENCES key (id);
ALTER TABLE key ADD COLUMN identity_deleted_at TEXT;

-- A real decryption: something on the volume was opened with the key's identity.
CREATE TABLE key_proof (
    id     INTEGER PRIMARY KEY,
    key    TEXT NOT NULL REFERENCES key (id),
    volume TEXT NOT NULL REFERENCES volume (id),
    run    TEXT NOT NULL REFERENCES run (id),
    how    TEXT NOT NULL CHECK (how IN ('verify', 'restore', 'drill')),
    at     TEXT NOT NULL
) STRICT;
CREATE INDEX key_proof_volume ON key_proof (volume, key, at);
CREATE INDEX set_key_key ON set_key (key);

CREATE TRIGGER key_proof_no_update BEFORE UPDATE ON key_proof
BEGIN SELECT RAISE(ABORT, 'proofs of keys are append-only'); END;
CREATE TRIGGER key_proof_no_delete BEFORE DELETE ON key_proof
BEGIN SELECT RAISE(ABORT, 'proofs of keys are append-only'); END;

-- A recovery kit that was made; outline is JSON: what it knows, to tell what has changed since.
CREATE TABLE kit (
    id         INTEGER PRIMARY KEY,
    made_at    TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    form       TEXT NOT NULL CHECK (form IN ('print', 'export')),
    digest     TEXT NOT NULL CHECK (length(digest) = 64),
    outline    TEXT NOT NULL CHECK (json_valid(outline))
) STRICT;

CREATE TRIGGER kit_no_update BEFORE UPDATE ON kit
BEGIN SELECT RAISE(ABORT, 'kits that were made are append-only'); END;
CREATE TRIGGER kit_no_delete BEFORE DELETE ON kit
BEGIN SELECT RAISE(ABORT, 'kits that were made are append-only'); END;
