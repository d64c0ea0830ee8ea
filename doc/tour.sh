#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tour of ./dev run: each command is shown, then run. It leaves nothing behind.
set -eu

tour=$(mktemp -d)
trap 'stop_broker; rm -rf "$tour"' EXIT
export ZU_SINK="sqlite:$tour/events.db"
broker=
bus=

stop_broker() {
  [ -z "$broker" ] || { kill "$broker" && wait "$broker"; } 2>/dev/null || true
  [ -z "$bus" ] || kill "$bus" 2>/dev/null || true
}

bold=
plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$(printf '\033[1m')
  plain=$(printf '\033[0m')
fi

say() {
  printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# Shows a command as it would be typed, and runs it; says the exit status where it is not 0.
show() {
  printf '%s$ %s%s\n' "$bold" "$*" "$plain"
  status=0
  eval "$*" || status=$?
  [ "$status" -eq 0 ] || echo "(exit status $status)"
}

say '1. A command runs contained; its output comes as it is written.'
show "zuctl run -- sh -c 'for i in 1 2 3; do echo line \$i; sleep 0.2; done; id -u'"

say '2. The network is not there: nothing was allowed.'
show "zuctl run -- bash -c 'for i in 1 2 3; do echo line \$i; done; echo > /dev/tcp/192.0.2.1/80'"

say '3. A failing command: its exit status comes back.'
show "zuctl run -- sh -c 'echo something went wrong >&2; exit 7'"

say '4. What happened is in the log.'
show "zuctl log query \$ZU_SINK"

say '5. The log is whole.'
show "zuctl log verify \$ZU_SINK"

say '6. In a copy of it, one byte is changed with sqlite3; verify names the event.'
show "cp $tour/events.db $tour/copy.db"
show "sqlite3 $tour/copy.db \"UPDATE events SET data = CAST(replace(CAST(data AS TEXT), 'line', 'lime') AS BLOB) WHERE seq = 1\""
show "zuctl log verify sqlite:$tour/copy.db"

say '7. A token over D-Bus, from a broker whose secret is in another process.'
(umask 077 && head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$tour/secret")
dbus-daemon --session --fork --print-address=3 --print-pid=4 3>"$tour/address" 4>"$tour/pid"
DBUS_SESSION_BUS_ADDRESS=$(cat "$tour/address")
bus=$(cat "$tour/pid")
export DBUS_SESSION_BUS_ADDRESS
echo "\$ zu-brokerd --secret-fd 3 3<secret &"
zu-brokerd --secret-fd 3 3<"$tour/secret" &
broker=$!
gdbus wait --session --timeout 10 org.zu.Broker1
show "zuctl broker mint my-nonce"
show "zuctl broker introspect"
show "gdbus call --session --dest org.zu.Broker1 --object-path /org/zu/Broker1 --method org.zu.Broker1.Mint again"

# From a file: on grep's own command line it would be found.
found=$(grep -l -a -F -f "$tour/secret" /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null || true)
if [ -z "$found" ]; then
  echo "The secret stands in no /proc/*/environ and no /proc/*/cmdline."
else
  echo "The secret was found in: $found"
  exit 1
fi
