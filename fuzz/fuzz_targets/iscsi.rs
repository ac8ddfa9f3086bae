#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tapeward_sim::fuzz::converse(data));
