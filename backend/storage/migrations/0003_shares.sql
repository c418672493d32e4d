-- Shares: opaque files behind a link. Whether one is live is computed from these columns, never stored. `tries`: how often a
-- wrong passcode may still be given. `records`: the number of the last opening.

CREATE TABLE shares (
    share BYTEA PRIMARY KEY,
    account BYTEA NOT NULL REFERENCES accounts (account),
    token_hash BYTEA NOT NULL UNIQUE,
    owner_hash BYTEA NOT NULL,
    body_hash BYTEA NOT NULL,
    log_key BYTEA NOT NULL,
    long_term BOOLEAN NOT NULL,
    direct BOOLEAN NOT NULL,
    made_at BIGINT NOT NULL,
    expires_at BIGINT,
    opens_max BIGINT,
    paused BOOLEAN NOT NULL,
    revoked_at BIGINT,
    passcode_salt BYTEA,
    passcode_hash BYTEA,
    tries BIGINT NOT NULL,
    opens BIGINT NOT NULL,
    records BIGINT NOT NULL
);

CREATE INDEX shares_account ON shares (account);

CREATE TABLE share_files (
    share BYTEA NOT NULL REFERENCES shares (share),
    place BIGINT NOT NULL,
    content_type TEXT NOT NULL,
    jwe TEXT NOT NULL,
    laid_at BIGINT NOT NULL,
    PRIMARY KEY (share, place)
);

CREATE TABLE share_openings (
    share BYTEA NOT NULL REFERENCES shares (share),
    number BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    opener BYTEA NOT NULL,
    PRIMARY KEY (share, number)
);

CREATE INDEX share_openings_at ON share_openings (at_ms);

CREATE TABLE share_tickets (
    ticket_hash BYTEA PRIMARY KEY,
    share BYTEA NOT NULL REFERENCES shares (share),
    place BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX share_tickets_expires ON share_tickets (expires_at);
