"""One fresh process that starts an app, answers, and prints what that took; `startup` runs it and imports nothing here.

It imports only what a worker of the measured app would, so that neither time nor memory of the benchmark itself counts.
"""

import os
import sys
import time


def environ(path: str) -> dict[str, object]:
    """Write the smallest WSGI environment that both apps accept."""
    return {
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8000",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": sys.stdin.buffer, "wsgi.errors": sys.stderr,
        "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
    }  # fmt: skip


def ask(app: object, path: str) -> None:
    """Ask for a page and take it in."""
    seen: list[str] = []
    parts = app(environ(path), lambda status, _headers, _error=None: seen.append(status))  # type: ignore[operator]
    body = b"".join(parts)
    parts.close()
    if not seen[0].startswith("200") or not body:
        raise RuntimeError(f"{path}: {seen[0]}")


def resident() -> float:
    """Give this process's resident memory in MB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main(way: str, url: str, many: int) -> None:
    """Start, answer once, answer many times, and print a line of JSON."""
    if way == "marketplace":
        os.environ["MARKETPLACE_DATABASE_URL"] = url
        from marketplace.app import create_app

        app = create_app()
        paths = ("/", "/discover", "/discover?category=tools", "/login")
    else:
        from tests.benchmarks import bare_app

        app = bare_app.create_app(url)
        paths = ("/",)
    ask(app, "/")
    cpu, wall, first = time.process_time() * 1e3, (time.time_ns() - int(os.environ["BENCH_STARTED"])) / 1e6, resident()
    for number in range(many - 1):
        ask(app, paths[number % len(paths)].partition("?")[0])
    sys.stdout.write(f'{{"cpu": {cpu}, "wall": {wall}, "first": {first}, "many": {resident()}}}\n')


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
