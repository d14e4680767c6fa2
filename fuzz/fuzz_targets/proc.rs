#![no_main]

use selfsame_fuzz::{proc, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write("proc", std::env::var_os("SELFSAME_FUZZ_SEEDS")), |data: &[u8]| proc::check(data));
