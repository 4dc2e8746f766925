//! Metrics: what the process counts, and what each round found.

mod definition;
pub mod families;
mod reference;
mod sheet;
mod text;

use std::sync::Arc;
use std::time::Duration;

use commonwatt_store::{Failure, StoreError};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter as Count;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram as Buckets;
use prometheus_client::registry::{Metric, Registry};

pub use definition::{Counter, Definition, Gauge, Histogram, Type};
pub use reference::reference;
pub use sheet::Sheet;

use families as all;
use sheet::Sheets;

/// Label names with their values.
type Labels = Vec<(&'static str, String)>;
type Counters = Family<Labels, Count>;
type Histograms = Family<Labels, Buckets, fn() -> Buckets>;

/// The metrics of this process. Clones count into the same.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    sheets: Sheets,
    reconciles: Counters,
    failures: Counters,
    writes: Counters,
    requests: Counters,
    moves: Count,
    reconcile_seconds: Histograms,
    plan_seconds: Buckets,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl From<Type> for MetricType {
    fn from(type_: Type) -> Self {
        match type_ {
            Type::Gauge => Self::Gauge,
            Type::Counter => Self::Counter,
            Type::Histogram => Self::Histogram,
        }
    }
}

/// From a round that found nothing to do up to one that waited for a server that is away.
fn seconds() -> Buckets {
    Buckets::new([0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

fn add<M: Metric + Clone>(registry: &mut Registry, definition: &Definition, metric: M) -> M {
    // The library adds `_total` itself.
    let name = definition.name.trim_end_matches("_total");
    registry.register(name, definition.help, metric.clone());
    metric
}

fn labels<const N: usize>(definition: &Definition, values: [&str; N]) -> Labels {
    let names = definition.labels.iter().copied();
    names.zip(values.map(str::to_owned)).collect()
}

impl Metrics {
    /// All families, empty. `version` becomes the label of `commonwatt_build_info`.
    pub fn new(version: &str) -> Self {
        let mut registry = Registry::default();
        let r = &mut registry;
        let mut inner = Inner {
            reconciles: add(r, &all::RECONCILES.0, Counters::default()),
            failures: add(r, &all::FAILURES.0, Counters::default()),
            writes: add(r, &all::WRITES.0, Counters::default()),
            requests: add(r, &all::REQUESTS.0, Counters::default()),
            moves: add(r, &all::MOVES.0, Count::default()),
            reconcile_seconds: add(
                r,
                &all::RECONCILE_SECONDS.0,
                Histograms::new_with_constructor(seconds),
            ),
            plan_seconds: add(r, &all::PLAN_SECONDS.0, seconds()),
            sheets: Sheets::default(),
            registry,
        };
        let sheets = inner.sheets.clone();
        inner.registry.register_collector(Box::new(sheets));
        let metrics = Self(Arc::new(inner));
        let mut build = Sheet::default();
        build.set(&all::BUILD, [version], 1.0);
        metrics.publish("build", build);
        metrics
    }

    /// Gauges of an owner, instead of what it published before.
    pub fn publish(&self, owner: &str, sheet: Sheet) {
        self.0.sheets.put(owner, sheet);
    }

    /// An owner has nothing to say any more.
    pub fn withdraw(&self, owner: &str) {
        self.0.sheets.take(owner);
    }

    /// A role runs in this process: what it counts begins at nothing, so that the first failure is seen as a rise.
    pub fn begin(&self, role: &str) {
        count(&self.0.writes, &all::WRITES, [role], 0);
        count(&self.0.reconciles, &all::RECONCILES, [role, "ok"], 0);
        for reason in Failure::REASONS {
            count(&self.0.failures, &all::FAILURES, [role, reason], 0);
        }
    }

    /// A round of a role is over. `result` is one word, such as `ok` or an error's reason.
    pub fn reconciled(&self, role: &str, result: &str, took: Duration) {
        count(&self.0.reconciles, &all::RECONCILES, [role, result], 1);
        let labels = labels(&all::RECONCILE_SECONDS.0, [role]);
        let buckets = self.0.reconcile_seconds.get_or_create(&labels);
        buckets.observe(took.as_secs_f64());
    }

    /// A plan was made, and moves so many replicas.
    pub fn planned(&self, took: Duration, moves: u32) {
        self.0.plan_seconds.observe(took.as_secs_f64());
        self.0.moves.inc_by(u64::from(moves));
    }

    /// A request to an API server was answered, or not.
    pub fn store_request(&self, verb: &str, kind: &str, error: Option<&StoreError>) {
        let result = error.map_or("ok", StoreError::reason);
        count(&self.0.requests, &all::REQUESTS, [verb, kind, result], 1);
    }

    /// A role wrote so many objects.
    pub fn wrote(&self, role: &str, objects: usize) {
        count(&self.0.writes, &all::WRITES, [role], objects as u64);
    }

    /// Something was not done.
    pub fn failed(&self, role: &str, failure: &Failure) {
        count(&self.0.failures, &all::FAILURES, [role, failure.reason], 1);
    }

    /// Everything in the `OpenMetrics` text format.
    pub fn open_metrics(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }

    /// Everything in Prometheus' own text format, for those who do not know the other.
    pub fn prometheus(&self) -> String {
        text::prometheus(&self.open_metrics())
    }
}

fn count<const N: usize>(counters: &Counters, counter: &Counter<N>, values: [&str; N], by: u64) {
    counters
        .get_or_create(&labels(&counter.0, values))
        .inc_by(by);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_the_names_that_dashboards_ask_for() {
        let metrics = Metrics::new("0.1.0");
        metrics.reconciled("hub", "ok", Duration::from_millis(30));
        metrics.store_request("apply", "Job", Some(&StoreError::Conflict(String::new())));
        metrics.wrote("hub", 3);
        metrics.planned(Duration::from_millis(2), 0);
        let error = StoreError::Unreachable("gone".into());
        metrics.failed("site", &Failure::of("hub", &error));
        let mut sheet = Sheet::default();
        sheet.set(&all::SITE_LIMIT, ["a"], 1e6);
        sheet.add(&all::SITE_ACCELERATORS, ["a", "L4", "free"], 8.0);
        metrics.publish("a", sheet);
        let text = metrics.open_metrics();
        for line in [
            "commonwatt_build_info{version=\"0.1.0\"} 1.0",
            "commonwatt_reconciles_total{role=\"hub\",result=\"ok\"} 1",
            "commonwatt_reconcile_duration_seconds_count{role=\"hub\"} 1",
            "commonwatt_api_requests_total{verb=\"apply\",kind=\"Job\",result=\"Conflict\"} 1",
            "commonwatt_writes_total{role=\"hub\"} 3",
            "commonwatt_hub_moves_total 0",
            "commonwatt_failures_total{role=\"site\",reason=\"Unreachable\"} 1",
            "commonwatt_site_limit_watts{site=\"a\"} 1000000.0",
            "commonwatt_site_accelerators{site=\"a\",product=\"L4\",state=\"free\"} 8.0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn what_a_round_does_not_find_any_more_has_no_series() {
        let metrics = Metrics::new("0.1.0");
        let mut first = Sheet::default();
        first.set(&all::SITE_LIMIT, ["a"], 1.0);
        first.set(&all::SITE_DRAW, ["a"], 2.0);
        metrics.publish("north", first);
        let mut second = Sheet::default();
        second.set(&all::SITE_LIMIT, ["a"], 3.0);
        metrics.publish("north", second);
        let mut other = Sheet::default();
        other.set(&all::SITE_LIMIT, ["b"], 4.0);
        metrics.publish("south", other);
        let text = metrics.open_metrics();
        assert!(text.contains("site_limit_watts{site=\"a\"} 3.0"), "{text}");
        assert!(text.contains("site_limit_watts{site=\"b\"} 4.0"), "{text}");
        assert!(!text.contains("site_draw_watts{"), "{text}");
        metrics.withdraw("south");
        assert!(!metrics.open_metrics().contains("site=\"b\""));
    }

    #[test]
    fn names_are_distinct_and_helps_and_labels_are_there() {
        let mut names: Vec<_> = families::definitions().map(|one| one.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for one in families::definitions() {
            assert!(!one.help.ends_with('.') && one.help.len() > 10, "{one:?}");
            let total = one.name.ends_with("_total");
            assert_eq!(total, one.type_ == Type::Counter, "{}", one.name);
        }
    }
}
