#!/usr/bin/env bash
# Installs what tests compare with beside stored fixtures (6 GB) into a folder, unless it is there, and prints the variables that name it:
#   eval "$(test/oracles/install.sh FOLDER)"
set -euo pipefail
here=$(realpath "$(dirname "$0")")
mkdir -p "$1"
folder=$(realpath "$1")
wanted=$(cat "$here/install.sh" "$here/requirements.txt" | sha256sum)
if [ "$(cat "$folder/complete" 2>/dev/null)" != "$wanted" ]; then
  rm -rf "${folder:?}"/{python,llama,complete}
  {
    python3 -m venv "$folder/python"
    "$folder/python/bin/pip" install --quiet -r "$here/requirements.txt"
    npm install --prefix "$folder/llama" --no-audit --no-fund --ignore-scripts node-llama-cpp@3.22.1
  } >&2
  echo "$wanted" >"$folder/complete"
fi
printf 'export REDISTILL_ORACLE_PYTHON=%q REDISTILL_OPENAI_PYTHON=%q REDISTILL_LLAMA_CPP=%q\n' \
  "$folder/python/bin/python" "$folder/python/bin/python" "$folder/llama"
