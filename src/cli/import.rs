//! `import`: Service documents from what people have, and a report of what isn't in them.

use std::io::Write as _;
use std::path::Path;

use super::args::{ImportArgs, ImportCommand, ImportKind, Output};
use super::exit::Exit;
use super::matching::open_world;
use super::terminal::Terminal;
use crate::diagnostic::Diagnostic;
use crate::host::ImportFiles;
use crate::host::atomic::create_new;
use crate::host::errno::io_text;
use crate::host::{exists, is_directory, make_directories};
use crate::import::{
    self, Found, Imported, Kind, Note, Refused, Request, RunningOptions, Weight, Written, detect,
    import_command, running,
};
use crate::report::{ImportedRow, diagnostic_rows, import_notes, import_summary};
use crate::spec::ServiceName;
use crate::units::Pid;

/// Runs `import`.
pub(super) fn run(args: &ImportArgs, terminal: Terminal) -> Exit {
    if let Err(sentence) = possible(args) {
        terminal.say(&format!("error: {sentence}"));
        return Exit::Usage;
    }
    let mut imported = gather(args);
    if let Some(name) = &args.name {
        match imported.found.as_mut_slice() {
            [only] => only.name.clone_from(name),
            several => {
                let count = several.len();
                terminal.diagnostics(&imported.problems);
                terminal.say(&format!(
                    "error: `--name` names one object, and there are {count}\nhelp: leave it out"
                ));
                return Exit::Usage;
            }
        }
    }
    // Only where there is something to be written.
    if let Some(out) = args.out.as_ref().filter(|_| !imported.found.is_empty())
        && let Err(error) = make_directories(out)
    {
        terminal.diagnostics(&imported.problems);
        let (out, error) = (out.display(), io_text(&error));
        terminal
            .say(&format!("error: `{out}` can't be made: {error}\nhelp: make it, or give another `--out`"));
        return Exit::Failed;
    }
    present(imported, args, terminal)
}

/// What clap can't tell.
fn possible(args: &ImportArgs) -> Result<(), String> {
    let given = [args.command.is_some(), !args.sources.is_empty(), !args.pid.is_empty()];
    if !given.contains(&true) {
        return Err(
            "name a source, a command line or `--pid PID`\nhelp: selfsame import /etc/init.d/cron".into()
        );
    }
    if args.command.is_some() && !args.sources.is_empty() {
        return Err("a command line stands alone; import files in a run of their own".into());
    }
    if let Some(name) = &args.name {
        ServiceName::new(name).map_err(|why| format!("`--name {name}`: {why}"))?;
    }
    match &args.out {
        Some(out) if exists(out) && !is_directory(out) => {
            Err(format!("`{}` is not a directory\nhelp: give another `--out`", out.display()))
        }
        _ => Ok(()),
    }
}

fn gather(args: &ImportArgs) -> Imported {
    let root = args.root.clone().unwrap_or_else(|| "/".into());
    let files = ImportFiles::new(&root);
    let request = Request { set: args.set.clone() };
    let mut all = Imported::default();
    if let Some(ImportCommand::StartStopDaemon(line)) = &args.command {
        all.extend(import_command(&line.words, &files, &request));
    }
    for source in &args.sources {
        let path = place_of(source, &root, args.root.is_some());
        match args.from.map(kind).or_else(|| detect(&path, &files)) {
            Some(kind) => all.extend(import::import(kind, &path, &files, &request)),
            None => all.problems.push(unknown_kind(source, &path, &files)),
        }
    }
    if !args.pid.is_empty() {
        processes(args, &files, &mut all);
    }
    all
}

fn kind(kind: ImportKind) -> Kind {
    match kind {
        ImportKind::StartStopDaemon => Kind::Command,
        ImportKind::Init => Kind::Init,
        ImportKind::Systemd => Kind::Systemd,
        ImportKind::Supervisord => Kind::Supervisord,
        ImportKind::Runit | ImportKind::S6 => Kind::Directory,
        ImportKind::Monit => Kind::Monit,
        ImportKind::Procfile => Kind::Procfile,
    }
}

/// The path of a source in the root. One that begins with the root itself is meant in it; a bare name of a unit that is no
/// file here is looked for where units are.
fn place_of(source: &str, root: &Path, other_root: bool) -> String {
    let given = Path::new(source);
    let below = |path: &Path| {
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        path.strip_prefix(root).ok().map(|inner| format!("/{}", inner.display()))
    };
    if other_root {
        let absolute = std::path::absolute(given).unwrap_or_else(|_| given.to_owned());
        if let Some(inner) = below(&absolute).filter(|_| exists(&absolute)) {
            return inner;
        }
        return if given.is_absolute() || source.ends_with(".service") {
            source.to_owned()
        } else {
            format!("/{source}")
        };
    }
    if source.ends_with(".service") && !source.contains('/') && !exists(given) {
        return source.to_owned();
    }
    std::path::absolute(given).map_or_else(|_| source.to_owned(), |path| path.display().to_string())
}

