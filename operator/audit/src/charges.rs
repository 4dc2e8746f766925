//! Costs that belong to no one workload: the month's peak, fairness, obligations, elastic nodes.

use commonwatt_fleet::{Allowance, Community, CostParts, Metric, Money, Site, SiteId};

use crate::elastic;
use crate::nodes::pools;
use crate::reading::{PlacedJob, Reading};
use crate::stocks;

/// All of them.
pub(crate) fn all(reading: &Reading<'_>) -> CostParts {
    let sites = || reading.world.sites.iter();
    let fairness = &reading.world.shared.fairness;
    let carbon = unfairness(reading, Metric::Carbon, |community| community.carbon);
    let water = unfairness(reading, Metric::Water, |community| community.water);
    CostParts {
        accelerators: Money(elastic_nodes(reading)),
        demand: Money(sites().map(|(id, site)| peak(reading, id, site)).sum()),
        obligations: Money(
            sites()
                .map(|(id, site)| not_sheddable(reading, id, site))
                .sum(),
        ),
        fairness: Money(fairness.carbon.0 * carbon + fairness.water.0 * water),
        ..CostParts::default()
    }
}

fn elastic_nodes(reading: &Reading<'_>) -> f64 {
    let paid = pools(reading).filter_map(|here| {
        let elastic = here.pool.elastic.as_ref()?;
        let hours = elastic::paid_hours(reading, here.site, here.product, elastic);
        Some(elastic.price_per_node_hour.0 * hours)
    });
    paid.sum()
}

/// Facility kilowatts above the period's peak so far, at their price.
fn peak(reading: &Reading<'_>, id: &SiteId, site: &Site) -> f64 {
    let Some(charge) = &site.demand_charge else {
        return 0.0;
    };
    let facility = (0..reading.slots()).map(|slot| {
        let pue = site.hours.get(slot).map_or(0.0, |hour| hour.pue);
        reading.drawn(id, slot) as f64 * pue
    });
    let highest = facility.fold(0.0, f64::max);
    let above = (highest - charge.peak.0 as f64).max(0.0);
    charge.per_kilowatt.0 * above / 1000.0
}

/// Kilowatt-hours that are owed and could not be shed, at what each costs: what may go is all above the floors of what
/// serves, and jobs that may pause.
fn not_sheddable(reading: &Reading<'_>, id: &SiteId, site: &Site) -> f64 {
    let mut cost = 0.0;
    for slot in 0..reading.slots() {
        let serving = reading.lines_at(id).map(|line| {
            let above = line.after(slot).saturating_sub(line.floor(slot));
            line.watts() * i128::from(above)
        });
        let batch = reading
            .jobs_at(id)
            .filter(|job| job.job.interruptible && job.runs(slot));
        let sheddable = serving.sum::<i128>() + batch.map(PlacedJob::watts).sum::<i128>();
        for obligation in &site.obligations {
            let owed = obligation.watts.get(slot).map_or(0, |watts| watts.0);
            let short = (i128::from(owed) - sheddable).max(0) as f64 / 1000.0;
            cost += obligation.shortfall_per_kilowatt_hour.0 * short * reading.hours();
        }
    }
    cost
}

/// What the community that is worst off has used of its allowance by the end of its period if it goes on like this, as a
/// horizon's part: `max_c (used + k·use) / whole / max_c k`.
fn unfairness(
    reading: &Reading<'_>,
    metric: Metric,
    allowance: impl Fn(&Community) -> Option<Allowance>,
) -> f64 {
    let horizon = reading.hours() * reading.slots() as f64;
    let communities = reading.world.shared.communities.values();
    let borne = communities.filter_map(|community| {
        let allowance = allowance(community)?;
        let sites = community.sites.iter();
        let used: f64 = sites.map(|site| stocks::used(reading, metric, site)).sum();
        let horizons = (allowance.hours_left / horizon).max(1.0);
        Some((
            (allowance.used + horizons * used) / allowance.whole,
            horizons,
        ))
    });
    let (worst, most) = borne.fold((0.0_f64, 1.0_f64), |(worst, most), (part, horizons)| {
        (worst.max(part), most.max(horizons))
    });
    worst / most
}
