//! On two days made by hand: the even zones are cheap by day and the odd ones clean by night.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_fleet::{JobId, SiteId, World, check};
use tempfile::TempDir;

use super::adapter::Moment;
use super::fleet::{SERVICES, ZONES, water_budget};
use super::greedy::Rule;
use super::state::State;
use super::trace::{DAY, DAYS, Job, PAST, Season, Signals, Trace};
use super::*;

fn begin() -> DateTime<Utc> {
    "2023-01-08T00:00:00Z".parse().expect("a time")
}

fn trace() -> Trace {
    let hours = 0..(PAST + DAYS + 1) * DAY;
    let wave = |zone: usize, hour: usize| ((hour + 7 * zone) as f64 * 0.26).sin();
    let zone = |zone: usize| Signals {
        price: hours
            .clone()
            .map(|hour| 0.06 + 0.02 * (zone % 2) as f64 + 0.03 * wave(zone, hour))
            .collect(),
        carbon: hours
            .clone()
            .map(|hour| 400.0 - 250.0 * (zone % 2) as f64 + 100.0 * wave(zone, hour + 5))
            .collect(),
        wet_bulb: hours
            .clone()
            .map(|hour| 8.0 + zone as f64 + 4.0 * wave(zone, hour))
            .collect(),
    };
    let job = |release: usize| Job {
        release,
        work: 3,
        accelerators: 4,
        home: release % ZONES.len(),
    };
    let shape = |hour: usize| 1.0 + 0.2 * (hour as f64 * 0.26).sin();
    Trace {
        seasons: vec![Season {
            begin: begin(),
            zones: (0..ZONES.len()).map(zone).collect(),
            jobs: (0..8).map(|number| job(2 * number)).collect(),
        }],
        shapes: vec![(0..DAY).map(shape).collect(); SERVICES.len()],
    }
}

fn moment(trace: &Trace, hour: usize, knowledge: Knowledge) -> Moment<'_> {
    Moment {
        trace,
        season: &trace.seasons[0],
        hour,
        knowledge,
        carbon_price: 100.0,
    }
}

fn world(trace: &Trace, hour: usize, knowledge: Knowledge) -> World {
    moment(trace, hour, knowledge).world(&State::new(&trace.seasons[0]))
}

const VIEW: View = View {
    knowledge: Knowledge::Seasonal,
    carbon_price: 100.0,
};

#[test]
fn nothing_after_the_hour_is_read_without_a_perfect_forecast() {
    let trace = trace();
    let hour = 5;
    let mut other = trace.clone();
    for zone in &mut other.seasons[0].zones {
        for series in [&mut zone.price, &mut zone.carbon, &mut zone.wet_bulb] {
            for value in &mut series[PAST * DAY + hour + 1..] {
                *value += 1.0;
            }
        }
    }
    for knowledge in [Knowledge::Seasonal, Knowledge::Persistence] {
        let (here, there) = (
            world(&trace, hour, knowledge),
            world(&other, hour, knowledge),
        );
        assert_eq!(here, there, "{knowledge:?}");
    }
    let (here, there) = [&trace, &other]
        .map(|of| world(of, hour, Knowledge::Perfect))
        .into();
    assert_ne!(here, there);
}

#[test]
fn a_world_is_sound_and_has_the_jobs_that_have_come() {
    let trace = trace();
    let world = world(&trace, 5, Knowledge::Seasonal);
    assert_eq!(check(&world), []);
    assert_eq!(world.jobs.len(), 3);
    let (_, job) = world.jobs.iter().next().expect("a job");
    let home = SiteId::from(ZONES[0].name);
    assert_eq!(job.release_at(&home), begin());
    assert_eq!(
        job.release_at(&SiteId::from(ZONES[1].name)),
        begin() + TimeDelta::hours(1)
    );
    for deployment in world.deployments.values() {
        let suits = |site: &commonwatt_fleet::Site| {
            deployment
                .origins
                .iter()
                .all(|(origin, most)| site.latencies[origin] <= *most)
        };
        let near = world.sites.values().filter(|site| suits(site)).count();
        assert!(
            near >= deployment.minimum_sites as usize,
            "{}",
            deployment.id
        );
    }
}

#[test]
fn baselines_keep_every_limit_and_serve_everything() {
    let sample = Sample::of(trace(), DAYS);
    let rules = [Rule::Home, Rule::Cheapest, Rule::Cleanest, Rule::Objective];
    let tallies = rules.map(|rule| sample.follow(0, VIEW, |world| rule.decide(world)));
    for (rule, tally) in rules.iter().zip(&tallies) {
        assert_eq!(tally.breaches(), 0, "{rule:?}: {tally:?}");
    }
    let [home, cheapest, cleanest, objective] = tallies;
    assert!(cheapest.cost - cheapest.moves as f64 * fleet::MOVE_COST < home.cost);
    assert!(cleanest.kilograms < cheapest.kilograms.min(home.kilograms));
    assert!(objective.moves < cheapest.moves);
}

