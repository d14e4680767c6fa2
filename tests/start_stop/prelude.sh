# Runs before each scenario, as the first process of namespaces of its own, in an empty directory.
#
#   ssd ARGS...             the program under test; prints its stdout (`| line`), its exit code, and whether it said something on stderr.
#                           Numbers of processes that stand in a file NAME.pid are shown as <NAME>
#   as USER COMMAND...      the same as another user
#   err PATTERN             whether the last stderr has the pattern: `stderr says PATTERN: yes`
#   daemon NAME ARGS...     a copy of the probe called NAME, in the background; its number is $pid and stands in NAME.pid
#   twin NAME OTHER ARGS... another process of the same file; its number stands in OTHER.pid
#   daemon_of USER NAME ... a daemon of another user
#   seen                    waits for the report of a started probe (report=$D/seen) and prints it
#   started [NAME]          waits for the process that executes the probe (or NAME); its number is $pid and stands in NAME.pid
#   came, went              waits until some `probe` executes, until none does: what starts in the background isn't there at once
#   show FILE               what is there: kind, mode, owner, and whether its content is the number of NAME (`show FILE NAME`)
#   left                    the files that are there, besides those of these words
#   alive NAME, gone NAME   whether the process in NAME.pid runs; `gone` waits for its end
#   took MIN MAX            whether the last `ssd` took so many milliseconds
#   recorded FILE N         waits for N lines in the record of caught signals and prints them
#   zombie                  leaves a process that nobody waits for; its number stands in zombie.pid
#   strict                  from here on the drop-in is to be like the oracle in what is only a nuisance
#   perhaps FILE            waits a second for what other programs make, and shows what is there
#   accounts                users and groups of our own: worker (4001, with a home, in groups 4010 and 4011), lost (4002, whose
#                           home isn't there), plain (4003, no group but its own, which has no name)
#   jail                    a directory that the probe can run in as its root
D=$PWD; ours=$OURS; more=
unset OURS
export LC_ALL=C
umask 022
mount -t tmpfs -o mode=755 tmpfs /run
# No number of a process looks like a signal, a user or a timeout.
echo 20000 > /proc/sys/kernel/ns_last_pid
cp "$PROBE" probe
mkdir -m 1777 ready
now() { { read -r up _ < /proc/uptime; } 2> /dev/null || up=0.00; echo "${up%.*}${up#*.}0"; }
strict() { if [ -n "$ours" ]; then more='--compat strict'; fi; }
named() {
    set --
    for file in *.pid; do
        [ -f "$file" ] && read -r number rest < "$file" || continue
        case $number in ''|*[!0-9]*) continue ;; esac
        [ "$number" -gt 20000 ] && set -- "$@" -e "s/\b$number\b/<${file%.pid}>/g"
    done
    sed "$@" -e 's/^/| /'
}
said() {
    named < out
    if [ -s err ]; then echo "exit $code, and stderr"; else echo "exit $code"; fi
}
ssd() {
    begin=$(now)
    "$SSD" $more "$@" > out 2> err < /dev/null; code=$?
    end=$(now)
    said
}
as() {
    user=$1; shift
    if [ "$1" = ssd ]; then
        shift
        begin=$(now)
        setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$SSD" $more "$@" > out 2> err < /dev/null; code=$?
        end=$(now)
        said
    else
        setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$@"
    fi
}
err() { if grep -q -e "$1" err; then echo "stderr says $1: yes"; else echo "stderr says $1: no"; sed 's/^/  /' err >&2; fi; }
until_so() {
    n=0
    until eval "$1"; do n=$((n + 1)); [ $n -lt "${PATIENCE:-1500}" ] || { echo "TIMEOUT: $1"; return; }; sleep 0.01; done
}
is_ready() {
    echo "$pid" > "$1.pid"
    until_so "[ -e 'ready/$1' ]"
}
daemon() {
    name=$1; shift
    [ -e "$name" ] || cp "$PROBE" "$name"
    twin "$name" "$name" "$@"
}
twin() {
    file=$1; name=$2; shift 2
    rm -f "ready/$name"
    "./$file" sleep=60 "$@" "ready=$D/ready/$name" < /dev/null > /dev/null 2>&1 &
    pid=$!
    is_ready "$name"
}
daemon_of() {
    owner=$1; name=$2; shift 2
    cp "$PROBE" "$name"
    rm -f "ready/$name"
    setpriv --reuid "$owner" --regid "$(id -g "$owner")" --clear-groups "./$name" sleep=60 "$@" "ready=$D/ready/$name" \
        < /dev/null > /dev/null 2>&1 &
    pid=$!
    is_ready "$name"
}
seen() {
    until_so '[ -e seen ]'
    [ -e seen ] || return
    # One that doesn't sleep is waited for, so that the next one isn't found running already.
    grep -q ': sleep=' seen || until_so '[ -z "$(pidof "$D/probe")" ]'
    cat seen
    rm seen
}
perhaps() { for _ in 1 2 3 4 5 6 7 8 9 10; do [ -e "$1" ] || sleep 0.1; done; ls "$1" 2> /dev/null; }
started() {
    program=${1:-probe}
    until_so '[ -n "$(pidof "$D/$program")" ]'
    pid=$(pidof "$D/$program")
    echo "$pid" > "$program.pid"
}
show() {
    [ -e "$1" ] || { echo "$1: missing"; return; }
    text=$(cat "$1" 2>/dev/null)
    kind="$(stat -c '%F %a %U:%G' "$1")"
    if [ $# -gt 1 ]; then
        if [ "$text" = "$(cat "$2.pid" 2>/dev/null)" ]; then text="the number of $2"; else text="another number"; fi
    fi
    echo "$1: $kind [$text]"
}
left() {
    find . -mindepth 1 \( -name ready -prune \) -o ! -name out ! -name err ! -name probe ! -name '*.pid' -printf '%y %m %u:%g %P\n' | sort
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
recorded() {
    until_so "[ \"\$(wc -l < $1 2> /dev/null)\" -ge $2 ] 2> /dev/null"
    tr '\n' ' ' < "$1"; echo
}
zombie() {
    "$PROBE" "zombie=$D/zombie.pid" sleep=60 < /dev/null > /dev/null 2>&1 &
    until_so '[ -s zombie.pid ] && grep -q "^State:.*Z" /proc/$(cat zombie.pid)/status'
}
accounts() {
    mkdir -p home
    {
        cat /etc/passwd
        echo "worker:x:4001:4001::$D/home:/bin/sh"
        echo "lost:x:4002:4002::$D/nowhere:/bin/sh"
        echo "plain:x:4003:4003::/:/bin/sh"
    } > ready/passwd
    { cat /etc/group; echo "worker:x:4001:"; echo "lost:x:4002:"; echo "red:x:4010:worker"; echo "blue:x:4011:worker,lost"; } > ready/group
    mount --bind ready/passwd /etc/passwd
    mount --bind ready/group /etc/group
}
jail() {
    mkdir -p jail/usr jail/lib64 jail/lib jail/tmp jail/dev
    cp probe jail/probe
    : > jail/marker
    for lib in $(ldd probe | grep -o '/[^ ]*'); do mkdir -p "jail$(dirname "$lib")"; cp "$lib" "jail$lib"; done
}
# recycle NAME COMMAND...: starts the command under the number in NAME.pid, whose process has ended
recycle() {
    wanted=$(cat "$1.pid"); shift
    echo $((wanted - 1)) > /proc/sys/kernel/ns_last_pid
    "$@" < /dev/null > /dev/null 2>&1 &
    [ $! = "$wanted" ] || echo "RECYCLE: got $! and wanted $wanted"
}
