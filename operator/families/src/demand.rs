//! What is asked of a fleet: models, how much of each by the hour, from where, and under which law.

use std::collections::{BTreeMap, BTreeSet};

use commonwatt_fleet::{Deployment, DeploymentId, Origin, Slots, TokensPerSecond, Variant, Watts};

use crate::geography::{ORIGINS, demand_at, union_of};
use crate::hardware::{ACCELERATORS, MODELS, Model};
use crate::random::{Random, rounded};
use crate::sketch::Outline;
use crate::{Family, setting::Setting, utc_hour};

/// Latency that chat, tools and long answers bear, milliseconds.
const PATIENCE: [u32; 3] = [60, 130, 250];

/// Sites that a rule must leave, or it is dropped: a fleet that cannot serve what was sold is not what is measured.
const FEWEST_SITES: usize = 3;

/// All deployments, with nothing committed.
pub(crate) fn deployments(
    (family, setting): (Family, &Setting),
    outlines: &[Outline],
    slots: &Slots,
    count: usize,
    seed: u64,
) -> BTreeMap<DeploymentId, Deployment> {
    let mut random = Random::of(seed, "deployments");
    let shares: Vec<_> = outlines.iter().map(|outline| outline.share).collect();
    let weights: Vec<_> = MODELS
        .iter()
        .map(|model| {
            let largest = model.ways.iter().map(|way| way.accelerators).max();
            model.weight
                * if largest >= Some(4) {
                    setting.large
                } else {
                    1.0
                }
        })
        .collect();
    (0..count)
        .map(|number| {
            let model = &MODELS[random.weighted(&weights)];
            let home = random.weighted(&shares);
            let id = DeploymentId::new(&format!("team-{}", number % 20), &name(model, number));
            let mut deployment = deployment(&mut random, id.clone(), model, setting);
            deployment.demand_by_slot = by_slot(&mut random, &deployment, &outlines[home], slots);
            deployment.demand = deployment.demand_in(0);
            deployment.floor = TokensPerSecond(rounded(deployment.demand.0 * 0.5, 1));
            binds(&mut random, &mut deployment, outlines, home);
            if family == Family::MultiOrigin {
                origins(&mut random, &mut deployment, outlines, home);
            }
            (id, deployment)
        })
        .collect()
}

fn name(model: &Model, number: usize) -> String {
    format!("{}-{number:05}", model.name)
}

/// A deployment without a place in the world; its demand is its peak.
fn deployment(
    random: &mut Random,
    id: DeploymentId,
    model: &Model,
    setting: &Setting,
) -> Deployment {
    let mut ways: Vec<_> = model.ways.iter().collect();
    // Not everybody has measured every way.
    if ways.len() > 2 && random.chance(0.4) {
        ways.remove(random.below(ways.len()));
    }
    let (fast, frugal) = (random.between(0.85, 1.15), random.between(0.95, 1.05));
    let variants: Vec<_> = ways
        .iter()
        .map(|way| Variant {
            name: way.name.into(),
            product: ACCELERATORS[way.on].product.into(),
            accelerators: way.accelerators,
            tokens_per_second: TokensPerSecond((way.tokens * fast).round()),
            watts: Watts((way.watts * frugal).round() as i64),
            only_at: None,
        })
        .collect();
    let slowest = variants
        .iter()
        .map(|variant| variant.tokens_per_second.0)
        .fold(f64::INFINITY, f64::min);
    let (least, most) = setting.replicas;
    let size = random.unit();
    let priority = 1 + random.weighted(&[0.4, 0.4, 0.2]) as i32;
    Deployment {
        id,
        policy: crate::policies::NAMES[priority as usize - 1].to_owned(),
        demand: TokensPerSecond(slowest * (least + (most - least) * size * size)),
        demand_by_slot: Vec::new(),
        floor: TokensPerSecond::ZERO,
        tenant: format!("tenant-{}", random.below(12)),
        origins: BTreeMap::new(),
        origin_shares: BTreeMap::new(),
        jurisdictions: BTreeSet::new(),
        variants,
        minimum_sites: 1 + u32::from(random.chance(0.4)),
        priority,
        committed: BTreeMap::new(),
        refusals: BTreeMap::new(),
    }
}

/// The peak over the hours of the day at home, with some weather.
fn by_slot(
    random: &mut Random,
    deployment: &Deployment,
    home: &Outline,
    slots: &Slots,
) -> Vec<TokensPerSecond> {
    (0..slots.count)
        .map(|slot| {
            let hour = home.metro.local_hour(utc_hour(slots, slot));
            let noise = 1.0 + 0.02 * random.normal();
            TokensPerSecond(rounded(deployment.demand.0 * demand_at(hour) * noise, 1))
        })
        .collect()
}

