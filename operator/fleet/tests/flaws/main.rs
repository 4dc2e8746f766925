//! A world without a flaw, then one flaw at a time: each is said of the right object and field, and nothing else is touched.
// Helpers of tests are not inside a test function, where clippy.toml allows it.
#![allow(clippy::unwrap_used)]

mod flawed;
mod world;

use std::borrow::Cow;
use std::collections::BTreeMap;

use commonwatt_fleet::*;
use world::*;

#[test]
fn a_world_without_a_flaw_is_taken_as_it_is() {
    let world = world();
    assert_eq!(check(&world), []);
    assert!(matches!(sound(&world), (Cow::Borrowed(_), flaws) if flaws.is_empty()));
}

#[test]
fn every_flaw_names_its_object_its_field_and_what_to_do() {
    for (change, said) in flawed::FLAWS {
        let mut world = world();
        change(&mut world);
        let flaws = check(&world);
        let found: Vec<_> = flaws.iter().map(ToString::to_string).collect();
        assert_eq!(found, *said);
    }
}

#[test]
fn a_sound_world_has_no_flaw_that_keeps_anything_from_being_planned() {
    for (change, said) in flawed::FLAWS {
        let mut world = world();
        change(&mut world);
        let (sound, _) = sound(&world);
        let left = check(&sound);
        assert!(
            left.iter().all(|flaw| flaw.effect == Effect::Noted),
            "{said:?}: {left:?}"
        );
        let (again, _) = commonwatt_fleet::sound(&sound);
        assert!(matches!(again, Cow::Borrowed(_)), "{said:?}");
    }
}

#[test]
fn every_kind_of_flaw_is_tried() {
    let mut tried = std::collections::BTreeSet::new();
    for (change, _) in flawed::FLAWS {
        let mut world = world();
        change(&mut world);
        for flaw in check(&world) {
            let json = serde_json::to_value(&flaw).unwrap();
            tried.insert(json["wrong"]["reason"].as_str().unwrap().to_owned());
            let back: Flaw = serde_json::from_value(json).unwrap();
            assert_eq!(back, flaw);
        }
    }
    let all = [
        "Above",
        "BelowWhatRuns",
        "DeadlineBeforeRelease",
        "DeadlinePassed",
        "HoursMissing",
        "NegativeLimit",
        "NoLatencyLimit",
        "NoSites",
        "NotFinite",
        "NotPositive",
        "Nothing",
        "RunsNowhere",
        "SharesDoNotAddUp",
        "TooLarge",
        "TooSmall",
        "Twice",
        "UnknownPolicy",
        "UnknownStock",
    ];
    assert_eq!(tried, all.map(ToOwned::to_owned).into());
}

#[test]
fn one_object_left_out_leaves_the_others_as_they_were() {
    let mut world = world();
    let mut other = world.deployments[&chat()].clone();
    other.id = DeploymentId::new("team", "other");
    other.committed.clear();
    other.demand = TokensPerSecond(f64::NAN);
    world.deployments.insert(other.id.clone(), other);
    let (sound, flaws) = sound(&world);
    assert_eq!(flaws.len(), 1);
    assert_eq!(*sound, world_as_it_was());
}

fn world_as_it_was() -> World {
    world()
}

#[test]
fn what_is_left_out_and_runs_keeps_its_room() {
    let mut world = world();
    world
        .shared
        .caps
        .insert("powerbudget/feeder".into(), cap(&[9000, 9000]));
    deployment(&mut world).policy = "gone".into();
    job(&mut world).policy = "gone".into();
    (job(&mut world).running, job(&mut world).started_at) = (true, Some("hall".into()));
    let (sound, _) = sound(&world);
    assert!(sound.deployments.is_empty() && sound.jobs.is_empty());
    // Two replicas of 2 kW and 4 accelerators each, and a job of 3 kW on 8.
    let hall = &sound.sites[&SiteId::from("hall")];
    assert_eq!(hall.hours[1].limit, Watts(3000));
    assert_eq!(
        sound.shared.caps["powerbudget/feeder"].limit,
        [Watts(2000); 2]
    );
    let nodes = &hall.pools[&Product::from("H100")].nodes;
    let free: BTreeMap<_, _> = nodes.iter().filter(|(_, count)| **count > 0).collect();
    assert_eq!(free, BTreeMap::from([(&0, &2)]));
}

#[test]
fn limits_and_stocks_that_cannot_be_right_give_nothing() {
    let mut world = world();
    site(&mut world).hours[1].limit = Watts(-5);
    site(&mut world).water.as_mut().unwrap().remaining = Liters(f64::INFINITY);
    world
        .shared
        .caps
        .insert("powerbudget/feeder".into(), cap(&[4000, -1]));
    world
        .shared
        .stocks
        .insert("permit/valley".into(), stock(f64::NAN, 3.0));
    let watts = Some(Watts(-1));
    let cap = TenantCap {
        watts,
        accelerators: None,
    };
    world.shared.tenants.insert("team".into(), cap);
    let (sound, flaws) = sound(&world);
    assert_eq!(flaws.len(), 5);
    let hall = &sound.sites[&SiteId::from("hall")];
    assert_eq!(
        (hall.hours[0].limit, hall.hours[1].limit),
        (Watts(10_000), Watts(0))
    );
    assert_eq!(hall.water.as_ref().unwrap().allowance(2.0), Liters(0.0));
    assert_eq!(
        sound.shared.caps["powerbudget/feeder"].limit,
        [Watts(4000), Watts(0)]
    );
    assert!(sound.shared.stocks["permit/valley"].allowance(2.0).abs() < 1e-12);
    assert_eq!(sound.shared.tenants["team"].watts, Some(Watts(0)));
    assert_eq!(sound.deployments, world.deployments);
}
