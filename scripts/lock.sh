#!/usr/bin/env bash
# Writes requirements.lock, requirements-test.lock and requirements-mutation.lock from setup.cfg: exact versions with hashes, for Linux and macOS,
# Python 3.11 and newer. Versions already locked stay; `make lock ARGS=--upgrade` takes the newest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
uv=$(command -v uv || true)
if [ -z "$uv" ]; then
  # Only whoever changes the locks needs uv, so it is in none of them.
  [ -x .venv/bin/python ] || python3 -m venv .venv
  .venv/bin/python -m pip --disable-pip-version-check install --quiet uv
  uv=.venv/bin/uv
fi

compile() {
  # setuptools builds the package itself, so it is locked like the rest.
  printf 'setuptools>=77\n' | "$uv" pip compile setup.cfg - --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' "$@"
}
compile --output-file requirements.lock "$@" >/dev/null
compile --extra test --constraint requirements.lock --output-file requirements-test.lock "$@" >/dev/null
compile --extra test --extra mutation --constraint requirements-test.lock --output-file requirements-mutation.lock "$@" >/dev/null
wc -l requirements.lock requirements-test.lock requirements-mutation.lock