fn unknown_kind(source: &str, path: &str, files: &ImportFiles) -> Diagnostic {
    use crate::import::{FileLook, Files as _};
    match files.look(path) {
        FileLook::File { .. } | FileLook::Directory => {
            let kinds: Vec<&str> = import::KINDS.iter().map(|(_, name)| *name).collect();
            Diagnostic::error(import::codes::KIND, format!("what kind of source `{source}` is can't be told"))
                .help(format!("say it with `--from KIND`: {}", kinds.join(", ")))
        }
        look => Diagnostic::error(
            import::codes::UNREADABLE,
            format!("`{source}` can't be read: it {}", look.words()),
        )
        .help("name a file that exists and may be read"),
    }
}

fn processes(args: &ImportArgs, files: &ImportFiles, all: &mut Imported) {
    let world = match open_world(args.snapshot.as_deref()) {
        Ok(world) => world,
        Err(problems) => {
            all.problems.extend(problems);
            return;
        }
    };
    let options = RunningOptions { env: args.env.clone() };
    for pid in &args.pid {
        all.extend(running(Pid(*pid), &*world, files, &options));
    }
}

/// Writes the documents, and says everything else.
fn present(imported: Imported, args: &ImportArgs, terminal: Terminal) -> Exit {
    let Imported { found, mut notes, mut problems } = imported;
    let sources: Vec<String> = found.iter().map(source_of).collect();
    let mut rows = Vec::new();
    for (written, source) in import::write(found).into_iter().zip(sources) {
        match written.and_then(|written| store(written, source, args)) {
            Ok(row) => rows.push(row),
            Err(refused) => {
                problems.push(refused.problem);
                notes.extend(refused.notes);
            }
        }
    }
    let carried = rows.iter().flat_map(|row| &row.notes).chain(&notes);
    let missing = carried.clone().any(|note| matches!(note.weight, Weight::Lost | Weight::Unclear));
    let all: Vec<Note> = carried.cloned().collect();
    match args.output {
        Output::Json => {
            let problems = diagnostic_rows(&problems);
            terminal.json(&serde_json::json!({ "documents": rows, "notes": notes, "problems": problems }));
        }
        Output::Text => {
            let documents: Vec<&str> = rows.iter().filter_map(|row| row.document.as_deref()).collect();
            terminal.data(&documents.join("---\n"));
            for row in &rows {
                terminal_lines(&import_notes(&row.name, &row.notes, args.verbose), terminal);
                if let Some(file) = &row.file {
                    terminal.say(&format!("written: {file}"));
                }
            }
            terminal_lines(&import_notes("-", &notes, args.verbose), terminal);
            terminal.diagnostics(&problems);
            terminal.say(&import_summary(rows.len(), &all));
        }
    }
    match (problems.is_empty(), args.strict && missing) {
        (false, _) => Exit::Failed,
        (true, true) => Exit::Warnings,
        (true, false) => Exit::Ok,
    }
}

fn source_of(found: &Found) -> String {
    found.place.to_string()
}

fn terminal_lines(text: &str, terminal: Terminal) {
    if !text.is_empty() {
        terminal.say(text);
    }
}

/// To its file, if files are wanted.
fn store(written: Written, source: String, args: &ImportArgs) -> Result<ImportedRow, Box<Refused>> {
    let Written { name, text, notes } = written;
    let name = name.to_string();
    let Some(out) = &args.out else {
        return Ok(ImportedRow { name, source, file: None, document: Some(text), notes });
    };
    let path = out.join(format!("{name}.yaml"));
    let stored = create_new(&path, 0o644).and_then(|mut file| file.write_all(text.as_bytes()));
    match stored {
        Ok(()) => {
            Ok(ImportedRow { name, source, file: Some(path.display().to_string()), document: None, notes })
        }
        Err(error) => {
            let message = format!("`{}` can't be written: {error}", path.display());
            let help = "no file is overwritten: remove it, or give another `--out` or `--name`";
            let problem = Diagnostic::error(super::codes::WRITE, message).help(help);
            Err(Box::new(Refused { problem, notes }))
        }
    }
}