#[test]
fn what_runs_above_a_limit_or_too_far_away_or_not_at_all_is_a_breach() {
    let trace = trace();
    let world = world(&trace, 5, Knowledge::Seasonal);
    let sound = Rule::Home.decide(&world);
    let counted = |decision: &Decision| {
        let mut tally = Tally::default();
        tally.hour(&world, decision);
        tally
    };
    assert_eq!(counted(&sound).breaches(), 0);
    let (id, sites) = sound.replicas.iter().next().expect("a deployment");
    let (site, variants) = sites.iter().next().expect("a site");
    let variant = variants.keys().next().expect("a variant");

    let mut above = sound.clone();
    above.set(id, site, variant, 1000);
    assert!(counted(&above).limits > 0);
    let mut idle = sound.clone();
    idle.replicas.remove(id);
    assert_eq!(counted(&idle).unserved, 1);
    let mut far = sound.clone();
    let deployment = &world.deployments[id];
    let beyond = world.sites.iter().find(|(_, site)| {
        let mut origins = deployment.origins.iter();
        origins.any(|(origin, most)| site.latencies[origin] > *most)
    });
    far.set(id, beyond.expect("a site too far").0, variant, 1);
    assert!(counted(&far).limits > 0);
}

#[test]
fn a_job_that_goes_on_after_a_pause_is_a_move_and_one_that_never_runs_is_late() {
    let trace = trace();
    let mut state = State::new(&trace.seasons[0]);
    let mut tally = Tally::default();
    let job = JobId::new("sites", "job-0000");
    let way = (SiteId::from(ZONES[0].name), "H100".into());
    for (hour, runs) in [true, false, true, true].into_iter().enumerate() {
        let world = moment(&trace, hour, Knowledge::Seasonal).world(&state);
        let mut decision = Decision::default();
        if runs {
            decision.jobs = BTreeMap::from([(job.clone(), way.clone())]);
        }
        tally.hour(&world, &decision);
        state.pass(&world, &decision);
    }
    assert_eq!(tally.moves, 1);
    assert_eq!(state.jobs[0].hours_left, 0);
    assert_eq!(tally.limits, 0);
    tally.end(DAYS * DAY, &state);
    assert_eq!(tally.late, 7);
    state.water[3] = 2.0 * water_budget(3, DAYS * DAY);
    tally.end(DAYS * DAY, &state);
    assert_eq!(tally.dry, 1);
}

#[test]
fn ours_keeps_every_limit_and_its_row_is_followed_by_those_of_the_baselines() {
    let mut trace = trace();
    trace.seasons[0].jobs.truncate(2);
    let sample = Sample::of(trace, 1);
    let planning = Planning::default();
    let mut previous = commonwatt_fleet::Plan::default();
    let mut hours = 0;
    let tally = sample.follow(0, VIEW, |world| {
        hours += 1;
        if hours > 3 {
            return Rule::Objective.decide(world);
        }
        previous = planning.plan(world, &previous);
        Decision::first_hour(&previous)
    });
    assert_eq!(tally.breaches(), 0, "{tally:?}");
    let policies = all(None);
    assert_eq!(policies[0].name(), "commonwatt");
    let names: Vec<_> = policies.iter().map(|policy| policy.name()).collect();
    for name in [
        "home",
        "cheapest",
        "cleanest",
        "greedy 100 USD/t",
        "commonwatt persistence",
    ] {
        assert!(names.iter().any(|of| of == name), "{name}");
    }
}

