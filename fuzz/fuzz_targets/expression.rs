#![no_main]

use selfsame_fuzz::{expression, seeds};

libfuzzer_sys::fuzz_target!(init: seeds::write("expression", std::env::var_os("SELFSAME_FUZZ_SEEDS")), |data: &[u8]| expression::check(data));
