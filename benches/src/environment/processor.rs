//! What the processor is and how the kernel lets it run.

use std::collections::HashSet;

use prismq_record::Known;

use super::files::{field, line, text};

const CPUINFO: &str = "/proc/cpuinfo";
const GOVERNOR: &str = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
const NO_TURBO: &str = "/sys/devices/system/cpu/intel_pstate/no_turbo";
const BOOST: &str = "/sys/devices/system/cpu/cpufreq/boost";
const SMT: &str = "/sys/devices/system/cpu/smt/active";

pub(super) fn model() -> Known<String> {
    let model = text(CPUINFO).and_then(|text| {
        let model = field(&text, "model name").map(str::to_owned);
        model.ok_or_else(|| format!("{CPUINFO} has no line \"model name\""))
    });
    model.into()
}

pub(super) fn physical_cores() -> Known<u64> {
    text(CPUINFO).and_then(|text| count_cores(&text)).into()
}

pub(super) fn governor() -> Known<String> {
    line(GOVERNOR).into()
}

pub(super) fn turbo() -> Known<bool> {
    let by_intel = line(NO_TURBO).and_then(|text| switch(&text)).map(|off| !off);
    by_intel
        .or_else(|intel| {
            line(BOOST).and_then(|text| switch(&text)).map_err(|boost| format!("{intel}; {boost}"))
        })
        .into()
}

pub(super) fn smt() -> Known<bool> {
    line(SMT).and_then(|text| switch(&text)).into()
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "0" => Ok(false),
        "1" => Ok(true),
        other => Err(format!("the kernel says {other:?} where 0 or 1 was expected")),
    }
}

/// A core is a pair of socket and core id. Where the kernel names neither, as on many processors that
/// are not x86, it is unknown.
fn count_cores(cpuinfo: &str) -> Result<u64, String> {
    let pairs: HashSet<(&str, &str)> = cpuinfo
        .split("\n\n")
        .filter_map(|logical| Some((field(logical, "physical id")?, field(logical, "core id")?)))
        .collect();
    match u64::try_from(pairs.len()) {
        Ok(0) | Err(_) => Err(format!("{CPUINFO} names no cores")),
        Ok(cores) => Ok(cores),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logical(processor: u32, socket: u32, core: u32) -> String {
        format!(
            "processor\t: {processor}\nmodel name\t: Some CPU @ 2.00GHz\nphysical id\t: {socket}\n\
             siblings\t: 4\ncore id\t\t: {core}\ncpu cores\t: 2\n\n"
        )
    }

    #[test]
    fn threads_of_one_core_count_once_and_sockets_apart() {
        let text: String = [(0, 0, 0), (1, 0, 1), (2, 0, 0), (3, 0, 1), (4, 1, 0)]
            .map(|(processor, socket, core)| logical(processor, socket, core))
            .concat();
        assert_eq!(count_cores(&text), Ok(3));
        assert_eq!(field(&text, "model name"), Some("Some CPU @ 2.00GHz"));
    }

    #[test]
    fn cores_that_are_not_named_are_not_guessed() {
        let arm = "processor\t: 0\nBogoMIPS\t: 50.00\nCPU part\t: 0xd0c\n\nprocessor\t: 1\n";
        assert!(count_cores(arm).is_err());
        assert!(count_cores("").is_err());
    }

    #[test]
    fn a_switch_is_on_or_off_or_unknown() {
        assert_eq!((switch("1"), switch("0")), (Ok(true), Ok(false)));
        assert!(switch("notsupported").is_err());
    }
}
