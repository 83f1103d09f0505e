# shellcheck shell=bash
# Sourced by the check scripts: runs one step, says how long it took, and stops at the first that fails.
step() {
  local name=$1 began=${EPOCHREALTIME/[.,]/} status=0
  shift
  printf '── %s\n' "$name"
  "$@" || status=$?
  local took=$(((${EPOCHREALTIME/[.,]/} - began) / 100000))
  printf '%s %s: %d.%d s\n' "$([ $status -eq 0 ] && echo ✓ || echo ✗)" "$name" $((took / 10)) $((took % 10))
  [ $status -eq 0 ] || exit "$status"
}
