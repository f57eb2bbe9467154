#!/usr/bin/env bash
# Times training steps of this build and of another one, in turn, with nothing else running:
#   bench/inTurn.sh OTHER_CHECKOUT [ROUNDS] [options of bench/step.ts]
# Both are built. OTHER_ADDON names the other's compiled addon where its native sources are other ones.
set -euo pipefail
cd "$(dirname "$0")/.."
other=$(realpath "$1")
rounds=${2:-3}
for ((round = 1; round <= rounds; round++)); do
  printf 'this   '
  npx tsx bench/step.ts "${@:3}"
  printf 'other  '
  env ${OTHER_ADDON:+REDISTILL_ADDON="$OTHER_ADDON"} npx tsx bench/step.ts --dist "$other/dist" "${@:3}"
done
