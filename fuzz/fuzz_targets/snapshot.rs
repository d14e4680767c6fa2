#![no_main]

use selfsame_fuzz::{seeds, snapshot};

libfuzzer_sys::fuzz_target!(init: seeds::write("snapshot", std::env::var_os("SELFSAME_FUZZ_SEEDS")), |data: &[u8]| snapshot::check(data));
