"""A clock for tests: it stands where the test puts it, in the test and in the servers that the test starts."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from marketplace import clock


class FrozenClock:
    """Freezes `marketplace.clock`; until `at` is called, time runs as always."""

    def __init__(self) -> None:
        """Start with running time."""
        self.instant: datetime | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Begin; nothing is frozen yet."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Let time run again."""
        self.release()

    def at(self, instant: datetime | str) -> datetime:
        """Stand at an instant, aware or as ISO text (without a zone: UTC)."""
        if isinstance(instant, str):
            instant = datetime.fromisoformat(instant)
            instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        self._stack.close()
        self._stack.enter_context(clock.frozen(instant))
        self.instant = instant
        return instant

    def forward(self, **distance: float) -> datetime:
        """Move on: `forward(days=3, seconds=1)`; freezes the present when nothing was frozen."""
        return self.at(clock.now() + timedelta(**distance))

    def release(self) -> None:
        """Let time run again."""
        self._stack.close()
        self.instant = None

    def in_threads(self, app: Any) -> Any:
        """Wrap a WSGI app so that its requests, answered by other threads, see the frozen instant too."""

        def answer(environ: Any, start_response: Any) -> Any:
            if self.instant is None:
                return app(environ, start_response)
            with clock.frozen(self.instant):
                return app(environ, start_response)

        return answer
