"""The text index behind one interface, with one implementation per database; both read the table `listing_fts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import BigInteger, Integer, Select, String, bindparam, column, func, literal_column, select, table

from marketplace.database import db

LEAST_PREFIX = 2
"""Letters that the last word needs to also match longer words: one letter would match half the index."""

PARAMETER = "words"

LIKE_ENOUGH = 0.45
"""Word similarity by pg_trgm from which a title is offered: "boormasjine" finds a boormachine, "tent" finds no tender."""


class SearchIndex(Protocol):
    """Finds published listings by words: all of them must occur, the last may be the beginning of one."""

    def matching(self) -> Select[Any]:
        """Give a select of listing ids, with the words as the bound parameter PARAMETER."""

    def parameter(self, words: Sequence[str]) -> str:
        """Give the parameter's value for these words (from `words_of`, at least one)."""

    def knows_likeness(self) -> bool:
        """Tell whether `resembling` may be asked on this connection; may run one statement."""

    def resembling(self) -> Select[Any]:
        """Give a select of listing ids whose titles are nearly the words in PARAMETER, joined by blanks."""


class Fts5Index:
    """SQLite's FTS5: words as they are written, without case and accents."""

    def matching(self) -> Select[Any]:
        """Give `SELECT rowid FROM listing_fts WHERE listing_fts MATCH :words`."""
        index = table("listing_fts", column("rowid", Integer), column("listing_fts", String))
        return select(index.c.rowid).where(index.c.listing_fts.op("MATCH")(bindparam(PARAMETER, type_=String)))

    def parameter(self, words: Sequence[str]) -> str:
        """Quote every word, so that AND, NEAR and * are words too; only we write the star of the last one."""
        quoted = [f'"{word}"' for word in words]
        if len(words[-1]) >= LEAST_PREFIX:
            quoted[-1] += " *"
        return " AND ".join(quoted)

    def knows_likeness(self) -> bool:
        """Say no: FTS5 has no measure of likeness."""
        return False

    def resembling(self) -> Select[Any]:
        """Give what holds the words; nobody asks for more here."""
        return self.matching()


class TsvectorIndex:
    """PostgreSQL's tsvector: words as they are written, and in their other Dutch forms."""

    def matching(self) -> Select[Any]:
        """Give `SELECT listing_id FROM listing_fts WHERE words @@ (…)`."""
        from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR  # SQLite does without that dialect

        index = table("listing_fts", column("listing_id", BigInteger), column("words", TSVECTOR))
        typed = bindparam(PARAMETER, type_=String)
        simple, dutch = (
            func.to_tsquery(literal_column(f"'{name}'::regconfig"), typed, type_=TSQUERY)
            for name in ("simple", "dutch")
        )
        return select(index.c.listing_id).where(index.c.words.op("@@")(simple.op("||")(dutch)))

    def parameter(self, words: Sequence[str]) -> str:
        """Quote every word; only we write the operators."""
        quoted = [f"'{word}'" for word in words]
        if len(words[-1]) >= LEAST_PREFIX:
            quoted[-1] += ":*"
        return " & ".join(quoted)

    def knows_likeness(self) -> bool:
        """Tell whether the migration could create pg_trgm, and say for this connection how like is like enough."""
        bar = func.set_config("pg_trgm.word_similarity_threshold", str(LIKE_ENOUGH), literal_column("false"))
        known = table("pg_extension", column("extname", String))
        return db.session.scalar(select(bar).where(known.c.extname == "pg_trgm")) is not None

    def resembling(self) -> Select[Any]:
        """Give the titles in which pg_trgm finds something like the words."""
        index = table("listing_fts", column("listing_id", BigInteger), column("title", String))
        return select(index.c.listing_id).where(bindparam(PARAMETER, type_=String).op("<%")(index.c.title))


INDEXES: dict[str, SearchIndex] = {"sqlite": Fts5Index(), "postgresql": TsvectorIndex()}


def index_of(dialect: str) -> SearchIndex:
    """Give the index of a database dialect."""
    return INDEXES[dialect]
