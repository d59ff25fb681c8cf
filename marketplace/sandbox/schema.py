"""The tables of the bank's own SQLite database."""

# Objects are kept as the JSON that the API shows, plus a private part under "_". What must never be wrong about money
# is a CHECK, so that no path through the code can refund or reverse more than there was.
SCHEMA = """
CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    account TEXT NOT NULL,
    created INTEGER NOT NULL,
    body TEXT NOT NULL CHECK (json_valid(body)),
    CHECK (type <> 'charge' OR json_extract(body, '$.amount_refunded') <= json_extract(body, '$.amount')),
    CHECK (type <> 'transfer' OR json_extract(body, '$.amount_reversed') <= json_extract(body, '$.amount'))
);
CREATE INDEX IF NOT EXISTS object_by_type ON object (type, seq);
CREATE INDEX IF NOT EXISTS object_by_account ON object (account, type, seq);
CREATE INDEX IF NOT EXISTS object_by_customer ON object (json_extract(body, '$.customer'), type, seq)
    WHERE json_extract(body, '$.customer') IS NOT NULL;
CREATE INDEX IF NOT EXISTS object_by_payment_intent ON object (json_extract(body, '$.payment_intent'), type, seq)
    WHERE json_extract(body, '$.payment_intent') IS NOT NULL;
CREATE INDEX IF NOT EXISTS object_by_setup_intent ON object (json_extract(body, '$.setup_intent'), type, seq)
    WHERE json_extract(body, '$.setup_intent') IS NOT NULL;
CREATE INDEX IF NOT EXISTS object_by_charge ON object (json_extract(body, '$.charge'), type, seq)
    WHERE json_extract(body, '$.charge') IS NOT NULL;
CREATE INDEX IF NOT EXISTS object_by_transfer ON object (json_extract(body, '$.transfer'), type, seq)
    WHERE json_extract(body, '$.transfer') IS NOT NULL;
CREATE INDEX IF NOT EXISTS object_by_source ON object (json_extract(body, '$.source'), type, seq)
    WHERE json_extract(body, '$.source') IS NOT NULL;

CREATE TABLE IF NOT EXISTS balance (
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    pending INTEGER NOT NULL,
    available INTEGER NOT NULL,
    PRIMARY KEY (account, currency)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS due (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS due_by_time ON due (at, seq);

CREATE TABLE IF NOT EXISTS delivery (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at REAL NOT NULL,
    answer TEXT NOT NULL DEFAULT '',
    flaw TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS delivery_waiting ON delivery (next_at, seq) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS delivery_by_event ON delivery (event_id);

CREATE TABLE IF NOT EXISTS idempotency (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    request_id TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idempotency_by_age ON idempotency (created);

CREATE TABLE IF NOT EXISTS fault (
    seq INTEGER PRIMARY KEY,
    operation TEXT NOT NULL,
    kind TEXT NOT NULL,
    remaining INTEGER,
    rate REAL NOT NULL,
    seconds REAL NOT NULL
);

CREATE TABLE IF NOT EXISTS setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

TABLES = ("object", "balance", "due", "delivery", "idempotency", "fault", "setting")
