-- Devices and accounts, tokens, rendezvous, vaults and their logs. One statement ends with a semicolon at a line's end.

CREATE TABLE accounts (
    account BYTEA PRIMARY KEY,
    made_at BIGINT NOT NULL
);

CREATE TABLE devices (
    device BYTEA PRIMARY KEY,
    account BYTEA NOT NULL REFERENCES accounts (account),
    kind BIGINT NOT NULL,
    key_type BIGINT NOT NULL,
    signing_key BYTEA NOT NULL,
    card BYTEA NOT NULL,
    signature BYTEA NOT NULL,
    enrolled_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE INDEX devices_account ON devices (account);

-- Which accounts a card has been revoked in: what enrolled it there once must not enrol it again.
CREATE TABLE revoked_enrolments (
    account BYTEA NOT NULL,
    device BYTEA NOT NULL,
    PRIMARY KEY (account, device)
);

CREATE TABLE tokens (
    token_hash BYTEA PRIMARY KEY,
    device BYTEA NOT NULL REFERENCES devices (device),
    expires_at BIGINT NOT NULL
);

CREATE INDEX tokens_expires ON tokens (expires_at);
CREATE INDEX tokens_device ON tokens (device);

-- What may be used once: ids of assertions that were used ('jti'), nonces that were not ('nonce').
CREATE TABLE once (
    kind TEXT NOT NULL,
    value_hash BYTEA NOT NULL,
    device BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (kind, value_hash)
);

CREATE INDEX once_expires ON once (expires_at);

CREATE TABLE links (
    link BYTEA NOT NULL,
    post TEXT NOT NULL,
    body BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (link, post)
);

CREATE INDEX links_expires ON links (expires_at);

-- `state` is the fold of the log, `facts` what the server counts beside it; both change with the log, in its transaction.
CREATE TABLE vaults (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vault BYTEA NOT NULL UNIQUE,
    account BYTEA NOT NULL REFERENCES accounts (account),
    made_at BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    state BYTEA NOT NULL,
    facts BYTEA NOT NULL
);

CREATE INDEX vaults_account ON vaults (account);

-- A log's items. `place` is the vault's number and the seq in one integer, so that a log lies in its own order.
-- `writer` is the vault's number and the card's place among its cards; `bytes` is what the log holds up to and with this
-- item. An entry has no `fseq`, a frame no `entry_hash`. The body stands last: whatever precedes it is read without it.
CREATE TABLE items (
    place BIGINT PRIMARY KEY,
    kind BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    writer BIGINT NOT NULL,
    fseq BIGINT,
    entry_hash BYTEA,
    log_hash BYTEA NOT NULL,
    signature BYTEA NOT NULL,
    signed BYTEA NOT NULL
);

CREATE UNIQUE INDEX items_chain ON items (writer, fseq);
CREATE UNIQUE INDEX items_entry ON items (entry_hash) WHERE entry_hash IS NOT NULL;

-- Which vaults list a card, or have: read by a device's sync, written by entries.
CREATE TABLE members (
    device BYTEA NOT NULL,
    vault BIGINT NOT NULL,
    live BOOLEAN NOT NULL,
    PRIMARY KEY (device, vault)
);

CREATE INDEX members_vault ON members (vault);

-- `slot`: empty for what came with the entry, else whoever laid it.
CREATE TABLE wraps (
    vault BIGINT NOT NULL,
    epoch BYTEA NOT NULL,
    device BYTEA NOT NULL,
    slot BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (vault, epoch, device, slot)
);

CREATE TABLE keyboxes (
    vault BIGINT NOT NULL,
    epoch BYTEA NOT NULL,
    slot BYTEA NOT NULL,
    salt BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (vault, epoch, slot)
);

-- `slot`: who handed it in; `at_seq`: where the log stood then.
CREATE TABLE lost_entries (
    vault BIGINT NOT NULL,
    entry_hash BYTEA NOT NULL,
    slot BYTEA NOT NULL,
    at_seq BIGINT NOT NULL,
    signature BYTEA NOT NULL,
    signed BYTEA NOT NULL,
    PRIMARY KEY (vault, entry_hash)
);
