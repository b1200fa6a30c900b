//! What a loop of the workflow's was spent on: RDS's own work, our waiting after that was over, and our own work.

use std::time::{Duration, SystemTime};

use belay_local::Entered;

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: SystemTime,
    pub(super) to: SystemTime,
}

/// A loop of the workflow's: a function that looks, a question, and a wait.
pub(super) struct Loop {
    pub(super) call: &'static str,
    pub(super) question: &'static str,
    pub(super) wait: &'static str,
}

/// What one was spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Spent {
    /// While RDS was at something.
    pub(super) rds: Duration,
    /// Asleep, while RDS was at nothing.
    pub(super) late: Duration,
    /// Awake, while RDS was at nothing.
    pub(super) own: Duration,
    /// Calls of the function.
    pub(super) calls: usize,
    /// The most calls between the end of something that RDS did and the next thing, or the loop's end. 0 if one
    /// was under way at each such end.
    pub(super) calls_after: usize,
}

impl Loop {
    /// What it was spent on, the first time that the execution came by. Nothing if it never did.
    pub(super) fn spent(&self, entered: &[Entered], busy: &[Span]) -> Option<Spent> {
        let busy = merged(busy);
        let is_in = |state: &str| [self.call, self.question, self.wait].contains(&state);
        let stays = entered.iter().zip(entered.iter().skip(1));
        let stays = stays.skip_while(|(stay, _)| stay.state != self.call);
        let mut spent = Spent::default();
        let mut after = vec![0; busy.len() + 1];
        for (stay, next) in stays.take_while(|(stay, _)| is_in(&stay.state)) {
            let (from, to) = (stay.at, next.at);
            let rds = busy.iter().map(|span| span.within(Span { from, to })).sum();
            let idle = length(from, to).saturating_sub(rds);
            spent.rds += rds;
            *(if stay.state == self.wait {
                &mut spent.late
            } else {
                &mut spent.own
            }) += idle;
            if stay.state == self.call {
                spent.calls += 1;
                let is_at_something = busy.iter().any(|span| (span.from..span.to).contains(&from));
                let over = busy.iter().filter(|span| span.to <= from).count();
                if let Some(after) = after.get_mut(over).filter(|_| !is_at_something) {
                    *after += 1;
                }
            }
        }
        // What came before RDS began anything is no answer to it.
        spent.calls_after = after.into_iter().skip(1).max().unwrap_or_default();
        (spent.calls > 0).then_some(spent)
    }
}

impl Span {
    /// How much of it lies in another.
    fn within(self, other: Self) -> Duration {
        length(self.from.max(other.from), self.to.min(other.to))
    }
}

fn length(from: SystemTime, to: SystemTime) -> Duration {
    to.duration_since(from).unwrap_or_default()
}

/// What overlaps as one, in order.
fn merged(spans: &[Span]) -> Vec<Span> {
    let mut spans = spans.to_vec();
    spans.sort_by_key(|span| span.from);
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
            _ => merged.push(span),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOP: Loop = Loop {
        call: "Call",
        question: "Done?",
        wait: "Wait",
    };

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    fn entered(states: &[(&str, u64)]) -> Vec<Entered> {
        let entered = |(state, second): &(&str, u64)| Entered {
            state: (*state).to_owned(),
            at: at(*second),
        };
        states.iter().map(entered).collect()
    }

    fn spans(spans: &[(u64, u64)]) -> Vec<Span> {
        let span = |(from, to): &(u64, u64)| Span {
            from: at(*from),
            to: at(*to),
        };
        spans.iter().map(span).collect()
    }

    /// Seconds of RDS's, late, own; calls; the most after something.
    fn spent(states: &[(&str, u64)], busy: &[(u64, u64)]) -> Option<(u64, u64, u64, usize, usize)> {
        let spent = LOOP.spent(&entered(states), &spans(busy))?;
        let seconds = [spent.rds, spent.late, spent.own].map(|spent| spent.as_secs());
        Some((seconds[0], seconds[1], seconds[2], spent.calls, spent.calls_after))
    }

    #[test]
    fn each_second_is_rdss_or_late_or_our_own() {
        let once = [
            ("Before", 0),
            ("Call", 10),
            ("Done?", 14),
            ("Wait", 15),
            ("Call", 25),
            ("After", 30),
            ("Call", 90),
            ("End", 99),
        ];
        for (busy, expected) in [
            (&[][..], (0, 10, 10, 2, 0)),
            (&[(12, 20)], (8, 5, 7, 2, 1)),
            (&[(20, 22), (12, 16), (14, 20)], (10, 3, 7, 2, 1)),
            (&[(12, 27)], (15, 0, 5, 2, 0)),
            (&[(0, 9), (40, 50)], (0, 10, 10, 2, 2)),
        ] {
            assert_eq!(spent(&once, busy), Some(expected), "{busy:?}");
        }
    }

    #[test]
    fn calls_are_counted_from_the_end_of_one_thing_to_the_next() {
        let twice = [
            ("Call", 0),
            ("Wait", 1),
            ("Call", 5),
            ("Wait", 6),
            ("Call", 10),
            ("Wait", 11),
            ("Call", 15),
            ("After", 16),
        ];
        assert_eq!(spent(&twice, &[(1, 4), (11, 14)]), Some((6, 6, 4, 4, 2)));
        assert_eq!(spent(&twice, &[(1, 4), (6, 9), (11, 14)]), Some((9, 3, 4, 4, 1)));
    }

    #[test]
    fn a_loop_that_was_never_entered_was_spent_on_nothing() {
        assert_eq!(spent(&[("Before", 0), ("After", 9)], &[(1, 2)]), None);
    }
}