#[test]
fn a_baseline_says_what_ours_saves_at_its_carbon_and_at_its_cost() {
    let followed = |policy, cost, kilograms| Followed {
        policy,
        tally: Tally {
            cost,
            kilograms,
            ..Tally::default()
        },
    };
    let ours = |price, cost, kilograms| {
        let policy = policies::Policy::Planner(Knowledge::Seasonal, price);
        followed(policy, cost, kilograms)
    };
    let baseline = followed(policies::Policy::Greedy(Rule::Home, 0.0), 20.0, 80.0);
    let all = [ours(0.0, 10.0, 100.0), ours(100.0, 20.0, 60.0), baseline];
    let row = row(&all[2], &frontier(&all));
    assert_eq!(row.metric("oursCheaperPercent"), Some(25.0));
    assert_eq!(row.metric("oursCleanerPercent"), Some(25.0));
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

/// Files in which most values are those of the first hour; a day has one job.
fn files() -> TempDir {
    let root = TempDir::new().expect("a folder");
    let mut header = "datetime_utc".to_owned();
    let mut prices = String::new();
    for (index, zone) in ZONES.iter().enumerate() {
        write!(header, ",{}", zone.name).expect("a string");
        write!(prices, ",{}", index as f64 - 3.0).expect("a string");
        let carbon = "Datetime (UTC),Carbon Intensity gCO₂eq/kWh (direct)\n2023-01-01 00:00:00,200\n2023-01-01 01:00:00,200\n\
                      2023-01-08 01:00:00,300\n2023-01-08 02:00:00,300\n";
        let name = zone.name;
        write(
            root.path(),
            &format!("sites/carbon/{name}/{name}_2023_hourly.csv.gz"),
            carbon,
        );
        // Local times: seven hours behind.
        let weather = r#"{"utc_offset_seconds": -25200, "hourly": {"time": ["2023-01-01T00:00", "2023-01-07T18:00", "2023-01-07T19:00", "2023-01-07T20:00"],
            "temperature_2m": [10.0, 20.0, 20.0, 20.0], "relative_humidity_2m": [50.0, 50.0, 50.0, 50.0]}}"#;
        write(
            root.path(),
            &format!("sites/weather/{name}/2023.json.gz"),
            weather,
        );
    }
    let gap = ",".repeat(ZONES.len());
    let prices = format!(
        "{header}\n2023-01-01T00:00:00Z{prices}\n2023-01-01T01:00:00Z{prices}\n2023-01-08T00:00:00Z{gap}\n"
    );
    write(
        root.path(),
        "sites/price/price_usd_per_mwh_2023.csv.gz",
        &prices,
    );
    for kind in ["code", "conv"] {
        let requests = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:00.5,9,300\n2023-11-16 19:00:00.5000000,9,100\n";
        let path = format!("requests/azure-2023/AzureLLMInferenceTrace_{kind}.csv");
        write(root.path(), &path, requests);
    }
    write(
        root.path(),
        "requests/mooncake/traces/conversation_trace.jsonl",
        "{\"timestamp\": 0, \"output_length\": 10}\n{\"timestamp\": 24000, \"output_length\": 10}\n",
    );
    write(
        root.path(),
        "gpu-jobs/philly/philly.csv",
        "timestamp,duration,num_gpus,gpu_time,cluster\n2017-10-23 00:30:00,7300,8,1,a\n2017-10-23 01:30:00,7300,1,1,a\n2017-10-24 20:00:00,7300,8,1,a\n2017-10-25 05:00:00,9000,4,1,a\n",
    );
    root
}

fn read(root: &TempDir) -> Result<Trace, DataError> {
    Trace::read(&Data::new(root.path(), Sites.source()))
}

#[test]
fn gaps_go_on_with_the_last_value_and_weather_is_in_local_time() {
    let trace = read(&files()).expect("the files");
    let zone = &trace.seasons[0].zones[1];
    let now = PAST * DAY;
    assert!((zone.price[now] + 0.002).abs() < 1e-12);
    assert_eq!(zone.carbon[now..now + 2], [200.0, 300.0]);
    let warmer = zone.wet_bulb[now + 1] - zone.wet_bulb[now];
    assert!(warmer > 5.0, "{warmer}");
    assert_eq!(trace.seasons.len(), 4);
}

#[test]
fn requests_are_a_shape_and_jobs_of_half_a_node_and_more_have_their_season() {
    let trace = read(&files()).expect("the files");
    assert!((trace.shapes[0][0] - 18.0).abs() < 1e-9 && (trace.shapes[0][23] - 6.0).abs() < 1e-9);
    assert!((trace.shapes[2][0] - 12.0).abs() < 1e-9);
    let job = trace.seasons[0].jobs[0];
    assert_eq!((job.release, job.work, job.accelerators), (1, 3, 8));
    // One that could not be done by the season's end is left out.
    assert_eq!(trace.seasons[0].jobs.len(), 1);
    assert_eq!(trace.seasons[1].jobs[0].release, 5);
}

#[test]
fn a_series_that_begins_too_late_and_a_file_that_is_missing_are_said() {
    let root = files();
    write(
        root.path(),
        "sites/carbon/GB/GB_2023_hourly.csv.gz",
        "Datetime (UTC),Carbon Intensity gCO₂eq/kWh (direct)\n2023-06-01 00:00:00,200\n2023-06-01 01:00:00,200\n",
    );
    let late = read(&root).expect_err("too late").to_string();
    assert!(
        late.contains("GB_2023_hourly.csv.gz: nothing is known at"),
        "{late}"
    );
    std::fs::remove_file(root.path().join("sites/weather/KR/2023.json.gz")).expect("a file");
    let missing = read(&root).expect_err("not there").to_string();
    assert!(
        missing.contains("HewlettPackard/sustain-cluster"),
        "{missing}"
    );
}
