//! What a real Prometheus gets of the running operator: every query of both dashboards has an answer.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, TimeDelta, Utc};
use commonwatt_harness::{eventually, skip, unavailable};
use serde_json::{Value, json};

use super::fleet::{Fleet, NORTH, SOUTH, deployment, manifest};
use super::program::Started;
use crate::monitoring::prometheus::{Prometheus, missing};
use crate::{Result, checkout};

/// Long enough for a machine that also compiles; what is measured is printed.
const PATIENCE: Duration = Duration::from_mins(3);
/// What a process counts of itself, whatever the fleet: rounds, requests by kind, failures by reason. The rest of the
/// budget of 2,000 series is the fleet's (`operator/commonwatt/src/measure/budget.rs`).
const OWN_SERIES: usize = 300;

#[test]
fn every_query_of_the_dashboards_has_an_answer_from_the_running_operator() -> Result {
    if let Some(reason) = unavailable().or_else(missing) {
        skip!("{reason}");
    }
    let fleet = Fleet::start("watched", &[NORTH, SOUTH])?;
    let data = tempfile::tempdir()?;
    furnish(&fleet, data.path())?;
    let folder = data.path().display().to_string();
    let begun = Instant::now();
    let operator = fleet.operator().with(&["--data", &folder]).start()?;
    let rules = checkout("deploy/prometheus/alerts.yaml");
    let prometheus = Prometheus::start(&operator.address, &rules)?;
    let all = queries("fleet")?;
    // How fast something goes can be told only when it has happened once more since the first scrape.
    let is_rate =
        |(_, query): &(String, String)| query.contains("rate(") || query.contains("increase(");
    let (rates, values): (Vec<_>, Vec<_>) = all.into_iter().partition(is_rate);
    let passed = |what: &str| {
        let seconds = begun.elapsed().as_secs_f64();
        println!("{what}: {seconds:.1} s after the operator's start");
    };
    answered(&prometheus, &values)?;
    passed("every query of the fleet's dashboard but rates has data");
    answered(&prometheus, &rates)?;
    passed("every query of the fleet's dashboard has data");
    answered(&prometheus, &queries("site")?)?;
    passed("every query of the site's dashboard has data");
    says_what_is_so(&prometheus)?;
    alerts_have_their_series(&prometheus)?;
    is_well_formed(&operator)?;
    says_when_a_site_goes(&fleet, &prometheus)
}

/// A fleet in which every panel has something to show: work, work without a place, a limit of every kind.
fn furnish(fleet: &Fleet, data: &std::path::Path) -> Result {
    let hour = |hours: i64| (Utc::now() + TimeDelta::hours(hours)).format("%Y-%m-%d %H:00:00");
    let rows: Vec<String> = (-48..2)
        .map(|at| format!("{},{}", hour(at), 12 + at % 3))
        .collect();
    let rows = rows.join("\n");
    fs::write(data.join("weather.csv"), format!("time,celsius\n{rows}\n"))?;
    let start = (Utc::now() + TimeDelta::hours(1)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let north = fleet.site("north");
    north.apply_yaml(&manifest("watched.yaml", &[("$START", &start)])?)?;
    let signals = json!({ "spec": { "signals": { "wetBulb": "north-wet-bulb", "marginalCarbon": "north-marginal" } } });
    north
        .kubectl([
            "patch",
            "site/north",
            "--type=merge",
            "--patch",
            &signals.to_string(),
        ])
        .ok()?;
    fleet.hub.apply_yaml(&deployment("chat", "27000", "1")?)?;
    // More than all accelerators can serve, and one whose profile is not there.
    fleet.hub.apply_yaml(&deployment("crowd", "900000", "1")?)?;
    let broken = deployment("broken", "9000", "1")?;
    let broken = broken.replace("profile: llama-3.1-8b-h100", "profile: nobody-measured-it");
    fleet.hub.apply_yaml(&broken)?;
    Ok(())
}

/// The queries of a dashboard with its variables filled in, titles with them.
fn queries(board: &str) -> Result<Vec<(String, String)>> {
    let text = fs::read_to_string(checkout("deploy/grafana").join(format!("{board}.json")))?;
    let board: Value = serde_json::from_str(&text)?;
    let mut queries = Vec::new();
    for panel in board["panels"].as_array().into_iter().flatten() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expr = target["expr"].as_str().ok_or("a target without a query")?;
            let query = expr
                .replace("$site", ".+")
                .replace("$__rate_interval", "1m");
            assert!(
                !query.contains('$'),
                "a variable that the test does not know: {query}"
            );
            queries.push((panel["title"].to_string(), query));
        }
    }
    assert!(queries.len() > 20, "{} queries", queries.len());
    Ok(queries)
}

fn answered(prometheus: &Prometheus, queries: &[(String, String)]) -> Result {
    let mut empty = Vec::new();
    let waited = eventually(PATIENCE, "every query to have data", || {
        empty.clear();
        for (title, query) in queries {
            let found = prometheus.query(query).map_err(|error| error.to_string())?;
            if found.is_empty() {
                empty.push(format!("{title}: {query}"));
            }
        }
        Ok::<_, String>(empty.is_empty().then_some(()))
    });
    Ok(waited.map_err(|error| format!("{error}; without data:\n{}", empty.join("\n")))?)
}

