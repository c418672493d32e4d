-- `checking_until`: until when a server is checking a passcode of this share; 0 when none is.

ALTER TABLE shares ADD COLUMN checking_until BIGINT NOT NULL DEFAULT 0;
