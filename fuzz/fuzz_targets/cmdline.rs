#![no_main]

use selfsame_fuzz::{cmdline, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write("cmdline", std::env::var_os("SELFSAME_FUZZ_SEEDS")), |data: &[u8]| cmdline::check(data));
