#!/usr/bin/env bash
# Collects the texts to translate into one template per package, updates every language's catalogue and compiles it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
pybabel=.venv/bin/pybabel
version=$(.venv/bin/python -c 'from marketplace.version import __version__; print(__version__)')

# catalogue FOLDER SOURCE…: FOLDER/translations gets the texts found in the sources.
catalogue() {
  local folder=$1/translations
  shift
  mkdir -p "$folder"
  "$pybabel" -q extract -F babel.cfg -k _l -k lazy_gettext -k ngettext:1,2 --no-location --sort-output --omit-header \
    --project shareconomy --version "$version" -o "$folder/messages.pot" "$@"
  local language
  for language in ${LANGUAGES:-nl}; do
    if [ -f "$folder/$language/LC_MESSAGES/messages.po" ]; then
      "$pybabel" -q update -i "$folder/messages.pot" -d "$folder" -l "$language" --no-fuzzy-matching --ignore-obsolete
    else
      "$pybabel" -q init -i "$folder/messages.pot" -d "$folder" -l "$language"
    fi
  done
  "$pybabel" -q compile -d "$folder" --statistics
}

catalogue marketplace marketplace templates
for plugin in plugins/*/; do catalogue "${plugin%/}" "${plugin%/}"; done
