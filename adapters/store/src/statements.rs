//! Every SQL statement, once, in the SQL that SQLite and PostgreSQL share.
//!
//! Placeholders are `$1`, `$2` … in both. What the dialects write differently is only how many rows
//! travel in one statement; a [`Bulk`] says `{rows}` there and each dialect fills it in.

use std::fmt::Write;
use std::sync::OnceLock;

/// A statement that carries many rows.
pub(crate) struct Bulk {
    /// The statement, with `{rows}` where the rows stand.
    template: &'static str,
    /// The type of each column of a row.
    pub(crate) columns: &'static [Column],
    /// The statement for each number of rows.
    values: [OnceLock<String>; MOST_ROWS + 1],
    arrays: OnceLock<String>,
}

/// The type of a column that travels in bulk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// Whole numbers.
    Int,
    /// Bytes, or nothing.
    Blob,
}

use Column::{Blob, Int};

/// Most values bound to one statement of SQLite.
const MOST_VALUES: usize = 512;
/// Most rows that can be, of the narrowest rows there are.
const MOST_ROWS: usize = 170;
/// Up to so many rows a statement has exactly as many; above, a multiple of [`STEP`], so that the shapes stay few
/// enough to stay prepared.
const EXACT: usize = 32;
const STEP: usize = 8;

impl Bulk {
    const fn new(template: &'static str, columns: &'static [Column]) -> Self {
        Self { template, columns, values: [const { OnceLock::new() }; MOST_ROWS + 1], arrays: OnceLock::new() }
    }

    /// Returns how many of so many rows go into the next statement, and the statement with that many as `VALUES`.
    ///
    /// Each statement is a journey to SQLite's thread and back, which on an idle core costs more than the rows: so
    /// a commit has as few as can be. Two things spare SQLite more than half of its own work. Places without a
    /// number (`?`): the driver asks for the name of each numbered one, and SQLite looks through all of them every
    /// time. `OR FAIL`: for a statement that must be able to undo its own first rows SQLite keeps a copy of every
    /// page it touches; ours never goes on after an error, since the whole transaction is undone then.
    pub(crate) fn with_values(&'static self, rows: usize) -> Option<(usize, &'static str)> {
        let most = MOST_VALUES.checked_div(self.columns.len())?.min(MOST_ROWS);
        let rows = rows.min(most);
        let rows = if rows > EXACT { rows.saturating_sub(rows.checked_rem(STEP)?) } else { rows };
        let text = self.values.get(rows).filter(|_| rows > 0)?.get_or_init(|| {
            let row = format!("({})", vec!["?"; self.columns.len()].join(", "));
            let list = format!("VALUES {}", vec![row.as_str(); rows].join(", "));
            self.template.replace("{rows}", &list).replace("INSERT INTO", "INSERT OR FAIL INTO")
        });
        Some((rows, text))
    }

    /// Returns the statement with any number of rows as one array a column.
    pub(crate) fn with_arrays(&'static self) -> &'static str {
        self.arrays.get_or_init(|| {
            let mut list = String::from("SELECT * FROM unnest(");
            for (at, column) in self.columns.iter().enumerate() {
                let array = match column {
                    Int => "bigint[]",
                    Blob => "bytea[]",
                };
                let _ = write!(list, "{}${}::{array}", if at == 0 { "" } else { ", " }, at.saturating_add(1));
            }
            list.push(')');
            self.template.replace("{rows}", &list)
        })
    }
}

/// A question about several rows of a tenant, by what follows the tenant in the key of their table.
pub(crate) struct Several {
    /// The columns of the answer.
    columns: &'static str,
    table: &'static str,
    /// The column by which they are asked for.
    key: &'static str,
    array: OnceLock<String>,
}

impl Several {
    const fn new(columns: &'static str, table: &'static str, key: &'static str) -> Self {
        Self { columns, table, key, array: OnceLock::new() }
    }

