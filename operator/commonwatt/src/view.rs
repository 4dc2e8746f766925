//! From what hub and sites found to what the pages show.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use commonwatt_api::{GridEvent, ModelProfile, SiteOffer, conditions::types, find_condition};
use commonwatt_dashboard::view::{
    CommunityLink, CostPart, DeploymentView, EventView, FleetView, GpuView, HistoryHour, JobView,
    ObjectiveView, PlacementView, RejectedView, SignalState, SignalView, SiteView, WaterView,
};
use commonwatt_fleet::{Plan, World};
use commonwatt_ledger::{Body, Quantity, Record};
use commonwatt_signals::{Provenance, State};

/// An API server with sites, as its agent found it.
pub struct Server<'a> {
    /// The agent's last cycle.
    pub cycle: &'a commonwatt_site::Cycle,
    /// Its ledger.
    pub records: &'a [Record],
}

/// The fleet at a moment.
pub fn fleet(
    hub: Option<&commonwatt_hub::Cycle>,
    servers: &[Server<'_>],
    clock: &str,
    now: DateTime<Utc>,
) -> FleetView {
    let mut sites = Vec::new();
    for server in servers {
        let history = history(server.records, now);
        for (name, snapshot) in &server.cycle.sites {
            sites.push(site(name, snapshot, history.get(name)));
        }
    }
    let offers = hub.iter().flat_map(|hub| &hub.seen.offers);
    for (name, offer) in offers {
        if !sites.iter().any(|site| site.name == *name) {
            sites.push(offered(name, offer, now));
        }
    }
    sites.sort_by(|a, b| a.name.cmp(&b.name));
    let mut view = FleetView {
        generated_at: now.format("%Y-%m-%d %H:%M UTC").to_string(),
        clock: clock.into(),
        refresh_seconds: Some(5),
        home_link: "/".into(),
        currency: hub.map_or_else(|| "USD".into(), |hub| hub.world.currency.clone()),
        sites,
        signals: servers.iter().flat_map(signals).collect(),
        events: servers
            .iter()
            .flat_map(|server| server.cycle.seen.events.iter().map(|one| event(one)))
            .collect(),
        communities: servers
            .iter()
            .flat_map(|server| &server.cycle.seen.communities)
            .map(|community| CommunityLink {
                name: community.spec.display_name.clone(),
                link: format!(
                    "/community/{}",
                    community.metadata.name.as_deref().unwrap_or_default()
                ),
            })
            .collect(),
        ..FleetView::default()
    };
    let modes: Vec<String> = view.sites.iter().map(|site| site.mode.clone()).collect();
    view.mode = if modes.windows(2).all(|pair| pair[0] == pair[1]) {
        modes.first().cloned().unwrap_or_default()
    } else {
        "mixed modes".into()
    };
    if let Some(hub) = hub {
        let (world, plan) = hub.whole();
        view.objective = objective(world, plan);
        view.deployments = hub
            .seen
            .deployments
            .iter()
            .map(|(name, declared)| deployment(name, declared, plan, &hub.seen.profiles))
            .collect();
        view.jobs = plan
            .jobs
            .iter()
            .map(|(id, decision)| job(id.as_str(), decision, world, now))
            .collect();
    }
    view
}

fn objective(world: &World, plan: &Plan) -> ObjectiveView {
    let hours = world.slots.count.max(1) as f64 * world.slots.hours();
    let parts = plan.objective.parts;
    let named = [
        ("energy", parts.energy),
        ("accelerators", parts.accelerators),
        ("carbon", parts.carbon),
        ("water", parts.water),
        ("moves", parts.moves),
        ("unserved", parts.unserved),
    ];
    ObjectiveView {
        per_hour: Some(plan.objective.total.0 / hours),
        parts: named
            .iter()
            .map(|(name, money)| CostPart {
                name: (*name).into(),
                per_hour: money.0 / hours,
            })
            .collect(),
        bound_per_hour: plan.bound.lower.map(|lower| lower.0 / hours),
    }
}

fn site(
    name: &str,
    snapshot: &commonwatt_site::Snapshot,
    history: Option<&Vec<HistoryHour>>,
) -> SiteView {
    let spec = &snapshot.site.spec;
    let model = snapshot.model.as_ref();
    let hour = model.and_then(|model| model.hours.first());
    let problem = snapshot
        .problems
        .iter()
        .find(|problem| problem.kind == "Site");
    SiteView {
        name: name.into(),
        link: Some(format!("/site/{name}")),
        place: spec.location.place.clone(),
        jurisdiction: spec.location.jurisdiction.clone(),
        grid_zone: spec.location.grid_zone.clone(),
        mode: format!("{:?}", spec.mode),
        ready: problem.is_none(),
        reason: problem.map_or(String::new(), |problem| {
            format!("{}: {}", problem.reason, problem.message)
        }),
        draw_watts: Some(snapshot.draw.0 as f64),
        charged_watts: Some(snapshot.charged.0 as f64),
        limit_watts: model.map(|_| snapshot.limit.0 as f64),
        limit_set_by: snapshot.set_by.clone(),
        headroom_watts: model.map(|_| snapshot.limit.saturating_sub(snapshot.charged).0 as f64),
        gpus: snapshot
            .accelerators
            .iter()
            .map(|(product, (total, used))| GpuView {
                product: product.clone(),
                total: *total,
                used: *used,
            })
            .collect(),
        history: history.cloned().unwrap_or_default(),
        water: model
            .and_then(|model| model.water.as_ref())
            .map(|water| WaterView {
                period: format!(
                    "{} to {}",
                    water.start.format("%Y-%m-%d"),
                    water.end.format("%Y-%m-%d")
                ),
                used_liters: Some(water.used),
                cap_liters: Some(water.cap),
                stage: water
                    .stage
                    .as_ref()
                    .map(|(stage, authority, _)| format!("{stage}, declared by {authority}")),
            }),
        price_per_kwh: hour.map(|hour| hour.price),
        grams_per_kwh: hour.map(|hour| hour.average_carbon),
        pue: hour.map(|hour| hour.pue),
        wue: hour.map(|hour| hour.wue),
    }
}

/// A site whose agent runs elsewhere: what its offer says.
fn offered(name: &str, offer: &SiteOffer, now: DateTime<Utc>) -> SiteView {
    let spec = &offer.spec;
    let hour = spec
        .hours
        .iter()
        .rev()
        .find(|hour| hour.start.0 <= now)
        .or(spec.hours.first());
    let number = |value: &commonwatt_api::Decimal| value.value().ok();
    let conditions = offer
        .status
        .as_ref()
        .map(|status| status.conditions.as_slice())
        .unwrap_or_default();
    let wrong =
        find_condition(conditions, types::REACHABLE).filter(|condition| condition.status != "True");
    let current = spec.valid_until.0 > now;
    SiteView {
        name: name.into(),
        link: None,
        place: spec.place.clone(),
        jurisdiction: spec.jurisdiction.clone(),
        grid_zone: spec.grid_zone.clone(),
        mode: format!("{:?}", spec.mode),
        ready: wrong.is_none() && current,
        reason: match (wrong, current) {
            (Some(condition), _) => format!("{}: {}", condition.reason, condition.message),
            (None, false) => "its offer has run out".into(),
            (None, true) => String::new(),
        },
        limit_watts: hour.map(|hour| hour.watts as f64),
        limit_set_by: hour.map_or(String::new(), |hour| hour.set_by.clone()),
        price_per_kwh: hour.and_then(|hour| number(&hour.price_per_kwh)),
        grams_per_kwh: hour.and_then(|hour| number(&hour.average_carbon)),
        pue: hour.and_then(|hour| number(&hour.pue)),
        wue: hour.and_then(|hour| number(&hour.wue)),
        ..SiteView::default()
    }
}

/// The last 48 recorded hours of every site: facility power against its limit.
fn history(records: &[Record], now: DateTime<Utc>) -> BTreeMap<String, Vec<HistoryHour>> {
    let mut hours: BTreeMap<(String, DateTime<Utc>), HistoryHour> = BTreeMap::new();
    for record in records.iter().rev() {
        let Body::Meter(meter) = &record.body else {
            continue;
        };
        if meter.hour < now - TimeDelta::hours(49) {
            if record.recorded_at < now - TimeDelta::hours(60) {
                break;
            }
            continue;
        }
        let entry = hours
            .entry((record.site.to_string(), meter.hour))
            .or_insert_with(|| HistoryHour {
                hour: meter.hour,
                ..HistoryHour::default()
            });
        match meter.meter.quantity {
            Quantity::FacilityEnergy => entry.draw_watts = meter.usable().map(|kwh| kwh * 1000.0),
            Quantity::PeakImport => {
                entry.limit_watts = meter.limit.as_ref().map(|limit| limit.value);
            }
            _ => {}
        }
    }
    let mut by_site: BTreeMap<String, Vec<HistoryHour>> = BTreeMap::new();
    for ((site, _), hour) in hours {
        by_site.entry(site).or_default().push(hour);
    }
    by_site
}

fn deployment(
    name: &str,
    declared: &commonwatt_api::ModelDeployment,
    plan: &Plan,
    profiles: &BTreeMap<String, Arc<ModelProfile>>,
) -> DeploymentView {
    let status = declared.status.clone().unwrap_or_default();
    let number = |value: &Option<commonwatt_api::Decimal>| {
        value.as_ref().and_then(|value| value.value().ok())
    };
    let (namespace, short) = name.split_once('/').unwrap_or(("", name));
    let id = commonwatt_fleet::DeploymentId::from(name);
    let watts = |site: &str, variant: &str| {
        let placed = plan
            .deployments
            .get(&id)?
            .sites
            .get(&site.into())?
            .get(&variant.into())?;
        Some(placed.watts.0 as f64)
    };
    let count = |n: i64| u32::try_from(n).unwrap_or(0);
    DeploymentView {
        namespace: namespace.into(),
        name: short.into(),
        mode: format!("{:?}", declared.spec.mode),
        demand_tokens_per_second: declared.spec.demand.tokens_per_second.value().ok(),
        ready_replicas: count(status.ready_replicas.unwrap_or(0)),
        desired_replicas: count(status.desired_replicas.unwrap_or(0)),
        cost_per_hour: number(&status.cost_per_hour),
        grams_per_1000_tokens: number(&status.grams_per_thousand_tokens),
        sites: status
            .sites
            .iter()
            .map(|site| PlacementView {
                site: site.site.clone(),
                variant: site.variant.clone(),
                replicas: count(site.desired),
                ready: count(site.ready),
                watts: watts(&site.site, &site.variant),
                reason: site.reason.clone(),
                detail: site.detail.clone(),
            })
            .collect(),
        rejected: status
            .rejected
            .iter()
            .map(|site| RejectedView {
                site: site.site.clone(),
                reason: site.reason.clone(),
                detail: site.detail.clone(),
            })
            .collect(),
        unmet: find_condition(&status.conditions, types::PLACED)
            .filter(|condition| condition.status != "True")
            .map(|condition| format!("{}: {}", condition.reason, condition.message)),
        measured_by: declared
            .spec
            .variants
            .iter()
            .filter_map(|variant| {
                let spec = &profiles.get(&variant.profile)?.spec;
                Some(format!(
                    "{}: {} ({})",
                    variant.name, spec.source, spec.licence
                ))
            })
            .collect(),
    }
}

fn job(
    name: &str,
    decision: &commonwatt_fleet::JobDecision,
    world: &World,
    now: DateTime<Utc>,
) -> JobView {
    let deadline = world.jobs.get(&name.into()).map(|job| job.deadline);
    JobView {
        name: name.into(),
        site: decision
            .placed
            .as_ref()
            .map(|placed| placed.site.to_string()),
        hours: decision
            .placed
            .as_ref()
            .map(|placed| placed.runs.clone())
            .unwrap_or_default(),
        deadline: deadline.map_or(String::new(), |deadline| {
            deadline.format("%Y-%m-%d %H:%M UTC").to_string()
        }),
        deadline_in_hours: deadline
            .and_then(|deadline| u32::try_from((deadline - now).num_hours()).ok()),
        at_risk: decision.at_risk,
    }
}

fn signals(server: &Server<'_>) -> Vec<SignalView> {
    let seen = &server.cycle.seen;
    let mut states = BTreeMap::new();
    for snapshot in server.cycle.sites.values() {
        for (name, state) in &snapshot.signals {
            states.insert(name.clone(), state.clone());
        }
    }
    states
        .into_iter()
        .filter_map(|(name, state)| {
            let signal = seen.signals.get(&name)?;
            let mut view = SignalView {
                name,
                zone: signal.spec.zone.clone(),
                quantity: format!("{:?}", signal.spec.quantity),
                unit: signal
                    .status
                    .as_ref()
                    .and_then(|status| status.unit.clone())
                    .unwrap_or_default(),
                max_age_seconds: u64::try_from(signal.spec.max_age_seconds).unwrap_or(0),
                ..SignalView::default()
            };
            match state {
                commonwatt_site::hours::SignalState::Said(reading) => {
                    view.value = Some(reading.value);
                    view.age_seconds = reading.age_seconds.and_then(|age| u64::try_from(age).ok());
                    view.state = match (reading.state, reading.provenance) {
                        (_, Provenance::Fallback) => SignalState::Fallback,
                        (State::Fresh, _) => SignalState::Fresh,
                        _ => SignalState::Stale,
                    };
                    view.provenance = match reading.provenance {
                        Provenance::Observed => "observed".into(),
                        Provenance::Fallback => "fallback".into(),
                        Provenance::Declared => "declared".into(),
                    };
                }
                commonwatt_site::hours::SignalState::Silent(why) => view.provenance = why,
            }
            Some(view)
        })
        .collect()
}

fn event(event: &GridEvent) -> EventView {
    let status = event.status.clone().unwrap_or_default();
    let condition = find_condition(&status.conditions, types::WITHIN_LIMIT);
    EventView {
        name: event.metadata.name.clone().unwrap_or_default(),
        site: event.spec.site.clone(),
        purpose: format!("{:?}", event.spec.purpose),
        start: event.spec.start.0.format("%Y-%m-%d %H:%M UTC").to_string(),
        target_watts: event
            .spec
            .target_watts
            .value()
            .ok()
            .map(|watts| watts as f64),
        measured_watts: status
            .measured
            .as_ref()
            .and_then(|watts| watts.value().ok())
            .map(|watts| watts as f64),
        state: condition.map_or("not seen yet".into(), |condition| {
            format!("{}: {}", condition.reason, condition.message)
        }),
    }
}
