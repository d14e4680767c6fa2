#!/bin/sh
# The story that started selfsame, to be watched on a Debian host. Needs no root, leaves nothing behind.
#
#   examples/stories/second-copy.sh [path of the selfsame program]
#
# First half: start-stop-daemon is told twice to start a daemon that is a script. With --exec it compares
# /proc/PID/exe, which names the interpreter, concludes that the daemon isn't running, and starts another.
# Second half: selfsame is told twice to apply a spec for the same script.

set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
daemon=$here/daemons/heartbeat.sh
selfsame=${1:-$here/../target/release/selfsame}
# mktemp's name is part of every argument list below: nobody else's process has it.
scene=$(mktemp -d)

# PIDs of the heartbeats of this scene, one a line. procps isn't part of a bare Debian, so /proc is read.
copies() {
    for entry in /proc/[0-9]*; do
        line=$(tr '\0' ' ' 2>/dev/null <"$entry/cmdline") || continue
        case $line in
            *"$daemon $scene/"*) [ "${entry#/proc/}" = "$$" ] || echo "${entry#/proc/}" ;;
        esac
    done
}

end_scene() {
    for pid in $(copies); do kill "$pid" 2>/dev/null || true; done
    tries=0
    while [ -n "$(copies)" ] && [ "$tries" -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
}
trap 'end_scene; rm -rf "$scene"' EXIT

if command -v start-stop-daemon >/dev/null 2>&1 || [ -x /usr/sbin/start-stop-daemon ]; then
    PATH=$PATH:/usr/sbin:/sbin
    echo "== start-stop-daemon --start --exec $(basename "$daemon"), twice"
    for _ in 1 2; do
        start-stop-daemon --start --background --exec "$daemon" -- "$scene/beat" 60
        sleep 0.5
        for pid in $(copies); do echo "   pid $pid, exe $(readlink "/proc/$pid/exe")"; done
        echo "   --"
    done
    end_scene
else
    echo "== no start-stop-daemon on this host, so the first half is left out"
fi

if [ ! -x "$selfsame" ]; then
    echo "== no selfsame at $selfsame: build it with cargo build --release for the second half"
    exit 0
fi

mkdir "$scene/specs" "$scene/state"
cat >"$scene/specs/beat.yaml" <<END
apiVersion: selfsame/v1
kind: Service
metadata: {name: beat}
spec:
  startas: $daemon
  args: ["$scene/beat", "60"]
  readiness: {aliveFor: 200ms}
END
echo "== selfsame apply, twice"
for _ in 1 2; do
    "$selfsame" --state-dir "$scene/state" apply "$scene/specs" | sed 's/^/   /'
    for pid in $(copies); do echo "   pid $pid, exe $(readlink "/proc/$pid/exe")"; done
    echo "   --"
done