/// Distance and law, as far as they leave enough sites.
fn binds(random: &mut Random, deployment: &mut Deployment, outlines: &[Outline], home: usize) {
    let metro = outlines[home].metro;
    if random.chance(0.35) {
        let allowed = union_of(metro.jurisdiction);
        deployment.jurisdictions = allowed.iter().map(|name| (*name).to_owned()).collect();
        if suits(deployment, outlines).count() < FEWEST_SITES {
            deployment.jurisdictions.clear();
        }
    }
    let first = random.weighted(&[0.3, 0.4, 0.3]);
    for patience in PATIENCE.iter().skip(first) {
        let origin = Origin::from(ORIGINS[metro.region]);
        deployment.origins = BTreeMap::from([(origin, *patience)]);
        if suits(deployment, outlines).count() >= FEWEST_SITES {
            return;
        }
    }
    deployment.origins.clear();
}

/// Requests from two to four regions, most of them from home; each bears only so much latency, so that no site suits all.
fn origins(random: &mut Random, deployment: &mut Deployment, outlines: &[Outline], home: usize) {
    let mut regions: BTreeSet<usize> = BTreeSet::from([outlines[home].metro.region]);
    let wanted = 2 + random.below(3);
    for _ in 0..8 {
        if regions.len() < wanted {
            let shares: Vec<_> = outlines.iter().map(|outline| outline.share).collect();
            regions.insert(outlines[random.weighted(&shares)].metro.region);
        }
    }
    deployment.jurisdictions.clear();
    let parts: BTreeMap<usize, f64> = regions
        .iter()
        .map(|region| {
            let at_home = *region == outlines[home].metro.region;
            (
                *region,
                random.between(0.5, 1.5) * if at_home { 2.0 } else { 1.0 },
            )
        })
        .collect();
    let sum: f64 = parts.values().sum();
    deployment.origins = BTreeMap::new();
    // Whole thousandths, so that they add up to 1 in every notation.
    let mut left = 1000.0;
    let last = regions.last().copied();
    for (region, part) in parts {
        let mut share = (1000.0 * part / sum).round();
        if Some(region) == last {
            share = left;
        }
        left -= share;
        let first = random.weighted(&[0.6, 0.4]);
        let within = |patience: &&u32| hosts(deployment, outlines, region, **patience) >= 2;
        let patience = PATIENCE.iter().skip(first).find(within);
        let origin = Origin::from(ORIGINS[region]);
        deployment
            .origin_shares
            .insert(origin.clone(), share / 1000.0);
        let most = patience.unwrap_or(&u32::MAX);
        deployment.origins.insert(origin, *most);
    }
}

/// Sites with hardware for a deployment that are near enough to a region.
fn hosts(deployment: &Deployment, outlines: &[Outline], region: usize, patience: u32) -> usize {
    let near = |outline: &&Outline| outline.metro.latency_from(region) <= patience;
    outlines
        .iter()
        .filter(near)
        .filter(|outline| runs(deployment, outline))
        .count()
}

/// Whether a site has an accelerator for some variant.
fn runs(deployment: &Deployment, outline: &Outline) -> bool {
    ACCELERATORS
        .iter()
        .zip(outline.mix)
        .any(|(accelerator, part)| {
            let product = accelerator.product;
            let wanted = |variant: &Variant| variant.product.as_str() == product;
            part > 0.0 && deployment.variants.iter().any(wanted)
        })
}

/// Sites where law, distance and hardware allow some variant.
pub(crate) fn suits<'o>(
    deployment: &'o Deployment,
    outlines: &'o [Outline],
) -> impl Iterator<Item = &'o Outline> {
    outlines.iter().filter(|outline| {
        let metro = outline.metro;
        let law = &deployment.jurisdictions;
        let near = deployment.origins.iter().all(|(origin, patience)| {
            let known = ORIGINS.iter().position(|name| *name == origin.as_str());
            known.is_some_and(|known| metro.latency_from(known) <= *patience)
        });
        (law.is_empty() || law.contains(metro.jurisdiction)) && near && runs(deployment, outline)
    })
}

/// IT watts that all demand takes in its highest slot, if every deployment runs on the fleet's mix of accelerators.
pub(crate) fn need(
    deployments: &BTreeMap<DeploymentId, Deployment>,
    mix: [f64; 3],
    slots: &Slots,
) -> f64 {
    (0..slots.count)
        .map(|slot| {
            let needs = deployments.values().map(|deployment| {
                let (mut weight, mut tokens_per_watt) = (0.0, 0.0);
                for variant in &deployment.variants {
                    let product = variant.product.as_str();
                    let on = ACCELERATORS.iter().position(|a| a.product == product);
                    let part = on.map_or(0.0, |on| mix[on]);
                    weight += part;
                    tokens_per_watt += part * variant.tokens_per_second.0 / variant.watts.0 as f64;
                }
                if tokens_per_watt > 0.0 {
                    deployment.demand_in(slot).0 * weight / tokens_per_watt
                } else {
                    0.0
                }
            });
            needs.sum::<f64>()
        })
        .fold(0.0, f64::max)
}
