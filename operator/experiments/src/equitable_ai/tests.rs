//! On an excerpt made by hand: two days, in which the first half of the data centers is cheap and the second clean.

use std::fmt::Write as _;
use std::path::Path;

use tempfile::TempDir;

use super::*;

const HOURS: usize = 48;

/// Price, carbon and water of a data center in an hour.
fn values(site: usize, hour: usize) -> [f64; 3] {
    let day = (hour % 24) as f64;
    let cheap = site < 5;
    [
        if cheap {
            40.0 + site as f64
        } else {
            90.0 + site as f64
        } + day,
        if cheap { 0.6 } else { 0.2 } + day / 100.0,
        if cheap { 5.0 } else { 3.0 } + site as f64 / 10.0,
    ]
}

fn write(root: &Path, file: &str, header: &str, value: impl Fn(usize) -> f64, hours: usize) {
    let mut text = format!("Time (UTC),{header}\n");
    for hour in 0..hours {
        writeln!(text, "2022-09-22 {hour:02},{}", value(hour)).expect("a string");
    }
    let path = root.join("equitable-ai").join(file);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

fn excerpt() -> TempDir {
    let root = TempDir::new().expect("a folder");
    let load = |hour: usize| 1354.0 + 27.08 * (hour % 24) as f64;
    write(root.path(), "AI_workload.csv", "Power (Watt)", load, HOURS);
    for (site, name) in trace::SITES.iter().enumerate() {
        let of = |which: usize| move |hour| values(site, hour)[which];
        // Prices go on for a day, as some of the published ones do.
        write(
            root.path(),
            &format!("price/{name}_Price.csv"),
            "Price (USD/MWh)",
            of(0),
            HOURS + 24,
        );
        write(
            root.path(),
            &format!("carbon/{name}_carbon.csv"),
            "Carbon (kg/kWh)",
            of(1),
            HOURS,
        );
        // With the blank that the published files have.
        write(
            root.path(),
            &format!("water/{name}_water.csv"),
            " WUE (L/kWh)",
            of(2),
            HOURS,
        );
    }
    root
}

fn read(root: &TempDir) -> Result<Trace, DataError> {
    Trace::read(&Data::new(root.path(), EquitableAi.source()))
}

#[test]
fn files_are_read_by_hour_and_load_is_in_parts_of_a_data_center() {
    let trace = read(&excerpt()).expect("the excerpt");
    assert_eq!(trace.hours(), HOURS);
    assert!((trace.load[0] - 5.0).abs() < 1e-12);
    assert!((trace.sites[7].carbon[25] - values(7, 25)[1]).abs() < 1e-12);
    assert_eq!(trace.sites[7].price.len(), HOURS);
}

#[test]
fn what_is_missing_or_short_is_said_with_its_file() {
    let root = excerpt();
    let folder = root.path().join("equitable-ai");
    std::fs::write(
        folder.join("water/Japan_water.csv"),
        "Time (UTC), WUE (L/kWh)\n2022-09-22 00,5\n",
    )
    .expect("a file");
    let short = read(&root).expect_err("too short").to_string();
    assert!(
        short.ends_with("Japan_water.csv: 1 hours, the workload has 48"),
        "{short}"
    );
    std::fs::remove_file(folder.join("price/Texas_Price.csv")).expect("a file");
    let missing = read(&root).expect_err("not there").to_string();
    for part in [
        "Texas_Price.csv",
        "Ren-Research/Environmentally-Equitable-AI",
        "--data DIR",
    ] {
        assert!(missing.contains(part), "{missing}");
    }
}

#[test]
fn nothing_after_the_hour_is_read_but_prices_that_are_published() {
    let trace = read(&excerpt()).expect("the excerpt");
    let hour = 20;
    for (knowledge, published) in [
        (Knowledge::SEASONAL, 0),
        (Knowledge::PERSISTENCE, 0),
        (Knowledge::PRICES_A_DAY_AHEAD, 24),
    ] {
        let mut other = trace.clone();
        for later in hour + 1..HOURS {
            other.load[later] += 1.0;
            for site in &mut other.sites {
                site.carbon[later] += 1.0;
                site.water[later] += 1.0;
                if later > hour + published {
                    site.price[later] += 1.0;
                }
            }
        }
        assert_eq!(
            knowledge.ahead(&trace, hour),
            knowledge.ahead(&other, hour),
            "{knowledge:?}"
        );
        assert_eq!(knowledge.ahead(&trace, hour).hours(), HOURS - hour);
    }
}

#[test]
fn the_world_costs_what_the_paper_counts() {
    let trace = read(&excerpt()).expect("the excerpt");
    let world = adapter::world(&trace, 0, &Use::nothing(10));
    let (name, site) = world.sites.iter().next().expect("a site");
    let pool = site.pools.values().next().expect("a pool");
    let policy = &world.policies["equitable"];
    let megawatt = commonwatt_fleet::Watts(1_000_000);
    let cost = commonwatt_fleet::CostParts::running(
        site,
        &site.hours[3],
        pool,
        policy,
        megawatt,
        1000,
        1.0,
    );
    let index = trace
        .names()
        .position(|of| of == name.as_str())
        .expect("a name");
    let [price, carbon, water] = values(index, 3);
    assert!((cost.total().0 - price).abs() < 1e-9);
    // Of the whole of its community, which costs the weight.
    let community = &world.shared.communities[name.as_str()];
    let grams = commonwatt_fleet::physics::carbon(megawatt, &site.hours[3], 1.0).0;
    let liters = commonwatt_fleet::physics::water(megawatt, &site.hours[3], 1.0).0;
    let part = |allowance: Option<commonwatt_fleet::Allowance>, used: f64| {
        used / allowance.expect("an allowance").whole
    };
    assert!(
        (part(community.carbon, grams) * world.shared.fairness.carbon.0 - 1500.0 * carbon).abs()
            < 1e-9
    );
    assert!(
        (part(community.water, liters) * world.shared.fairness.water.0 - 60.0 * water).abs() < 1e-9
    );
}

#[test]
fn every_policy_has_its_row_and_metrics() {
    let outcome = outcome(&read(&excerpt()).expect("the excerpt"), &());
    let metric = |policy: &str, name: &str| {
        let row = outcome
            .row(policy)
            .unwrap_or_else(|| panic!("no row {policy}"));
        row.metric(name)
            .unwrap_or_else(|| panic!("{policy} has no {name}"))
    };
    // Five data centers and a bit hold the load: the cheap ones alone.
    let cheapest = metric("cheapest", "price");
    for policy in ["commonwatt", "total cost", "online dual"] {
        assert!(metric(policy, "price") >= cheapest - 1e-6, "{policy}");
    }
    assert!(metric("online dual, best step", "objective") < metric("cheapest", "objective"));
    assert!(metric("cleanest", "carbonMax") < metric("cheapest", "carbonMax"));
}
