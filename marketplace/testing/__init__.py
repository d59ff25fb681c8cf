"""What tests of the core and of plugins are built from: both databases, a ready application, people, a browser."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marketplace.testing.contract import PluginContract

__all__ = ["PluginContract"]


def __getattr__(name: str) -> Any:
    """Load the contract on first use: this package is imported before coverage starts."""
    if name == "PluginContract":
        from marketplace.testing.contract import PluginContract

        return PluginContract
    raise AttributeError(name)
