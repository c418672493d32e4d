-- Notices: one row for each phone that has to be told something and has not acknowledged it. `last_notice` is the highest
-- number that the account has used; numbers are never used again, not even after a restore (backend/notices/store.py).

ALTER TABLE accounts ADD COLUMN last_notice BIGINT NOT NULL DEFAULT 0;

CREATE TABLE notices (
    device BYTEA NOT NULL REFERENCES devices (device),
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (device, number)
);
