#![no_main]

use selfsame_fuzz::{document, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write("document", std::env::var_os("SELFSAME_FUZZ_SEEDS")), |data: &[u8]| document::check(data));
