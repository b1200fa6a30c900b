//! From what was seen to the step that is due. Nothing else says how far a restore is.
//!
//! What is described may be older than what was done, and the three databases may be described as of different moments. So
//! a step may be told that was done already: RDS then answers that a name is taken or that nothing is there, and the next
//! call looks again.

use belay_aws::snapshots::Status;

/// The databases under the three names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Under the instance's name.
    pub(crate) name: Option<There>,
    /// Where the restore is built.
    pub(crate) beside: Option<There>,
    /// Where the failed database is kept.
    pub(crate) failed: Option<There>,
}

impl Seen {
    /// Whether the old database has lost the name, and the restored one may not have it yet.
    pub(crate) fn names_change(&self) -> bool {
        self.name.as_ref().is_none_or(|there| there.which != Which::Old)
    }
}

/// A database that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct There {
    pub(crate) which: Which,
    pub(crate) status: Status,
    pub(crate) settings: Configured,
}

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one that the snapshot was taken of.
    Old,
    /// The one that was restored for this run.
    New,
    /// Another.
    Other,
}

/// Whether a restored database is set to what the old one was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Configured {
    /// As far as that can be had.
    Yes,
    /// It must be told what a restore can't take.
    No,
    /// It was told, and is at it.
    Soon,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Restore the snapshot beside.
    Build,
    /// Give it the settings that a restore can't take.
    Configure,
    /// Check it, close the door, and give the old one its other name.
    Swap,
    /// Give the restored one the name. Where the old one is not seen under its other name, the check may not have been
    /// made.
    Take {
        /// Whether it was checked for sure.
        checked: bool,
    },
    /// Give the old one its name back: the restored one is lost.
    PutBack,
    /// Wait until the endpoint leads to the restored one, then write down what was done.
    Finish,
    /// Look again later.
    Wait(Place, String),
    /// This one will not be available.
    Broken(Place, String),
    /// Somebody else was here: what is wrong.
    Replaced(Place, &'static str),
}

/// One of the three names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The instance's.
    Name,
    /// Where the restore is built.
    Beside,
    /// Where the failed database is kept.
    Failed,
}

/// The step that is due.
pub(crate) fn due(seen: &Seen) -> Step {
    let moved_away = seen.failed.as_ref().is_some_and(|there| there.which == Which::Old);
    match &seen.name {
        Some(name) if name.which == Which::Old => before_the_swap(name, seen),
        None => between_the_renames(seen, moved_away),
        Some(name) if name.which == Which::New || moved_away => after_the_swap(name, seen),
        Some(_) => Step::Replaced(Place::Name, "is neither the failed database nor the restored one"),
    }
}

fn before_the_swap(name: &There, seen: &Seen) -> Step {
    match &seen.failed {
        // One database under two names: it is being renamed.
        Some(failed) if failed.which == Which::Old => return wait(Place::Name, &failed.status),
        Some(_) => return Step::Replaced(Place::Failed, "is not the failed database"),
        None => {}
    }
    let Some(beside) = &seen.beside else { return Step::Build };
    if beside.which != Which::New {
        return Step::Replaced(Place::Beside, "was not restored by this run");
    }
    match (&beside.status, beside.settings, &name.status) {
        (Status::Broken(word), ..) => Step::Broken(Place::Beside, word.clone()),
        (status @ Status::Changing(_), ..) | (status, Configured::Soon, _) => wait(Place::Beside, status),
        (Status::Available, Configured::No, _) => Step::Configure,
        (Status::Available, Configured::Yes, status @ Status::Changing(_)) => wait(Place::Name, status),
        // RDS does not rename one that is not available, and nobody can close its door.
        (Status::Available, Configured::Yes, Status::Broken(word)) => Step::Broken(Place::Name, word.clone()),
        (Status::Available, Configured::Yes, Status::Available) => Step::Swap,
    }
}

/// Nothing is under the name: whatever can be is put there (rule R3).
fn between_the_renames(seen: &Seen, moved_away: bool) -> Step {
    match (&seen.beside, &seen.failed) {
        (Some(beside), _) if beside.which != Which::New => {
            Step::Replaced(Place::Beside, "was not restored by this run")
        }
        (Some(There { status, .. }), failed) => match status {
            Status::Available => Step::Take { checked: moved_away },
            Status::Changing(_) => wait(Place::Beside, status),
            Status::Broken(word) => match failed {
                Some(failed) if moved_away => put_back(failed),
                _ => Step::Broken(Place::Beside, word.clone()),
            },
        },
        (None, Some(failed)) if moved_away => put_back(failed),
        (None, _) => Step::Replaced(Place::Name, "is gone, and so are the failed and the restored database"),
    }
}

fn put_back(failed: &There) -> Step {
    match &failed.status {
        status @ Status::Changing(_) => wait(Place::Failed, status),
        _ => Step::PutBack,
    }
}

fn after_the_swap(name: &There, seen: &Seen) -> Step {
    if seen.beside.as_ref().is_some_and(|there| there.which == Which::New) {
        return wait(Place::Beside, &Status::Changing("renaming".to_owned()));
    }
    match &name.status {
        Status::Available => Step::Finish,
        status @ Status::Changing(_) => wait(Place::Name, status),
        Status::Broken(word) => Step::Broken(Place::Name, word.clone()),
    }
}

