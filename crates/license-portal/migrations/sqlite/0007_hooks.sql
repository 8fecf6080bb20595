-- Addresses that are told what happens to licenses. `sealed`: the secret that signs what they are told.
CREATE TABLE hooks (
    name     TEXT    NOT NULL PRIMARY KEY,
    url      TEXT    NOT NULL,
    sealed   BLOB    NOT NULL,
    added_at INTEGER NOT NULL
) STRICT;

-- What they are told. It names no person.
CREATE TABLE notices (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    hook          TEXT    NOT NULL REFERENCES hooks (name) ON DELETE CASCADE,
    event         TEXT    NOT NULL,
    license       TEXT,
    at            INTEGER NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    next_at       INTEGER NOT NULL,
    claimed_until INTEGER NOT NULL DEFAULT 0,
    told_at       INTEGER,
    failed_at     INTEGER,
    last_error    TEXT
) STRICT;
CREATE INDEX notices_due ON notices (next_at) WHERE told_at IS NULL AND failed_at IS NULL;
