"""Members that are logged in."""

from typing import Any

from marketplace.testing.clients import MarketplaceClient, client_of
from marketplace.testing.factories import Factories
from marketplace.users import sessions
from marketplace.users.models import User


class Auth:
    """Logs members in without the form, in the test's client or in one of their own."""

    def __init__(self, client: MarketplaceClient, factories: Factories) -> None:
        """Log in with `client` unless a method says otherwise."""
        self._client = client
        self._factories = factories

    def member(self, **facts: Any) -> User:
        """Make a member and log the client in."""
        return self.login(self._factories.user(**facts))

    def operator(self, **facts: Any) -> User:
        """Make an operator and log the client in."""
        return self.login(self._factories.operator(**facts))

    def login(self, user: User) -> User:
        """Log the client in as `user`."""
        log_in(self._client, user)
        return user

    def client(self, user: User | None = None) -> MarketplaceClient:
        """Give a second client, logged in as `user` or as a new member."""
        other = client_of(self._client.application)
        log_in(other, user or self._factories.user())
        return other

    def logout(self) -> None:
        """Make the client a guest again."""
        with self._client.session_transaction() as session:
            session.clear()


def log_in(client: MarketplaceClient, user: User) -> None:
    """Give the client a log-in session of `user`, as the log-in page does."""
    token = sessions.start(user, remembered=True, user_agent="test")
    with client.session_transaction() as session:
        session["_user_id"] = token
        session["_fresh"] = True
