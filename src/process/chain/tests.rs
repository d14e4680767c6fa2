#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use crate::facts::{Binfmt, BinfmtMatch};
use crate::process::testing::{Node, TestWorld, bytes};

fn around(directory: Option<&str>, path: Option<&str>) -> Surroundings {
    Surroundings { working_directory: directory.map(bytes), path: path.map(bytes) }
}

fn world() -> TestWorld {
    let mut world = TestWorld::new();
    world.elf("/opt/py/bin/python3.9");
    world.link("/opt/py/bin/python3", "python3.9");
    world.script("/opt/shims/python3", "#!/bin/bash\n");
    world.elf("/opt/noexec/python3").mode = 0o644;
    world.elf("/srv/bin/tool");
    world
}

/// Image as its path, `~family` or `!reason`; then the words of argv.
fn shown(chain: &Chain) -> String {
    let text = |words: &[u8]| paths::show(words);
    let program = match &chain.program {
        Program::Image(facts) => text(&facts.real),
        Program::Family(family) => format!("~{}", text(family)),
        Program::Unresolved(reason, _) => format!("!{reason}"),
    };
    let argv: Vec<String> =
        chain.argv0.iter().chain(&chain.words).map(|word| format!("[{}]", text(word))).collect();
    format!("{program} {}", argv.join("")).trim_end().into()
}

#[track_caller]
fn check(head: &str, expected: &str) {
    check_in(&around(None, None), head, expected);
}

#[track_caller]
fn check_in(around: &Surroundings, head: &str, expected: &str) {
    let mut world = world();
    world.script("/srv/p", head);
    let found = shown(&resolve(&world, b"/srv/p", around));
    if let Some(part) = expected.strip_prefix('!') {
        assert!(found.starts_with('!') && found.contains(part), "{head:?}: {found}");
    } else {
        assert_eq!(found, expected, "{head:?}");
    }
}

#[test]
fn an_elf_file_is_its_own_image() {
    let world = world();
    let chain = resolve(&world, b"/usr/bin/python3", &around(None, None));
    assert_eq!(shown(&chain), "/usr/bin/python3.11");
    assert!(!chain.script);
    assert_eq!(chain.argv0, None);
}

#[test]
fn a_shebang_line_is_read_as_the_kernel_does() {
    check("#!/usr/bin/python3\n", "/usr/bin/python3.11 [/usr/bin/python3]");
    check("#! /usr/bin/python3", "/usr/bin/python3.11 [/usr/bin/python3]");
    check("#!/usr/bin/perl -w -T \n", "/usr/bin/perl [/usr/bin/perl][-w -T]");
    check("#!\t/bin/sh\t-e\t\n", "/usr/bin/dash [/bin/sh][-e]");
    check("#!/bin/sh\r\n", "!`/bin/sh\\r` does not exist");
    check("\u{feff}#!/bin/sh\n", "!neither an ELF image nor begins with `#!`");
    check("echo hello\n", "!add a `#!` line");
    check("", "!neither an ELF image");
    check("#!\n", "!is empty");
    check("#!   \n", "!is empty");
    check(&format!("#!/{}", "a".repeat(300)), "!256 bytes");
    check("#!/no/such\n", "!`/no/such` does not exist");
    check("#!/srv\n", "!not a regular file");
    check("#!/usr/bin/busybox sh\n", "/usr/bin/busybox [/usr/bin/busybox][sh]");
}

#[test]
fn a_relative_interpreter_is_taken_from_the_working_directory() {
    check("#!bin/tool\n", "!set `workingDirectory`");
    check_in(&around(Some("/srv"), None), "#!bin/tool -x\n", "/srv/bin/tool [bin/tool][-x]");
    check_in(&around(Some("/"), None), "#!bin/tool\n", "!`/bin/tool` does not exist");
    check_in(&around(Some("/usr/bin"), None), "#!python3\n", "/usr/bin/python3.11 [python3]");
}

#[test]
fn five_scripts_in_a_row_work_and_the_sixth_does_not() {
    let mut world = world();
    world.script("/srv/1", "#!/usr/bin/python3 -u\n");
    for level in 2..=6 {
        world.script(&format!("/srv/{level}"), &format!("#!/srv/{} a{level}\n", level - 1));
    }
    let nothing = around(None, None);
    assert_eq!(
        shown(&resolve(&world, b"/srv/3", &nothing)),
        "/usr/bin/python3.11 [/usr/bin/python3][-u][/srv/1][a2][/srv/2][a3]"
    );
    assert!(shown(&resolve(&world, b"/srv/5", &nothing)).starts_with("/usr/bin/python3.11 "));
    assert!(shown(&resolve(&world, b"/srv/6", &nothing)).contains("ELOOP"));
    world.script("/srv/self", "#!/srv/self\n");
    assert!(shown(&resolve(&world, b"/srv/self", &nothing)).contains("ELOOP"));
}

