-- A third kind of mail: what happened to a license, for who had it before. SQLite changes no CHECK in place.
CREATE TABLE mails (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    license       TEXT    NOT NULL REFERENCES licenses (number),
    kind          TEXT    NOT NULL CHECK (kind IN ('license', 'verification', 'notice')),
    recipient     TEXT    NOT NULL,
    sealed        BLOB    NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    next_at       INTEGER NOT NULL,
    claimed_by    TEXT,
    claimed_until INTEGER,
    delivered_at  INTEGER,
    failed_at     INTEGER,
    last_error    TEXT
) STRICT;
INSERT INTO mails SELECT * FROM outbox;
-- No number is given twice: Message-IDs have it.
DELETE FROM sqlite_sequence WHERE name = 'mails';
INSERT INTO sqlite_sequence (name, seq) SELECT 'mails', seq FROM sqlite_sequence WHERE name = 'outbox';
DROP TABLE outbox;
ALTER TABLE mails RENAME TO outbox;
CREATE INDEX outbox_due ON outbox (next_at) WHERE delivered_at IS NULL AND failed_at IS NULL;
CREATE INDEX outbox_by_license ON outbox (license);
