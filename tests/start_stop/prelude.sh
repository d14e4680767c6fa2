# Runs before each scenario, as the first process of namespaces of its own, in an empty directory.
#
#   ssd ARGS...         the program under test; prints its stdout (`| line`) and its exit code
#   as USER COMMAND...  the same as another user
#   err PATTERN         whether the last stderr has the pattern: `stderr says PATTERN: yes`
#   daemon NAME ARGS... a copy of the probe called NAME, in the background; its number is $pid and stands in NAME.pid
#   seen                waits for the report of a started probe (report=$D/seen) and prints it
#   show FILE           what is there: kind, mode, owner, and whether its content is the number of NAME (`show FILE NAME`)
#   alive NAME          whether the process in NAME.pid runs
#   came, went          waits until some `probe` executes, until none does: what starts in the background isn't there at once
#   took MIN MAX        whether the last `ssd` took so many milliseconds
#   zombie              leaves a process that nobody waits for; its number stands in zombie.pid
#   strict              from here on the drop-in is to be like the oracle in what is only a nuisance
D=$PWD; ours=$OURS; more=
unset OURS
export LC_ALL=C
umask 022
mount -t tmpfs -o mode=755 tmpfs /run
cp "$PROBE" probe
now() { read -r up _ < /proc/uptime; echo "${up%.*}${up#*.}0"; }
ssd() {
    begin=$(now)
    "$SSD" $more "$@" > out 2> err < /dev/null; code=$?
    end=$(now)
    sed 's/^/| /' out
    echo "exit $code"
}
as() {
    user=$1; shift
    if [ "$1" = ssd ]; then
        shift
        setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$SSD" $more "$@" > out 2> err < /dev/null; code=$?
        sed 's/^/| /' out
        echo "exit $code"
    else
        setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$@"
    fi
}
strict() { if [ -n "$ours" ]; then more='--compat strict'; fi; }
err() { if grep -q -e "$1" err; then echo "stderr says $1: yes"; else echo "stderr says $1: no"; sed 's/^/  /' err >&2; fi; }
until_so() {
    n=0
    until eval "$1"; do n=$((n + 1)); [ $n -lt 1000 ] || { echo "TIMEOUT: $1"; return; }; sleep 0.01; done
}
daemon() {
    name=$1; shift
    [ -e "$name" ] || cp "$PROBE" "$name"
    "./$name" sleep=60 "$@" < /dev/null > /dev/null 2>&1 &
    pid=$!
    echo "$pid" > "$name.pid"
    until_so '[ "$(readlink /proc/$pid/exe)" = "$D/$name" ]'
}
seen() { until_so '[ -e seen ]'; if [ -e seen ]; then cat seen; rm seen; fi; }
show() {
    [ -e "$1" ] || { echo "$1: missing"; return; }
    text=$(cat "$1" 2>/dev/null)
    kind="$(stat -c '%F %a %U:%G' "$1")"
    if [ $# -gt 1 ]; then
        if [ "$text" = "$(cat "$2.pid" 2>/dev/null)" ]; then text="the number of $2"; else text="another number"; fi
    fi
    echo "$1: $kind [$text]"
}
came() { until_so 'pidof probe > /dev/null'; }
went() { until_so '! pidof probe > /dev/null'; }
running() { [ -d "/proc/$1" ] && ! grep -q '^State:.*Z' "/proc/$1/status"; }
alive() { if running "$(cat "$1.pid")"; then echo "$1 runs"; else echo "$1 does not run"; fi; }
gone() { until_so "! running $(cat "$1.pid")"; alive "$1"; }
took() {
    ms=$((end - begin))
    if [ $ms -lt "$1" ]; then echo "took less than $1 ms"
    elif [ $ms -gt "$2" ]; then echo "took more than $2 ms"
    else echo "took $1 to $2 ms"; fi
}
zombie() {
    "$PROBE" "zombie=$D/zombie.pid" sleep=60 < /dev/null > /dev/null 2>&1 &
    until_so '[ -s zombie.pid ] && grep -q "^State:.*Z" /proc/$(cat zombie.pid)/status'
}
# recycle NAME COMMAND...: starts the command under the number in NAME.pid, whose process has ended
recycle() {
    wanted=$(cat "$1.pid"); shift
    echo $((wanted - 1)) > /proc/sys/kernel/ns_last_pid
    "$@" < /dev/null > /dev/null 2>&1 &
    [ $! = "$wanted" ] || echo "RECYCLE: got $! and wanted $wanted"
}
