-- What operators did. `operator` is NULL for the command line; `license` may have been erased since.
CREATE TABLE acts (
    id       BIGINT NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at       BIGINT NOT NULL,
    operator TEXT,
    act      TEXT NOT NULL,
    license  TEXT,
    detail   TEXT NOT NULL
);
CREATE INDEX acts_by_license ON acts (license);

-- Who is signed in to the operators' pages. The secret itself is only in the browser.
CREATE TABLE sessions (
    hash       BYTEA NOT NULL PRIMARY KEY,
    operator   TEXT NOT NULL REFERENCES operator_keys (name) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);
