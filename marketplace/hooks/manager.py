"""One app's plugins: registered in name order, checked, and called one implementation at a time."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import pluggy

from marketplace.hooks.discovery import PluginInvalid
from marketplace.hooks.specs import FAMILIES, PROJECT, hook_names
from marketplace.logs import log_of

log = log_of(__name__)


class Hooks:
    """The plugin manager of one app; two apps in one process may have different plugins."""

    def __init__(self, plugins: Mapping[str, ModuleType | Any], *, trace: bool = False) -> None:
        """Register the given modules; raises PluginInvalid for an implementation that fits no hook."""
        self.names = tuple(sorted(plugins))
        self.modules = {name: plugins[name] for name in self.names}
        self._manager = pluggy.PluginManager(PROJECT)
        for family in FAMILIES:
            self._manager.add_hookspecs(family)
        for name in self.names:
            self._register(name)
        self._calls = {name: self._ordered(name, trace) for family in FAMILIES for name in hook_names(family)}

    def _register(self, name: str) -> None:
        try:
            self._manager.register(self.modules[name], name=name)
            self._manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:  # ValueError: one module under two names
            raise PluginInvalid(f"plugin {name!r}: {error}") from error

    def _ordered(self, hook: str, trace: bool) -> tuple[tuple[str, Callable[..., Any]], ...]:
        found = []
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            if implementation.hookwrapper or implementation.wrapper:
                raise PluginInvalid(
                    f"plugin {implementation.plugin_name!r}: {hook} may not wrap other plugins' answers"
                )
            call = functools.partial(_call, implementation.function, tuple(implementation.argnames))
            if trace:
                call = functools.partial(_traced, implementation.plugin_name, hook, call)
            found.append((implementation.plugin_name, call))
        return tuple(sorted(found, key=lambda pair: pair[0]))

    def implementations(self, hook: str) -> tuple[tuple[str, Callable[..., Any]], ...]:
        """Give (plugin name, callable) for one hook, in plugin-name order."""
        return self._calls[hook]

    def has(self, name: str) -> bool:
        """Tell whether a plugin is switched on."""
        return name in self.modules


def _call(function: Callable[..., Any], names: tuple[str, ...], **facts: Any) -> Any:
    """Pass only the arguments that the implementation asks for, as pluggy does."""
    return function(**{name: facts[name] for name in names})


def _traced(plugin: str, hook: str, call: Callable[..., Any], **facts: Any) -> Any:
    log.info("hook_called", plugin=plugin, hook=hook)
    return call(**facts)
