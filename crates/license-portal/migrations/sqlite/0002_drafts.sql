-- What was typed into the form of a license that is not active yet, sealed. Deleted when the form is completed.
CREATE TABLE drafts (
    license  TEXT NOT NULL PRIMARY KEY REFERENCES licenses (number),
    sealed   BLOB NOT NULL,
    saved_at INTEGER NOT NULL
) STRICT;
