#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The main job with this backend, from the command line; run by with-engine.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
log=sqlite:$dir/log.db
n=0

run() {
  zuctl run --backend local-docker --image zu-test:1 --sink "$log" "$@" >"$dir/out" 2>"$dir/err"
  status=$?
}

# check NAME STATUS OUTPUT: what the last run gave.
check() {
  n=$((n + 1))
  if [ "$status" -eq "$2" ] && [ "$(cat "$dir/out")" = "$3" ]; then
    echo "ok $n - $1"
  else
    echo "not ok $n - $1"
    echo "# status $status: $(tr '\n' ' ' <"$dir/out") $(tr '\n' ' ' <"$dir/err")"
  fi
}

# says NAME PATTERN: what the last run said on stderr, or the log.
says() {
  n=$((n + 1))
  if grep -q -- "$2" "$3"; then echo "ok $n - $1"; else echo "not ok $n - $1: $(head -c 500 "$3")"; fi
}

echo 1..10
# shellcheck disable=SC2016
run -- sh -c 'echo "$FROM_IMAGE"; echo err >&2; exit 3'
check 'output and exit status' 3 yes
says 'errors apart' '^err$' "$dir/err"
zuctl log query "$log" --json >"$dir/events"
says 'the image that ran is in the log' '"image_id": *"sha256:[0-9a-f]*"' "$dir/events"
printf 'to be read' | zuctl run --backend local-docker --image zu-test:1 --sink "$log" -- cat >"$dir/out" 2>"$dir/err"
status=$?
check 'stdin' 0 'to be read'
run -- no-such-program
check 'not found' 127 ''
run -- /etc/text
check 'not executable' 126 ''
run --timeout 1 -- sleep 100
check 'past the timeout' 124 ''
zuctl run --backend local-docker --image not-there --sink "$log" -- true >"$dir/out" 2>"$dir/err"
status=$?
check 'no such image' 125 ''
says 'how to get it' 'pull' "$dir/err"
docker ps -aq >"$dir/out"
status=0
check 'nothing is left' 0 ''
