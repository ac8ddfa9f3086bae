-- How a library numbers its elements, as its robot last said: for naming places to people while
-- the robot is not asked.
CREATE TABLE element (
    library TEXT NOT NULL REFERENCES library (id),
    address INTEGER NOT NULL CHECK (address BETWEEN 0 AND 65535),
    kind    TEXT NOT NULL CHECK (kind IN ('transport', 'storage', 'import_export', 'drive')),
    number  INTEGER NOT NULL CHECK (number BETWEEN 0 AND 65535),
    PRIMARY KEY (library, address)
) STRICT, WITHOUT ROWID;
