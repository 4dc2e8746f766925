//! Metrics and logs.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use commonwatt_store::StoreError;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};
use tracing_subscriber::EnvFilter;

/// Label names with their values.
type Labels = Vec<(&'static str, String)>;
type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;
type Counters = Family<Labels, Counter>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// The metrics of this process. Clones count into the same.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    reconciles: Counters,
    reconcile_seconds: Histograms,
    store_requests: Counters,
    writes: Counters,
    failures: Counters,
    site_limit: Gauges,
    site_charged: Gauges,
    site_draw: Gauges,
    accelerators: Gauges,
    plan_cost: Gauges,
    plan_findings: Gauge,
    ready_replicas: Gauges,
    desired_replicas: Gauges,
    signal_age: Gauges,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

/// From a reconcile that found nothing to do up to one that waited for a server that is away.
fn seconds() -> Histogram {
    Histogram::new([0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
}

fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

impl Metrics {
    /// All families, empty. `version` and `commit` become labels of `commonwatt_build_info`.
    pub fn new(version: &str, commit: &str) -> Self {
        let mut registry = Registry::with_prefix("commonwatt");
        let r = &mut registry;
        let build = Info::new(vec![
            ("version", version.to_owned()),
            ("commit", commit.to_owned()),
        ]);
        // The library adds `_info` here and `_total` to counters.
        r.register("build", "What runs", build);
        let inner = Inner {
            reconciles: add(
                r,
                "reconcile",
                "Rounds of a role by their result",
                Counters::default(),
            ),
            reconcile_seconds: add(
                r,
                "reconcile_seconds",
                "How long a round of a role took",
                Histograms::new_with_constructor(seconds),
            ),
            store_requests: add(
                r,
                "store_requests",
                "Requests to the API server",
                Counters::default(),
            ),
            writes: add(
                r,
                "writes",
                "Objects that a role wrote",
                Counters::default(),
            ),
            failures: add(
                r,
                "failures",
                "What went wrong, by reason",
                Counters::default(),
            ),
            site_limit: add(
                r,
                "site_limit_watts",
                "What the site may draw now",
                Gauges::default(),
            ),
            site_charged: add(
                r,
                "site_charged_watts",
                "What admitted work may draw at most",
                Gauges::default(),
            ),
            site_draw: add(
                r,
                "site_draw_watts",
                "What the site draws",
                Gauges::default(),
            ),
            accelerators: add(
                r,
                "site_accelerators",
                "Accelerators by state",
                Gauges::default(),
            ),
            plan_cost: add(
                r,
                "plan_cost",
                "Cost of the plan in force, per hour",
                Gauges::default(),
            ),
            plan_findings: add(
                r,
                "plan_findings",
                "What the audit found in the last plan; 0 is good",
                Gauge::default(),
            ),
            ready_replicas: add(
                r,
                "deployment_ready_replicas",
                "Replicas that are ready, over all sites",
                Gauges::default(),
            ),
            desired_replicas: add(
                r,
                "deployment_desired_replicas",
                "Replicas that are wanted, over all sites",
                Gauges::default(),
            ),
            signal_age: add(
                r,
                "signal_age_seconds",
                "Age of a signal's newest value",
                Gauges::default(),
            ),
            registry,
        };
        Self(Arc::new(inner))
    }

    /// A round of a role is over. `result` is one word, such as `ok` or an error's reason.
    pub fn reconciled(&self, role: &str, result: &str, took: Duration) {
        let labels = vec![("role", role.to_owned()), ("result", result.to_owned())];
        self.0.reconciles.get_or_create(&labels).inc();
        let labels = vec![("role", role.to_owned())];
        self.0
            .reconcile_seconds
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// A request to an API server was answered, or not.
    pub fn store_request(&self, verb: &str, kind: &str, error: Option<&StoreError>) {
        let result = error.map_or("ok", StoreError::reason);
        let labels = vec![
            ("verb", verb.to_owned()),
            ("kind", kind.to_owned()),
            ("result", result.to_owned()),
        ];
        self.0.store_requests.get_or_create(&labels).inc();
    }

    /// A role wrote an object.
    pub fn wrote(&self, role: &str) {
        self.0
            .writes
            .get_or_create(&vec![("role", role.to_owned())])
            .inc();
    }

    /// Something went wrong. `reason` is one word out of few.
    pub fn failed(&self, role: &str, reason: &str) {
        let labels = vec![("role", role.to_owned()), ("reason", reason.to_owned())];
        self.0.failures.get_or_create(&labels).inc();
    }

    /// A site's watts. What is not known has no series: unknown is not zero.
    pub fn site(&self, site: &str, limit: Option<f64>, charged: Option<f64>, draw: Option<f64>) {
        let labels = vec![("site", site.to_owned())];
        set(&self.0.site_limit, &labels, limit);
        set(&self.0.site_charged, &labels, charged);
        set(&self.0.site_draw, &labels, draw);
    }

    /// A site's accelerators of one product in one state, such as `free` or `charged`.
    pub fn accelerators(&self, site: &str, product: &str, state: &str, count: Option<u64>) {
        let labels = vec![
            ("site", site.to_owned()),
            ("product", product.to_owned()),
            ("state", state.to_owned()),
        ];
        set(
            &self.0.accelerators,
            &labels,
            count.map(|count| count as f64),
        );
    }

    /// The plan in force: its cost per currency, and how many findings the audit has.
    pub fn plan(&self, costs: &[(String, f64)], findings: usize) {
        self.0.plan_cost.clear();
        for (currency, cost) in costs {
            set(
                &self.0.plan_cost,
                &vec![("currency", currency.clone())],
                Some(*cost),
            );
        }
        self.0
            .plan_findings
            .set(i64::try_from(findings).unwrap_or(i64::MAX));
    }

    /// A deployment's replicas; `None` when it is gone.
    pub fn deployment(
        &self,
        namespace: &str,
        name: &str,
        ready: Option<u64>,
        desired: Option<u64>,
    ) {
        let labels = vec![
            ("namespace", namespace.to_owned()),
            ("deployment", name.to_owned()),
        ];
        set(
            &self.0.ready_replicas,
            &labels,
            ready.map(|count| count as f64),
        );
        set(
            &self.0.desired_replicas,
            &labels,
            desired.map(|count| count as f64),
        );
    }

    /// The age of a signal's newest value; `None` when it has none.
    pub fn signal_age(&self, signal: &str, seconds: Option<f64>) {
        set(
            &self.0.signal_age,
            &vec![("signal", signal.to_owned())],
            seconds,
        );
    }

    /// Everything in the `OpenMetrics` text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

fn set(gauges: &Gauges, labels: &Labels, value: Option<f64>) {
    match value {
        Some(value) => {
            gauges.get_or_create(labels).set(value);
        }
        None => {
            gauges.remove(labels);
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line, for machines.
    Json,
    /// For people.
    Text,
}

/// Logs could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter is not one.
    #[error(
        "{filter:?} is no log filter; write a level such as `info`, or `warn,commonwatt=debug`"
    )]
    Filter {
        /// As it was given.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Somebody did before.
    #[error("logs were set up before: {0}")]
    Again(String),
}

/// Sends this process's logs to standard error, in colour only if that is a terminal.
pub fn logging(format: LogFormat, filter: &str) -> Result<(), LoggingError> {
    // The client logs every refused connection as an error of its own. It comes back to us as one, and is told with
    // what was being done.
    let quiet = format!("kube_client::client::builder=off,{filter}");
    let directives = EnvFilter::try_new(quiet).map_err(|source| LoggingError::Filter {
        filter: filter.to_owned(),
        source,
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(directives)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let set = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.try_init(),
    };
    set.map_err(|error| LoggingError::Again(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_the_names_that_dashboards_ask_for() {
        let metrics = Metrics::new("0.1.0", "abc");
        metrics.reconciled("hub", "ok", Duration::from_millis(30));
        metrics.store_request("apply", "Job", Some(&StoreError::Conflict(String::new())));
        metrics.wrote("hub");
        metrics.failed("site", "Unreachable");
        metrics.site("a", Some(1e6), Some(2e5), None);
        metrics.accelerators("a", "L4", "free", Some(8));
        metrics.plan(&[("EUR".to_owned(), 12.5)], 0);
        metrics.deployment("models", "llama", Some(2), Some(3));
        metrics.signal_age("carbon", Some(60.0));
        let text = metrics.text();
        for line in [
            "commonwatt_build_info{version=\"0.1.0\",commit=\"abc\"} 1",
            "commonwatt_reconcile_total{role=\"hub\",result=\"ok\"} 1",
            "commonwatt_reconcile_seconds_count{role=\"hub\"} 1",
            "commonwatt_store_requests_total{verb=\"apply\",kind=\"Job\",result=\"Conflict\"} 1",
            "commonwatt_writes_total{role=\"hub\"} 1",
            "commonwatt_failures_total{role=\"site\",reason=\"Unreachable\"} 1",
            "commonwatt_site_limit_watts{site=\"a\"} 1000000.0",
            "commonwatt_site_charged_watts{site=\"a\"} 200000.0",
            "commonwatt_site_accelerators{site=\"a\",product=\"L4\",state=\"free\"} 8.0",
            "commonwatt_plan_cost{currency=\"EUR\"} 12.5",
            "commonwatt_plan_findings 0",
            "commonwatt_deployment_ready_replicas{namespace=\"models\",deployment=\"llama\"} 2.0",
            "commonwatt_deployment_desired_replicas{namespace=\"models\",deployment=\"llama\"} 3.0",
            "commonwatt_signal_age_seconds{signal=\"carbon\"} 60.0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn what_is_not_known_has_no_series() {
        let metrics = Metrics::new("0.1.0", "abc");
        metrics.site("a", Some(1.0), None, Some(2.0));
        metrics.site("a", Some(1.0), None, None);
        let text = metrics.text();
        assert!(text.contains("site_limit_watts{"));
        assert!(!text.contains("site_draw_watts{"), "{text}");
    }

    #[test]
    fn a_wrong_log_filter_is_named() {
        let error = logging(LogFormat::Text, "commonwatt=loud").expect_err("no such level");
        assert!(error.to_string().contains("commonwatt=loud"), "{error}");
    }
}
