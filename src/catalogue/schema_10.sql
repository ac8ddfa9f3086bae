-- Sets of one stream; definitions of what a command writes and of what a pattern finds; commands
-- before and after.
ALTER TABLE backup_set ADD COLUMN form TEXT NOT NULL DEFAULT 'tree'
    CHECK (form IN ('tree', 'stream'));

ALTER TABLE set_definition ADD COLUMN kind TEXT NOT NULL DEFAULT 'folder'
    CHECK (kind IN ('folder', 'command', 'pattern'));
-- JSON: what is known of a command or pattern besides its words, which are in source.
ALTER TABLE set_definition ADD COLUMN detail TEXT CHECK (json_valid(detail));
-- JSON: before, after, environment.
ALTER TABLE set_definition ADD COLUMN commands TEXT CHECK (json_valid(commands));
-- The definition whose pattern found it.
ALTER TABLE set_definition ADD COLUMN parent TEXT REFERENCES set_definition (id);
