#!/usr/bin/env bash
# Makes the virtual environment when it is missing and installs a lock and the package into it.
# Usage: scripts/install.sh VENV LOCK STAMP
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv=$1 lock=$2 stamp=$3

suitable() { "$1" -c 'import sys; sys.exit(not sys.version_info >= (3, 11))' 2>/dev/null; }

find_python() {
  local name
  for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14; do
    if command -v "$name" >/dev/null && suitable "$name"; then command -v "$name"; return; fi
  done
  cat >&2 <<'EOF'
No Python 3.11 or newer was found. On Debian 12 or newer and Ubuntu 24.04 or newer:

    sudo apt-get install -y python3 python3-venv

or name one yourself:  make demo PYTHON=/path/to/python3.12
EOF
  return 1
}

if [ ! -x "$venv/bin/python" ]; then
  python=$(find_python)
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    printf 'Python %s is here but cannot make virtual environments. Type this, then try again:\n\n    sudo apt-get install -y python%s-venv\n\n' "$version" "$version" >&2
    exit 1
  fi
  echo "Making the virtual environment $venv with $("$python" --version)"
  "$python" -m venv "$venv"
fi
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >/dev/null

echo "Installing $(grep -c '^[a-z0-9].*==' "$lock") packages of $lock (once; needs the package index)"
pip=("$venv/bin/python" -m pip --disable-pip-version-check --no-input install --quiet --no-deps)
# A lock names every package with its hashes, so nothing is resolved here and nothing unexpected can come in.
"${pip[@]}" --require-hashes --requirement "$lock"
# The build tool is in the lock as well: building the package itself fetches nothing.
"${pip[@]}" --no-build-isolation --editable .
mkdir -p "$(dirname "$stamp")"
touch "$stamp"
