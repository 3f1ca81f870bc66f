-- Records, blind index, keys and audit chains.
-- The same number under ../postgres means the same. Migrations only add; one that shipped is never edited.
-- Ids, tokens and tags are 16, 17 or 32 bytes; times are microseconds since 1970 (UTC). Nothing here is clear content.

-- The current version of each record.
CREATE TABLE record (
    tenant       BLOB    NOT NULL,
    id           BLOB    NOT NULL,
    kind         INTEGER NOT NULL,
    clinic       BLOB,
    version      INTEGER NOT NULL,
    arrival      INTEGER NOT NULL,
    last_updated INTEGER NOT NULL,
    routing      INTEGER NOT NULL,
    sealed       BLOB    NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

-- Walks without an indexed term, newest first.
CREATE INDEX record_by_arrival ON record (tenant, kind, arrival, id);
-- Messages that wait for a person; mapped ones are not in it.
CREATE INDEX record_work ON record (tenant, kind, routing, arrival, id) WHERE routing >= 2;
-- The directory's change mark without reading a record.
CREATE INDEX record_directory ON record (tenant, kind, version) WHERE kind BETWEEN 40 AND 49;

-- Earlier versions, moved here when a newer one takes their place.
CREATE TABLE record_version (
    tenant       BLOB    NOT NULL,
    id           BLOB    NOT NULL,
    kind         INTEGER NOT NULL,
    clinic       BLOB,
    version      INTEGER NOT NULL,
    arrival      INTEGER NOT NULL,
    last_updated INTEGER NOT NULL,
    routing      INTEGER NOT NULL,
    sealed       BLOB    NOT NULL,
    PRIMARY KEY (tenant, id, version)
) STRICT;

-- Keyed terms. The key is the row, and reading it backwards is the order of search results.
CREATE TABLE index_term (
    tenant  BLOB    NOT NULL,
    token   BLOB    NOT NULL,
    arrival INTEGER NOT NULL,
    record  BLOB    NOT NULL,
    PRIMARY KEY (tenant, token, arrival, record)
) STRICT, WITHOUT ROWID;

-- Keyed names that may be taken once: the proof that a message is stored once.
CREATE TABLE claim (
    tenant  BLOB NOT NULL,
    token   BLOB NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (tenant, token)
) STRICT, WITHOUT ROWID;

-- Generations of each tenant's key, wrapped under the root key.
CREATE TABLE tenant_key (
    tenant     BLOB    NOT NULL,
    generation INTEGER NOT NULL,
    wrapped    BLOB    NOT NULL,
    PRIMARY KEY (tenant, generation)
) STRICT, WITHOUT ROWID;

-- Data keys, wrapped under a generation of their tenant's key. Deleting a row destroys what it sealed.
CREATE TABLE data_key (
    tenant      BLOB    NOT NULL,
    id          BLOB    NOT NULL,
    compartment BLOB    NOT NULL,
    generation  INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    wrapped     BLOB    NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE INDEX data_key_of_compartment ON data_key (tenant, compartment, created);
CREATE INDEX data_key_by_generation ON data_key (tenant, generation);

-- Where each chain stands: the one row that a commit moves, and only from where it was linked.
CREATE TABLE audit_head (
    chain  BLOB    NOT NULL PRIMARY KEY,
    length INTEGER NOT NULL,
    tag    BLOB    NOT NULL,
    time   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Entries, canonical bytes verbatim; the context is sealed.
CREATE TABLE audit_entry (
    chain    BLOB    NOT NULL,
    sequence INTEGER NOT NULL,
    entry    BLOB    NOT NULL,
    context  BLOB,
    PRIMARY KEY (chain, sequence)
) STRICT, WITHOUT ROWID;

-- Signed notes over closed segments.
CREATE TABLE audit_checkpoint (
    chain   BLOB    NOT NULL,
    segment INTEGER NOT NULL,
    note    TEXT    NOT NULL,
    PRIMARY KEY (chain, segment)
) STRICT, WITHOUT ROWID;

-- A second line behind the chain itself: whoever changes a row must first remove these.
CREATE TRIGGER audit_entry_refuses_update BEFORE UPDATE ON audit_entry
BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END;
CREATE TRIGGER audit_entry_refuses_delete BEFORE DELETE ON audit_entry
BEGIN SELECT RAISE(ABORT, 'audit entries are never deleted'); END;
CREATE TRIGGER audit_checkpoint_refuses_update BEFORE UPDATE ON audit_checkpoint
BEGIN SELECT RAISE(ABORT, 'audit checkpoints are never changed'); END;
CREATE TRIGGER audit_checkpoint_refuses_delete BEFORE DELETE ON audit_checkpoint
BEGIN SELECT RAISE(ABORT, 'audit checkpoints are never deleted'); END;
