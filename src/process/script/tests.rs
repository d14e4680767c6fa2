#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::facts::{MagicLink, RootLink};
use crate::process::testing::{Node, TestWorld, bytes, regular, words};

#[track_caller]
fn operand_is(family: &str, line: &str, expected: &str) {
    let argv: Vec<&str> = line.split(' ').map(|word| if word == "''" { "" } else { word }).collect();
    let found = match operand(family.as_bytes(), &argv) {
        Operand::Script { name, index } => {
            assert!(argv.get(index).is_some_and(|word| word.as_bytes().ends_with(&name)), "{line}");
            String::from_utf8(name).unwrap()
        }
        Operand::None => "-".into(),
        Operand::NoTable => "?".into(),
    };
    assert_eq!(found, expected, "{family}: {line}");
}

/// A single hyphen was taken for standard input in every interpreter, also where shells skip it; and standard input
/// behind `--` for a file.
#[test]
fn a_hyphen_ends_the_options_of_a_shell_and_is_standard_input_elsewhere() {
    for (family, line, expected) in [
        ("sh", "/bin/sh - /srv/s.sh", "/srv/s.sh"),
        ("bash", "bash -e - s.sh -x", "s.sh"),
        ("sh", "sh - -c", "-c"),
        ("sh", "sh -", "-"),
        ("python", "python3 - a.py", "-"),
        ("python", "python3 -u -- - a.py", "-"),
        ("perl", "perl -- -", "-"),
        ("php", "php -f -", "-"),
        ("awk", "awk --file=- data", "-"),
        ("awk", "awk --file= data", "-"),
    ] {
        operand_is(family, line, expected);
    }
}

#[test]
fn the_operand_is_found_behind_the_options_of_each_interpreter() {
    for (family, line, expected) in [
        ("python", "python3 a.py", "a.py"),
        ("python", "python3 -u -B a.py -x", "a.py"),
        ("python", "python3 -O /srv/a.py", "/srv/a.py"),
        ("python", "python3 -W ignore a.py", "a.py"),
        ("python", "python3 -Wignore a.py", "a.py"),
        ("python", "python3 -X dev a.py", "a.py"),
        ("python", "python3 -uX dev a.py", "a.py"),
        ("python", "python3 -m pdb a.py", "-"),
        ("python", "python3 -um http.server", "-"),
        ("python", "python3 -c pass a.py", "-"),
        ("python", "python3 -cpass a.py", "-"),
        ("python", "python3 - a.py", "-"),
        ("python", "python3", "-"),
        ("python", "python3 -- -a.py", "-a.py"),
        ("python", "python3 --check-hash-based-pycs always a.py", "a.py"),
        ("pypy", "pypy3 a.py", "a.py"),
        ("perl", "perl -w -T t.pl", "t.pl"),
        ("perl", "perl -I lib t.pl", "t.pl"),
        ("perl", "perl -Ilib -MFoo t.pl", "t.pl"),
        ("perl", "perl -e print", "-"),
        ("perl", "perl -ne print f", "-"),
        ("perl", "perl -i.bak t.pl", "t.pl"),
        ("perl", "perl -0777 t.pl", "t.pl"),
        ("perl", "perl -0777 -l012 t.pl", "t.pl"),
        ("perl", "perl -le print f", "-"),
        ("perl", "perl -0777ne print f", "-"),
        ("perl", "perl -l012ane print f", "-"),
        ("perl", "perl -0xAne print f", "-"),
        ("ruby", "ruby -I lib -r set a.rb", "a.rb"),
        ("ruby", "ruby -W0 a.rb", "a.rb"),
        ("ruby", "ruby -e puts", "-"),
        ("ruby", "ruby -0777ne puts f", "-"),
        ("ruby", "ruby --disable gems a.rb", "a.rb"),
        ("ruby", "ruby --encoding utf-8 a.rb", "a.rb"),
        ("node", "node a.js --port 1", "a.js"),
        ("node", "node --require x a.js", "a.js"),
        ("node", "node --inspect=9229 -r x a.js", "a.js"),
        ("node", "node --unhandled-rejections strict --no-warnings a.js", "a.js"),
        ("node", "node -e 1", "-"),
        ("node", "node --eval=1 a.js", "-"),
        ("node", "node -pe 1", "-"),
        ("sh", "sh -e s.sh", "s.sh"),
        ("bash", "bash -euo pipefail s.sh", "s.sh"),
        ("bash", "bash +x s.sh", "s.sh"),
        ("bash", "bash --rcfile r s.sh", "s.sh"),
        ("bash", "bash --norc s.sh", "s.sh"),
        ("dash", "sh -c ls", "-"),
        ("dash", "sh -ec ls", "-"),
        ("bash", "-bash", "-"),
        ("bash", "bash -s a", "-"),
        ("zsh", "zsh s.zsh", "s.zsh"),
        ("php", "php -c ini -d a=1 a.php", "a.php"),
        ("php", "php -f a.php", "a.php"),
        ("php", "php --file=a.php", "a.php"),
        ("php", "php -r 1 a.php", "-"),
        ("php", "php -S 0:80 a.php", "-"),
        ("java", "java -Xmx1g -jar a.jar x", "a.jar"),
        ("java", "java -cp a.jar Main", "-"),
        ("java", "java -cp lib A.java", "A.java"),
        ("java", "java --module-path p --module m/C", "-"),
        ("java", "java --class-path=x A.java", "A.java"),
        ("lua", "lua -l set a.lua", "a.lua"),
        ("lua", "lua -e x=1 a.lua", "a.lua"),
        ("lua", "lua -", "-"),
        ("luajit", "luajit -O2 a.lua", "a.lua"),
        ("tclsh", "tclsh8.6 t.tcl x", "t.tcl"),
        ("tclsh", "tclsh -encoding utf-8 t.tcl", "t.tcl"),
        ("expect", "expect -f e.exp", "e.exp"),
        ("Rscript", "Rscript --vanilla a.R", "a.R"),
        ("R", "R --no-echo --no-restore --file=a.R --args 1", "a.R"),
        ("R", "R -f a.R", "a.R"),
        ("R", "R a.R", "-"),
        ("gawk", "gawk -F : -f a.awk x", "a.awk"),
        ("gawk", "gawk 1 x", "-"),
        ("gawk", "gawk -E a.awk x", "a.awk"),
        ("gawk", "gawk -dfile 1 x", "-"),
        ("busybox", "sh s.sh", "s.sh"),
        ("busybox", "busybox sh s.sh", "s.sh"),
        ("busybox", "httpd -f", "-"),
        ("nginx", "nginx -g x", "?"),
        ("python", "python3 ''", "-"),
    ] {
        operand_is(family, line, expected);
    }
}

