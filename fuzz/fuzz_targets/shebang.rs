#![no_main]

use selfsame_fuzz::{seeds, shebang};

libfuzzer_sys::fuzz_target!(init: seeds::write("shebang", std::env::var_os("SELFSAME_FUZZ_SEEDS")), |data: &[u8]| shebang::check(data));
