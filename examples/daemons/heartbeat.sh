#!/bin/sh
# Writes the time and a count into a file, every few seconds, so that others can see that the host lives.
#
#   heartbeat.sh FILE SECONDS
#
# A shell waits for the command in front before it looks at a signal. So the sleep runs in the background and
# the shell waits for that: the trap runs at once, and no sleep is left behind.

set -u

if [ $# -ne 2 ]; then
    echo "usage: heartbeat.sh FILE SECONDS" >&2
    exit 64
fi
file=$1
seconds=$2
nap=
count=0

finish() {
    [ -z "$nap" ] || kill "$nap" 2>/dev/null
    echo "heartbeat: ends after $count beats"
    exit 0
}
trap finish TERM INT
# SIGHUP ends the nap: the next beat comes at once.
trap '[ -z "$nap" ] || kill "$nap" 2>/dev/null' HUP

echo "heartbeat: pid $$ writes $file every $seconds seconds"
while :; do
    count=$((count + 1))
    # Beside the file, then renamed: whoever reads it never sees half a line.
    printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$count" >"$file.new" || exit 1
    mv -f "$file.new" "$file" || exit 1
    sleep "$seconds" &
    nap=$!
    wait "$nap"
    nap=
done
