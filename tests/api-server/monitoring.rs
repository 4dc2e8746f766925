//! Dashboards and alert rules by the tools that read them: Prometheus' own checks and unit tests, Grafana's published
//! types, and the definitions of the Prometheus Operator on a real API server.

mod alerts;
pub mod prometheus;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use commonwatt_harness::{control_plane, skip};
use serde_json::{Value, json};

use self::alerts::{CASES, Series};
use self::prometheus::{missing, output};
use crate::{Result, checkout};

const ALERTS: &str = "deploy/prometheus/alerts.yaml";
/// The Prometheus Operator whose definitions ours must fit, and what its module is known by.
const OPERATOR: (&str, &str) = (
    "github.com/prometheus-operator/prometheus-operator@v0.85.0",
    "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
);

#[test]
fn every_alert_fires_when_it_must_and_not_when_it_must_not() -> Result {
    if let Some(reason) = missing() {
        skip!("{reason}");
    }
    let rules = checkout(ALERTS);
    let checked = output(
        Command::new("promtool")
            .args(["check", "rules", "--lint=all", "--lint-fatal"])
            .arg(&rules),
    )?;
    let text = fs::read_to_string(&rules)?;
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert!(
        checked.contains(&format!("{} rules found", names.len())),
        "{checked}"
    );
    let tried: Vec<&str> = CASES.iter().map(|case| case.alert).collect();
    assert_eq!(names, tried, "each alert has its case, in order");
    let tests: Vec<Value> = CASES
        .iter()
        .flat_map(|case| {
            [
                trial(case.alert, case.fires, true),
                trial(case.alert, case.quiet, false),
            ]
        })
        .collect();
    let folder = tempfile::tempdir()?;
    // JSON is YAML.
    let file = folder.path().join("tests.yaml");
    let document = json!({
        "rule_files": [rules.canonicalize()?], "evaluation_interval": "1m", "tests": tests,
    });
    fs::write(&file, document.to_string())?;
    output(Command::new("promtool").args(["test", "rules"]).arg(&file))?;
    Ok(())
}

/// Three hours of series, and whether the alert fired in them.
fn trial(alert: &str, series: &[Series], fires: bool) -> Value {
    let series: Vec<Value> = series
        .iter()
        .map(|(series, values)| json!({ "series": series, "values": values }))
        .collect();
    let firing = format!("ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}}");
    let samples = if fires {
        json!([{ "labels": "{}", "value": 1 }])
    } else {
        json!([])
    };
    json!({
        "name": format!("{alert} {}", if fires { "fires" } else { "is quiet" }),
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [{
            "expr": format!("count(max_over_time({firing}[3h]))"), "eval_time": "170m", "exp_samples": samples,
        }],
    })
}

#[test]
fn dashboards_are_what_grafanas_own_types_allow_and_nothing_else() -> Result {
    if let Err(error) = Command::new("go").arg("version").output() {
        skip!("go does not run: {error}");
    }
    let boards = ["deploy/grafana/fleet.json", "deploy/grafana/site.json"];
    let folder = checkout("tests/api-server/monitoring/schema");
    let check = |files: &[PathBuf]| {
        let mut command = Command::new("go");
        command.current_dir(&folder).args(["run", "."]).args(files);
        output(&mut command)
    };
    let files: Vec<PathBuf> = boards
        .iter()
        .map(|board| checkout(board).canonicalize())
        .collect::<std::result::Result<_, _>>()?;
    println!("{}", check(&files)?);
    // The check itself: a field that Grafana does not know is found.
    let broken = tempfile::tempdir()?;
    let file = broken.path().join("broken.json");
    let text = fs::read_to_string(&files[0])?;
    fs::write(
        &file,
        text.replace("\"axisSoftMin\"", "\"axisSoftMinimum\""),
    )?;
    let error = check(&[file]).expect_err("an unknown field").to_string();
    assert!(error.contains("axisSoftMinimum"), "{error}");
    Ok(())
}

#[test]
fn the_chart_brings_what_it_is_asked_for_and_the_prometheus_operator_takes_it() -> Result {
    let plane = control_plane!("monitoring");
    let (module, sum) = OPERATOR;
    let mut download = Command::new("go");
    download.args(["mod", "download", "-json", module]);
    let downloaded: Value = serde_json::from_str(&output(&mut download)?)?;
    assert_eq!(downloaded["Sum"], sum, "{module} is not what it was");
    let folder = PathBuf::from(downloaded["Dir"].as_str().unwrap_or_default());
    for kind in ["servicemonitors", "prometheusrules"] {
        let file = format!("example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml");
        let file = folder.join(file).display().to_string();
        plane
            .kubectl(["apply", "--server-side", "--filename", &file])
            .ok()?;
        let definition = format!("customresourcedefinition/{kind}.monitoring.coreos.com");
        plane
            .kubectl([
                "wait",
                "--for=condition=Established",
                "--timeout=60s",
                &definition,
            ])
            .ok()?;
    }
    crate::install_definitions(&plane)?;
    let chart = checkout("charts/commonwatt").display().to_string();
    let install = |values: &[&str]| {
        let mut args = vec![
            "upgrade",
            "--install",
            "commonwatt",
            &chart,
            "--namespace=commonwatt-system",
        ];
        args.extend(["--create-namespace", "--set=replicas=0", "--reset-values"]);
        args.extend(values);
        plane.helm(args).ok()
    };
    let brought = || {
        let kinds = "configmaps,servicemonitors,prometheusrules";
        let listed = plane.kubectl([
            "get",
            kinds,
            "--namespace=commonwatt-system",
            "--selector=app.kubernetes.io/name=commonwatt",
            "--output=name",
        ]);
        listed
            .ok()
            .map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    install(&[])?;
    assert_eq!(
        brought()?,
        Vec::<String>::new(),
        "nothing is brought unasked"
    );
    install(&[
        "--set=serviceMonitor.enabled=true,prometheusRule.enabled=true,dashboards.enabled=true",
        "--set=serviceMonitor.labels.release=stack,dashboards.folder=Commonwatt",
    ])?;
    assert_eq!(
        brought()?,
        [
            "configmap/commonwatt-board-fleet",
            "configmap/commonwatt-board-site",
            "servicemonitor.monitoring.coreos.com/commonwatt",
            "prometheusrule.monitoring.coreos.com/commonwatt",
        ]
    );
    let get = |object: &str| {
        plane
            .kubectl([
                "get",
                object,
                "--namespace=commonwatt-system",
                "--output=json",
            ])
            .json()
    };
    let board = get("configmap/commonwatt-board-site")?;
    assert_eq!(board["metadata"]["labels"]["grafana_dashboard"], "1");
    assert_eq!(
        board["metadata"]["annotations"]["grafana_folder"],
        "Commonwatt"
    );
    let plain = fs::read_to_string(checkout("deploy/grafana/site.json"))?;
    assert_eq!(board["data"]["commonwatt-site.json"], plain);
    let rule = get("prometheusrule/commonwatt")?;
    let groups = rule["spec"]["groups"].as_array().map_or(0, Vec::len);
    assert_eq!(groups, 3);
    assert_eq!(
        get("servicemonitor/commonwatt")?["metadata"]["labels"]["release"],
        "stack"
    );
    Ok(())
}
