//! On three hours made by hand, in which one region is clean, one has water, and one is too far for short jobs.

use std::fmt::Write as _;
use std::path::Path;

use commonwatt_fleet::Plan;
use tempfile::TempDir;

use super::adapter::{Reach, starts, world};
use super::fleet::{Done, Fleet, NODES};
use super::trace::{APPLICATIONS, Job, Listing, REGIONS};
use super::*;

const HOURS: usize = 3;
/// Grams and litres per kilowatt-hour of a region in its first hour.
const CARBON: [f64; 5] = [20.0, 120.0, 200.0, 300.0, 700.0];
const LITERS: [f64; 5] = [9.0, 2.0, 6.0, 5.0, 4.0];
/// Seconds of a job of an application.
const SECONDS: [f64; 2] = [98.0, 102.0];
/// Seconds to and from Mumbai: more than a job may wait.
const FAR: f64 = 60.0;

fn write(root: &Path, file: &str, text: &str) {
    let path = root.join("waterwise").join(file);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

/// Numbers, one a line, the last without an end, as published.
fn lines(count: usize, value: impl Fn(usize) -> f64) -> String {
    let lines: Vec<_> = (0..count).map(|line| value(line).to_string()).collect();
    lines.join("\n")
}

fn transfer() -> String {
    let seconds = |from: &str, to: &str| match (from == to, from == "mumbai" || to == "mumbai") {
        (true, _) => 0.0,
        (_, true) => FAR,
        _ => 5.0,
    };
    let row = |from: &str| {
        let cells = REGIONS.map(|to| format!("\"{to}\": {}", seconds(from, to)));
        format!("\"{from}\": {{{}}}", cells.join(","))
    };
    let table = REGIONS.map(row).join(",");
    let of = APPLICATIONS.map(|name| format!("\"{name}\": {{{table}}}"));
    format!("{{{}}}", of.join(","))
}

fn excerpt() -> TempDir {
    let root = TempDir::new().expect("a folder");
    let at = root.path();
    for file in 1..=10 {
        // Of the first file's application seven a minute, of the others one every tenth.
        let count = move |minute: usize| match file {
            1 => 7.0,
            _ => f64::from(u8::from(minute % 10 == file)),
        };
        write(
            at,
            &format!("borg_trace/app{file}_instances.csv"),
            &lines(60 * HOURS, count),
        );
    }
    let mut mix = String::new();
    for (index, region) in REGIONS.into_iter().enumerate() {
        write(
            at,
            &format!("ci/{region}.txt"),
            &lines(HOURS, |hour| CARBON[index] + hour as f64),
        );
        write(
            at,
            &format!("ewif/{region}.txt"),
            &lines(HOURS, |_| LITERS[index]),
        );
        let known = if region == "mumbai" { 1 } else { HOURS };
        write(
            at,
            &format!("wet_bulb/{region}.txt"),
            &lines(known, |_| 20.0),
        );
        let comma = if index == 0 { "" } else { "," };
        write!(mix, "{comma}\"{region}\": {{\"ci\": 1, \"wsf\": 0.5}}").expect("a string");
    }
    write(at, "region_mix_2023.json", &format!("{{{mix}}}"));
    write(at, "transfer.json", &transfer());
    for (index, name) in APPLICATIONS.into_iter().enumerate() {
        let joules = 3600.0 * (index + 1) as f64;
        write(
            at,
            &format!("profile_data/{name}_energy.json"),
            &format!("[{joules}, {joules}]"),
        );
        write(
            at,
            &format!("profile_data/{name}_time.json"),
            &format!("{SECONDS:?}"),
        );
    }
    root
}

fn read(root: &TempDir, listing: Listing) -> Result<Trace, DataError> {
    Trace::read(&Data::new(root.path(), WaterWise.source()), listing)
}

fn trace() -> Trace {
    read(&excerpt(), NATURAL).expect("the excerpt")
}

fn close(ours: f64, counted: f64) {
    assert!(
        (ours - counted).abs() <= 1e-9 * counted.abs().max(1e-9),
        "{ours} {counted}"
    );
}

#[test]
fn water_is_that_on_site_and_that_of_the_energy_and_counts_with_its_scarcity() {
    let trace = trace();
    // 20 °C are 68 °F.
    let on_site = 1.5 * (6e-5 * 314_432.0 - 0.01 * 4_624.0 + 0.61 * 68.0 - 10.4);
    for (region, liters) in LITERS.into_iter().enumerate() {
        for hour in 0..HOURS {
            close(trace.water[region][hour], (on_site + 1.2 * liters) * 1.5);
            close(trace.carbon[region][hour], CARBON[region] + hour as f64);
        }
    }
}

#[test]
fn another_order_of_files_is_another_trace() {
    let root = excerpt();
    let busiest = |listing| {
        let trace = read(&root, listing).expect("the excerpt");
        let (jobs, _) = trace.arriving(0);
        APPLICATIONS[jobs.first().expect("a job").application]
    };
    assert_eq!(
        [NATURAL, LISTED, LEXICAL].map(busiest),
        ["black", "canneal", "black"]
    );
}

#[test]
fn jobs_of_a_minute_come_evenly_from_all_regions_and_the_rest_from_the_last() {
    let mut trace = trace();
    trace.arrivals[0][0] = 13.0;
    let (jobs, _) = trace.arriving(0);
    let from = |home: usize| jobs.iter().filter(|job| job.home == home).count();
    assert_eq!([0, 1, 2, 3, 4].map(from), [2, 2, 2, 2, 5]);
    assert_eq!(jobs, trace.arriving(0).0);
}

#[test]
fn what_is_missing_or_short_is_said_with_its_file() {
    let root = excerpt();
    write(root.path(), "ewif/milan.txt", "1\n2");
    let short = read(&root, NATURAL).expect_err("too short").to_string();
    assert!(
        short.ends_with("ewif/milan.txt: 2 values where 3 were expected"),
        "{short}"
    );
    write(root.path(), "ewif/milan.txt", "1\n2\n3");
    write(root.path(), "transfer.json", "{}");
    let nowhere = read(&root, NATURAL).expect_err("no transfer").to_string();
    assert!(
        nowhere.ends_with("transfer.json: no black from zurich to zurich"),
        "{nowhere}"
    );
    std::fs::remove_file(root.path().join("waterwise/borg_trace/app7_instances.csv"))
        .expect("a file");
    let missing = read(&root, NATURAL).expect_err("not there").to_string();
    assert!(
        missing.contains("app7_instances.csv") && missing.contains("LukeJYK/PPoPP25_WaterWise"),
        "{missing}"
    );
}

#[test]
fn a_job_is_late_when_transfer_waiting_and_running_take_half_as_long_again() {
    let trace = trace();
    let job = Job {
        application: 0,
        home: 0,
        arrived: 0,
    };
    let late = |region, started, seconds| {
        let mut footprint = Footprint::default();
        let done = Done {
            region,
            started,
            kilowatt_hours: 0.001,
            seconds,
        };
        footprint.add(&trace, &job, done);
        footprint.late
    };
    assert_eq!(late(0, 0, 150.0), 0);
    assert_eq!(late(1, 0, 146.0), 1);
    assert_eq!(late(0, 1, 100.0), 1);
}

#[test]
fn a_plan_costs_what_the_paper_counts_at_its_prices() {
    let trace = trace();
    let prices = Prices {
        carbon: 2.0,
        water: 3.0,
    };
    let job = Job {
        application: 4,
        home: 0,
        arrived: 70,
    };
    let plan = commonwatt_planner::plan(
        &world(&trace, prices, 70, (&[], &[job]), Reach::Far),
        &Plan::default(),
    );
    let region = starts(&plan, 0).expect("it starts");
    let energy = trace.applications[4].mean_energy();
    let counted =
        energy * (prices.carbon * trace.carbon[region][1] + prices.water * trace.water[region][1]);
    // In thousandths of a watt, which are whole.
    let cost = plan.objective.total.0 / 1000.0;
    assert!((cost - counted).abs() < 1e-4 * counted, "{cost} {counted}");
}

#[test]
fn no_job_goes_where_it_would_be_late_even_if_it_is_cheapest_there() {
    let mut trace = trace();
    trace.carbon[4] = vec![1.0; HOURS];
    let prices = Prices {
        carbon: 1.0,
        water: 0.0,
    };
    let region = |home: usize| {
        let job = Job {
            application: 0,
            home,
            arrived: 0,
        };
        starts(
            &commonwatt_planner::plan(
                &world(&trace, prices, 0, (&[], &[job]), Reach::Far),
                &Plan::default(),
            ),
            0,
        )
    };
    assert_eq!([0, 4].map(region), [Some(0), Some(4)]);
}

#[test]
fn nodes_that_run_something_take_nothing_else() {
    let trace = trace();
    let (_, mut random) = trace.arriving(0);
    let first = Job {
        application: 0,
        home: 0,
        arrived: 0,
    };
    let mut fleet = Fleet::default();
    for _ in 0..NODES {
        fleet.start(&trace, &first, 0, 0, &mut random, false);
    }
    let prices = Prices {
        carbon: 1.0,
        water: 0.0,
    };
    let job = Job {
        application: 0,
        home: 0,
        arrived: 1,
    };
    let plan = commonwatt_planner::plan(
        &world(&trace, prices, 1, (&fleet.running, &[job]), Reach::Far),
        &Plan::default(),
    );
    assert_eq!(starts(&plan, 0), Some(1));
    fleet.advance(2);
    assert_eq!(fleet.free()[0], NODES);
}

#[test]
fn who_may_wait_near_home_makes_room_for_who_may_not() {
    let mut trace = trace();
    // It may wait two minutes and start near home, or start far from it at once.
    trace.applications[1].seconds = vec![300.0, 300.0];
    trace.applications[1].transfer[0][4] = 100.0;
    let job = |application: usize, arrived: usize| Job {
        application,
        home: 0,
        arrived,
    };
    let (_, mut random) = trace.arriving(0);
    let mut fleet = Fleet::default();
    for region in 0..REGIONS.len() {
        // One node is free, and a minute later all are.
        for _ in usize::from(region == 0)..NODES {
            let mut near = job(0, 0);
            near.home = region;
            fleet.start(&trace, &near, region, 0, &mut random, false);
        }
    }
    let jobs = [job(1, 1), job(0, 1)];
    let prices = Prices {
        carbon: 1.0,
        water: 0.0,
    };
    let planned = |reach| {
        let world = world(&trace, prices, 1, (&fleet.running, &jobs), reach);
        commonwatt_planner::plan(&world, &Plan::default())
    };
    let late = |plan: &Plan| plan.jobs.values().filter(|job| job.at_risk).count();
    assert_eq!(late(&planned(Reach::Far)), 1);
    let near = planned(Reach::Near);
    assert_eq!(late(&near), 0);
    assert_eq!([0, 1].map(|index| starts(&near, index)), [None, Some(0)]);
}

#[test]
fn every_policy_has_its_row_and_the_weights_trade_carbon_for_water() {
    let root = excerpt();
    let of = |listing| read(&root, listing).expect("the excerpt");
    let outcome = outcome(&[of(NATURAL), of(LISTED), of(LEXICAL)], &());
    let metric = |policy: &str, name: &str| {
        let row = outcome
            .row(policy)
            .unwrap_or_else(|| panic!("no row {policy}"));
        row.metric(name)
            .unwrap_or_else(|| panic!("{policy} has no {name}"))
    };
    for policy in [
        "home",
        "commonwatt",
        "commonwatt, files as listed",
        "commonwatt, files by letter",
    ] {
        close(metric(policy, "lateJobsPercent"), 0.0);
    }
    close(metric("home", "carbonSavedPercent"), 0.0);
    let (only_water, only_carbon) = ("commonwatt, carbon 0", "commonwatt, carbon 1");
    for (metric_of, most, least) in [
        ("carbonSavedPercent", only_carbon, only_water),
        ("waterSavedPercent", only_water, only_carbon),
    ] {
        let [most, ours, least] =
            [most, "commonwatt", least].map(|policy| metric(policy, metric_of));
        assert!(
            most >= ours && ours >= least && most > least + 1.0,
            "{metric_of}: {most} {ours} {least}"
        );
    }
    assert!(metric("carbon-greedy", "carbonSavedPercent") > 0.0);
}
