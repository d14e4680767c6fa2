//! What stays for long is copied away from between what was needed for a moment.
//!
//! Loading a thousand documents, and starting their services, takes ten times the memory that stays. What stays lies scattered
//! among what went, a bit in each page, and no such page can be given back: half of what the engine held was that. The copy is
//! made by a thread of its own, since the C library gives each thread a part of memory of its own: there it lies side by side,
//! and the pages that it came from are free.
//!
//! Nothing is decided here: a copy says what the original said, and whoever compares may only find out with more effort that
//! nothing changed.

use std::sync::Arc;

use crate::host::spawn::{MANY_AT_FIRST, side_by_side};
use crate::plan::memory::{Memory, Record, Records};
use crate::spec::{Copies, LoadedFile, Stays};

/// For fewer values it isn't worth a thread.
const MANY: usize = 100;

/// Copies of the records. Nothing where there are few.
pub(super) fn of_memory(memory: &Memory) -> Option<Memory> {
    let copy = || {
        let one = |record: &Arc<Record>| Arc::new(Record::clone(record));
        let records: Records =
            memory.services.iter().map(|(name, record)| (name.clone(), one(record))).collect();
        Memory { boot: memory.boot.clone(), services: records, past: memory.past.clone() }
    };
    (memory.services.len() >= MANY).then(|| side_by_side(copy)).flatten()
}

/// Puts copies in the place of the documents of these files.
pub(super) fn files(files: &mut [LoadedFile]) {
    let all: Vec<Stays<'_>> = files.iter().map(LoadedFile::stays).collect();
    if all.iter().map(Stays::count).sum::<usize>() < MANY_AT_FIRST {
        return;
    }
    let copies = side_by_side(|| all.iter().map(Stays::copied).collect::<Vec<Copies>>()).unwrap_or_default();
    for (file, copies) in files.iter_mut().zip(copies) {
        file.says_the_same(copies);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use super::*;
    use crate::engine::sources::load_files;
    use crate::spec::{NoModules, Service, ServiceName, SpecFile};
    use crate::units::BootId;

    fn memory(services: usize) -> Memory {
        let mut memory = Memory::new(BootId("b".into()));
        for number in 0..services {
            let name = ServiceName::near(&format!("s{number}"));
            let service = Service::new(name.clone(), "/bin/true".into());
            memory.services.insert(name, Arc::new(Record::new(service)));
        }
        memory
    }

    #[test]
    fn a_copy_says_the_same_and_shares_what_others_hold_as_well() {
        assert_eq!(of_memory(&memory(MANY - 1)), None);
        let memory = memory(MANY);
        let copy = of_memory(&memory).unwrap();
        assert_eq!(copy, memory);
        for (record, copy) in memory.services.values().zip(copy.services.values()) {
            assert!(!Arc::ptr_eq(record, copy) && Arc::ptr_eq(&record.spec, &copy.spec));
        }
    }

    #[test]
    fn copies_of_files_say_the_same() {
        let file = |number: usize| {
            SpecFile {
            name: format!("s{number}.yaml"),
            directory: "/".into(),
            bytes: format!(
                "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: s{number}}}\nspec: {{startas: /bin/true}}\n"
            )
            .into(),
        }
        };
        let all: Vec<SpecFile> = (0..MANY_AT_FIRST).map(file).collect();
        let before = load_files(&all, None, &NoModules, None, None).files;
        let mut after = before.clone();
        files(&mut after);
        for (before, after) in before.iter().zip(&after) {
            assert_eq!((&before.source, &before.digest), (&after.source, &after.digest));
            assert_eq!(before.services(), after.services());
            let [service] = after.services() else { panic!("one") };
            assert!(Arc::ptr_eq(&before.digest, &after.digest), "whoever read the file has it as well");
            assert!(
                Arc::ptr_eq(&service.origin.digest, &after.digest),
                "one digest for the file and its Services"
            );
            assert_eq!(Arc::ptr_eq(&before.source, &after.source), !after.diagnostics.is_empty());
        }
    }
}
