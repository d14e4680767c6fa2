#![no_main]

use selfsame_fuzz::{control, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write("control", std::env::var_os("SELFSAME_FUZZ_SEEDS")), |data: &[u8]| control::check(data));
