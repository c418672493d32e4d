-- Keys of health cards that phones sign, published under an address drawn for each card. And the shares whose opening is told to all
-- owners of a vault, named by their maker.

CREATE TABLE issuers (
    issuer BYTEA PRIMARY KEY,
    account BYTEA NOT NULL REFERENCES accounts (account),
    public_key BYTEA NOT NULL,
    made_at BIGINT NOT NULL
);

CREATE INDEX issuers_account ON issuers (account);

ALTER TABLE shares ADD COLUMN emergency_vault BYTEA;
