//! A misspelt setting must not silently measure something else.

use prismq_bench::base::profile::{Profile, Scale};
use prismq_bench::subject::SubjectKind;

#[test]
fn every_profile_and_subject_is_known_by_its_name() {
    for profile in [Profile::Smoke, Profile::Standard, Profile::Full] {
        assert_eq!(Profile::parse(profile.name()).unwrap(), profile);
    }
    for subject in [SubjectKind::Prismq, SubjectKind::Pooled, SubjectKind::Mutex] {
        assert_eq!(SubjectKind::parse(subject.name()).unwrap(), subject);
    }
}

#[test]
fn the_defaults_are_the_queue_itself_and_the_standard_profile() {
    assert_eq!(Profile::default(), Profile::Standard);
    assert_eq!(SubjectKind::default(), SubjectKind::Prismq);
}

#[test]
fn another_name_is_refused_with_those_that_exist() {
    for name in ["", "Smoke", "fast"] {
        let error = Profile::parse(name).unwrap_err().to_string();
        assert!(error.contains("PRISMQ_PROFILE") && error.contains("smoke, standard and full"));
    }
    let error = SubjectKind::parse("redis").unwrap_err().to_string();
    assert_eq!(
        error,
        "PRISMQ_ENGINE=\"redis\" is not a known value; \
         allowed are prismq, pooled and mutex, and with --features prismq-bench/postgres postgres"
    );
}

#[test]
fn a_trial_has_a_load_of_its_own() {
    assert_eq!(Scale::Trial.pick(1, 2, 3, 4), 1);
    assert_eq!(Scale::Profile(Profile::Smoke).pick(1, 2, 3, 4), 2);
    assert_eq!(Scale::Profile(Profile::Full).pick(1, 2, 3, 4), 4);
}
