#!/usr/bin/env bash
# Installs what tests compare with beside stored fixtures (6 GB) into a folder of its own, unless it is there, and prints the variables that
# name it:  eval "$(test/oracles/install.sh FOLDER)"
set -euo pipefail
here=$(realpath "$(dirname "$0")")
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
mkdir -p "$1"
folder=$(realpath "$1")
mark="$folder/redistill-oracles"
if [ ! -e "$mark" ] && [ -n "$(ls -A "$folder")" ]; then
  echo "$folder has something else in it: name a folder that is empty or not there" >&2
  exit 2
fi
wanted=$(cat "$here/install.sh" "$here/requirements.txt" | sha256sum)
if [ "$(cat "$mark" 2>/dev/null)" != "$wanted" ]; then
  : >"$mark"
  rm -rf "$folder/python" "$folder/llama"
  {
    python3 -m venv "$folder/python"
    "$folder/python/bin/pip" install --quiet -r "$here/requirements.txt"
    npm install --prefix "$folder/llama" --no-audit --no-fund --ignore-scripts node-llama-cpp@3.22.1
  } >&2
  echo "$wanted" >"$mark"
fi
printf 'export REDISTILL_ORACLE_PYTHON=%q REDISTILL_OPENAI_PYTHON=%q REDISTILL_LLAMA_CPP=%q\n' \
  "$folder/python/bin/python" "$folder/python/bin/python" "$folder/llama"
