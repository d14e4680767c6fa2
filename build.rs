//! Links the binary statically where this host can, for fixed addresses: starting is most of a small look. A third of the start was
//! the dynamic loader. A third of the rest was relocating: a static-PIE writes to each of the hundred pages that hold tables of
//! pointers, and the kernel copies each. What stays random is where the stack, the heap and all that is mapped lie.
//!
//! `-C target-feature=+crt-static` can't be had without `--target`, since proc macros are built with it too. So the linker
//! is told for the binary alone: scripts named as the shared libraries, found first, lead to the archives.
//!
//! In release builds the functions that a watch or a `match` needs stand side by side (`src/link/order.txt`): the kernel maps a program in windows of
//! sixteen pages, and where they lay all over it a watch had three times the code mapped that it needs.
//!
//! `SELFSAME_LINK=dynamic` leaves it as Rust links by itself; `static` and `static-pie` (random addresses of the program as well) make
//! it an error where it can't be done. Otherwise `static` is done for GNU/Linux on x86-64 and arm64, built on itself, if the C
//! library's archives are there (Debian: `libc6-dev`, which Rust needs anyway).

#![allow(
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a build script reads its environment, writes files, asks the compiler, and ends the build when it can't"
)]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What Rust asks the linker for, and where it is instead. The last four are empty in glibc 2.34 and later.
const LIBRARIES: [(&str, &[&str]); 7] = [
    // With what it needs itself, for linkers that look at each archive once.
    ("libc.so", &["libc.a", "libgcc.a", "libgcc_eh.a"]),
    ("libgcc_s.so", &["libgcc.a", "libgcc_eh.a"]),
    ("libm.so", &["libm.a"]),
    ("libpthread.so", &["libpthread.a"]),
    ("libdl.so", &["libdl.a"]),
    ("librt.so", &["librt.a"]),
    ("libutil.so", &["libutil.a"]),
];
/// Files of which each shows that a part is there: the C library, the starts of both kinds, the unwinder.
const NEEDED: [&str; 4] = ["libc.a", "crt1.o", "rcrt1.o", "libgcc_eh.a"];

/// What is to stand in which order, as `src/link/record` wrote it down: names of functions, and files of the C library, whose functions have none for
/// the linker.
const ORDER: &str = "src/link/order.txt";
/// What the files of the C library begin with in the order.
const C_LIBRARY: &str = "libc.a:";

/// Where the program lies.
#[derive(Clone, Copy)]
enum Addresses {
    Fixed,
    Random,
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SELFSAME_LINK");
    println!("cargo:rerun-if-env-changed=CC");
    println!("cargo:rustc-check-cfg=cfg(ordered)");
    let wish = env::var("SELFSAME_LINK").unwrap_or_default();
    match (wish.as_str(), possible()) {
        ("dynamic", _) | ("", Err(_)) => {}
        ("" | "static", Ok(())) => link_statically(Addresses::Fixed),
        ("static-pie", Ok(())) => link_statically(Addresses::Random),
        ("static" | "static-pie", Err(why)) => panic!("SELFSAME_LINK={wish}: {why}"),
        (other, _) => panic!("SELFSAME_LINK={other}: none of `static`, `static-pie` and `dynamic`"),
    }
}

/// Whether it can be done, or why not.
fn possible() -> Result<(), String> {
    let target = variable("TARGET");
    if !matches!(target.as_str(), "x86_64-unknown-linux-gnu" | "aarch64-unknown-linux-gnu") {
        return Err(format!("it is not done for {target}"));
    }
    if target != variable("HOST") {
        return Err(format!("{target} is not built on itself"));
    }
    for name in NEEDED {
        let path = found(name).ok_or_else(|| format!("the C compiler has no {name}"))?;
        // Another C library, or none any more: link anew.
        println!("cargo:rerun-if-changed={}", path.display());
    }
    Ok(())
}

/// Has the linker put these functions in front in their order, and behind them all that have one of these names:
/// where another compiler gives them other hashes that is twice as much, and still less than all over the program. A name that isn't there any more
/// is no mistake: what it was called for lies with the rest then. `host/spawn/pages.rs` is told that it was done. Done for Rust's own
/// linker alone, since not every other one knows scripts.
fn put_in_order(directory: &Path) {
    let own = env::var_os("RUSTC_LINKER").is_none() && !variable("CARGO_ENCODED_RUSTFLAGS").contains("link");
    if variable("PROFILE") != "release" || variable("TARGET") != "x86_64-unknown-linux-gnu" || !own {
        return;
    }
    println!("cargo:rerun-if-changed={ORDER}");
    let order = fs::read_to_string(ORDER).unwrap_or_else(|error| panic!("{ORDER}: {error}"));
    let names = || order.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let of_any_hash = names().filter_map(with_any_hash).collect::<BTreeSet<_>>();
    let sections: String = names()
        .map(str::to_owned)
        .chain(of_any_hash)
        .map(|name| {
            if name.starts_with(C_LIBRARY) {
                format!("    *{name}(.text .text.*)\n")
            } else {
                format!("    *(.text.{name} .text.unlikely.{name})\n")
            }
        })
        .collect();
    let script = format!("SECTIONS {{\n  .text.watch : {{\n{sections}  }}\n}} INSERT BEFORE .text;\n");
    let path = directory.join("order.ld");
    fs::write(&path, script).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    println!("cargo:rustc-link-arg-bins=-Wl,-T,{}", path.display());
    println!("cargo:rustc-cfg=ordered");
}

/// A pattern of all names that differ from this one by the hash at the end.
fn with_any_hash(name: &str) -> Option<String> {
    let (name, hash) = name.rsplit_once("17h")?;
    (hash != "*").then(|| format!("{name}17h*"))
}

fn link_statically(addresses: Addresses) {
    let directory = PathBuf::from(variable("OUT_DIR"));
    for (shared, archives) in LIBRARIES {
        // An archive that isn't there is not needed either: those that are were looked for.
        let members: Vec<String> =
            archives.iter().filter(|name| found(name).is_some()).map(|name| format!("-l:{name}")).collect();
        let script = format!("/* GNU ld script */\nGROUP ( {} )\n", members.join(" "));
        let path = directory.join(shared);
        fs::write(&path, script).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    println!("cargo:rustc-link-arg-bins=-L{}", directory.display());
    put_in_order(&directory);
    // The last of such words counts, and Rust said `-pie` before.
    let kind: &[&str] = match addresses {
        Addresses::Fixed => &["-no-pie", "-static"],
        Addresses::Random => &["-static-pie"],
    };
    for word in kind {
        println!("cargo:rustc-link-arg-bins={word}");
    }
}

/// Where the C compiler, which is what links, finds a file of its own.
fn found(name: &str) -> Option<PathBuf> {
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".into());
    let answer = Command::new(compiler).arg(format!("-print-file-name={name}")).output().ok()?;
    let path = PathBuf::from(String::from_utf8(answer.stdout).ok()?.trim());
    // A name that it doesn't know comes back as it was.
    (path.is_absolute() && Path::exists(&path)).then_some(path)
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}
