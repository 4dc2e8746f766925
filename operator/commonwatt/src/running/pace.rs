//! When the next round of a loop is due: when something has changed, when the clock has moved limits, or after a
//! failure with ever longer pauses.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use commonwatt_kubernetes::{KubeStore, ScaledClock};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;

/// Time moves limits and schedules: a look each half minute is worth it when nothing else happens.
const PERIOD: TimeDelta = TimeDelta::seconds(30);
/// Rounds begin no closer than this, however fast the clock is and however much changes.
const CLOSEST: Duration = Duration::from_millis(200);
/// News rarely comes alone.
const SETTLE: Duration = Duration::from_millis(30);
/// The most that news wait because the last round was long.
const LONGEST_REST: Duration = Duration::from_secs(5);
/// The first pause after a failure; each further one is twice as long...
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// ...up to this.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Rung when there is something to do. All clones are one bell.
#[derive(Debug, Clone)]
pub struct Bell(watch::Sender<u64>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Bell {
    /// Wakes everybody who waits.
    pub fn ring(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Hears every ring from now on.
    pub fn hear(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }

    /// Rings whenever a store's watches bring news, until the returned value is dropped.
    pub fn follow(&self, store: &KubeStore) -> Following {
        self.ring_with(store.changed())
    }

    /// Rings with another bell.
    pub fn follow_bell(&self, other: &Self) -> Following {
        self.ring_with(other.hear())
    }

    fn ring_with(&self, mut changed: watch::Receiver<u64>) -> Following {
        let bell = self.clone();
        let task = tokio::spawn(async move {
            while changed.changed().await.is_ok() {
                bell.ring();
            }
        });
        Following(task.abort_handle())
    }
}

/// A store whose news ring a bell.
#[derive(Debug)]
pub struct Following(AbortHandle);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How a round went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// All is said and done.
    Well,
    /// Something is to be tried again.
    Badly,
}

/// The pace of one loop.
#[derive(Debug)]
pub struct Pace {
    period: Duration,
    due: Duration,
    bell: watch::Receiver<u64>,
    failures: u32,
    begun: Instant,
    rest: Duration,
}

impl Pace {
    /// A loop that hears a bell and goes by a clock.
    pub fn new(clock: &ScaledClock, bell: &Bell) -> Self {
        let period = clock.real_duration(PERIOD).clamp(CLOSEST, LONGEST_PAUSE);
        Self {
            period,
            due: period,
            bell: bell.hear(),
            failures: 0,
            begun: Instant::now(),
            rest: Duration::ZERO,
        }
    }

    /// A round begins. What rings from now on is for the next one.
    pub fn begin(&mut self) {
        self.begun = Instant::now();
        self.due = self.period;
        self.rest = Duration::ZERO;
        self.bell.borrow_and_update();
    }

    /// The clock changes something before the period is over: the next round is due then.
    pub fn due_in(&mut self, clock: &ScaledClock, ahead: TimeDelta) {
        self.due = clock.real_duration(ahead).clamp(CLOSEST, LONGEST_PAUSE);
    }

    /// The next round is due after this real time at the latest.
    pub fn due_within(&mut self, limit: Duration) {
        self.due = self.due.min(limit);
    }

    /// The round that ends has thought so long. As long again the next one waits for more news: what comes one by one is
    /// thought over together, and others get the processor meanwhile.
    pub fn rest_after(&mut self, thought: Duration) {
        self.rest = thought.min(LONGEST_REST);
    }

    /// Waits until the next round is due.
    pub async fn wait(&mut self, went: Went) {
        self.failures = match went {
            Went::Well => 0,
            Went::Badly => self.failures.saturating_add(1),
        };
        let due = self.pause();
        tokio::select! {
            () = sleep(due) => {}
            Ok(()) = self.bell.changed() => sleep(SETTLE.max(self.rest)).await,
        }
        // After a failure news alone is no reason to hurry: what failed may be what brings the news.
        let closest = if self.failures == 0 {
            CLOSEST
        } else {
            FIRST_PAUSE.min(due)
        };
        sleep(closest.saturating_sub(self.begun.elapsed())).await;
    }

    fn pause(&self) -> Duration {
        match self.failures {
            0 => self.due,
            failures => pause(failures, self.begun).min(self.due.max(FIRST_PAUSE)),
        }
    }
}

/// The pause after so many failures in a row, up to half as long again so that not all come back in one moment.
pub fn pause(failures: u32, seed: Instant) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(6));
    let pause = doubled.min(LONGEST_PAUSE);
    pause + pause.mul_f64(f64::from(seed.elapsed().subsec_nanos() % 1000) / 2000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_never_stand_still() {
        let seconds = |failures| pause(failures, Instant::now()).as_secs_f64();
        for (failures, least) in [(1, 1.0), (2, 2.0), (4, 8.0), (7, 60.0), (500, 60.0)] {
            let pause = seconds(failures);
            assert!(
                pause >= least && pause <= least * 1.5,
                "{failures}: {pause}"
            );
        }
    }

    #[tokio::test]
    async fn news_wakes_a_loop_that_went_well_and_what_rang_during_a_round_is_not_lost() {
        let bell = Bell::default();
        let mut pace = Pace::new(&ScaledClock::real(), &bell);
        pace.begin();
        bell.ring();
        let waited = Instant::now();
        pace.wait(Went::Well).await;
        assert!(waited.elapsed() < Duration::from_secs(5));
    }
}
