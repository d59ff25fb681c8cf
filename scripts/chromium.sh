#!/usr/bin/env bash
# Makes sure that a Chromium is there for the browser tests, and what its driver needs. Nothing is skipped in silence.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

find_chromium() { .venv/bin/python -m marketplace.testing.browser; }
if ! find_chromium >/dev/null 2>&1; then
  scripts/apt.sh chromium 'The browser tests need Chromium.' \
    'Install it or Chrome, or name it: MARKETPLACE_CHROMIUM=/path/to/chromium make test'
  find_chromium >/dev/null
fi
# The driver is a program in a Python package; a small system may lack the one library that it does not bring along.
if ! .venv/bin/playwright --version >/dev/null 2>&1; then
  scripts/apt.sh libatomic1 'The driver of the browser tests (Playwright) needs libatomic.' 'Install it.'
  .venv/bin/playwright --version >/dev/null
fi
