#!/usr/bin/env bash
# Runs every check, goes on after a failure, and says at the end what failed and how long each step took.
# Usage: scripts/test.sh [--lint] [PYTEST ARGUMENTS]
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=.venv/bin
failed=() report=''

step() {
  local name=$1 began=$SECONDS outcome=ok
  shift
  printf '\n== %s\n' "$name"
  "$@" || { outcome=FAILED; failed+=("$name"); }
  report+=$(printf '%-14s %4d s  %s' "$name" $((SECONDS - began)) "$outcome")$'\n'
}

tests() {
  # `coverage run` with `patch = subprocess` (setup.cfg) also measures the parallel workers, the command line and the
  # servers that tests start; pytest's own coverage plugin would miss what is imported before it.
  "$bin/coverage" erase
  "$bin/coverage" run -m pytest -n "${TEST_WORKERS:-auto}" "$@" </dev/null
}

coverage_report() {
  "$bin/coverage" combine --quiet && "$bin/coverage" report
}

step style "$bin/ruff" check .
step format "$bin/ruff" format --check .
step types "$bin/mypy"
if [ "${1:-}" = --lint ]; then
  step contracts "$bin/lint-imports" --no-logo
else
  step tests tests "$@"
  step coverage coverage_report
fi

printf '\n%s' "$report"
if [ ${#failed[@]} -gt 0 ]; then
  printf 'Failed: %s\n' "${failed[*]}" >&2
  exit 1
fi
