//! On three zones made by hand, against savings counted one by one.

use published::LENGTHS;
use zones::Zone;

use super::*;

const HOURS: usize = 260;

/// Hours that differ, by a small generator of our own: no two zones alike, the last one always the dirtiest.
fn zones() -> Zones {
    let zone = |(index, (name, group)): (usize, (&str, Group))| {
        let mut state = index as u64 + 1;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 % 20_000.0 / 100.0
        };
        Zone {
            name: name.into(),
            carbon: (0..HOURS).map(|_| next() + 100.0 * index as f64).collect(),
            group: Some(group),
        }
    };
    let names = [
        ("SE-SE1", Group::Europe),
        ("DE", Group::Europe),
        ("SG", Group::Asia),
    ];
    Zones(names.into_iter().enumerate().map(zone).collect())
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<_> = values.into_iter().collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// What a job of a length saves by beginning later, and by pausing beyond that, in the mean over its starts.
fn counted(carbon: &[f64], length: usize) -> (f64, f64) {
    let of = |start: usize| {
        let window = &carbon[start..(start + length + SLACK).min(carbon.len())];
        let runs = window.windows(length).map(|run| run.iter().sum::<f64>());
        let later = runs.clone().fold(f64::INFINITY, f64::min);
        let mut hours = window.to_vec();
        hours.sort_by(f64::total_cmp);
        let paused: f64 = hours[..length].iter().sum();
        let at_once = runs.clone().next().expect("a run");
        (
            (at_once - later) / length as f64,
            (later - paused) / length as f64,
        )
    };
    let all: Vec<_> = (0..carbon.len() - length).map(of).collect();
    (
        mean(all.iter().map(|of| of.0)),
        mean(all.iter().map(|of| of.1)),
    )
}

fn close(ours: f64, counted: f64) {
    assert!(
        (ours - counted).abs() < 1e-9 * counted.abs().max(1.0),
        "{ours} {counted}"
    );
}

#[test]
fn shifting_in_time_saves_what_counting_each_start_says() {
    let zones = zones();
    let ours = temporal::shifts(&zones, &Planning::default(), &());
    for length in LENGTHS {
        let of = |index: usize| counted(&zones.0[index].carbon, length);
        // The published row of 168 hours has been made without it.
        let europe: &[usize] = if length == 168 { &[1] } else { &[0, 1] };
        close(
            ours[&Figure::Deferred(length, Group::Europe)],
            mean(europe.iter().map(|zone| of(*zone).0)),
        );
        close(
            ours[&Figure::Interrupted(length, Group::Europe)],
            mean(europe.iter().map(|zone| of(*zone).1)),
        );
        close(ours[&Figure::Deferred(length, Group::Asia)], of(2).0);
    }
}

#[test]
fn moving_in_space_saves_what_the_cleanest_place_says() {
    let zones = zones();
    let ours = spatial::migrations(&zones, &Planning::default(), &());
    let [first, second, third] = [0, 1, 2].map(|zone: usize| &zones.0[zone].carbon);
    let home = mean([first, second, third].map(|zone| mean(zone.iter().copied())));
    close(
        ours[&Figure::OneMigration(Group::Global)],
        home - mean(first.iter().copied()),
    );
    let cleanest = (0..HOURS).map(|hour| first[hour].min(second[hour]).min(third[hour]));
    close(
        ours[&Figure::HourlyMigration(Group::Global)],
        home - mean(cleanest),
    );
    close(ours[&Figure::OneMigration(Group::Asia)], 0.0);
}

#[test]
fn room_goes_to_whom_it_helps_most_and_not_to_the_first_who_asks() {
    let place = |carbon: f64, from: [u32; 3]| latency::Place {
        carbon,
        from: ["clean", "middle", "dirty"]
            .into_iter()
            .map(str::to_owned)
            .zip(from)
            .collect(),
    };
    let zones = BTreeMap::from([
        ("clean".into(), place(10.0, [0, 5, 5])),
        ("middle".into(), place(100.0, [5, 0, 80])),
        ("dirty".into(), place(200.0, [5, 80, 0])),
    ]);
    let places = Places { zones, hours: 8760 };
    let ours = latency::remaining(&places, &Planning::default(), &());
    let at = |idle, latency| ours[&Figure::Remaining { idle, latency }];
    close(at(0, 5), (10.0 + 100.0 + 200.0) / 3.0);
    // Half of the clean one's room is left, and taken by the dirty one's work.
    close(at(50, 5), (10.0 + 100.0 + 10.0) / 3.0);
    close(at(99, 100), 10.0);
}

#[test]
fn a_figure_that_was_published_as_nothing_is_compared_by_itself() {
    assert!((relative(1.1, 1.0) - 0.1).abs() < 1e-12);
    assert!((relative(-0.5, 0.0) + 0.5).abs() < 1e-12);
}