/// A site that does not answer any more: the hub says so, its agent has no lease, and its last watts are not shown as
/// if they were still so.
fn says_when_a_site_goes(fleet: &Fleet, prometheus: &Prometheus) -> Result {
    let seen = |query: &str| prometheus.query(query).map_err(|error| error.to_string());
    assert_eq!(seen("commonwatt_site_draw_watts{site=\"south\"}")?.len(), 1);
    fleet.site("south").stop_api_server();
    for query in [
        "commonwatt_hub_site_reachable{site=\"south\"} == 0",
        "commonwatt_lease_unavailable{role=\"site\",place=\"south\"} == 1",
        "ALERTS{alertname=\"CommonwattSiteUnreachable\",site=\"south\"}",
        "ALERTS{alertname=\"CommonwattNoLeader\",place=\"south\"}",
    ] {
        eventually(PATIENCE, query, || {
            Ok::<_, String>((!seen(query)?.is_empty()).then_some(()))
        })?;
    }
    let gone = seen("commonwatt_site_draw_watts{site=\"south\"}")?;
    assert!(gone.is_empty(), "{gone:?}");
    assert_eq!(seen("commonwatt_site_draw_watts{site=\"north\"}")?.len(), 1);
    Ok(())
}

/// Not only something: what the objects say.
fn says_what_is_so(prometheus: &Prometheus) -> Result {
    let value = |query: &str| -> Result<f64> {
        let found = prometheus.query(query)?;
        Ok(found.first().ok_or(format!("{query}: nothing"))?.1)
    };
    assert!((value("commonwatt_site_limit_watts{site=\"north\"}")? - 19_000.0).abs() < 1.0);
    assert!((value("commonwatt_site_water_cap_liters")? - 100_000.0).abs() < 1.0);
    assert!((value("commonwatt_site_grid_event_target_watts")? - 4000.0).abs() < 1.0);
    assert!(
        (value("commonwatt_site_accelerators{site=\"north\",state=\"total\"}")? - 16.0).abs() < 0.1
    );
    assert!(
        (value(
            "commonwatt_site_carbon_intensity_grams_per_kwh{site=\"north\",kind=\"marginal\"}"
        )? - 300.0)
            .abs()
            < 0.1
    );
    assert!((value("commonwatt_hub_demand_tokens_per_second")? - 927_000.0).abs() < 1.0);
    let age = value("commonwatt_site_signal_age_seconds{signal=\"north-wet-bulb\"}")?;
    assert!((0.0..=3700.0).contains(&age), "{age}");
    assert!(value("commonwatt_leader{role=\"hub\"}")? > 0.5);
    // What is charged at a site and the hub's plan for it are of one size.
    let charged = value("commonwatt_site_charged_watts{site=\"north\"}")?;
    let planned = value("commonwatt_hub_site_planned_watts{site=\"north\"}")?;
    assert!(
        charged > 0.0 && planned >= charged,
        "{charged} of {planned}"
    );
    Ok(())
}

/// Every metric and label value that an alert asks for by name exists, and no rule fails to be evaluated.
fn alerts_have_their_series(prometheus: &Prometheus) -> Result {
    let text = fs::read_to_string(checkout("deploy/prometheus/alerts.yaml"))?;
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names: BTreeSet<&str> = words
        .filter(|word| word.starts_with("commonwatt_"))
        .collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        assert!(
            !prometheus.query(&format!("count({name})"))?.is_empty(),
            "no series of {name}"
        );
    }
    let failed = prometheus.query("sum(prometheus_rule_evaluation_failures_total)")?;
    assert!(failed.iter().all(|(_, value)| *value < 0.5), "{failed:?}");
    let pending = prometheus.query("ALERTS{alertname=\"CommonwattObjectsUnusable\"}")?;
    assert!(!pending.is_empty(), "the broken deployment is no alert");
    Ok(())
}

/// promtool finds nothing in the scraped page, and the process itself has few series.
fn is_well_formed(operator: &Started) -> Result {
    let page = operator.page("/metrics")?;
    let mut check = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    check
        .stdin
        .take()
        .ok_or("no input")?
        .write_all(page.as_bytes())?;
    let said = check.wait_with_output()?;
    let findings = [said.stdout, said.stderr].concat();
    assert!(
        said.status.success() && findings.is_empty(),
        "{}",
        String::from_utf8_lossy(&findings)
    );
    let series = || page.lines().filter(|line| !line.starts_with('#'));
    let of = |part: &str| series().filter(|line| line.starts_with(part)).count();
    let fleet = of("commonwatt_site_") + of("commonwatt_hub_");
    let own = series().count() - fleet;
    println!("{own} series of the process, {fleet} of two sites and their hub");
    assert!(own <= OWN_SERIES, "{own} series of its own:\n{page}");
    Ok(())
}
