-- Addresses that are told what happens to licenses. `sealed`: the secret that signs what they are told.
CREATE TABLE hooks (
    name     TEXT    NOT NULL PRIMARY KEY,
    url      TEXT    NOT NULL,
    sealed   BYTEA   NOT NULL,
    added_at BIGINT NOT NULL
);

-- What they are told. It names no person.
CREATE TABLE notices (
    id            BIGINT NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    hook          TEXT    NOT NULL REFERENCES hooks (name) ON DELETE CASCADE,
    event         TEXT    NOT NULL,
    license       TEXT,
    at            BIGINT NOT NULL,
    attempts      BIGINT NOT NULL DEFAULT 0,
    next_at       BIGINT NOT NULL,
    claimed_until BIGINT NOT NULL DEFAULT 0,
    told_at       BIGINT,
    failed_at     BIGINT,
    last_error    TEXT
);
CREATE INDEX notices_due ON notices (next_at) WHERE told_at IS NULL AND failed_at IS NULL;
