"""A bare Flask + Flask-SQLAlchemy + Jinja application with one table: the limit for start-up and memory."""

from __future__ import annotations

from flask import Flask, render_template_string
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Notes</title></head>
<body><h1>Notes</h1><ul>{% for note in notes %}<li><a href="/notes/{{ note.id }}">{{ note.title }}</a></li>{% endfor %}</ul>
</body></html>"""


class Base(DeclarativeBase):
    """The one table's base."""


db = SQLAlchemy(model_class=Base)


class Note(db.Model):  # type: ignore[name-defined,misc]
    """A note."""

    __tablename__ = "bare_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


def create_app(url: str) -> Flask:
    """Build it, as the tutorials do."""
    app = Flask("bare")
    app.config.update(SQLALCHEMY_DATABASE_URI=url, SECRET_KEY="bare")
    db.init_app(app)

    @app.get("/")
    def index() -> str:
        notes = db.session.scalars(select(Note).order_by(Note.id.desc()).limit(24)).all()
        return render_template_string(PAGE, notes=notes)

    return app


def fill(url: str) -> None:
    """Make the table with a hundred notes."""
    app = create_app(url)
    with app.app_context():
        db.create_all()
        db.session.add_all([Note(title=f"Note {number}") for number in range(100)])
        db.session.commit()
        db.engine.dispose()
