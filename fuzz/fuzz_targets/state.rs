#![no_main]

use selfsame_fuzz::{seeds, state};

libfuzzer_sys::fuzz_target!(init: seeds::write("state", std::env::var_os("SELFSAME_FUZZ_SEEDS")), |data: &[u8]| state::check(data));