#[test]
fn env_finds_its_program_in_the_path_of_the_spec() {
    check("#!/usr/bin/env python3\n", "/usr/bin/python3.11 [python3]");
    check("#!/usr/bin/env -S python3 -u -B\n", "/usr/bin/python3.11 [python3][-u][-B]");
    check("#!/usr/bin/env --split-string=python3 -u\n", "/usr/bin/python3.11 [python3][-u]");
    check("#!/usr/bin/env -vS python3 -u\n", "/usr/bin/python3.11 [python3][-u]");
    check("#!/usr/bin/env -iS python3 -u\n", "/usr/bin/python3.11 [python3][-u]");
    check("#!/usr/bin/env -S -i PATH=/opt/py/bin python3 x\n", "/opt/py/bin/python3.9 [python3][x]");
    check("#!/usr/bin/env -S PATH=/opt/py/bin:${PATH} python3\n", "/opt/py/bin/python3.9 [python3]");
    check("#!/usr/bin/env -S -u PATH python3\n", "/usr/bin/python3.11 [python3]");
    check("#!/usr/bin/env -S -uPATH -C / -- python3\n", "/usr/bin/python3.11 [python3]");
    check("#!/usr/bin/env -S A=1 B=2 python3 A=3\n", "/usr/bin/python3.11 [python3][A=3]");
    check("#!/usr/bin/env -S -C /srv bin/tool\n", "/srv/bin/tool [bin/tool]");
    check("#!/usr/bin/env -S --chdir=/srv --unset=X - ./bin/tool\n", "/srv/bin/tool [./bin/tool]");
    check("#!/usr/bin/env -S 'python3' \"-u\" a\\_b\n", "/usr/bin/python3.11 [python3][-u][a][b]");
    check("#!/usr/bin/env /usr/bin/perl\n", "/usr/bin/perl [/usr/bin/perl]");
    check("#!/usr/bin/env -S python3 # comment\n", "/usr/bin/python3.11 [python3]");
    check_in(
        &around(None, Some("/opt/py/bin:/usr/bin")),
        "#!/usr/bin/env python3\n",
        "/opt/py/bin/python3.9 [python3]",
    );
    check_in(
        &around(Some("/usr/bin"), Some(":/opt/py/bin")),
        "#!/usr/bin/env python3\n",
        "/usr/bin/python3.11 [python3]",
    );
    check_in(
        &around(None, Some("/opt/noexec:/opt/py/bin")),
        "#!/usr/bin/env python3\n",
        "/opt/py/bin/python3.9 [python3]",
    );
}

#[test]
fn what_env_can_not_run_is_unresolved() {
    check("#!/usr/bin/env python3 -u\n", "!`python3 -u` is not found");
    check("#!/usr/bin/env no-such\n", "!set PATH in the environment");
    check("#!/usr/bin/env\n", "!without end");
    check("#!/usr/bin/env A=1\n", "!without end");
    check("#!/usr/bin/env -i\n", "!without end");
    check("#!/usr/bin/env -i python3\n", "!write `env -S`");
    check("#!/usr/bin/env -S ${HOME}/python3\n", "!variable `HOME`");
    check("#!/usr/bin/env -S $HOME/python3\n", "!`${NAME}`");
    check("#!/usr/bin/env -S 'python3\n", "!not closed");
    check("#!/usr/bin/env -S --frobnicate python3\n", "!`--frobnicate`");
    check("#!/usr/bin/env -S -u\n", "!lacks its value");
    check_in(&around(None, Some("/nowhere")), "#!/usr/bin/env python3\n", "!PATH `/nowhere`");
}

#[test]
fn a_shim_is_known_by_its_family_only() {
    check_in(
        &around(None, Some("/opt/shims:/usr/bin")),
        "#!/usr/bin/env -S python3 -u\n",
        "~python [python3][-u]",
    );
    let mut world = world();
    world.script("/srv/p", "#!/usr/bin/env python3\n");
    let chain = resolve(&world, b"/srv/p", &around(None, Some("/opt/shims")));
    assert!(matches!(chain.image(), Fact::Unknown(reason) if reason.why == Why::Unresolved));
    assert_eq!(chain.family(), Some(&b"python"[..]));
}

#[test]
fn env_of_a_multi_call_program_is_env() {
    let mut world = world();
    world.link("/usr/local/env", "/usr/bin/busybox");
    world.script("/srv/p", "#!/usr/local/env python3\n");
    assert_eq!(shown(&resolve(&world, b"/srv/p", &around(None, None))), "/usr/bin/python3.11 [python3]");
    world.script("/srv/wrapped", "#!/srv/p arg\n");
    let nested = shown(&resolve(&world, b"/srv/wrapped", &around(None, None)));
    assert_eq!(nested, "/usr/bin/python3.11 [python3][/srv/p][arg]");
}

