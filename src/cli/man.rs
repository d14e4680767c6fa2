//! `man`: the manual pages, from the same declarations as the help texts.

use std::path::Path;

use clap::Command;
use clap_mangen::Man;

use super::args::ManArgs;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::diagnostic::did_you_mean;
use crate::host::errno::io_text;
use crate::host::{atomic, make_directories};

const MODE: u32 = 0o644;

/// Runs `man`.
pub(super) fn run(args: &ManArgs, terminal: Terminal) -> Exit {
    let pages = pages();
    if let Some(directory) = &args.out {
        return write_all(&pages, directory, terminal);
    }
    let name = std::iter::once("selfsame").chain(args.verb.iter().map(String::as_str));
    let name = name.collect::<Vec<_>>().join("-");
    if let Some((_, page)) = pages.iter().find(|(known, _)| *known == name) {
        terminal.data(page);
        return Exit::Ok;
    }
    let near = did_you_mean(&name, pages.iter().map(|(known, _)| known.as_str()));
    let help = match near {
        Some(near) => format!("did you mean `{}`?", near.trim_start_matches("selfsame-").replace('-', " ")),
        None => "`selfsame help` lists the verbs".to_owned(),
    };
    terminal.say(&format!("error: there is no verb `{}`\nhelp: {help}", args.verb.join(" ")));
    Exit::Usage
}

fn write_all(pages: &[(String, String)], directory: &Path, terminal: Terminal) -> Exit {
    if let Err(error) = make_directories(directory) {
        terminal.say(&format!("error: `{}` can't be made: {}", directory.display(), io_text(&error)));
        return Exit::Failed;
    }
    for (name, page) in pages {
        let path = directory.join(format!("{name}.1"));
        let written = atomic::write(&path, page.as_bytes(), MODE);
        if let Err(error) = written {
            terminal.say(&format!("error: `{}` can't be written: {}", path.display(), io_text(&error)));
            return Exit::Failed;
        }
    }
    terminal.say(&format!("{} pages written into `{}`", pages.len(), directory.display()));
    Exit::Ok
}

/// Name and text of every page: of the program, its verbs, and the verbs below them.
fn pages() -> Vec<(String, String)> {
    let mut command = super::command().bin_name("selfsame");
    command.build();
    let mut pages = Vec::new();
    collect(&command, "selfsame", &mut pages);
    pages
}

fn collect(command: &Command, name: &str, pages: &mut Vec<(String, String)>) {
    // The name of a page stands in its title; commands below have only their own word.
    let titled = command.clone().name(name.to_owned());
    let mut text = Vec::new();
    if Man::new(titled).render(&mut text).is_ok() {
        pages.push((name.to_owned(), String::from_utf8_lossy(&text).into_owned()));
    }
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help") {
        collect(verb, &format!("{name}-{}", verb.get_name()), pages);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests say what they expect")]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_page_with_its_options() {
        let pages = pages();
        let page = |name: &str| &pages.iter().find(|(known, _)| known == name).unwrap().1;
        assert!(page("selfsame").contains(".TH selfsame 1"), "{}", page("selfsame"));
        assert!(page("selfsame-watch").contains("resync"), "{}", page("selfsame-watch"));
        assert!(page("selfsame-plugin-new").contains(".TH selfsame-plugin-new 1"));
        for verb in super::super::command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
            let name = format!("selfsame-{}", verb.get_name());
            assert!(verb.get_name() == "help" || pages.iter().any(|(known, _)| *known == name), "{name}");
        }
    }
}
