"""Imported before anything else of the app: spares every worker what nobody uses, and lets nothing interrupt the start.

flask-login brings a client for tests that loads click's, the debugger and a dozen modules more; here it is told that the
client is there. The collector of circular garbage would look through all that is being imported again and again and find
nothing, a sixth of the start-up; so it rests until `ready`, and never looks at what was there by then.
"""

from __future__ import annotations

import gc
import sys
from types import ModuleType

TEST_CLIENT = "flask_login.test_client"

_resting = gc.isenabled()
gc.disable()

if "flask_login" not in sys.modules:
    _stand_in = ModuleType(TEST_CLIENT)
    _stand_in.FlaskLoginClient = None  # type: ignore[attr-defined]
    sys.modules[TEST_CLIENT] = _stand_in
    try:
        import flask_login  # noqa: F401
    finally:
        del sys.modules[TEST_CLIENT]


def ready() -> None:
    """Have the collector at work again, for what comes from now on; called when the app's modules are loaded."""
    gc.freeze()
    if _resting:
        gc.enable()
