-- Tickets: what is short-lived, sealed, and shared by every gateway.
-- The same number under ../sqlite means the same. Keys and owners are keyed hashes of 32 bytes; `expires` is in microseconds
-- since 1970 (UTC). Rows whose time is over are as if they were not there, and are swept.

CREATE TABLE ticket (
    key      bytea  NOT NULL PRIMARY KEY,
    owner    bytea  NOT NULL,
    tenant   bytea  NOT NULL,
    revision bigint NOT NULL,
    expires  bigint NOT NULL,
    sealed   bytea  NOT NULL
-- Every row is gone within hours: what is dead is cleared away before it outnumbers what lives.
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
-- Sealed bytes do not compress; trying costs time.
ALTER TABLE ticket ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- All of somebody's, soonest to expire first.
CREATE INDEX ticket_of_owner ON ticket (owner, expires, key);
-- What there is to sweep.
CREATE INDEX ticket_by_expiry ON ticket (expires);
