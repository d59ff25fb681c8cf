"""The funding plugin keeps the contract of all plugins."""

from marketplace.testing import PluginContract


class TestFunding(PluginContract):
    """What every plugin promises."""

    plugin = "funding"
