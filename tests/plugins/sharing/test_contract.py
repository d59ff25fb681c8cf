"""The sharing plugin keeps the contract of all plugins."""

from marketplace.testing import PluginContract


class TestSharing(PluginContract):
    """What every plugin promises."""

    plugin = "sharing"
