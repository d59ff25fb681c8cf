#!/usr/bin/env bash
# Makes sure that a Chromium is there for the browser tests. Nothing is skipped in silence.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

find_chromium() { .venv/bin/python -m marketplace.testing.browser; }
if find_chromium >/dev/null 2>&1; then exit 0; fi
scripts/apt.sh chromium 'The browser tests need Chromium.' \
  'Install it or Chrome, or name it: MARKETPLACE_CHROMIUM=/path/to/chromium make test'
find_chromium >/dev/null
