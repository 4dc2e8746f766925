//! Whether a Prometheus answers and has what accelerators draw.

use commonwatt_kubernetes::prometheus;

use super::{Finding, Terms};

const CHECK: &str = "prometheus";
/// What NVIDIA's DCGM exporter calls a GPU's watts.
const WATTS: &str = "DCGM_FI_DEV_POWER_USAGE";

pub async fn check(terms: &Terms) -> Vec<Finding> {
    let mut findings = vec![Finding::ok(
        "metrics-server",
        "not needed: nothing here reads metrics.k8s.io",
    )];
    let Some(url) = &terms.prometheus else {
        findings.push(Finding::ok(
            CHECK,
            "not asked: this version models draw from profiles and reads no meter; --prometheus URL looks whether one is there",
        ));
        return findings;
    };
    match prometheus(url, "up").await {
        Err(why) => {
            findings.push(Finding::problem(
                CHECK,
                format!("{url} does not answer a query: {why}"),
                "give the address of its HTTP API, as http://prometheus.monitoring:9090, and a way there from here",
            ));
            return findings;
        }
        Ok(up) if up.is_empty() => findings.push(Finding::warning(
            CHECK,
            format!("{url} answers and scrapes nothing"),
            "add scrape targets: the DCGM exporter, and /metrics of the operator",
        )),
        Ok(up) => findings.push(Finding::ok(
            CHECK,
            format!("{url} scrapes {} targets", up.len()),
        )),
    }
    match prometheus(url, WATTS).await {
        Ok(series) if series.is_empty() => findings.push(Finding::warning(
            CHECK,
            format!("there are no series {WATTS}: nothing says what accelerators draw"),
            "run NVIDIA's dcgm-exporter and let Prometheus scrape it",
        )),
        Ok(series) => findings.push(Finding::ok(
            CHECK,
            format!("{} accelerators say their watts", series.len()),
        )),
        Err(why) => findings.push(Finding::warning(CHECK, why, "see its log")),
    }
    findings
}
