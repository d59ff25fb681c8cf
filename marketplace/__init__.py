"""Shareconomy: crowdfunding and sharing on one site, for a community of any size."""

from typing import TYPE_CHECKING, Any

from marketplace.version import __version__

if TYPE_CHECKING:
    from marketplace.app import create_app

__all__ = ["__version__", "create_app"]


def __getattr__(name: str) -> Any:
    """Load the application on first use, so that reading the version imports no framework."""
    if name == "create_app":
        from marketplace.app import create_app

        return create_app
    raise AttributeError(name)