proptest::proptest! {
    #![proptest_config(crate::regressions::config())]

    #[test]
    fn no_argv_panics(argv in proptest::collection::vec("[-+=a-z]{0,6}", 0..6), at in 0usize..8) {
        let families = ["python", "perl", "node", "sh", "php", "java", "R", "busybox"];
        let _ = operand(families.get(at).unwrap().as_bytes(), &argv);
    }
}

fn shown(world: &TestWorld) -> String {
    match script(world, Pid(600)) {
        Fact::Known(file) => paths::show(&file.real),
        Fact::Absent => "-".into(),
        Fact::Unknown(reason) => format!("?{}", reason.why),
    }
}

#[test]
fn the_script_shows_in_execfn_or_in_argv() {
    let py = "/usr/bin/python3.11";
    for (case, exe, argv, execfn, expected) in [
        ("direct", py, &["/usr/bin/python3", "/srv/a.py"][..], "/srv/a.py", "/srv/a.py"),
        ("relative", py, &["/usr/bin/python3", "./a.py"], "./a.py", "/srv/a.py"),
        ("link", py, &["/usr/bin/python3", "./link.py"], "./link.py", "/srv/a.py"),
        ("env", py, &["python3", "/srv/e.py"], "/usr/bin/python3", "/srv/e.py"),
        ("env -S", py, &["python3", "-u", "-B", "/srv/e.py"], "/usr/bin/python3", "/srv/e.py"),
        ("perl", "/usr/bin/perl", &["/usr/bin/perl", "-w -T", "/srv/t.pl"], "/srv/t.pl", "/srv/t.pl"),
        ("by the shell", "/usr/bin/dash", &["sh", "/srv/s.sh"], "/usr/bin/sh", "/srv/s.sh"),
        ("module", py, &["python3", "-m", "http.server"], "/usr/bin/python3", "-"),
        ("code", py, &["python3", "-c", "pass"], "/usr/bin/python3", "-"),
        ("fexecve", py, &["/usr/bin/python3", "/dev/fd/3"], "/dev/fd/3", "-"),
        ("native", "/usr/sbin/nginx", &["nginx", "/srv/a.py"], "/usr/sbin/nginx", "-"),
        ("gone", py, &["python3", "gone.py"], "/usr/bin/python3", "?unresolved"),
        ("title over argv, execfn says", py, &["gunicorn: master [x]"], "/srv/a.py", "/srv/a.py"),
        ("title over argv, env", py, &["gunicorn: master [x]"], "/usr/bin/python3", "?unresolved"),
    ] {
        let mut world = TestWorld::new();
        world.link("/srv/link.py", "a.py");
        world.start_script(600, 1, exe, argv, execfn).cwd =
            Fact::Known(MagicLink { text: bytes("/srv"), dev: 1, ino: 9 });
        assert_eq!(shown(&world), expected, "{case}");
    }
}

#[test]
fn names_are_those_of_the_processes_own_root() {
    let mut world = TestWorld::new();
    let inner = Node::File(regular("/app/a.py", 77), Fact::Known(bytes("#!/usr/bin/python3\n")));
    world.inner.insert(600, [("/app/a.py".into(), inner)].into());
    let proc = world.start_script(600, 1, "/usr/bin/python3.11", &["python3", "a.py"], "/usr/bin/python3");
    proc.root = Fact::Known(RootLink { text: bytes("/jail"), dev: 1, ino: 70, same: false });
    proc.cwd = Fact::Known(MagicLink { text: bytes("/jail/app"), dev: 1, ino: 71 });
    assert_eq!(shown(&world), "/app/a.py");
    world.procs.get_mut(&600).unwrap().arguments = Fact::Known(words(&["python3", "/srv/a.py"]));
    assert_eq!(shown(&world), "?unresolved");
}

#[test]
fn a_zombie_has_no_script_and_a_denied_one_is_unknown() {
    let mut world = TestWorld::new();
    world.start(600, 1, "/usr/bin/python3.11", &[]).exe = Fact::Absent;
    assert_eq!(shown(&world), "-");
    world.procs.get_mut(&600).unwrap().exe = Fact::unknown(Why::Denied);
    assert_eq!(shown(&world), "?denied");
}
