//! Step two of a cycle: from declared objects to a [`World`] in units, or a clear word about what is wrong with which.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use commonwatt_api::{
    self as api, Mode, ModelDeployment, ModelProfile, ModelVariant, PlacementPolicy,
    ProfileBoundary, SiteAssignment, SiteOffer, SubjectKind, conditions::reasons,
};
use commonwatt_fleet::{
    Boundary, Committed, Deployment, DeploymentId, GramsPerKwh, Liters, LitersPerKwh, Money,
    OperatingPoint, Origin, Policy, Pool, Product, Profile, Refusal, Site, SiteHour, SiteId, Slots,
    TokensPerSecond, Variant, VariantName, WaterStock, Watts, World,
};

use crate::dereference::Seen;
use crate::jobs;
use crate::problem::Problem;

/// On an assignment: since when its deployment is at its site.
pub const SINCE: &str = "commonwatt.dev/since";

/// A world and what had to be left out of it.
#[derive(Debug, Clone)]
pub struct Read {
    /// The world.
    pub world: World,
    /// What could not be used.
    pub problems: Vec<Problem>,
    /// Sites that are there but too cautious for this world: their mode.
    pub cautious: BTreeMap<SiteId, Mode>,
}

/// What a world is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Deployments and sites of at least this mode take part.
    pub mode: Mode,
    /// The hub's own cap: deployments count as no bolder than this.
    pub cap: Mode,
    /// The horizon.
    pub slots: Slots,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Reads the world.
pub fn read(seen: &Seen, scope: Scope, worked: &BTreeMap<String, f64>) -> Read {
    let mut problems = Vec::new();
    let (currency, policies, rates) = policies(&seen.policies, &mut problems);
    let mut world = World {
        slots: scope.slots,
        currency,
        sites: BTreeMap::new(),
        policies,
        deployments: BTreeMap::new(),
        jobs: BTreeMap::new(),
    };
    let mut cautious = BTreeMap::new();
    for (name, offer) in &seen.offers {
        let id = SiteId::from(name.as_str());
        if offer.spec.hours.is_empty() {
            continue;
        }
        if offer.spec.mode < scope.mode {
            cautious.insert(id, offer.spec.mode);
            continue;
        }
        match site(offer, &world.currency, &rates, scope) {
            Ok(site) => {
                world.sites.insert(id, site);
            }
            Err((reason, message)) => {
                problems.push(Problem::new("SiteOffer", name, reason, message));
            }
        }
    }
    for (name, deployment) in &seen.deployments {
        let leaving = deployment.metadata.deletion_timestamp.is_some();
        if leaving || deployment.spec.mode.min(scope.cap) < scope.mode {
            continue;
        }
        match read_deployment(name, deployment, seen, &world, scope.now) {
            Ok(read) => {
                world.deployments.insert(read.id.clone(), read);
            }
            Err((reason, message)) => {
                problems.push(Problem::new("ModelDeployment", name, reason, message));
            }
        }
    }
    adopt(seen, &mut world);
    if scope.mode.min(scope.cap) == Mode::Enforce {
        jobs::read(seen, &mut world, scope.now, worked, &mut problems);
    }
    Read {
        world,
        problems,
        cautious,
    }
}

