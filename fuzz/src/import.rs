//! What people have: every text of every format ends in documents that are accepted and notes that can be shown.
//!
//! A text may have a second one behind a NUL: the file that it includes.

use selfsame::engine::sources::load_files;
use selfsame::import::{Imported, Kind, Memory, Request, import, import_command, write};
use selfsame::report::import_notes;
use selfsame::spec::SpecFile;

use super::assert_shown;

pub fn init(data: &[u8]) {
    check(data, Kind::Init, "/etc/init.d/x");
}

pub fn command(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let words: Vec<String> = text.split('\0').map(str::to_owned).collect();
    let files =
        Memory::new([("/usr/bin/x*", "#!/bin/sh\nexec /usr/lib/x \"$@\"\n"), ("/etc/group", "g:x:1:u\n")]);
    let request = Request::default();
    judge(import_command(&words, &files, &request), &text);
    judge(import_command(std::slice::from_ref(&text), &files, &request), &text);
}

pub fn systemd(data: &[u8]) {
    check(data, Kind::Systemd, "/etc/systemd/system/x@a-b.service");
}

pub fn supervisord(data: &[u8]) {
    check(data, Kind::Supervisord, "/etc/supervisor/x.conf");
}

pub fn servicedir(data: &[u8]) {
    check(data, Kind::Directory, "/etc/sv/x");
}

pub fn monit(data: &[u8]) {
    check(data, Kind::Monit, "/etc/monit/x");
}

pub fn procfile(data: &[u8]) {
    check(data, Kind::Procfile, "/srv/x/Procfile");
}

fn check(data: &[u8], kind: Kind, path: &str) {
    let text = String::from_utf8_lossy(data).into_owned();
    let (main, second) = text.split_once('\0').unwrap_or((&text, ""));
    let main_path = if kind == Kind::Directory { format!("{path}/run") } else { path.to_owned() };
    let files = Memory::new([
        (main_path.as_str(), main),
        ("/etc/default/x", second),
        ("/etc/sv/x/log/run", second),
        ("/etc/sv/x/down-signal", second),
        ("/etc/sv/x/env/NAME", second),
        ("/etc/systemd/system/x@.service.d/a.conf", second),
        ("/etc/supervisor/conf.d/a.conf", second),
        ("/etc/init.d/y", second),
        ("/lib/systemd/system/y.service", second),
        ("/etc/group", "root:x:0:\ng:x:1:u,app\n"),
        ("/usr/bin/x*", second),
    ]);
    let request = Request { set: vec![("GIVEN".to_owned(), "a b".to_owned())] };
    let _ = selfsame::import::detect(path, &files);
    let imported = import(kind, path, &files, &request);
    assert!(
        !imported.found.is_empty() || !imported.problems.is_empty(),
        "nothing came of it and nothing is said"
    );
    judge(imported, &text);
    // The same again is the same.
    let twice = [0, 1].map(|_| format!("{:?}", import(kind, path, &files, &request).found));
    assert_eq!(twice[0], twice[1]);
}

fn judge(imported: Imported, text: &str) {
    let Imported { found, notes, problems } = imported;
    let source = selfsame::diagnostic::Source::new("import", text);
    assert_shown(&problems, &source);
    assert!(!import_notes("-", &notes, true).contains('\u{1b}'));
    for written in write(found) {
        let notes = match written {
            Ok(written) => {
                let file = SpecFile {
                    name: "x.yaml".to_owned(),
                    directory: "/etc/specs".into(),
                    bytes: written.text.clone().into(),
                };
                let loaded = load_files(&[file], None, &selfsame::spec::NoModules, None, None);
                assert!(
                    !loaded.has_errors(),
                    "{:?}\n{}",
                    loaded.diagnostics().collect::<Vec<_>>(),
                    written.text
                );
                assert_eq!(loaded.services().count(), 1, "{}", written.text);
                written.notes
            }
            Err(refused) => {
                // Refused in words, never for being read back as something else.
                let message = &refused.problem.message;
                assert!(!message.contains("does not read back"), "{message}");
                refused.notes
            }
        };
        let shown = import_notes("x", &notes, true);
        assert_eq!(shown.lines().count(), notes.len());
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()));
    }
}
