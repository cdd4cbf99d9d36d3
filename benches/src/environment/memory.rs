//! How much memory the machine has.

use prismq_record::Known;

use super::files::{field, text};

const FILE: &str = "/proc/meminfo";

pub(super) fn physical_bytes() -> Known<u64> {
    text(FILE).and_then(|text| total(&text)).into()
}

fn total(meminfo: &str) -> Result<u64, String> {
    let total = field(meminfo, "MemTotal").ok_or(format!("{FILE} has no line \"MemTotal\""))?;
    let kib = total.strip_suffix("kB").and_then(|kib| kib.trim().parse::<u64>().ok());
    let bytes = kib.and_then(|kib| kib.checked_mul(1024));
    bytes.ok_or_else(|| format!("MemTotal is {total:?} in {FILE}"))
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn memory_is_read_in_bytes() {
        let text = "MemTotal:       24683656 kB\nMemFree:  1 kB\n";
        assert_eq!(total(text), Ok(24_683_656 * 1024));
    }

    #[test]
    fn another_unit_is_not_guessed() {
        for text in ["MemTotal: 24 MB\n", "MemTotal: many kB\n", "MemFree: 1 kB\n", ""] {
            assert!(total(text).is_err(), "{text:?}");
        }
    }
}
