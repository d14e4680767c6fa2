//! For tests: files as another process leaves them behind.
//!
//! A child that a neighbouring test forks holds a copy of every descriptor of this process until its exec. So a file that was open for
//! writing here may stay open for a moment longer: it can't be executed (`ETXTBSY`), its closing is told late, and somebody
//! seems to write to it. What another process has opened and closed is closed.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A file with this text, written and closed.
pub(crate) fn written(path: &Path, text: &str) {
    shell("cat > \"$0\"", path, text);
}

/// The same, and anybody may execute it.
pub(crate) fn program(path: &Path, text: &str) {
    shell("cat > \"$0\" && chmod 755 \"$0\"", path, text);
}

/// A copy of a program, which can be executed at once.
pub(crate) fn copied(from: &str, path: &Path) {
    assert!(Command::new("/bin/cp").args(["--", from]).arg(path).status().unwrap().success());
}

fn shell(script: &str, path: &Path, input: &str) {
    let mut child =
        Command::new("/bin/sh").args(["-c", script]).arg(path).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// A process that has a file open at descriptor 3, until it is told to close it.
pub(crate) struct Holder(Child);

impl Holder {
    /// Opens it with this redirection of the shell, and then does what `script` says.
    pub(crate) fn open(path: &Path, redirection: &str, script: &str) -> Self {
        let script = format!("exec 3{redirection} \"$0\"; {script}; echo open; read line");
        let child = Command::new("/bin/sh")
            .args(["-c", &script])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut holder = Self(child.unwrap());
        let mut said = String::new();
        BufReader::new(holder.0.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "open\n");
        holder
    }

    /// Returns when it is closed.
    pub(crate) fn close(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}
