-- What a mount of a cartridge in a drive showed; usage is JSON.
CREATE TABLE mount_observation (
    id        INTEGER PRIMARY KEY,
    cartridge TEXT NOT NULL REFERENCES cartridge (id),
    drive     TEXT NOT NULL REFERENCES drive (serial),
    model     TEXT NOT NULL,
    run       TEXT REFERENCES run (id),
    at        TEXT NOT NULL,
    usage     TEXT NOT NULL CHECK (json_valid(usage))
) STRICT;
CREATE INDEX mount_observation_at ON mount_observation (at);

-- Who was taken out of use for its health, or put back, by whom and why; the newest counts.
CREATE TABLE health_decision (
    id        INTEGER PRIMARY KEY,
    cartridge TEXT REFERENCES cartridge (id),
    drive     TEXT REFERENCES drive (serial),
    verdict   TEXT NOT NULL CHECK (verdict IN ('quarantined', 'released')),
    automatic INTEGER NOT NULL CHECK (automatic IN (0, 1)),
    reason    TEXT NOT NULL,
    at        TEXT NOT NULL,
    CONSTRAINT health_decision_subject CHECK ((cartridge IS NULL) <> (drive IS NULL))
) STRICT;

CREATE TRIGGER mount_observation_no_update BEFORE UPDATE ON mount_observation
BEGIN SELECT RAISE(ABORT, 'mount observations are append-only'); END;
CREATE TRIGGER mount_observation_no_delete BEFORE DELETE ON mount_observation
BEGIN SELECT RAISE(ABORT, 'mount observations are append-only'); END;
CREATE TRIGGER health_decision_no_update BEFORE UPDATE ON health_decision
BEGIN SELECT RAISE(ABORT, 'health decisions are append-only'); END;
CREATE TRIGGER health_decision_no_delete BEFORE DELETE ON health_decision
BEGIN SELECT RAISE(ABORT, 'health decisions are append-only'); END;
