//! Plugin documents: what is refused, what is said, and whom it concerns.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::made::{COMM, Made, TYPES};
use super::support::{Bench, Ran};

fn check(bench: &Bench) -> Ran {
    bench.run(&["check", "specs"])
}

#[track_caller]
fn refused(bench: &Bench, code: &str, words: &[&str]) -> String {
    let ran = check(bench);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("error[{code}]")), "{code}: {}", ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
    }
    ran.stderr
}

/// A Service that uses the plugin, and one that doesn't.
fn services(bench: &Bench) {
    bench.spec("user", "startas: /bin/sleep\nargs: [\"9.0625\"]\nmatch: 'tag.comm == \"sleep\"'");
    bench.spec("other", "startas: /bin/sleep\nargs: [\"8.0625\"]");
}

#[test]
fn a_good_one_passes_without_a_word() {
    let bench = Bench::new();
    Made::tag("1.0.0").write(&bench);
    services(&bench);
    let ran = check(&bench);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

#[test]
fn its_types_are_compared_in_services_and_definitions() {
    let bench = Bench::new();
    let made = Made { name: "tag", version: "1.0.0", entries: TYPES.to_owned() };
    let (_, digest) = made.write_module(&bench);
    made.write_document(&bench, &digest, "fields: []");
    let head = "apiVersion: selfsame/v1\nkind: Matcher\nmetadata: {name: my}\nspec:\n";
    let define = "  define: {servers: 'tag.sort == server && tag.age < 9 && comm != \"x\"'}\n";
    fs::write(bench.path("specs/my.yaml"), format!("{head}{define}")).unwrap();
    let user = |condition: &str| bench.spec("user", &format!("startas: /bin/sleep\nmatch: '{condition}'"));
    user("my.servers || tag.sort == shell && tag.age >= 5 && user == \"root\"");
    let ran = check(&bench);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    user("my.servers && tag.sort == shall");
    refused(&bench, "M204", &["`shall` is not a tag.sort", "did you mean `shell`?"]);
}

#[test]
fn the_digest_that_was_found_is_in_the_error() {
    let bench = Bench::new();
    let (_, digest) = Made::tag("1.0.0").write_module(&bench);
    Made::tag("1.0.0").write_document(&bench, &"0".repeat(64), "fields: [comm]");
    refused(&bench, "S071", &[&format!("write `sha256: {digest}`")]);
    // Also where none is given, and where it is no digest.
    let path = Made::tag("1.0.0").write_document(&bench, "x", "fields: [comm]");
    refused(&bench, "S025", &["64 hexadecimal digits"]);
    let text = fs::read_to_string(&path).unwrap();
    let without: String =
        text.lines().filter(|line| !line.contains("sha256")).map(|l| format!("{l}\n")).collect();
    fs::write(&path, without).unwrap();
    refused(&bench, "S022", &[&format!("add `sha256: {digest}`")]);
}

#[test]
fn a_missing_grant_names_the_line_to_add_and_one_too_many_is_pointed_out() {
    let bench = Bench::new();
    let digest = Made::tag("1.0.0").write(&bench);
    Made::tag("1.0.0").write_document(&bench, &digest, "fields: [argv]");
    refused(&bench, "P301", &["add `comm` to `grants.fields`", "-plugin.yaml:7"]);
    Made::tag("1.0.0").write_document(&bench, &digest, "fields: [comm, argv], files: [/etc/x]");
    let ran = check(&bench);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for word in ["warning[S131]", "does not need `argv`", "does not need `/etc/x`"] {
        assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
    }
}

#[test]
fn the_file_of_a_module_is_judged_like_a_spec() {
    let bench = Bench::new();
    let (path, digest) = Made::tag("1.0.0").write_module(&bench);
    Made::tag("1.0.0").write_document(&bench, &digest, "fields: [comm]");
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    refused(&bench, "S070", &["tag.wasm"]);
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(check(&bench).code, 0);
    fs::write(&path, vec![0; (4 << 20) + 1]).unwrap();
    refused(&bench, "S070", &["larger than 4MiB"]);
    fs::remove_file(&path).unwrap();
    refused(&bench, "S070", &["tag.wasm"]);
    fs::create_dir(&path).unwrap();
    refused(&bench, "S070", &["not a regular file"]);
}

#[test]
fn what_is_broken_concerns_only_who_uses_it() {
    let bench = Bench::new();
    Made::tag("1.0.0").write_document(&bench, &"0".repeat(64), "fields: [comm]");
    services(&bench);
    let text = refused(&bench, "S070", &["error[M210]", "mend the Plugin document `tag`"]);
    assert!(!text.contains("specs/other.yaml"), "{text}");
    let plan = bench.run(&["plan", "specs"]);
    assert!(plan.stdout.contains("other") && plan.stdout.contains("start"), "{}{}", plan.stdout, plan.stderr);
    // One that is in no document at all.
    fs::remove_file(bench.path("specs/tag-plugin.yaml")).unwrap();
    let ran = check(&bench);
    assert!(ran.stderr.contains("Plugin document `tag`"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("specs/other.yaml"), "{}", ran.stderr);
}

#[test]
fn names_that_are_taken() {
    let bench = Bench::new();
    for (name, code) in [("exe", 1), ("caps", 1), ("runs", 1), ("spec", 1), ("and", 1), ("container", 0)] {
        let comm = Made { name, version: "1.0.0", entries: format!("\"fields\": [{COMM}]") };
        let digest = comm.write(&bench);
        let ran = bench.run(&["check", &format!("specs/{name}-plugin.yaml")]);
        assert_eq!(ran.code, code, "{name} {digest}: {}", ran.stderr);
        assert_eq!(ran.stderr.contains("error[S030]"), code == 1, "{name}: {}", ran.stderr);
    }
    bench.write("host.yaml", "processes:\n- {pid: 600, comm: shop, cgroup: \"/\"}\n");
    let ask = |expression: &str| {
        let args =
            ["match", expression, "--plugins", "specs/container-plugin.yaml", "--snapshot", "host.yaml"];
        bench.run(&[&args[..], &["--output", "pids"]].concat())
    };
    let ran = ask("container.comm == \"shop\" && !has(container)");
    assert_eq!(
        ran.stdout, "600\n",
        "the field `container` and the plugin of this name are both there: {}",
        ran.stderr
    );
}

#[test]
fn a_name_belongs_to_one_document() {
    let bench = Bench::new();
    Made::tag("1.0.0").write(&bench);
    let text = fs::read_to_string(bench.path("specs/tag-plugin.yaml")).unwrap();
    bench.write("specs/twice.yaml", &text);
    services(&bench);
    refused(&bench, "S031", &["the Plugin `tag` stands in", "error[M210]"]);
    bench.write(
        "specs/twice.yaml",
        "apiVersion: selfsame/v1\nkind: Matcher\nmetadata: {name: tag}\nspec: {define: {x: 'pid > 1'}}\n",
    );
    refused(&bench, "S031", &["a Matcher document is called `tag` as well"]);
}

#[test]
fn one_that_nobody_uses_is_pointed_out() {
    let bench = Bench::new();
    Made::tag("1.0.0").write(&bench);
    assert_eq!(check(&bench).stderr, "", "alone it is for others");
    bench.spec("other", "startas: /bin/sleep\nargs: [\"8\"]");
    let ran = check(&bench);
    assert!(ran.stderr.contains("warning[W130]: the plugin `tag` is not used"), "{}", ran.stderr);
    let matcher = "apiVersion: selfsame/v1\nkind: Matcher\nmetadata: {name: own}\nspec:\n  define: {a: 'tag.comm == \"a\"'}\n";
    bench.write("specs/own.yaml", matcher);
    assert!(!check(&bench).stderr.contains("the plugin `tag`"), "{}", check(&bench).stderr);
}

#[test]
fn unknown_keys_are_errors() {
    let bench = Bench::new();
    let digest = Made::tag("1.0.0").write(&bench);
    let path = Made::tag("1.0.0").write_document(&bench, &digest, "fields: [comm], fiels: [x]");
    refused(&bench, "S020", &["grants.fiels", "did you mean `fields`?"]);
    let text = fs::read_to_string(&path).unwrap().replace(", fiels: [x]", "").replace("wasm:", "wsam:");
    fs::write(&path, text).unwrap();
    refused(&bench, "S020", &["did you mean `wasm`?"]);
}
