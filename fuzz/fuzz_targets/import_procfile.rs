#![no_main]

use selfsame_fuzz::{import, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write("import_procfile", std::env::var_os("SELFSAME_FUZZ_SEEDS")), |data: &[u8]| import::procfile(data));
