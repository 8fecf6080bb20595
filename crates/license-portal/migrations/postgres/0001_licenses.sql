-- Times are seconds since 1970 (throttles: milliseconds), UTC.

CREATE TABLE licenses (
    number       TEXT NOT NULL PRIMARY KEY,
    email        TEXT NOT NULL,
    language     TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('issued', 'verifying', 'active', 'revoked')),
    pin_hash     TEXT NOT NULL,
    issued_at    BIGINT NOT NULL,
    changed_at   BIGINT NOT NULL,
    activated_at BIGINT,
    sold_by      TEXT
);
CREATE INDEX licenses_by_email ON licenses (email);
CREATE INDEX licenses_by_seller ON licenses (sold_by);

CREATE TABLE holders (
    license       TEXT NOT NULL PRIMARY KEY REFERENCES licenses (number),
    first_name    TEXT NOT NULL,
    last_name     TEXT NOT NULL,
    company       TEXT NOT NULL,
    company_email TEXT NOT NULL,
    phone         TEXT NOT NULL,
    address       TEXT NOT NULL,
    city          TEXT NOT NULL,
    postcode      TEXT NOT NULL,
    country       TEXT NOT NULL
);

-- The link itself is known only to who got the mail.
CREATE TABLE links (
    hash       BYTEA NOT NULL PRIMARY KEY,
    license    TEXT NOT NULL REFERENCES licenses (number),
    expires_at BIGINT NOT NULL,
    opened_at  BIGINT,
    used_at    BIGINT
);
CREATE INDEX links_by_license ON links (license);

CREATE TABLE installations (
    license      TEXT NOT NULL REFERENCES licenses (number),
    installation TEXT NOT NULL,
    first_at     BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    PRIMARY KEY (license, installation)
);

-- `sealed` is emptied when the mail is delivered or has failed for good.
CREATE TABLE outbox (
    id            BIGINT NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    license       TEXT NOT NULL REFERENCES licenses (number),
    kind          TEXT NOT NULL CHECK (kind IN ('license', 'verification')),
    recipient     TEXT NOT NULL,
    sealed        BYTEA NOT NULL,
    attempts      BIGINT NOT NULL DEFAULT 0,
    next_at       BIGINT NOT NULL,
    claimed_by    TEXT,
    claimed_until BIGINT,
    delivered_at  BIGINT,
    failed_at     BIGINT,
    last_error    TEXT
);
CREATE INDEX outbox_due ON outbox (next_at) WHERE delivered_at IS NULL AND failed_at IS NULL;
CREATE INDEX outbox_by_license ON outbox (license);

-- `full_at`: when the bucket is full again (milliseconds).
CREATE TABLE throttles (
    bucket  TEXT NOT NULL PRIMARY KEY,
    full_at BIGINT NOT NULL
);

-- `scopes`: separated by commas. `used_at`: to the minute.
CREATE TABLE operator_keys (
    name       TEXT NOT NULL PRIMARY KEY,
    hash       BYTEA NOT NULL,
    scopes     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    used_at    BIGINT
);

-- The public keys that licenses were ever signed with. The portal signs with the one that has the highest `position`.
CREATE TABLE anchors (
    anchor   TEXT NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL,
    added_at BIGINT NOT NULL
);
