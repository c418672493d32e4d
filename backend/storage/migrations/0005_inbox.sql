-- Notes that readers of a share send back: opaque, until the owner's phone is done with them. `notes`: how many a share has
-- taken in its life. An empty `sealed` is one that is done with; its row stays for the marks and the answer.

ALTER TABLE shares ADD COLUMN inbox BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE shares ADD COLUMN notes BIGINT NOT NULL DEFAULT 0;

CREATE TABLE share_notes (
    share BYTEA NOT NULL REFERENCES shares (share),
    number BIGINT NOT NULL,
    note BYTEA NOT NULL,
    note_hash BYTEA NOT NULL,
    sent_at BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    fetched_at BIGINT,
    opened_at BIGINT,
    answer BYTEA,
    answered_at BIGINT,
    PRIMARY KEY (share, number),
    UNIQUE (share, note)
);