    /// Returns the statement with so many keys after the tenant, each in a place of its own.
    pub(crate) fn with_places(&self, keys: usize) -> String {
        let Self { columns, table, key, .. } = self;
        format!("SELECT {columns} FROM {table} WHERE tenant = $1 AND {key} IN ({})", places(2, keys))
    }

    /// Returns the statement with any number of keys after the tenant, as one array.
    ///
    /// PostgreSQL looks up one key after the other. Told all at once it may read all that the tenant has: as long as it
    /// knows nothing of a table it takes a tenant for a few rows, and the plan made then is kept. `OFFSET 0` keeps it from
    /// turning the look-up into a join.
    pub(crate) fn with_array(&'static self) -> &'static str {
        let Self { columns, table, key, array } = self;
        array.get_or_init(|| {
            format!(
                "SELECT {columns} FROM unnest($2::bytea[]) AS asked (wanted)
                 CROSS JOIN LATERAL (SELECT * FROM {table} WHERE tenant = $1 AND {key} = asked.wanted OFFSET 0) AS found"
            )
        })
    }
}

/// Writes `$first, $first+1, …`, for `count` places.
pub(crate) fn places(first: usize, count: usize) -> String {
    let mut list = String::new();
    for at in 0..count {
        let _ = write!(list, "{}${}", if at == 0 { "" } else { ", " }, first.saturating_add(at));
    }
    list
}

// --- commit -----------------------------------------------------------------------------------------

/// Moves heads that stand where the batch was linked; the rows that change must be as many as the moves.
pub(crate) static MOVE_HEADS: Bulk = Bulk::new(
    "WITH v (chain, from_length, from_tag, length, tag, time) AS ({rows})
     UPDATE audit_head SET length = v.length, tag = v.tag, time = v.time FROM v
     WHERE audit_head.chain = v.chain AND audit_head.length = v.from_length AND audit_head.tag = v.from_tag",
    &[Blob, Int, Blob, Int, Blob, Int],
);

/// Makes the head of a chain that had none.
pub(crate) static FIRST_HEADS: Bulk = Bulk::new(
    "INSERT INTO audit_head (chain, length, tag, time) {rows} ON CONFLICT DO NOTHING",
    &[Blob, Int, Blob, Int],
);

/// Adds data keys that are not there.
pub(crate) static ADD_DATA_KEYS: Bulk = Bulk::new(
    "INSERT INTO data_key (tenant, id, compartment, generation, created, wrapped) {rows} ON CONFLICT DO NOTHING",
    &[Blob, Blob, Blob, Int, Int, Blob],
);

/// Takes claims; fewer rows than claims means that one was taken.
pub(crate) static TAKE_CLAIMS: Bulk =
    Bulk::new("INSERT INTO claim (tenant, token, message) {rows} ON CONFLICT DO NOTHING", &[Blob, Blob, Blob]);

/// Adds first versions; fewer rows than records means that one existed.
pub(crate) static ADD_RECORDS: Bulk = Bulk::new(
    "INSERT INTO record (tenant, id, kind, clinic, version, arrival, last_updated, routing, sealed)
     {rows} ON CONFLICT DO NOTHING",
    &[Blob, Blob, Int, Blob, Int, Int, Int, Int, Blob],
);

/// Keeps the versions that are about to be replaced; fewer rows than replacements means that one was not current.
pub(crate) static KEEP_VERSIONS: Bulk = Bulk::new(
    "WITH v (tenant, id, version) AS ({rows})
     INSERT INTO record_version (tenant, id, kind, clinic, version, arrival, last_updated, routing, sealed)
     SELECT r.tenant, r.id, r.kind, r.clinic, r.version, r.arrival, r.last_updated, r.routing, r.sealed
     FROM v CROSS JOIN record AS r WHERE r.tenant = v.tenant AND r.id = v.id AND r.version = v.version",
    &[Blob, Blob, Int],
);

/// Puts new versions in the place of the kept ones.
pub(crate) static REPLACE_RECORDS: Bulk = Bulk::new(
    "WITH v (tenant, id, replaces, clinic, version, last_updated, routing, sealed) AS ({rows})
     UPDATE record SET clinic = v.clinic, version = v.version, last_updated = v.last_updated, routing = v.routing,
         sealed = v.sealed
     FROM v WHERE record.tenant = v.tenant AND record.id = v.id AND record.version = v.replaces",
    &[Blob, Blob, Int, Blob, Int, Int, Int, Blob],
);

/// Adds index terms that are not there.
pub(crate) static ADD_TERMS: Bulk = Bulk::new(
    "INSERT INTO index_term (tenant, token, arrival, record) {rows} ON CONFLICT DO NOTHING",
    &[Blob, Blob, Int, Blob],
);

/// Adds linked entries.
pub(crate) static ADD_ENTRIES: Bulk =
    Bulk::new("INSERT INTO audit_entry (chain, sequence, entry, context) {rows}", &[Blob, Int, Blob, Blob]);

/// Says which of these claims are taken.
pub(crate) static TAKEN_CLAIMS: Several = Several::new("token", "claim", "token");

/// Says at which version these records are.
pub(crate) static CURRENT_VERSIONS: Several = Several::new("id, version", "record", "id");

// --- records ----------------------------------------------------------------------------------------

/// Reads current versions.
pub(crate) static LOAD: Several =
    Several::new("tenant, id, kind, clinic, version, arrival, last_updated, routing, sealed", "record", "id");

/// Reads the current versions of a family, by its lowest and highest id.
pub(crate) const LOAD_FAMILY: &str = "SELECT tenant, id, kind, clinic, version, arrival, last_updated, routing, sealed
     FROM record WHERE tenant = $1 AND id BETWEEN $2 AND $3 ORDER BY id LIMIT $4";

/// Reads versions of one record below a number, newest first.
pub(crate) const VERSIONS: &str = "SELECT tenant, id, kind, clinic, version, arrival, last_updated, routing, sealed
     FROM record WHERE tenant = $1 AND id = $2 AND version < $3
     UNION ALL
     SELECT tenant, id, kind, clinic, version, arrival, last_updated, routing, sealed
     FROM record_version WHERE tenant = $1 AND id = $2 AND version < $3
     ORDER BY version DESC LIMIT $4";

/// Sums up the records of some kinds: adding one adds 2 or more, replacing one adds 1 or more.
pub(crate) const MARK: &str =
    "SELECT count(*) + coalesce(sum(version), 0) FROM record WHERE tenant = $1 AND kind IN ({kinds})";

/// The same, answered from the small index of the directory.
pub(crate) const MARK_DIRECTORY: &str = "SELECT count(*) + coalesce(sum(version), 0) FROM record
     WHERE tenant = $1 AND kind IN ({kinds}) AND kind BETWEEN 40 AND 49";

// --- keys -------------------------------------------------------------------------------------------

/// Reads a data key by its id.
pub(crate) const DATA_KEY: &str = "SELECT tenant, id, compartment, generation, created, wrapped
     FROM data_key WHERE tenant = $1 AND id = $2";

/// Reads the newest data key of a compartment.
pub(crate) const DATA_KEY_OF: &str = "SELECT tenant, id, compartment, generation, created, wrapped
     FROM data_key WHERE tenant = $1 AND compartment = $2 ORDER BY created DESC, id DESC LIMIT 1";

/// Reads data keys wrapped under older generations.
pub(crate) const DATA_KEYS_BELOW: &str = "SELECT tenant, id, compartment, generation, created, wrapped
     FROM data_key WHERE tenant = $1 AND generation < $2 LIMIT $3";

/// Replaces the wrapped form of data keys that are there.
pub(crate) static REWRAP: Bulk = Bulk::new(
    "WITH v (tenant, id, generation, wrapped) AS ({rows})
     UPDATE data_key SET generation = v.generation, wrapped = v.wrapped
     FROM v WHERE data_key.tenant = v.tenant AND data_key.id = v.id",
    &[Blob, Blob, Int, Blob],
);

/// Reads the generations of a tenant's key.
pub(crate) const TENANT_KEYS: &str =
    "SELECT tenant, generation, wrapped FROM tenant_key WHERE tenant = $1 ORDER BY generation";

/// Adds a generation of a tenant's key.
pub(crate) static ADD_TENANT_KEY: Bulk =
    Bulk::new("INSERT INTO tenant_key (tenant, generation, wrapped) {rows} ON CONFLICT DO NOTHING", &[Blob, Int, Blob]);

// --- chains -----------------------------------------------------------------------------------------

/// Reads every head.
pub(crate) const HEADS: &str = "SELECT chain, length, tag, time FROM audit_head ORDER BY chain";

/// Reads the sealed context of an entry.
pub(crate) const CONTEXT: &str = "SELECT context FROM audit_entry WHERE chain = $1 AND sequence = $2";

/// Reads the sealed contexts of entries, from one sequence number up to and without another.
pub(crate) const CONTEXTS: &str = "SELECT sequence, context FROM audit_entry
     WHERE chain = $1 AND sequence >= $2 AND sequence < $3 AND context IS NOT NULL ORDER BY sequence";

/// Adds a checkpoint that is not there; SQLite's trigger refuses even to try where one is.
pub(crate) const ADD_CHECKPOINT: &str = "INSERT INTO audit_checkpoint (chain, segment, note) SELECT $1, $2, $3
     WHERE NOT EXISTS (SELECT 1 FROM audit_checkpoint WHERE chain = $1 AND segment = $2) ON CONFLICT DO NOTHING";

/// Reads the checkpoints of a chain.
pub(crate) const CHECKPOINTS: &str = "SELECT segment, note FROM audit_checkpoint WHERE chain = $1 ORDER BY segment";

// --- tickets ----------------------------------------------------------------------------------------

/// Adds a ticket, or puts it in the place of one whose time is over; `$7` is now.
pub(crate) const PUT_TICKET: &str = "INSERT INTO ticket (key, owner, tenant, revision, expires, sealed)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, tenant = excluded.tenant, revision = excluded.revision,
         expires = excluded.expires, sealed = excluded.sealed
     WHERE ticket.expires <= $7";

/// Puts a ticket in the place of the revision before it; `$7` is now.
pub(crate) const REPLACE_TICKET: &str = "UPDATE ticket
     SET owner = $2, tenant = $3, revision = $4, expires = $5, sealed = $6
     WHERE key = $1 AND revision = $4 - 1 AND expires > $7";

/// Reads a ticket.
pub(crate) const TICKET: &str =
    "SELECT key, owner, tenant, revision, expires, sealed FROM ticket WHERE key = $1 AND expires > $2";

/// Removes a ticket and returns it.
pub(crate) const TAKE_TICKET: &str = "DELETE FROM ticket WHERE key = $1 AND expires > $2
     RETURNING key, owner, tenant, revision, expires, sealed";

/// Reads the tickets of an owner, soonest to expire first.
pub(crate) const TICKETS_OF: &str = "SELECT key, owner, tenant, revision, expires, sealed
     FROM ticket WHERE owner = $1 AND expires > $2 ORDER BY expires, key LIMIT $3";

/// Removes the tickets of an owner.
pub(crate) const REMOVE_TICKETS: &str = "DELETE FROM ticket WHERE owner = $1";

/// Removes tickets whose time is over. The time is asked twice: between the two looks of PostgreSQL another gateway may
/// have put a new ticket in the place of an old one.
pub(crate) const SWEEP_TICKETS: &str = "DELETE FROM ticket WHERE expires <= $1
     AND key IN (SELECT key FROM ticket WHERE expires <= $1 ORDER BY expires LIMIT $2)";
