"""The text index of published listings, kept by triggers: FTS5 on SQLite, tsvector on PostgreSQL, one name on both.

No model maps `listing_fts`; `marketplace.search` is the only reader. The triggers write it in the transaction that changes a
listing, so a search never shows what was not committed, and no code can forget to index.
"""

from alembic import op

revision = "0009_search"
down_revision = "0008_api"

COLUMNS = "title, summary, body_md, place"
NEW = "new.title, new.summary, new.body_md, new.place"
OLD = "old.title, old.summary, old.body_md, old.place"

SQLITE = (
    # The words live in `listing`; the index keeps only its own tree, and `prefix` makes two and three letters cheap.
    f"""CREATE VIRTUAL TABLE listing_fts USING fts5({COLUMNS}, content='listing', content_rowid='id',
        tokenize='unicode61 remove_diacritics 2', prefix='2 3')""",
    f"""INSERT INTO listing_fts (rowid, {COLUMNS}) SELECT id, {COLUMNS} FROM listing WHERE state = 'published'""",
    f"""CREATE TRIGGER listing_fts_insert AFTER INSERT ON listing WHEN new.state = 'published'
        BEGIN INSERT INTO listing_fts (rowid, {COLUMNS}) VALUES (new.id, {NEW}); END""",
    f"""CREATE TRIGGER listing_fts_delete AFTER DELETE ON listing WHEN old.state = 'published'
        BEGIN INSERT INTO listing_fts (listing_fts, rowid, {COLUMNS}) VALUES ('delete', old.id, {OLD}); END""",
    # An index with outside content forgets a row only when told the very words it once learned.
    f"""CREATE TRIGGER listing_fts_update AFTER UPDATE OF {COLUMNS}, state ON listing
        WHEN (old.state = 'published' OR new.state = 'published')
             AND (old.state, {OLD}) IS NOT (new.state, {NEW})
        BEGIN
          INSERT INTO listing_fts (listing_fts, rowid, {COLUMNS}) SELECT 'delete', old.id, {OLD}
            WHERE old.state = 'published';
          INSERT INTO listing_fts (rowid, {COLUMNS}) SELECT new.id, {NEW} WHERE new.state = 'published';
        END""",
)

ACCENTED = "àáâãäåçèéêëìíîïñòóôõöùúûüýÿÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝ"
BARE = "aaaaaaceeeeiiiinooooouuuuyyAAAAAACEEEEIIIINOOOOOUUUUY"

POSTGRESQL = (
    """CREATE TABLE listing_fts (
         listing_id bigint PRIMARY KEY REFERENCES listing (id) ON DELETE CASCADE, words tsvector NOT NULL,
         title text NOT NULL)""",
    # `simple` finds a word as it is written, `dutch` finds its other forms; accents are dropped without an extension.
    f"""CREATE FUNCTION listing_words(said text, weight "char") RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
          SELECT setweight(to_tsvector('simple', bare.text) || to_tsvector('dutch', bare.text), weight)
          FROM (SELECT lower(translate(regexp_replace(said, '[-_/.@’]+', ' ', 'g'), '{ACCENTED}', '{BARE}')) AS text) bare
        $$""",
    """CREATE FUNCTION listing_all_words(l listing) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
         SELECT listing_words(l.title, 'A') || listing_words(l.place, 'B') || listing_words(l.summary, 'C')
             || listing_words(l.body_md, 'D')
       $$""",
    """INSERT INTO listing_fts SELECT l.id, listing_all_words(l), l.title FROM listing l WHERE l.state = 'published'""",
    """CREATE INDEX ix_listing_fts_words ON listing_fts USING gin (words) WITH (fastupdate = off)""",
    """CREATE FUNCTION listing_fts_keep() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF new.state = 'published' THEN
           INSERT INTO listing_fts VALUES (new.id, listing_all_words(new), new.title)
             ON CONFLICT (listing_id) DO UPDATE SET words = excluded.words, title = excluded.title;
         ELSIF TG_OP = 'UPDATE' AND old.state = 'published' THEN
           DELETE FROM listing_fts WHERE listing_id = new.id;
         END IF;
         RETURN NULL;
       END $$""",
    """CREATE TRIGGER listing_fts_insert AFTER INSERT ON listing
       FOR EACH ROW WHEN (new.state = 'published') EXECUTE FUNCTION listing_fts_keep()""",
    f"""CREATE TRIGGER listing_fts_update AFTER UPDATE OF {COLUMNS}, state ON listing
        FOR EACH ROW WHEN ((old.state, {OLD}) IS DISTINCT FROM (new.state, {NEW}))
        EXECUTE FUNCTION listing_fts_keep()""",
    # Titles that are nearly what was typed, where the server has the extension and the role may create it.
    """DO $$
       BEGIN
         IF EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
           CREATE EXTENSION IF NOT EXISTS pg_trgm;
           CREATE INDEX ix_listing_fts_title ON listing_fts USING gin (title gin_trgm_ops);
         END IF;
       EXCEPTION WHEN insufficient_privilege THEN
         RAISE NOTICE 'pg_trgm can not be created by this role: misspelt words will not be found';
       END $$""",
)


def upgrade() -> None:
    """Make the index, fill it from what is there, and let triggers keep it."""
    connection = op.get_bind()
    for statement in SQLITE if connection.dialect.name == "sqlite" else POSTGRESQL:
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    """Remove it."""
    connection = op.get_bind()
    for trigger in ("listing_fts_insert", "listing_fts_update"):
        connection.exec_driver_sql(
            f"DROP TRIGGER {trigger}" + (" ON listing" if connection.dialect.name == "postgresql" else "")
        )
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("DROP TRIGGER listing_fts_delete")
    connection.exec_driver_sql("DROP TABLE listing_fts")
    if connection.dialect.name == "postgresql":
        for function in ("listing_fts_keep()", "listing_all_words(listing)", 'listing_words(text, "char")'):
            connection.exec_driver_sql(f"DROP FUNCTION {function}")
