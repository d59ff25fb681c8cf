#!/usr/bin/env bash
# Installs a package of Debian or Ubuntu that the tests need, when that is allowed without asking, and otherwise stops with
# the command to type. Usage: scripts/apt.sh PACKAGE "What the tests need it for." "How to do without a package."
set -euo pipefail
package=$1 why=$2 otherwise=$3

id=$(. /etc/os-release 2>/dev/null && echo "${ID:-}" || true)
if [ "$id" != debian ] && [ "$id" != ubuntu ]; then
  printf '%s %s\n' "$why" "$otherwise" >&2
  exit 1
fi
[ "$id:$package" = ubuntu:chromium ] && package=chromium-browser
run=()
if [ "$(id -u)" -ne 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    printf '%s Type this, then try again:\n\n    sudo apt-get update && sudo apt-get install -y %s\n\n' "$why" "$package" >&2
    exit 1
  fi
  run=(sudo -n)
fi
echo "Installing $package with apt (once)"
"${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
