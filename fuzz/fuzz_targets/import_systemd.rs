#![no_main]

use selfsame_fuzz::{import, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write("import_systemd", std::env::var_os("SELFSAME_FUZZ_SEEDS")), |data: &[u8]| import::systemd(data));
