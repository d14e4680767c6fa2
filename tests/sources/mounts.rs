//! What is mounted over a place, under it, and away from it. In namespaces of their own: needs root.

use crate::both;
use crate::inside::inside;
use crate::support::Bench;
use crate::ward::{Way, given};

both!(
    something_is_mounted_over_the_directory,
    the_file_system_is_unmounted_under_us,
    a_file_is_mounted_over_a_document,
    the_lower_part_of_an_overlay_changes,
    a_file_server_answers_with_errors,
);

const PLACE: &str = r#"
place() {
    n=0
    until "$SELFSAME" status --output json > out 2>&1; grep -q "\"$1\"" out; do
        n=$((n + 1)); [ $n -lt 1200 ] || { cat out watch.log; fail "$1 awaited"; }; sleep 0.05
    done
}
"#;

/// A watch over `one` and `two`, which must both be the same processes at the end of the script.
fn watched(way: Way, more: &[&str], before: &str, during: &str) {
    let bench = Bench::new();
    for name in ["one", "two"] {
        bench.daemon(name, "args: [r0]");
    }
    let way = given(way, more).join(" ");
    let script = format!(
        r#"{PLACE}
{before}
"$SELFSAME" watch specs --prune-delay 0s {way} > watch.log 2>&1 & watch=$!
noted 2; place Listed
first=$(pid_of 1); second=$(pid_of 2)
{during}
lives $first || fail "the first was stopped"
lives $second || fail "the second was stopped"
kill $watch; wait $watch
done_ok
"#
    );
    inside(&bench, &script);
}

/// Nobody tells of it but the table of mounts.
fn something_is_mounted_over_the_directory(way: Way) {
    watched(
        way,
        &[],
        "",
        r#"
mount -t tmpfs none specs
place AnotherMount
sleep 2
place AnotherMount
umount specs
place Listed
[ "$(starts)" = 2 ] || fail "started $(starts) times"
"#,
    );
}

fn the_file_system_is_unmounted_under_us(way: Way) {
    watched(
        way,
        &[],
        r"
mkdir kept; mv specs/* kept
mount -t tmpfs -o mode=755 none specs; cp kept/* specs
",
        r#"
umount specs
place AnotherMount
mount -t tmpfs -o mode=755 none specs
cp kept/* specs
place Listed
[ "$(starts)" = 2 ] || fail "started $(starts) times"
"#,
    );
}

fn a_file_is_mounted_over_a_document(way: Way) {
    watched(
        way,
        &[],
        "",
        r#"
sed 's/name: one/name: three/; s/\[r0\]/[r4]/' specs/one.yaml > three.yaml
sed 's/\[r4\]/[r3]/' three.yaml > new; mv new specs/three.yaml
noted 3
mount --bind three.yaml specs/three.yaml
noted 4
grep -q 'one r4' starts || fail "the new content was not seen"
umount specs/three.yaml
noted 5
"#,
    );
}

/// As a change on the server of a network file system: nothing is told, a look sees it.
fn the_lower_part_of_an_overlay_changes(way: Way) {
    watched(
        way,
        &["--resync", "1s"],
        r"
mkdir layers; mount -t tmpfs -o mode=755 none layers; mkdir layers/lower layers/upper layers/work
mv specs/* layers/lower
mount -t overlay -o lowerdir=layers/lower,upperdir=layers/upper,workdir=layers/work none specs || { echo ok; exit 0; }
",
        r"
sed 's/name: one/name: three/; s/\[r0\]/[r1]/' layers/lower/one.yaml > layers/three.yaml
mv layers/three.yaml layers/lower/three.yaml
noted 3
",
    );
}

const FAILING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sources/failing.py");

/// ESTALE and EIO, of everything and of one file: what can't be read isn't gone.
fn a_file_server_answers_with_errors(way: Way) {
    let python = std::process::Command::new("python3").arg("--version").output();
    if !std::path::Path::new("/dev/fuse").exists() || python.is_err() {
        eprintln!("skipped: no file server can be made here (/dev/fuse, python3)");
        return;
    }
    watched(
        way,
        &[],
        &format!(
            r#"
mkdir kept; mv specs/* kept
python3 {FAILING} kept specs order > served 2>&1 & served=$!
n=0
until grep -q . served; do n=$((n + 1)); [ $n -lt 1200 ] || fail "no server"; sleep 0.05; done
grep -q mounted served || {{ cat served; echo "skipped: nothing of the kind can be mounted here"; echo ok; exit 0; }}
"#
        ),
        r#"
said() {
    n=0
    until grep -q "$1" watch.log; do n=$((n + 1)); [ $n -lt 1200 ] || { cat watch.log; fail "$1 awaited"; }; sleep 0.05; done
}
for error in 116 5; do
    echo $error > order.new; mv order.new order
    place SourceUnavailable
    sleep 1
    rm order
    place Listed
done
[ "$(starts)" = 2 ] || fail "started $(starts) times"
echo 5 one.yaml > order.new; mv order.new order
touch -d '2020-01-01' kept/one.yaml
said 'one.yaml. is not used'
lives $first && lives $second || fail "one was stopped for a file that can't be read"
rm order
sed 's/\[r0\]/[r1]/' kept/one.yaml > new; mv new kept/one.yaml
noted 3
# Which of the two was started first, chance decides.
first=$(sed -n 's/ one r1$//p' starts); second=$(sed -n 's/ two r0$//p' starts)
[ "$(starts)" = 3 ] || fail "started $(starts) times"
"#,
    );
}
