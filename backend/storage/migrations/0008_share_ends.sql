-- `checking_until`: until when a server is checking a passcode of this share; 0 when none is. `vault`: the vault that it is a
-- summary of, NULL if of none. A share of a vault is open while a card of its account is an owner's there; whoever was listed
-- before this was known counts as one until the next entry about her.

ALTER TABLE shares ADD COLUMN checking_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE shares ADD COLUMN vault BYTEA;
ALTER TABLE members ADD COLUMN owner BOOLEAN NOT NULL DEFAULT TRUE;
