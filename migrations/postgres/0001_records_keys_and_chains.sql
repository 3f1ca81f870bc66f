-- Records, blind index, keys and audit chains.
-- The same number under ../sqlite means the same. Migrations only add; one that shipped is never edited.
-- Ids, tokens and tags are 16, 17 or 32 bytes; times are microseconds since 1970 (UTC). Nothing here is clear content.

-- The current version of each record.
CREATE TABLE record (
    tenant       bytea    NOT NULL,
    id           bytea    NOT NULL,
    arrival      bigint   NOT NULL,
    last_updated bigint   NOT NULL,
    version      integer  NOT NULL,
    kind         smallint NOT NULL,
    routing      smallint NOT NULL,
    clinic       bytea,
    sealed       bytea    NOT NULL,
    PRIMARY KEY (tenant, id)
);
-- Sealed bytes do not compress; trying costs time.
ALTER TABLE record ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- Walks without an indexed term, newest first.
CREATE INDEX record_by_arrival ON record (tenant, kind, arrival, id);
-- Messages that wait for a person; mapped ones are not in it.
CREATE INDEX record_work ON record (tenant, kind, routing, arrival, id) WHERE routing >= 2;
-- The directory's change mark without reading a record.
CREATE INDEX record_directory ON record (tenant, kind, version) WHERE kind BETWEEN 40 AND 49;

-- Earlier versions, moved here when a newer one takes their place.
CREATE TABLE record_version (
    tenant       bytea    NOT NULL,
    id           bytea    NOT NULL,
    arrival      bigint   NOT NULL,
    last_updated bigint   NOT NULL,
    version      integer  NOT NULL,
    kind         smallint NOT NULL,
    routing      smallint NOT NULL,
    clinic       bytea,
    sealed       bytea    NOT NULL,
    PRIMARY KEY (tenant, id, version)
);
ALTER TABLE record_version ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- Keyed terms. Reading the key backwards is the order of search results.
CREATE TABLE index_term (
    tenant  bytea  NOT NULL,
    token   bytea  NOT NULL,
    arrival bigint NOT NULL,
    record  bytea  NOT NULL,
    PRIMARY KEY (tenant, token, arrival, record)
);

-- Keyed names that may be taken once: the proof that a message is stored once.
CREATE TABLE claim (
    tenant  bytea NOT NULL,
    token   bytea NOT NULL,
    message bytea NOT NULL,
    PRIMARY KEY (tenant, token)
);

-- Generations of each tenant's key, wrapped under the root key.
CREATE TABLE tenant_key (
    tenant     bytea  NOT NULL,
    generation bigint NOT NULL,
    wrapped    bytea  NOT NULL,
    PRIMARY KEY (tenant, generation)
);

-- Data keys, wrapped under a generation of their tenant's key. Deleting a row destroys what it sealed.
CREATE TABLE data_key (
    tenant      bytea  NOT NULL,
    id          bytea  NOT NULL,
    compartment bytea  NOT NULL,
    generation  bigint NOT NULL,
    created     bigint NOT NULL,
    wrapped     bytea  NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX data_key_of_compartment ON data_key (tenant, compartment, created);
CREATE INDEX data_key_by_generation ON data_key (tenant, generation);

-- Where each chain stands: the one row that a commit moves, and only from where it was linked.
-- Room on its page lets the move stay on it.
CREATE TABLE audit_head (
    chain  bytea  NOT NULL PRIMARY KEY,
    length bigint NOT NULL,
    tag    bytea  NOT NULL,
    time   bigint NOT NULL
) WITH (fillfactor = 10);

-- Entries, canonical bytes verbatim; the context is sealed.
CREATE TABLE audit_entry (
    chain    bytea  NOT NULL,
    sequence bigint NOT NULL,
    entry    bytea  NOT NULL,
    context  bytea,
    PRIMARY KEY (chain, sequence)
);
ALTER TABLE audit_entry ALTER COLUMN context SET STORAGE EXTERNAL;

-- Signed notes over closed segments.
CREATE TABLE audit_checkpoint (
    chain   bytea  NOT NULL,
    segment bigint NOT NULL,
    note    text   NOT NULL,
    PRIMARY KEY (chain, segment)
);

-- A second line behind the chain itself: whoever changes a row must first remove these.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are never changed or deleted', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER audit_entry_refuses_change BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_entry_refuses_truncate BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_checkpoint_refuses_change BEFORE UPDATE OR DELETE ON audit_checkpoint
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_checkpoint_refuses_truncate BEFORE TRUNCATE ON audit_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
