//! Whether the machine is a virtual one, and whose.

use prismq_record::Known;

use super::files::{field, line, text};

const CPUINFO: &str = "/proc/cpuinfo";
const VENDOR: &str = "/sys/class/dmi/id/sys_vendor";
const PRODUCT: &str = "/sys/class/dmi/id/product_name";
const TYPE: &str = "/sys/hypervisor/type";

/// The hypervisor as far as it is known, `a hypervisor` if it does not say which, or `none`.
pub(super) fn virtualisation() -> Known<String> {
    let named = [line(TYPE), line(VENDOR), line(PRODUCT)].map(Result::ok);
    text(CPUINFO).and_then(|cpuinfo| judge(&cpuinfo, named)).into()
}

/// Only x86 has a flag for it; the names alone would call every server virtual.
fn judge(cpuinfo: &str, named: [Option<String>; 3]) -> Result<String, String> {
    let flags = field(cpuinfo, "flags").ok_or(format!("{CPUINFO} has no line \"flags\""))?;
    if !flags.split_whitespace().any(|flag| flag == "hypervisor") {
        return Ok("none".to_owned());
    }
    let mut names: Vec<String> = named.into_iter().flatten().collect();
    names.dedup();
    Ok(if names.is_empty() { "a hypervisor".to_owned() } else { names.join(" ") })
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn the_processor_says_whether_the_firmware_says_whose() {
        let virtual_one = "flags\t\t: fpu vme hypervisor lahf_lm\n";
        let real_one = "flags\t\t: fpu vme vmx\n";
        let named = || [None, Some("QEMU".to_owned()), Some("Standard PC".to_owned())];
        assert_eq!(judge(virtual_one, named()).unwrap(), "QEMU Standard PC");
        assert_eq!(judge(virtual_one, [None, None, None]).unwrap(), "a hypervisor");
        assert_eq!(judge(real_one, named()).unwrap(), "none");
        assert!(judge("Features\t: fp asimd\n", named()).is_err());
    }
}
