#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| prismq_fuzz::history(bytes));
