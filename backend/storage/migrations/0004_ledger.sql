-- The ledger of an account: entries that hang on each other by hash. `number`, `head`, `at_ms`: of the last entry; `base`,
-- `base_head`: of the last one that went after three years. `share`, `opening`: where the sealed opener stands.

CREATE TABLE ledgers (
    account BYTEA PRIMARY KEY REFERENCES accounts (account),
    number BIGINT NOT NULL,
    head BYTEA NOT NULL,
    at_ms BIGINT NOT NULL,
    base BIGINT NOT NULL,
    base_head BYTEA NOT NULL
);

CREATE TABLE ledger_entries (
    account BYTEA NOT NULL REFERENCES accounts (account),
    number BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    entry BYTEA NOT NULL,
    share BYTEA,
    opening BIGINT,
    PRIMARY KEY (account, number)
);
