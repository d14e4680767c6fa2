//! Compiles the generated parser.

fn main() {
    cc::Build::new()
        .std("c11")
        .include("src")
        .warnings(false)
        .file("src/parser.c")
        .compile("tree-sitter-selfsame");
    println!("cargo:rerun-if-changed=src/parser.c");
}
