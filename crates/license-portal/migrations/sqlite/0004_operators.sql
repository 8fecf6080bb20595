-- What operators did. `operator` is NULL for the command line; `license` may have been erased since.
CREATE TABLE acts (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    operator TEXT,
    act      TEXT    NOT NULL,
    license  TEXT,
    detail   TEXT    NOT NULL
) STRICT;
CREATE INDEX acts_by_license ON acts (license);

-- Who is signed in to the operators' pages. The secret itself is only in the browser.
CREATE TABLE sessions (
    hash       BLOB    NOT NULL PRIMARY KEY,
    operator   TEXT    NOT NULL REFERENCES operator_keys (name) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT;
