//! One of many files is loaded as soon as it is read: if its conditions ask for something that takes long, whoever hears of it can begin with that
//! while the other files are read. Most files of a directory look alike, so it need not be a certain one.
//!
//! What is begun so early is as old as the list of processes, which is begun before: for a look that shows something, and none that acts.

use std::cell::Cell;
use std::path::Path;

use super::loading::Around;
use super::reading::LONG;
use super::{Beside, Sources};
use crate::host::spec_dir::{Attention, Look, SpecFile as FileRead};
use crate::spec::{Names, NoModules, SpecFile, may_define};

/// Fewer files are read before anything that was begun for them is under way.
const AT: u32 = 16;

impl Sources {
    /// Looks at the places, and loads one of many files meanwhile.
    pub(super) fn look_peeking(&mut self, attention: Attention<'_>, beside: Beside<'_>) -> Vec<Look> {
        let around = Around {
            modules: &NoModules,
            host: Some(self.host.get_or_init(crate::host::known_host)),
            ready: &self.ready,
            checked: Some(self.shelf.checked()),
            tell: beside.condition,
        };
        let (names, heard) = (&self.names, Cell::new(0));
        let hear = |file: &FileRead| {
            heard.set(heard.get() + 1);
            if heard.get() == AT {
                peek(file, around, names);
            }
            (beside.file)();
        };
        self.places.iter_mut().map(|place| place.look_telling(attention, &hear)).collect()
    }
}

/// Loads one file for those who hear of its conditions. What becomes of it nobody asks here. A long one takes too long to be loaded twice.
fn peek(file: &FileRead, around: Around<'_>, names: &Names) {
    let directory = file.path.parent().unwrap_or(Path::new("/")).to_owned();
    let file = SpecFile { name: file.path.display().to_string(), directory, bytes: file.bytes.clone() };
    if file.bytes.len() < LONG && !may_define([&file]) {
        let _ = around.load(&[file], Some(names), None);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use std::cell::RefCell;
    use std::fs;

    use super::*;

    /// What is heard of a look at so many files: `f`, a file was read; `c`, a condition; `l`, all are loaded.
    fn heard(files: u32, file: impl Fn(u32) -> String) -> String {
        let dir = tempfile::tempdir().unwrap();
        for at in 0..files {
            fs::write(dir.path().join(format!("{at:02}.yaml")), file(at)).unwrap();
        }
        let heard = RefCell::new(String::new());
        let say = |letter| heard.borrow_mut().push(letter);
        let beside = Beside { condition: &|_| say('c'), file: &|| say('f'), loaded: &|| say('l') };
        let mut sources = Sources::new(vec![dir.path().to_owned()]).for_one_look();
        let look = sources.look_telling(beside);
        assert_eq!(look.seen.files.len(), usize::try_from(files).unwrap());
        heard.into_inner()
    }

    fn service(at: u32) -> String {
        let spec = format!("spec: {{startas: /bin/true, matchOnly: 'argv[1] == \"{at}\"'}}");
        format!("apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: s{at}}}\n{spec}\n")
    }

    #[test]
    fn a_condition_is_heard_of_while_files_are_read() {
        let (read, loaded) = ("f".repeat(15), "c".repeat(20));
        assert_eq!(heard(20, service), format!("{read}cfffff{loaded}l"));
    }

    #[test]
    fn few_files_are_read_first_and_so_are_those_that_define_something_and_large_ones() {
        assert_eq!(heard(3, service), "fffcccl");
        let large = |at| format!("{}\n# {}", service(at), "-".repeat(LONG));
        let (read, loaded) = ("f".repeat(20), "c".repeat(20));
        assert_eq!(heard(20, large), format!("{read}{loaded}l"));
        // Words of a kind that defines something, wherever they stand.
        let defining = |at| format!("{}\n# Matcher", service(at));
        assert!(heard(20, defining).starts_with(&read));
    }
}
