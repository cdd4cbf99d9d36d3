//! Telling machines apart: figures of two machines are never compared.

use crate::record::{Environment, RunRecord};

/// FNV-1a, 64 bits (Fowler, Noll and Vo): short, stable across versions, and no defence against
/// anyone who wants two machines to look alike.
pub(crate) fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A short name for the part of an environment that stays the same from run to run: processor,
/// cores, memory in whole GiB, filesystem, kernel without its release, and target.
#[must_use]
pub fn fingerprint(environment: &Environment) -> String {
    let machine = &environment.machine;
    let kernel = machine.kernel.value.as_deref().unwrap_or_default();
    let kernel = kernel.split_whitespace().next().unwrap_or_default();
    let stable = [
        machine.cpu.value.clone().unwrap_or_default(),
        format!("{:?}", machine.cores.value),
        format!("{:?}", machine.memory_bytes.value.map(|bytes| bytes.div_ceil(1 << 30))),
        machine.filesystem.value.clone().unwrap_or_default(),
        kernel.to_owned(),
        environment.build.target.clone(),
    ];
    let bytes = stable.iter().flat_map(|part| part.bytes().chain([0]));
    format!("{:016x}", fnv1a(bytes)).chars().take(8).collect()
}

/// What makes two runs comparable as a whole: machine, engine and profile. `None` for a run without
/// suites, or whose suites differ in it.
#[must_use]
pub fn identity(run: &RunRecord) -> Option<String> {
    let mut identities = run.suites.iter().map(|suite| {
        format!("{}-{}-{}", fingerprint(&suite.environment), suite.engine, suite.profile)
    });
    let first = identities.next()?;
    identities.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::fnv1a;

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(*b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(*b"foobar"), 0x8594_4171_f739_67e8);
    }
}
