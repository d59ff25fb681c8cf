"""A bank to practise with: a small server shaped like Stripe, driven by Stripe's own SDK; no money in it is real.

It is an outside party: it has its own database, makes its own commits, and imports nothing from the rest of the
marketplace (a test proves that), so that "charged there, not recorded here" can really happen.
"""

from marketplace.sandbox.app import Sandbox, create_sandbox
from marketplace.sandbox.server import SandboxServer

__all__ = ["Sandbox", "SandboxServer", "create_sandbox"]
