#![no_main]

use selfsame_fuzz::{seeds, stat};

libfuzzer_sys::fuzz_target!(init: seeds::write("stat", std::env::var_os("SELFSAME_FUZZ_SEEDS")), |data: &[u8]| stat::check(data));
