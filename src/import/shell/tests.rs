//! What the machine makes of scripts: a script, what stands beside it, and the calls that come out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use super::{Call, Machine, Ran};
use crate::import::Request;
use crate::import::files::Memory;

fn ran(script: &str) -> Ran {
    let files = Memory::new([
        ("/etc/default/x", "FROM_FILE='a b'\nDAEMON=/usr/sbin/x\n"),
        ("/etc/returns", "BEFORE=1\nreturn 0\nBEFORE=2\n"),
        ("/etc/broken", "if true; then\n"),
        ("/usr/bin/tool*", "x"),
    ]);
    let request = Request { set: vec![("GIVEN".to_owned(), "given".to_owned())] };
    let mut machine = Machine::new("/etc/init.d/x", &files, &request).with_parameters(&["start"]);
    machine.run_text("/etc/init.d/x", script);
    machine.finish()
}

fn shown(call: &Call) -> String {
    let words: Vec<String> = call.words.iter().map(|word| format!("<{}>", word.shown())).collect();
    words.concat()
}

/// The calls of `run`: each in a line, `?` before those of which it isn't known whether they are made.
fn calls(script: &str) -> String {
    let lines: Vec<String> = ran(script)
        .calls
        .iter()
        .filter(|call| call.words.first().and_then(super::Value::known) == Some("run"))
        .map(|call| {
            format!("{}{}", if call.unsure { "?" } else { "" }, shown(call).trim_start_matches("<run>"))
        })
        .collect();
    lines.join(" | ")
}