type Refused = (&'static str, String);

fn invalid(field: &str, error: impl std::fmt::Display) -> Refused {
    (reasons::INVALID, format!("{field}: {error}"))
}

/// Policies in one currency, and what one unit of every other currency is worth in it.
fn policies(
    declared: &BTreeMap<String, PlacementPolicy>,
    problems: &mut Vec<Problem>,
) -> (String, BTreeMap<String, Policy>, BTreeMap<String, f64>) {
    let currency = declared
        .values()
        .next()
        .map_or_else(|| "USD".to_owned(), |policy| policy.spec.currency.clone());
    let mut read = BTreeMap::new();
    let mut rates: BTreeMap<String, f64> = [(currency.clone(), 1.0)].into();
    for (name, policy) in declared {
        let spec = &policy.spec;
        if spec.currency != currency {
            let message = format!(
                "spec.currency: {} differs from {currency}; all policies of a hub share one",
                spec.currency
            );
            problems.push(Problem::new(
                "PlacementPolicy",
                name,
                reasons::INVALID,
                message,
            ));
            continue;
        }
        match read_policy(policy) {
            Ok(policy) => {
                read.insert(name.clone(), policy);
            }
            Err((reason, message)) => {
                problems.push(Problem::new("PlacementPolicy", name, reason, message));
                continue;
            }
        }
        for rate in &spec.rates {
            match rate.rate.value() {
                Ok(value) if value > 0.0 => {
                    rates.entry(rate.currency.clone()).or_insert(value);
                }
                Ok(value) => problems.push(Problem::new(
                    "PlacementPolicy",
                    name,
                    reasons::INVALID,
                    format!(
                        "spec.rates[{}].rate: {value} must be above zero",
                        rate.currency
                    ),
                )),
                Err(error) => problems.push(Problem::new(
                    "PlacementPolicy",
                    name,
                    reasons::INVALID,
                    format!("spec.rates[{}].rate: {error}", rate.currency),
                )),
            }
        }
    }
    (currency, read, rates)
}

fn read_policy(policy: &PlacementPolicy) -> Result<Policy, Refused> {
    let spec = &policy.spec;
    let money = |field: &str, value: &api::Decimal| {
        let value = value.value().map_err(|error| invalid(field, error))?;
        Money::try_positive(value).map_err(|error| invalid(field, error))
    };
    Ok(Policy {
        carbon_per_tonne: money("spec.carbonPerTonne", &spec.carbon_per_tonne)?,
        water_per_cubic_meter: money("spec.waterPerCubicMeter", &spec.water_per_cubic_meter)?,
        unserved_per_million_tokens: money(
            "spec.unservedPerMillionTokens",
            &spec.unserved_per_million_tokens,
        )?,
        move_cost: money("spec.moveCost", &spec.move_cost)?,
        dwell_seconds: u32::try_from(spec.dwell_seconds)
            .map_err(|error| invalid("spec.dwellSeconds", error))?,
        moves_per_hour: u32::try_from(spec.moves_per_hour)
            .map_err(|error| invalid("spec.movesPerHour", error))?,
    })
}

fn site(
    offer: &SiteOffer,
    currency: &str,
    rates: &BTreeMap<String, f64>,
    scope: Scope,
) -> Result<Site, Refused> {
    let spec = &offer.spec;
    let slots = scope.slots;
    let rate = rates.get(&spec.currency).copied().ok_or_else(|| {
        let message = format!(
            "spec.currency: no policy declares a rate from {} to {currency}; add it to spec.rates of a PlacementPolicy",
            spec.currency
        );
        (reasons::CURRENCY_WITHOUT_RATE, message)
    })?;
    let number =
        |field: &str, value: &api::Decimal| value.value().map_err(|error| invalid(field, error));
    let mut pools = BTreeMap::new();
    for class in &spec.accelerators {
        let nodes = class.nodes.iter().filter_map(|shape| {
            Some((
                u32::try_from(shape.available).ok()?,
                u32::try_from(shape.count).ok()?,
            ))
        });
        pools.insert(
            Product::from(class.product.as_str()),
            Pool {
                price_per_hour: Money(
                    number("spec.accelerators.hourlyPrice", &class.hourly_price)? * rate,
                ),
                rated_watts: Watts(class.rated_watts),
                nodes: nodes.collect(),
            },
        );
    }
    let mut hours = Vec::with_capacity(slots.count);
    for slot in 0..slots.count {
        let begin = slots.begin(slot);
        let offered = spec
            .hours
            .iter()
            .rev()
            .find(|hour| hour.start.0 <= begin)
            .or(spec.hours.first());
        let offered = offered.ok_or_else(|| invalid("spec.hours", "an offer needs an hour"))?;
        hours.push(SiteHour {
            limit: Watts(offered.watts),
            limit_set_by: offered.set_by.clone(),
            price_per_kwh: Money(number("spec.hours.pricePerKwh", &offered.price_per_kwh)? * rate),
            pue: number("spec.hours.pue", &offered.pue)?,
            wue: LitersPerKwh(number("spec.hours.wue", &offered.wue)?),
            average_carbon: GramsPerKwh(number(
                "spec.hours.averageCarbon",
                &offered.average_carbon,
            )?),
            marginal_carbon: match &offered.marginal_carbon {
                Some(value) => Some(GramsPerKwh(number("spec.hours.marginalCarbon", value)?)),
                None => None,
            },
        });
    }
    let water = match &spec.water {
        None => None,
        Some(water) => Some(WaterStock {
            remaining: Liters(number(
                "spec.water.remainingLiters",
                &water.remaining_liters,
            )?),
            hours_left: number("spec.water.hoursLeft", &water.hours_left)?,
            set_by: water.set_by.clone(),
        }),
    };
    Ok(Site {
        jurisdiction: spec.jurisdiction.clone(),
        latencies: spec
            .latencies
            .iter()
            .filter_map(|latency| {
                Some((
                    Origin::from(latency.origin.as_str()),
                    u32::try_from(latency.p95_milliseconds).ok()?,
                ))
            })
            .collect(),
        pools,
        hours,
        water,
        scarcity: number("spec.waterScarcityFactor", &spec.water_scarcity_factor)?,
        offer_revision: spec.revision,
        // An offer that counts now is renewed before it runs out: its hours count to the end of the horizon.
        valid_until: if spec.valid_until.0 > scope.now {
            slots.end(slots.count)
        } else {
            spec.valid_until.0
        },
    })
}

fn read_deployment(
    name: &str,
    deployment: &ModelDeployment,
    seen: &Seen,
    world: &World,
    now: DateTime<Utc>,
) -> Result<Deployment, Refused> {
    let spec = &deployment.spec;
    let namespace = deployment.metadata.namespace.clone().unwrap_or_default();
    let policy = seen.policies.get(&spec.policy).ok_or_else(|| {
        (
            reasons::NOT_FOUND,
            format!("spec.policy: there is no PlacementPolicy {}", spec.policy),
        )
    })?;
    if !policy.spec.namespaces.is_empty() && !policy.spec.namespaces.contains(&namespace) {
        let message = format!(
            "spec.policy: {} may not be used in namespace {namespace}",
            spec.policy
        );
        return Err((reasons::POLICY_NOT_ALLOWED, message));
    }
    if !world.policies.contains_key(&spec.policy) {
        return Err((
            reasons::INVALID,
            format!(
                "spec.policy: {} cannot be used; see its status",
                spec.policy
            ),
        ));
    }
    let tokens = |field: &str, value: &api::Decimal| {
        let value = value.value().map_err(|error| invalid(field, error))?;
        TokensPerSecond::try_positive(value).map_err(|error| invalid(field, error))
    };
    let demand = tokens(
        "spec.demand.tokensPerSecond",
        &spec.demand.tokens_per_second,
    )?;
    let floor = tokens(
        "spec.demand.floorTokensPerSecond",
        &spec.demand.floor_tokens_per_second,
    )?;
    if floor > demand {
        return Err(invalid(
            "spec.demand.floorTokensPerSecond",
            "the floor is above the demand",
        ));
    }
    let limit = spec
        .inter_token_milliseconds
        .and_then(|limit| u32::try_from(limit).ok());
    let mut variants = Vec::new();
    let mut unusable = Vec::new();
    for variant in &spec.variants {
        match read_variant(variant, seen, limit) {
            Ok(read) => variants.push(read),
            Err(message) => unusable.push(message),
        }
    }
    if variants.is_empty() {
        return Err((reasons::PROFILE_UNUSABLE, unusable.join("; ")));
    }
    let id = DeploymentId::from(name);
    let (committed, refusals) = history(&id, seen, now);
    Ok(Deployment {
        id,
        policy: spec.policy.clone(),
        demand,
        floor,
        origins: spec
            .origins
            .iter()
            .filter_map(|o| {
                Some((
                    Origin::from(o.name.as_str()),
                    u32::try_from(o.max_milliseconds).ok()?,
                ))
            })
            .collect(),
        jurisdictions: spec.jurisdictions.iter().cloned().collect(),
        variants,
        minimum_sites: u32::try_from(spec.minimum_sites)
            .map_err(|error| invalid("spec.minimumSites", error))?,
        priority: i32::try_from(spec.priority).map_err(|error| invalid("spec.priority", error))?,
        committed,
        refusals,
    })
}

fn read_variant(
    variant: &ModelVariant,
    seen: &Seen,
    limit: Option<u32>,
) -> Result<Variant, String> {
    let field = format!("spec.variants[{}]", variant.name);
    let profile = seen.profiles.get(&variant.profile).ok_or_else(|| {
        format!(
            "{field}.profile: there is no ModelProfile {}",
            variant.profile
        )
    })?;
    let read = read_profile(profile)
        .map_err(|message| format!("{field}.profile {}: {message}", variant.profile))?;
    let point = read
        .operating_point(limit)
        .map_err(|error| format!("{field}.profile {}: {error}", variant.profile))?;
    let only_at = variant.template.is_none().then(|| {
        variant
            .workload_refs
            .iter()
            .map(|reference| SiteId::from(reference.site.as_str()))
            .collect::<BTreeSet<_>>()
    });
    Ok(Variant {
        name: VariantName::from(variant.name.as_str()),
        product: Product::from(read.product.as_str()),
        accelerators: read.accelerators,
        tokens_per_second: point.tokens_per_second,
        watts: point.watts,
        only_at,
    })
}

/// A profile in units.
///
/// # Errors
/// In words, with the field.
pub fn read_profile(profile: &ModelProfile) -> Result<Profile, String> {
    let spec = &profile.spec;
    let mut points = Vec::new();
    for (index, point) in spec.points.iter().enumerate() {
        let field = |name: &str| format!("spec.points[{index}].{name}");
        let tokens = point
            .tokens_per_second
            .value()
            .map_err(|error| format!("{}: {error}", field("tokensPerSecond")))?;
        let watts = point
            .watts
            .value()
            .map_err(|error| format!("{}: {error}", field("watts")))?;
        let gap = point.inter_token_milliseconds.value();
        let gap = gap.map_err(|error| format!("{}: {error}", field("interTokenMilliseconds")))?;
        points.push(OperatingPoint {
            concurrency: u32::try_from(point.concurrency)
                .map_err(|error| format!("{}: {error}", field("concurrency")))?,
            tokens_per_second: TokensPerSecond(tokens),
            watts: Watts(watts),
            inter_token_milliseconds: gap,
        });
    }
    let host = spec.host_watts.as_ref().map(api::Watts::value).transpose();
    let profile = Profile {
        product: spec.product.clone(),
        accelerators: u32::try_from(spec.accelerators)
            .map_err(|error| format!("spec.accelerators: {error}"))?,
        boundary: match spec.boundary {
            ProfileBoundary::Gpu => Boundary::Gpu,
            ProfileBoundary::Node => Boundary::Node,
        },
        host_watts: Watts(
            host.map_err(|error| format!("spec.hostWatts: {error}"))?
                .unwrap_or(0),
        ),
        points,
    };
    profile
        .operating_point(None)
        .map_err(|error| format!("spec.{error}"))?;
    Ok(profile)
}

type Placed = BTreeMap<SiteId, BTreeMap<VariantName, Committed>>;

/// Where a deployment is committed, and what sites have refused at their present offers.
fn history(
    id: &DeploymentId,
    seen: &Seen,
    now: DateTime<Utc>,
) -> (Placed, BTreeMap<SiteId, Refusal>) {
    let mut committed: Placed = BTreeMap::new();
    let mut refusals = BTreeMap::new();
    for assignment in seen
        .assignments
        .values()
        .filter(|assignment| is_for(assignment, id))
    {
        let spec = &assignment.spec;
        let site = SiteId::from(spec.site.as_str());
        if let Some(refusal) = refusal_of(assignment, seen) {
            refusals.insert(site, refusal);
            // What was refused is not there; what was admitted before it is.
            let admitted = assignment
                .status
                .as_ref()
                .and_then(|status| status.ceiling)
                .unwrap_or(0);
            commit(
                &mut committed,
                assignment,
                u32::try_from(admitted).unwrap_or(0),
                now,
            );
            continue;
        }
        if spec.release.is_none() {
            commit(
                &mut committed,
                assignment,
                crate::schedule::ceiling_at(&spec.schedule, now),
                now,
            );
        }
    }
    (committed, refusals)
}

fn commit(committed: &mut Placed, assignment: &SiteAssignment, replicas: u32, now: DateTime<Utc>) {
    if replicas == 0 {
        return;
    }
    let annotations = assignment.metadata.annotations.clone().unwrap_or_default();
    let since = annotations
        .get(SINCE)
        .and_then(|text| text.parse().ok())
        .unwrap_or(now);
    let variants = committed
        .entry(SiteId::from(assignment.spec.site.as_str()))
        .or_default();
    variants.insert(
        VariantName::from(assignment.spec.workload.variant.as_str()),
        Committed { replicas, since },
    );
}

/// Whether an assignment is for a deployment.
pub fn is_for(assignment: &SiteAssignment, id: &DeploymentId) -> bool {
    let subject = &assignment.spec.subject;
    subject.kind == SubjectKind::ModelDeployment
        && subject.namespace == id.namespace()
        && subject.name == id.name()
}

/// A refusal that still holds: it was given for this very proposal, at the site's present offer.
pub fn refusal_of(assignment: &SiteAssignment, seen: &Seen) -> Option<Refusal> {
    let refusal = assignment.status.as_ref()?.refusal.as_ref()?;
    let offer = seen.offers.get(&assignment.spec.site)?;
    (refusal.offer_revision == offer.spec.revision).then(|| Refusal {
        offer_revision: refusal.offer_revision,
        most_replicas: u32::try_from(refusal.most_replicas).unwrap_or(0),
        reason: refusal.reason.clone(),
        detail: refusal.detail.clone(),
    })
}

/// What runs already and a variant refers to counts as committed, and its accelerators as the hub's to place.
fn adopt(seen: &Seen, world: &mut World) {
    let mut found = Vec::new();
    for (id, deployment) in &world.deployments {
        let Some(declared) = seen.deployments.get(id.as_str()) else {
            continue;
        };
        for variant in &deployment.variants {
            let declared = declared
                .spec
                .variants
                .iter()
                .find(|v| v.name == variant.name.as_str());
            for reference in declared
                .map(|v| v.workload_refs.as_slice())
                .unwrap_or_default()
            {
                let running = seen.offers.get(&reference.site).and_then(|offer| {
                    offer
                        .spec
                        .running
                        .iter()
                        .find(|r| r.name == reference.name && r.namespace == id.namespace())
                });
                if let Some(running) = running {
                    let replicas = u32::try_from(running.replicas).unwrap_or(0);
                    found.push((
                        id.clone(),
                        SiteId::from(reference.site.as_str()),
                        variant.name.clone(),
                        replicas,
                    ));
                }
            }
        }
    }
    for (id, site, variant, replicas) in found {
        let Some(deployment) = world.deployments.get_mut(&id) else {
            continue;
        };
        let Some(shape) = deployment.variants.iter().find(|v| v.name == variant) else {
            continue;
        };
        let pool = world
            .sites
            .get_mut(&site)
            .and_then(|site| site.pools.get_mut(&shape.product));
        if let Some(pool) = pool.filter(|_| replicas > 0) {
            *pool.nodes.entry(shape.accelerators).or_default() += replicas;
        }
        let committed = Committed {
            replicas,
            since: DateTime::<Utc>::UNIX_EPOCH,
        };
        if replicas > 0 {
            deployment
                .committed
                .entry(site)
                .or_default()
                .entry(variant)
                .or_insert(committed);
        }
    }
}
