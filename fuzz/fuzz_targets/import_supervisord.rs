#![no_main]

use selfsame_fuzz::{import, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write("import_supervisord", std::env::var_os("SELFSAME_FUZZ_SEEDS")), |data: &[u8]| import::supervisord(data));