#[test]
fn words_are_expanded_as_a_shell_does() {
    let mut wrong = Vec::new();
    for (script, expected) in [
        ("run a 'b c' \"d e\" f\\ g", "<a><b c><d e><f g>"),
        ("A='1  2'; run $A \"$A\" x$A", "<1><2><1  2><x1><2>"),
        ("run $UNSET \"$UNSET\" ''", "<><>"),
        ("A=; run ${A:-d} ${A-e} ${B-f} ${B:-g h} \"${B:-i j}\"", "<d><f><g><h><i j>"),
        ("A=x; run ${A:+--a \"$A b\"} ${B:+no}", "<--a><x b>"),
        ("run ${A:=v w} \"$A\"", "<v><w><v w>"),
        (
            "D=/usr/sbin/cron; run ${D##*/} ${D#/usr} ${D%/*} ${D%%/s*} ${#D}",
            "<cron></sbin/cron></usr/sbin></usr><14>",
        ),
        ("P='*'; run ${P%\"*\"}x", "<x>"),
        ("run `basename /a/b.sh .sh` $(dirname /a/b) $(basename $0)", "<b></a><x>"),
        ("run \"$(echo one two)\" $(echo -n three)", "<one two><three>"),
        ("f() { echo \"$1-$2\"; }; run $(f a b)", "<a-b>"),
        ("run $(which tool) $(command -v tool)", "</usr/bin/tool></usr/bin/tool>"),
        ("set -- a 'b c'; run $# \"$@\" $2 \"$*\"", "<2><a><b c><b><c><a b c>"),
        ("run \"$1\" $0 ${1}x", "<start></etc/init.d/x><startx>"),
        ("A=1 B=$A; run $A$B", "<11>"),
        ("A=a; A=\"$A b\"; A+=' c'; run $A", "<a><b><c>"),
        ("run \\$HOME '$HOME' \"\\$x \\\\ \\a\"", "<$HOME><$HOME><$x \\ \\a>"),
        ("run a \\\n  b # c\nrun d;run e", "<a><b> | <d> | <e>"),
        ("cat <<EOF\nrun no $(run no)\nEOF\nrun yes", "<yes>"),
        ("run $GIVEN 2>/dev/null >x <y 3>&1", "<given>"),
        ("run $'a\\tb' {a}", "<a\tb><{a}>"),
        ("run \"${A:-\"x y\"}\" ${B:-'$z'}", "<x y><$z>"),
        ("run $((3)) a=b -x=$GIVEN", "<3><a=b><-x=given>"),
    ] {
        wrong.extend(
            (calls(script) != expected).then(|| format!("{script}\n  {}\n  {expected}", calls(script))),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn commands_follow_each_other_as_in_a_shell() {
    let mut wrong = Vec::new();
    for (script, expected) in [
        ("true && : || run b; run a", "<a>"),
        ("false && run a || run b", "<b>"),
        ("if [ -z \"$N\" ]; then run a; else run b; fi", "<a>"),
        ("if false; then run a; elif [ 1 -lt 2 ]; then run b; else run c; fi", "<b>"),
        ("if ! true; then run a; else run b; fi", "<b>"),
        ("case $1 in stop) run a;; st*|x) run b;; *) run c;; esac", "<b>"),
        ("case \"a b\" in 'a b') run yes;; esac", "<yes>"),
        ("for i in 1 2 3; do run $i; done", "<1> | <2> | <3>"),
        ("for i in 1 2 3; do [ $i = 2 ] && break; run $i; done", "<1>"),
        ("for i in 1 2 3; do [ $i = 2 ] && continue; [ $i = 4 ] && break; run $i; done", "<1> | <3>"),
        ("for i in 1 2 3; do [ $i = 2 ] && continue; [ $i = 3 ] && break; run $i; done", "<1>"),
        ("f() { run $1; return 0; run no; }; f a; f b", "<a> | <b>"),
        ("f() { local A=in; run $A; }; A=out; f; run $GIVEN", "<in> | <given>"),
        ("function g { run a; }\ng", "<a>"),
        ("( A=in; run $A ); run x$A", "<in> | <x>"),
        ("{ run a; run b; } >/dev/null 2>&1", "<a> | <b>"),
        ("exit 0; run no", ""),
        ("(exit 1); run a", "<a>"),
        ("exec run a; run no", "<a>"),
        ("exec 2>&1; run a", "<a>"),
        ("eval \"run $GIVEN\"; eval A=1; run $A", "<given> | <1>"),
        (". /etc/default/x; run $FROM_FILE $DAEMON", "<a><b></usr/sbin/x>"),
        ("[ -r /etc/default/x ] && . /etc/default/x; run $DAEMON", "</usr/sbin/x>"),
        ("[ -f /etc/none ] && . /etc/none; run x$DAEMON", "<x>"),
        (". /etc/returns; run $BEFORE", "<1>"),
        (". /lib/lsb/init-functions; log_daemon_msg x || run no; run a", "<a>"),
        ("test \"$1\" = start -a -n x || exit; run a", "<a>"),
        ("[ ! -e /etc/none -o x = y ] && run a", "<a>"),
        ("[[ $1 == start && -n x ]] && run a", "<a>"),
        ("A=1; export A; unset A; run x$A", "<x>"),
        ("shift; run $#", "<0>"),
        ("type nothing || run a", "<a>"),
        ("run a & run b", "<a> | <b>"),
    ] {
        wrong.extend(
            (calls(script) != expected).then(|| format!("{script}\n  {}\n  {expected}", calls(script))),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_not_known_goes_both_ways() {
    let mut wrong = Vec::new();
    for (script, expected) in [
        ("if grep x /y; then A=1; else A=2; fi; run $A b", "<$A><b>"),
        ("if grep x /y; then A=1; else A=1; fi; run $A", "<1>"),
        ("grep x /y && run a; run b", "?<a> | <b>"),
        ("grep x /y || exit 1; run a", "<a>"),
        ("if grep x /y; then exit 0; fi; run a", "<a>"),
        ("if grep x /y; then exit 0; else exit 1; fi; run a", ""),
        ("f() { grep x /y && return 1; A=1; }; f; run x$A", "<x$A>"),
        ("case $(uname) in L*) run a;; *) run b;; esac", "?<a> | ?<b>"),
        ("while read L; do A=$L; run $A; done; run $A", "?<$L> | <$A>"),
        ("A=0; while [ $A != 9 ]; do A=$((A + 1)); done; run $A", "<$A>"),
        ("for f in /etc/x/*.conf; do run $f; done", "?<$f>"),
        ("run $(hostname) a$(hostname)b `uname -r`", "<$(hostname)><a$(hostname)b><`uname -r`>"),
        ("run $(hostname | cut -d. -f1)", "<$(hostname | cut -d. -f1)>"),
        ("run $HOME ~/x ${HOME:-y}", "<$HOME><~/x><${HOME:-y}>"),
        ("run /etc/*.d a{b,c}", "</etc/*.d><a{b,c}>"),
        ("A=(1 2); run $A", "<$A>"),
        ("run ${A/b/c} $((1 + 2))", "<${A/b/c}><$((1 + 2))>"),
        ("A=$(hostname); run ${A:-x} ${A%%.*}", "<${A:-x}><${A%%.*}>"),
        ("[ -x /usr/sbin/gone ] || exit 0; run a", "<a>"),
        ("[ -e /run/x.pid ] && run a; run b", "?<a> | <b>"),
        ("if [ \"$(id -u)\" = 0 ]; then run a; fi", "?<a>"),
    ] {
        wrong.extend(
            (calls(script) != expected).then(|| format!("{script}\n  {}\n  {expected}", calls(script))),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn doubts_name_the_place_where_they_began() {
    let ran = ran("A=1\nB=$(hostname)\nrun $B\n");
    let call = ran.calls.iter().find(|call| call.place.line == 3).unwrap();
    let doubt = call.words[1].first_doubt().unwrap();
    assert_eq!((doubt.place.line, doubt.text.as_str()), (2, "$(hostname)"));
}

#[test]
fn what_a_call_has_around_it_is_noted() {
    let ran = ran("umask 027\nulimit -n 99\ncd /srv\nexport A=1\nB=2\nC=3 run x > y\n");
    let call = ran.calls.last().unwrap();
    let environment: Vec<String> =
        call.environment.iter().map(|(name, value)| format!("{name}={}", value.shown())).collect();
    assert_eq!(environment, ["A=1", "C=3"]);
    assert_eq!(call.umask.as_ref().and_then(super::Value::known), Some("027"));
    assert_eq!(call.directory.as_ref().and_then(super::Value::known), Some("/srv"));
    assert_eq!(call.limits.get("n").and_then(super::Value::known), Some("99"));
    assert!(call.streams.len() == 1 && !call.background && !call.replaces);
}

#[test]
fn what_no_shell_would_read_is_refused_with_its_line() {
    for (script, line) in [
        ("a\nb 'c", 2),
        ("\"", 1),
        ("if true; then\na", 2),
        ("case x in\na) b", 2),
        ("f() {\n", 2),
        ("echo $(a", 1),
        ("echo `a", 1),
        ("echo ${a", 1),
        ("a\n)\n", 2),
        ("fi", 1),
        ("for in do; done", 1),
    ] {
        let wrong = super::parse(script).expect_err(script);
        assert_eq!(wrong.line, line, "{script}: {}", wrong.message);
    }
    assert!(super::parse(&"(".repeat(5_000)).is_err());
    assert!(super::parse(&"$(".repeat(5_000)).is_err());
    assert!(super::parse(&"{ ".repeat(5_000)).is_err());
}

#[test]
fn files_that_can_not_be_followed_are_said() {
    let notes = |script: &str| ran(script).notes.iter().map(|note| note.text.clone()).collect::<Vec<_>>();
    assert!(notes(". /etc/broken")[0].contains("can't be read"));
    assert!(notes(". $(which x)")[0].contains("which file isn't known"));
    assert!(notes("eval $(ssh-agent)")[0].contains("isn't known"));
    assert!(notes(". /etc/none")[0].contains("does not exist"));
    assert!(notes(". relative")[0].contains("not an absolute path"));
}

#[test]
fn scripts_without_an_end_end() {
    for script in [
        "f() { f; f; }; f",
        "f() { grep x /y && f; grep x /y && f; }; f",
        "A=x; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do A=$A$A; done; run $A",
        "while true; do run a; done",
        "eval 'eval \"$0\"'",
    ] {
        let _ = ran(script);
    }
}
