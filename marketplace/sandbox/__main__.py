"""`python -m marketplace.sandbox`: runs the payment sandbox until it is interrupted."""

import argparse
import signal
import sys
from contextlib import suppress
from types import FrameType

from marketplace.sandbox.app import RefusesToStart
from marketplace.sandbox.server import SandboxServer


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m marketplace.sandbox",
        description="A bank to practise with, shaped like Stripe. No money in it is real.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=12111, help="port to listen on, 0 for any free one")
    parser.add_argument("--database", default="instance/sandbox.db", help="SQLite file (default %(default)s)")
    parser.add_argument("--public-url", default="", help="where browsers reach the hosted pages, when not host:port")
    parser.add_argument("--api-key", action="append", help="secret key to accept, may be repeated (sk_test_sandbox)")
    parser.add_argument("--webhook", default="", help="address that events are sent to")
    parser.add_argument("--webhook-secret", default="", help="secret that events are signed with (whsec_…)")
    parser.add_argument("--days-ahead", type=float, default=0.0, help="let the bank's clock run at least so far ahead")
    parser.add_argument("--even-in-production", action="store_true", help="start although the environment forbids it")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the server; return the exit status."""
    given = _arguments(argv)
    try:
        server = SandboxServer(
            given.database,
            host=given.host,
            port=given.port,
            api_keys=tuple(given.api_key or ("sk_test_sandbox",)),
            public_url=given.public_url,
            webhook=given.webhook,
            webhook_secret=given.webhook_secret,
            even_in_production=given.even_in_production,
        )
    except (RefusesToStart, OSError) as error:
        print(f"The payment sandbox does not start: {error}", file=sys.stderr)
        return 2
    server.sandbox.clock.run_ahead(given.days_ahead * 86_400)

    def interrupted(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupted)
    print(f"Payment sandbox (no money is real) on {server.url}", flush=True)
    with suppress(KeyboardInterrupt):  # the server may have taken it for its own end already
        server.run()
    print("Payment sandbox ended.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
