"""Passwords: what is refused, what is kept, and that nobody can tell from the time taken who is a member."""

from argon2 import PasswordHasher
from flask import Flask

from marketplace.database import transaction
from marketplace.testing.clients import MarketplaceClient
from marketplace.testing.factories import Factories
from marketplace.users import passwords
from marketplace.users.models import User
from tests.core.test_users_login import log_in


def test_short_common_and_own_passwords_are_refused(app: Flask) -> None:
    with app.test_request_context():
        for weak in ("short", "password123", "Wachtwoord123", "aaaaaaaaaaaa", "ababababab", "x" * 201):
            assert passwords.problem(weak), weak
        assert passwords.problem("Fenna de Wit", name="Fenna de Wit")
        assert passwords.problem("fennadewit", name="Fenna de Wit")
        assert passwords.problem("fenna@example.org", email="fenna@example.org")
        assert passwords.problem("fenna.de.wit", email="fenna.de.wit@example.org")


def test_a_few_words_in_a_row_are_accepted(app: Flask) -> None:
    with app.test_request_context():
        assert passwords.problem("een fiets in de tuin", name="Fenna", email="fenna@example.org") is None


def test_the_production_hash_uses_19_mib_two_passes_and_one_lane() -> None:
    kept = passwords._hasher(False).hash("correct horse battery staple")
    assert kept.startswith("$argon2id$")
    assert "m=19456,t=2,p=1" in kept


def test_a_password_written_on_another_keyboard_is_the_same_password(app: Flask) -> None:
    kept = passwords.hashed("caf\u00e9 in de straat")
    assert passwords.fits("cafe\u0301 in de straat", kept)


def test_no_account_an_unusable_and_a_broken_hash_fit_nothing(app: Flask) -> None:
    assert not passwords.fits("correct horse battery staple", None)
    assert not passwords.fits(passwords.UNUSABLE, passwords.UNUSABLE)
    assert not passwords.fits("", passwords.UNUSABLE)
    assert not passwords.fits("correct horse battery staple", "no hash at all")


def test_an_unknown_address_costs_as_much_hashing_as_a_known_one(app: Flask, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    counted = []
    verify = PasswordHasher.verify

    def counting(self: PasswordHasher, kept: str, password: str) -> bool:
        counted.append(kept.split("$")[3])
        return verify(self, kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    passwords.fits("whatever it is", passwords.hashed("something else"))
    passwords.fits("whatever it is", None)
    assert len(counted) == 2
    assert counted[0] == counted[1]


def test_a_hash_of_former_parameters_is_renewed_at_the_next_log_in(
    client: MarketplaceClient, factories: Factories
) -> None:
    old = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(factories.password)
    user = factories.user(password_hash=old)
    assert log_in(client, user.email, factories.password).status_code == 302
    with transaction() as session:
        kept = session.get_one(User, user.id, populate_existing=True).password_hash
    assert kept != old
    assert not passwords.outdated(kept)
    assert passwords.fits(factories.password, kept)
