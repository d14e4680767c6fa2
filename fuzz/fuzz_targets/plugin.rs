#![no_main]

use selfsame_fuzz::{plugin, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write("plugin", std::env::var_os("SELFSAME_FUZZ_SEEDS")), |data: &[u8]| plugin::check(data));
