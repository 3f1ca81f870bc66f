-- Tickets: what is short-lived, sealed, and shared by every gateway.
-- The same number under ../postgres means the same. Keys and owners are keyed hashes of 32 bytes; `expires` is in microseconds
-- since 1970 (UTC). Rows whose time is over are as if they were not there, and are swept.

CREATE TABLE ticket (
    key      BLOB    NOT NULL PRIMARY KEY,
    owner    BLOB    NOT NULL,
    tenant   BLOB    NOT NULL,
    revision INTEGER NOT NULL,
    expires  INTEGER NOT NULL,
    sealed   BLOB    NOT NULL
) STRICT;

-- All of somebody's, soonest to expire first.
CREATE INDEX ticket_of_owner ON ticket (owner, expires, key);
-- What there is to sweep.
CREATE INDEX ticket_by_expiry ON ticket (expires);
