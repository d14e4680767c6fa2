//! A build without plugins: a Plugin document is refused, and says why.

use super::made::Made;
use super::support::Bench;

#[test]
fn a_plugin_document_is_refused_and_says_why() {
    let bench = Bench::new();
    Made::tag("1.0.0").write(&bench);
    bench.spec("other", "startas: /bin/sleep\nargs: [\"8\"]");
    let ran = bench.run(&["check", "specs"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[P001]"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("specs/other.yaml"), "{}", ran.stderr);
    let ran = bench.run(&["match", "tag.comm == \"x\"", "--plugins", "specs"]);
    assert!(ran.stderr.contains("error[M210]") && ran.stderr.contains("P001"), "{}", ran.stderr);
}
