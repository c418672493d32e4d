-- Where a device is pushed to. `address` is a secret. `wakes`: it wants to be woken. `quiet_from`, `quiet_until`: minutes of
-- the UTC day. `claimed_until`: one process has it in hand. `paced_at`: the time up to which its bucket is spent.

CREATE TABLE push_targets (
    device BYTEA PRIMARY KEY REFERENCES devices (device),
    platform TEXT NOT NULL,
    address_kind TEXT NOT NULL,
    address TEXT NOT NULL,
    topic TEXT NOT NULL,
    wakes BOOLEAN NOT NULL,
    quiet_from BIGINT,
    quiet_until BIGINT,
    set_at BIGINT NOT NULL,
    claimed_until BIGINT NOT NULL,
    paced_at BIGINT NOT NULL
);

-- Kinds of notices that a device does not want to be told of by a push.
CREATE TABLE push_muted (
    device BYTEA NOT NULL REFERENCES devices (device),
    kind TEXT NOT NULL,
    PRIMARY KEY (device, kind)
);

-- Wishes: the key coalesces. `wishes` counts up for ever, `settled` says how many of them have been sent; a row whose two are
-- equal waits for a notice's one repetition.
CREATE TABLE outbox (
    device BYTEA NOT NULL,
    class BIGINT NOT NULL,
    urgent BOOLEAN NOT NULL,
    wishes BIGINT NOT NULL,
    settled BIGINT NOT NULL,
    since BIGINT NOT NULL,
    wished_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    PRIMARY KEY (device, class)
);

CREATE INDEX outbox_due ON outbox (due_at);
