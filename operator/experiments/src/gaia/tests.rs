//! On days made by hand that are clean at noon, with jobs whose best hours can be seen.

use std::fmt::Write as _;
use std::path::Path;

use tempfile::TempDir;

use super::policies::ALL;
use super::*;

/// Hours of a year in the excerpt.
const HOURS: usize = 24 * 5;

/// Grams per kilowatt-hour: the cleanest is noon, and each day is a gram dirtier than the last.
fn carbon(hour: usize) -> f64 {
    let from_noon = (hour % 24) as f64 - 12.0;
    100.0 + 10.0 * from_noon.abs() + (hour / 24) as f64
}

fn write(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

/// A short job and a long one every eighth hour of three days.
fn excerpt() -> TempDir {
    let root = TempDir::new().expect("a folder");
    for (year, first) in [(2022, 0), (2023, HOURS)] {
        let mut text = "Datetime (UTC),Carbon Intensity gCO₂eq/kWh (LCA)\n".to_owned();
        for hour in first..first + HOURS {
            writeln!(text, "{hour},{}", carbon(hour)).expect("a string");
        }
        write(
            root.path(),
            &format!("sites/carbon/US-CAL-CISO/US-CAL-CISO_{year}_hourly.csv"),
            &text,
        );
    }
    let mut text = "arrival_time,length,cpus\n".to_owned();
    for hour in (0..72).step_by(8) {
        writeln!(text, "{hour}.25,0.5,1\n{hour}.5,4.0,2").expect("a string");
    }
    write(root.path(), "gaia/pai-100k.csv", &text);
    root
}

fn read(root: &TempDir) -> Result<Trace, DataError> {
    Trace::read(&Data::new(root.path(), Gaia.source()))
}

fn trace() -> Trace {
    read(&excerpt()).expect("the excerpt")
}

fn close(ours: f64, counted: f64) {
    assert!(
        (ours - counted).abs() <= 1e-9 * counted.abs().max(1.0),
        "{ours} {counted}"
    );
}

/// What a policy does with a job that arrives in the first day, if it knows all.
fn of(policy: &str, job: &Job) -> Runs {
    let trace = trace();
    let hour = job.hour();
    let view = View {
        expected: Knowledge::Perfect.ahead(&trace.carbon, hour, 60),
        real: &trace.carbon,
        hour,
    };
    let (_, _, policy) = ALL
        .into_iter()
        .find(|(name, ..)| *name == policy)
        .expect("a policy");
    policy(job, &view)
}

/// A job that runs two hours.
fn job(arrives: f64) -> Job {
    Job {
        arrives,
        hours: 2.0,
        watts: 1.0,
        expected: 2.0,
        may_wait: 24.0,
    }
}

#[test]
fn jobs_know_the_mean_of_their_queue_and_how_long_it_may_wait() {
    let trace = trace();
    let [short, long] = [trace.jobs[0], trace.jobs[1]];
    close(short.expected, 0.5);
    close(long.expected, 4.0);
    close(short.may_wait, 6.0);
    close(long.may_wait, 24.0);
    close(long.arrives, 0.5);
}

#[test]
fn what_is_missing_or_too_short_is_said_with_its_file() {
    let root = excerpt();
    write(
        root.path(),
        "gaia/pai-100k.csv",
        "arrival_time,length,cpus\n200,48,1\n",
    );
    let short = read(&root).expect_err("too short").to_string();
    assert!(
        short.ends_with("pai-100k.csv: jobs until hour 272, and carbon of 240 hours"),
        "{short}"
    );
    write(
        root.path(),
        "gaia/pai-100k.csv",
        "arrival_time,length,cpus\n2,1,1\n1,1,1\n",
    );
    assert!(
        read(&root)
            .expect_err("no order")
            .to_string()
            .contains("order of their arrival")
    );
    std::fs::remove_file(root.path().join("gaia/pai-100k.csv")).expect("a file");
    assert!(
        read(&root)
            .expect_err("not there")
            .to_string()
            .contains("umassos/GAIA")
    );
}

#[test]
fn carbon_of_a_part_of_an_hour_is_its_part() {
    let carbon = Carbon::new(vec![100.0, 200.0, 400.0]);
    close(carbon.between(0.5, 2.25), 50.0 + 200.0 + 100.0);
    close(carbon.between(1.0, 1.0), 0.0);
}

#[test]
fn each_policy_of_the_paper_runs_a_job_when_it_says() {
    let morning = job(8.5);
    assert_eq!(of("run now", &morning), [(0.0, 2.0)]);
    // Noon begins in 3.5 hours.
    assert_eq!(of("lowest slot", &morning), [(3.5, 5.5)]);
    assert_eq!(of("lowest window", &morning), [(3.0, 5.0)]);
    // Two hours save 40 of 260 and three save 50, which is as much for each hour to the end.
    assert_eq!(of("carbon-time", &morning), [(2.0, 4.0)]);
    // It runs at noon and in the earlier of the two hours beside it.
    assert_eq!(of("wait awhile", &morning), [(2.5, 3.5), (3.5, 4.5)]);
    // The cleanest of a day's hours are those from nine to three.
    assert_eq!(of("ecovisor", &morning), [(0.5, 1.5), (1.5, 2.5)]);
}

#[test]
fn nothing_after_the_hour_is_read_without_a_perfect_forecast() {
    let trace = trace();
    let mut other = trace.clone();
    for later in &mut other.carbon.hours[31..] {
        *later += 1.0;
    }
    let ahead = |trace: &Trace| Knowledge::Seasonal.ahead(&trace.carbon, 30, 40).hours;
    assert_eq!(ahead(&trace), ahead(&other));
    assert_eq!(ahead(&trace).len(), 40);
    close(ahead(&trace)[0], carbon(30));
}

#[test]
fn the_planner_starts_a_job_where_it_emits_least_and_sooner_if_waiting_has_a_price() {
    let trace = trace();
    let jobs = [job(8.5)];
    let expected = Knowledge::Perfect.ahead(&trace.carbon, 8, 60);
    let planned = |waiting: f64, pausing: bool| {
        let terms = Terms { waiting, pausing };
        let plan = commonwatt_planner::plan(&world(&expected, 8, &jobs, terms), &Plan::default());
        runs(&plan, 0, &jobs[0], 8, terms)
    };
    // From eleven to one.
    assert_eq!(planned(0.0, false), [(2.5, 4.5)]);
    assert_eq!(planned(1000.0, false), [(0.0, 2.0)]);
    let paused: f64 = planned(0.0, true).iter().map(|(from, to)| to - from).sum();
    close(paused, 2.0);
}

#[test]
fn every_policy_has_its_row_and_ours_is_on_the_frontier_of_what_carbon_time_knows() {
    let outcome = outcome(&trace(), &());
    let metric = |policy: &str, name: &str| {
        let row = outcome
            .row(policy)
            .unwrap_or_else(|| panic!("no row {policy}"));
        row.metric(name)
            .unwrap_or_else(|| panic!("{policy} has no {name}"))
    };
    close(metric("run now", "carbonRelative"), 1.0);
    let carbon = |policy: &str| metric(policy, "carbonRelative");
    let perfect = |policy: &str| Knowledge::Perfect.name(policy);
    assert!(carbon(&perfect("commonwatt waiting 0")) <= carbon(&perfect("lowest window")) + 1e-9);
    assert!(carbon(&perfect("wait awhile")) <= carbon(&perfect("ecovisor")));
    assert!(
        metric("commonwatt waiting 150", "meanCompletionHours")
            <= metric("commonwatt waiting 0", "meanCompletionHours")
    );
    // Of what was known until then, the mean of the same hour is right but for the day.
    assert!(
        carbon("commonwatt") < 1.0 && carbon(&perfect("commonwatt")) <= carbon("commonwatt") + 1e-9
    );
}