#[test]
fn binfmt_misc_comes_first() {
    let magic = |magic: &[u8], mask: Option<&[u8]>, offset| BinfmtMatch::Magic {
        offset,
        magic: magic.to_vec(),
        mask: mask.map_or_else(|| vec![0xff; magic.len()], <[u8]>::to_vec),
    };
    let entry = |matches, interpreter: &str| Binfmt {
        matches,
        interpreter: bytes(interpreter),
        flags: String::new(),
    };
    for (entry, expected) in [
        (entry(magic(b"\x7fELF\x02", None, 0), "/usr/bin/perl"), "/usr/bin/perl [/usr/bin/perl]"),
        (entry(magic(b"ELF\x02", None, 1), "/usr/bin/perl"), "/usr/bin/perl [/usr/bin/perl]"),
        (
            entry(magic(b"\x7fELF\x03", Some(b"\xff\xff\xff\xff\xfe"), 0), "/usr/bin/perl"),
            "/usr/bin/perl [/usr/bin/perl]",
        ),
        (entry(magic(b"MZ", None, 0), "/usr/bin/perl"), "/srv/app.exe"),
        (entry(BinfmtMatch::Extension(b"exe".to_vec()), "/usr/bin/perl"), "/usr/bin/perl [/usr/bin/perl]"),
        (entry(BinfmtMatch::Extension(b"xe".to_vec()), "/usr/bin/perl"), "/srv/app.exe"),
    ] {
        let mut world = world();
        world.elf("/srv/app.exe");
        world.script("/usr/bin/perl", "\u{7f}ELF\u{1}");
        world.binfmt = Fact::Known(vec![entry.clone()]);
        assert_eq!(shown(&resolve(&world, b"/srv/app.exe", &around(None, None))), expected, "{entry:?}");
    }
    let mut world = world();
    world.binfmt = Fact::unknown(Why::Denied);
    assert!(shown(&resolve(&world, b"/usr/bin/perl", &around(None, None))).contains("binfmt_misc"));
}

#[test]
fn what_can_not_be_looked_at_is_unresolved() {
    let mut world = world();
    world.files.insert("/srv/secret".into(), Node::Unreadable(Why::Denied));
    world.add("/srv/unread", Fact::unknown(Why::Denied));
    for path in ["/srv/secret", "/srv/unread", "/srv/none", "/srv", "relative"] {
        let chain = resolve(&world, path.as_bytes(), &around(None, None));
        let image = chain.image();
        assert!(
            matches!(&image, Fact::Unknown(reason) if reason.why == Why::Unresolved),
            "{path}: {image:?}"
        );
    }
}

#[test]
fn strings_are_split_as_env_does() {
    for (text, expected) in [
        ("a b", "a|b"),
        ("  a\t b ", "a|b"),
        ("'a b' \"c d\"", "a b|c d"),
        ("a'b'c\"d\"", "abcd"),
        ("''", ""),
        ("a\\_b", "a|b"),
        ("\"a\\_b\"", "a b"),
        ("a\\c b", "a"),
        ("a #b", "a"),
        ("a#b", "a#b"),
        ("\\#b", "#b"),
        ("a\\tb\\n", "a\tb\n"),
        ("'a\\tb'", "a\\tb"),
        ("'a\\'b'", "a'b"),
        ("\\$A", "$A"),
        ("'${A}'", "${A}"),
        ("${PATH}x", "/px"),
    ] {
        let words = split_string(text.as_bytes(), Some(b"/p")).unwrap();
        let words: Vec<String> =
            words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        assert_eq!(words.join("|"), expected, "{text}");
    }
    for wrong in ["'a", "\"a", "a\\", "a\\q", "$A", "${A", "${A}", "\"\\c\""] {
        assert!(split_string(wrong.as_bytes(), None).is_err(), "{wrong}");
    }
    assert_eq!(split_string(b"''", None).unwrap(), [Vec::<u8>::new()]);
}

proptest::proptest! {
    #![proptest_config(crate::regressions::config())]

    #[test]
    fn no_string_of_env_panics(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
        let _ = split_string(&text, Some(b"/bin"));
    }

    #[test]
    fn no_first_line_panics(head in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..256)) {
        let mut world = world();
        world.add("/srv/p", Fact::Known(bytes([b"#!/usr/bin/env -S ".as_slice(), &head].concat())));
        let _ = resolve(&world, b"/srv/p", &around(None, None));
    }
}
