"""Settings: read from the environment or files, every fault named at once, and the documents tell the truth about them."""

import re
import stat
from dataclasses import fields
from pathlib import Path

import pytest

from marketplace.config import BadSettings, Settings
from tests.gates import tree

SECRET = "x" * 32


def read(tmp_path: Path, **values: str) -> Settings:
    """Read settings from an environment of these values."""
    environ = {f"MARKETPLACE_{name}": value for name, value in values.items()}
    return Settings.from_env({"MARKETPLACE_INSTANCE_DIR": str(tmp_path / "instance"), **environ})


def test_an_empty_environment_is_a_development_site_on_sqlite(tmp_path: Path) -> None:
    made = read(tmp_path)
    assert made.environment == "development"
    assert made.database_url == f"sqlite:///{tmp_path / 'instance' / 'marketplace.db'}"
    assert made.mail_url == f"file://{tmp_path / 'instance' / 'mail'}"
    assert made.storage_dir == tmp_path / "instance" / "media"


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first, second = read(tmp_path), read(tmp_path)
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) == 64
    assert stat.S_IMODE((tmp_path / "instance" / "secret_key").stat().st_mode) == 0o600


def test_values_are_read_by_their_types(tmp_path: Path) -> None:
    made = read(
        tmp_path, PLUGINS="funding, toys,,", PAYMENTS="Off", HOME_LAT="51.5", MAX_CONTENT_LENGTH="1000",
        TRACE_HOOKS="1", STORAGE_DIR="/srv/pictures", LOCALES="nl", LOCALE="nl",
    )  # fmt: skip
    assert made.plugins == ("funding", "toys")
    assert (made.payments, made.trace_hooks) == (False, True)
    assert (made.home_lat, made.max_content_length) == (51.5, 1000)
    assert made.storage_dir == Path("/srv/pictures")
    assert read(tmp_path, PLUGINS="").plugins == ()


@pytest.mark.parametrize("url", ["postgres://u:p@host/db", "postgresql://u:p@host/db"])
def test_an_address_of_postgresql_gets_our_driver(tmp_path: Path, url: str) -> None:
    assert read(tmp_path, DATABASE_URL=url).database_url == "postgresql+psycopg://u:p@host/db"


def test_a_value_may_be_kept_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{SECRET}\n")
    assert read(tmp_path, SECRET_KEY_FILE=str(tmp_path / "key")).secret_key == SECRET


def test_a_value_said_outright_wins_over_a_file(tmp_path: Path) -> None:
    assert read(tmp_path, SITE_NAME="Here", SITE_NAME_FILE="/nowhere").site_name == "Here"


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="SECRET_KEY_FILE can't be read: No such file"):
        read(tmp_path, SECRET_KEY_FILE="/nowhere")


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadSettings) as caught:
        read(tmp_path, PAYMENTS="perhaps", HOME_LAT="north", MAX_CONTENT_LENGTH="much")
    assert all(
        name in str(caught.value) for name in ("PAYMENTS='perhaps'", "HOME_LAT='north'", "MAX_CONTENT_LENGTH='much'")
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ENVIRONMENT": "staging"}, "MARKETPLACE_ENVIRONMENT is one of"),
        ({"ENVIRONMENT": "production", "PAYMENTS": "off"}, "SECRET_KEY needs at least 32"),
        ({"ENVIRONMENT": "production", "PAYMENTS": "off", "SECRET_KEY": "short"}, "SECRET_KEY needs at least 32"),
        ({"ENVIRONMENT": "production", "SECRET_KEY": SECRET}, "STRIPE_API_KEY is missing"),
        ({"LOCALE": "fr"}, "LOCALE 'fr' is not among"),
        ({"CURRENCY": "euro"}, "CURRENCY 'euro' is no ISO 4217"),
        ({"TIMEZONE": "Amsterdam"}, "TIMEZONE 'Amsterdam' is no IANA zone"),
    ],
)
def test_a_deployment_that_cannot_work_does_not_start(tmp_path: Path, values: dict[str, str], message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        read(tmp_path, **values)


def test_production_writes_no_secret_of_its_own(tmp_path: Path) -> None:
    made = read(tmp_path, ENVIRONMENT="production", SECRET_KEY=SECRET, PAYMENTS="off")
    assert made.secret_key == SECRET
    assert not (tmp_path / "instance").exists()


def test_only_a_demo_or_development_site_may_move_its_clock(tmp_path: Path) -> None:
    assert read(tmp_path, ENVIRONMENT="demo", DAYS_AHEAD="31").days_ahead == 31.0
    with pytest.raises(BadSettings, match="DAYS_AHEAD"):
        read(tmp_path, ENVIRONMENT="test", DAYS_AHEAD="31")


def test_other_variables_are_nobodys_business(tmp_path: Path) -> None:
    assert read(tmp_path, NO_SUCH_THING="1").environment == "development"


def documented() -> dict[str, str]:
    """Read the table of settings in docs/operate.md: name and default."""
    rows = re.findall(r"(?m)^\| `MARKETPLACE_(\w+)` \| (?:`([^`]*)`)? ?\|", tree.source(Path("docs/operate.md")))
    return dict(rows)


def test_the_documents_list_every_setting_with_its_default() -> None:
    def said(value: object) -> str:
        if isinstance(value, bool):
            return "on" if value else "off"
        return ",".join(value) if isinstance(value, tuple) else str(value)

    assert documented() == {spec.name.upper(): said(spec.default) for spec in fields(Settings)}
