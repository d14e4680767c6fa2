//! What holds for every case.

use selfsame::engine::sources::load_files;
use selfsame::import::{Weight, write};
use selfsame::spec::{AdoptPolicy, DesiredState, SpecFile};

use super::cases::all;

fn documents() -> Vec<(String, String, Vec<selfsame::import::Note>)> {
    let mut documents = Vec::new();
    for (_, cases) in all() {
        for case in cases {
            for written in write(case.run().found).into_iter().flatten() {
                documents.push((case.title.clone(), written.text, written.notes));
            }
        }
    }
    assert!(documents.len() > 60, "only {} documents", documents.len());
    documents
}

#[test]
fn every_document_is_accepted_by_check_without_a_warning() {
    for (title, text, _) in documents() {
        let file =
            SpecFile { name: "a.yaml".into(), directory: "/etc/specs".into(), bytes: text.clone().into() };
        let loaded = load_files(&[file], None, &selfsame::spec::NoModules, None, None);
        let said: Vec<&str> = loaded.diagnostics().map(|d| d.message.as_str()).collect();
        // A condition of monit on the whole command line is one that people wrote.
        let said: Vec<&str> = said.into_iter().filter(|text| !text.contains("joined for display")).collect();
        assert!(said.is_empty(), "{title}: {said:?}\n{text}");
        assert_eq!(loaded.services().count(), 1, "{title}");
    }
}

#[test]
fn every_document_says_which_process_it_means() {
    for (title, text, _) in documents() {
        assert!(text.contains("\n  match: "), "{title}\n{text}");
        assert!(text.contains("runs(startas)"), "{title}\n{text}");
    }
}

/// What isn't known stands in the document too, and a document in which something is missing that would make it another
/// program starts nothing.
#[test]
fn what_is_not_known_is_a_comment_in_the_document() {
    let mut seen = 0;
    for (title, text, notes) in documents() {
        for note in notes.iter().filter(|note| matches!(note.weight, Weight::Unclear | Weight::Lost)) {
            let head: String = note.text.chars().take(20).collect();
            assert!(
                text.lines().any(|line| line.starts_with('#') && line.contains(&head)),
                "{title}: {note:?}\n{text}"
            );
            seen += 1;
        }
        for note in notes
            .iter()
            .filter(|note| note.weight == Weight::Unclear && note.text.contains("of the arguments"))
        {
            let file = SpecFile { name: "a.yaml".into(), directory: "/".into(), bytes: text.clone().into() };
            let loaded = load_files(&[file], None, &selfsame::spec::NoModules, None, None);
            let service = loaded.services().next().unwrap();
            let held = service.state == DesiredState::Observed || service.adopt == AdoptPolicy::Require;
            assert!(held, "{title}: {note:?}\n{text}");
        }
    }
    assert!(seen > 20, "{seen}");
}
