#!/usr/bin/env bash
# Makes sure that Stripe's official command line is there for the sandbox's tests; npm is what fetches it, once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fetch() { .venv/bin/python -m tests.sandbox.official_cli "$@"; }
if fetch --wants-npm && ! command -v npm >/dev/null; then
  scripts/apt.sh npm "The sandbox's tests fetch Stripe's command line with npm." \
    'Install npm, or name the program: MARKETPLACE_STRIPE_CLI=/path/to/stripe make test'
fi
fetch
