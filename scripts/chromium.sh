#!/usr/bin/env bash
# Makes sure that a Chromium is there for the browser tests: installs Debian's when that is allowed without asking,
# and otherwise stops with the command to type. Nothing is skipped in silence.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

find_chromium() { .venv/bin/python -m marketplace.testing.browser; }
if find_chromium >/dev/null 2>&1; then exit 0; fi

id=$(. /etc/os-release 2>/dev/null && echo "${ID:-}" || true)
package=chromium
[ "$id" = ubuntu ] && package=chromium-browser
if [ "$id" != debian ] && [ "$id" != ubuntu ]; then
  echo 'The browser tests need Chromium or Chrome. Install one, or name it: MARKETPLACE_CHROMIUM=/path/to/chromium make test' >&2
  exit 1
fi
run=()
if [ "$(id -u)" -ne 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    printf 'The browser tests need Chromium. Type this, then try again:\n\n    sudo apt-get update && sudo apt-get install -y %s\n\n' "$package" >&2
    exit 1
  fi
  run=(sudo -n)
fi
echo "Installing $package with apt (once)"
"${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
find_chromium >/dev/null
