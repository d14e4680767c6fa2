//! `plugin new`: a folder with a plugin that builds with one command.

use std::path::Path;

use crate::cli::args::NewArgs;
use crate::cli::exit::Exit;
use crate::cli::terminal::Terminal;
use crate::host;
use crate::plugin::manifest::misnamed;
use crate::process::expression::schema;
use crate::workshop::{Language, template_files};

/// Runs `plugin new`.
pub(super) fn run(args: &NewArgs, terminal: Terminal) -> Exit {
    if let Some((why, help)) = misnamed(&args.name, schema()) {
        terminal.say(&format!("error: {why}\nhelp: {help}"));
        return Exit::Usage;
    }
    let folder = Path::new(&args.name);
    if let Err(error) = host::create_directory(folder) {
        let there = error.kind() == std::io::ErrorKind::AlreadyExists;
        let why =
            if there { "it is there already, and nothing is overwritten".into() } else { error.to_string() };
        terminal.say(&format!("error: the folder `{}` can't be made: {why}\nhelp: choose another name, or another place to stand in", args.name));
        return Exit::Failed;
    }
    for file in template_files(&args.name, args.lang) {
        let path = folder.join(&file.path);
        if let Err(error) = host::create_text(&path, &file.text, file.executable) {
            terminal.say(&format!("error: `{}` can't be written: {error}", path.display()));
            return Exit::Failed;
        }
        terminal.data(&path.display().to_string());
    }
    let needs = match args.lang {
        Language::C => " (needs clang and lld)",
        Language::AssemblyScript => " (needs npm)",
        Language::Wat => "",
    };
    terminal.say(&format!("next: {0}/build{needs} && selfsame plugin test {0}", args.name));
    Exit::Ok
}