fn wait(place: Place, status: &Status) -> Step {
    Step::Wait(place, status.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: There = there(Which::Old);
    const NEW: There = there(Which::New);
    const OTHER: There = there(Which::Other);

    const fn there(which: Which) -> There {
        There {
            which,
            status: Status::Available,
            settings: Configured::Yes,
        }
    }

    fn changing(there: There) -> There {
        let status = Status::Changing("renaming".to_owned());
        There { status, ..there }
    }

    fn broken(there: There) -> There {
        let status = Status::Broken("failed".to_owned());
        There { status, ..there }
    }

    fn set(settings: Configured) -> There {
        There { settings, ..NEW }
    }

    fn waits(place: Place) -> Step {
        Step::Wait(place, "renaming".to_owned())
    }

    fn breaks(place: Place) -> Step {
        Step::Broken(place, "failed".to_owned())
    }

    fn is_due(name: Option<There>, beside: Option<There>, failed: Option<There>) -> Step {
        due(&Seen { name, beside, failed })
    }

    #[test]
    fn r1_before_the_swap_the_restored_database_is_made_ready_beside() {
        for (beside, step) in [
            (None, Step::Build),
            (Some(changing(NEW)), waits(Place::Beside)),
            (Some(broken(NEW)), breaks(Place::Beside)),
            (Some(set(Configured::No)), Step::Configure),
            (
                Some(set(Configured::Soon)),
                Step::Wait(Place::Beside, "available".to_owned()),
            ),
            (Some(NEW), Step::Swap),
        ] {
            assert_eq!(is_due(Some(OLD), beside.clone(), None), step, "{beside:?}");
        }
        assert_eq!(is_due(Some(changing(OLD)), Some(NEW), None), waits(Place::Name));
        assert_eq!(is_due(Some(broken(OLD)), Some(NEW), None), breaks(Place::Name));
        assert_eq!(is_due(Some(changing(OLD)), None, None), Step::Build);
    }

    #[test]
    fn r1_one_database_under_two_names_is_being_renamed() {
        for beside in [None, Some(NEW), Some(changing(NEW))] {
            assert_eq!(is_due(Some(OLD), beside, Some(changing(OLD))), waits(Place::Name));
        }
        assert_eq!(is_due(Some(NEW), Some(NEW), Some(OLD)), waits(Place::Beside));
    }

    #[test]
    fn r3_between_the_renames_one_of_them_gets_the_name() {
        for (beside, failed, step) in [
            (Some(NEW), Some(OLD), Step::Take { checked: true }),
            (Some(NEW), Some(changing(OLD)), Step::Take { checked: true }),
            // The failed one is not described yet, or somebody deleted it: look at what gets the name.
            (Some(NEW), None, Step::Take { checked: false }),
            (Some(NEW), Some(OTHER), Step::Take { checked: false }),
            (Some(changing(NEW)), Some(OLD), waits(Place::Beside)),
            (Some(broken(NEW)), Some(OLD), Step::PutBack),
            (Some(broken(NEW)), Some(changing(OLD)), waits(Place::Failed)),
            (Some(broken(NEW)), None, breaks(Place::Beside)),
            (None, Some(OLD), Step::PutBack),
            (None, Some(broken(OLD)), Step::PutBack),
            (None, Some(changing(OLD)), waits(Place::Failed)),
        ] {
            assert_eq!(
                is_due(None, beside.clone(), failed.clone()),
                step,
                "{beside:?} {failed:?}"
            );
        }
    }

    #[test]
    fn v3_after_the_swap_nothing_is_restored_again() {
        for (name, step) in [
            (NEW, Step::Finish),
            (changing(NEW), waits(Place::Name)),
            (broken(NEW), breaks(Place::Name)),
        ] {
            for failed in [Some(OLD), Some(OTHER), None] {
                assert_eq!(
                    is_due(Some(name.clone()), None, failed.clone()),
                    step,
                    "{name:?} {failed:?}"
                );
            }
        }
        // Somebody took the tags away, and the failed database is where it was put.
        assert_eq!(is_due(Some(OTHER), None, Some(OLD)), Step::Finish);
    }

    #[test]
    fn what_somebody_else_did_is_left_alone() {
        for (name, beside, failed, place) in [
            (Some(OTHER), None, None, Place::Name),
            (Some(OTHER), Some(NEW), None, Place::Name),
            (Some(OTHER), None, Some(OTHER), Place::Name),
            (Some(OLD), None, Some(OTHER), Place::Failed),
            (Some(OLD), Some(OTHER), None, Place::Beside),
            (None, Some(OTHER), Some(OLD), Place::Beside),
            (None, None, None, Place::Name),
            (None, None, Some(OTHER), Place::Name),
        ] {
            let step = is_due(name.clone(), beside.clone(), failed.clone());
            assert!(
                matches!(step, Step::Replaced(at, _) if at == place),
                "{name:?} {beside:?} {failed:?}: {step:?}"
            );
        }
    }

    #[test]
    fn r3_no_step_before_the_swap_touches_the_name_and_none_after_it_gives_it_away() {
        let places = || {
            let known = [OLD, NEW, OTHER].into_iter();
            let all = known.flat_map(|there| [there.clone(), changing(there.clone()), broken(there)]);
            std::iter::once(None).chain(all.map(Some))
        };
        for name in places() {
            for beside in places() {
                for failed in places() {
                    let step = is_due(name.clone(), beside.clone(), failed.clone());
                    let under = name.as_ref().map(|there| there.which);
                    match step {
                        Step::Build | Step::Configure | Step::Swap => assert_eq!(under, Some(Which::Old)),
                        Step::Take { .. } | Step::PutBack => assert_eq!(under, None),
                        Step::Finish => assert!(matches!(under, Some(Which::New | Which::Other))),
                        Step::Wait(..) | Step::Broken(..) | Step::Replaced(..) => {}
                    }
                }
            }
        }
    }
}
