//! From an hour of a season to the planner's world: the declared fleet, what runs in it, and what is known of the day to come.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use commonwatt_fleet::{
    BatchJob, Committed, Deployment, DeploymentId, GramsPerKwh, JobShape, Liters, LitersPerKwh,
    Money, Origin, Policy, Site, SiteHour, SiteId, Slots, TokensPerSecond, Variant, WaterStock,
    Watts, World,
};

use super::fleet::{
    HARDWARE, Hardware, MOVE_COST, NODE, SERVICES, SLACK, Service, TRANSFER, UNSERVED, Way, ZONES,
    Zone, hardware_at, job_ways, limit, pue, water_budget, wue,
};
use super::state::{Progress, State, job_id};
use super::trace::{DAY, DAYS, PAST, Season, Trace};
use crate::bare;
use crate::forecast::{persistence, seasonal};

/// The name of the policy.
const POLICY: &str = "sites";

/// What is known of hours to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knowledge {
    /// The mean of the same hour of three days.
    Seasonal,
    /// The present goes on.
    Persistence,
    /// All that comes.
    Perfect,
}

impl Knowledge {
    /// A day from an hour on, as it is expected in that hour.
    fn day(self, series: &[f64], now: usize) -> Vec<f64> {
        let (known, ahead) = (&series[..=now], DAY - 1);
        let expected = match self {
            Self::Seasonal => seasonal(known, ahead, DAY, PAST),
            Self::Persistence => persistence(known, ahead),
            Self::Perfect => series[now + 1..][..ahead].to_vec(),
        };
        [&known[now..], &expected].concat()
    }
}

/// An hour of a season, as whoever decides then sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment<'t> {
    pub(super) trace: &'t Trace,
    pub(super) season: &'t Season,
    /// Hours after the season's begin.
    pub(super) hour: usize,
    pub(super) knowledge: Knowledge,
    /// USD per tonne of CO2.
    pub(super) carbon_price: f64,
}

impl Moment<'_> {
    /// The world of the day that begins with the hour.
    pub(super) fn world(&self, state: &State) -> World {
        let slots = Slots {
            start: self.season.begin + TimeDelta::hours(self.hour as i64),
            seconds: 3600,
            count: DAY,
        };
        let policy = Policy {
            carbon_per_tonne: Money(self.carbon_price),
            unserved_per_million_tokens: Money(UNSERVED),
            move_cost: Money(MOVE_COST),
            ..bare::policy()
        };
        let sites = ZONES.iter().enumerate();
        let jobs = state.jobs.iter().enumerate();
        World {
            sites: sites
                .map(|(index, zone)| (zone.name.into(), self.site(&slots, index, zone, state)))
                .collect(),
            policies: BTreeMap::from([(POLICY.into(), policy)]),
            deployments: self.deployments(&slots, state),
            jobs: jobs
                .filter(|(_, job)| self.is_open(job))
                .map(|(number, job)| (job_id(number), self.job(&slots, number, job)))
                .collect(),
            ..bare::world(slots)
        }
    }

    /// The place of the hour in series that begin before the season does.
    fn now(&self) -> usize {
        self.hour + PAST * DAY
    }

    fn site(&self, slots: &Slots, index: usize, zone: &Zone, state: &State) -> Site {
        let signals = &self.season.zones[index];
        let day = |series: &[f64]| self.knowledge.day(series, self.now());
        let (price, carbon) = (day(&signals.price), day(&signals.carbon));
        let wet_bulb = day(&signals.wet_bulb);
        let hour = |slot: usize| {
            let (limit, set_by) = limit(index, zone.hour_of_day(slots.begin(slot)));
            SiteHour {
                limit,
                limit_set_by: set_by.into(),
                price_per_kwh: Money(price[slot]),
                pue: pue(wet_bulb[slot]),
                wue: LitersPerKwh(wue(wet_bulb[slot])),
                average_carbon: GramsPerKwh(carbon[slot]),
                marginal_carbon: None,
            }
        };
        let pool = |of: &Hardware| commonwatt_fleet::Pool {
            nodes: BTreeMap::from([(NODE, of.nodes)]),
            ..bare::pool(NODE, of.watts)
        };
        let latencies = ZONES.iter().map(|from| {
            let there = from.milliseconds_to(zone);
            (Origin::from(from.name), there)
        });
        Site {
            latencies: latencies.collect(),
            pools: hardware_at(index)
                .map(|of| (of.product.into(), pool(of)))
                .collect(),
            water: Some(WaterStock {
                remaining: Liters((water_budget(index, DAYS * DAY) - state.water[index]).max(0.0)),
                hours_left: (DAYS * DAY - self.hour) as f64,
                set_by: "waterbudget/season".into(),
            }),
            ..bare::site(
                slots,
                HARDWARE[0].product.into(),
                bare::pool(NODE, Watts::ZERO),
                (0..DAY).map(hour).collect(),
            )
        }
    }

    fn deployments(&self, slots: &Slots, state: &State) -> BTreeMap<DeploymentId, Deployment> {
        let mut all = BTreeMap::new();
        for (service, shape) in SERVICES.iter().zip(&self.trace.shapes) {
            let homes = ZONES.iter().enumerate();
            for (_, home) in homes.filter(|(index, _)| service.is_used_at(*index)) {
                let demand = self.demand(slots, service, shape, home);
                let deployment = self.deployment(service, home, demand, state);
                all.insert(deployment.id.clone(), deployment);
            }
        }
        all
    }

    /// The trace's shape by the sun of the users.
    fn demand(&self, slots: &Slots, service: &Service, shape: &[f64], home: &Zone) -> Vec<f64> {
        let begin = slots.start - TimeDelta::hours(self.now() as i64);
        let at = |hour: usize| {
            let at = begin + TimeDelta::hours(hour as i64);
            service.mean_tokens * shape[home.hour_of_day(at)]
        };
        let all: Vec<_> = (0..self.now() + DAY).map(at).collect();
        self.knowledge.day(&all, self.now())
    }

    fn deployment(
        &self,
        service: &Service,
        home: &Zone,
        demand: Vec<f64>,
        state: &State,
    ) -> Deployment {
        let id = DeploymentId::new("sites", &format!("{}-{}", service.name, home.name));
        let demand: Vec<_> = demand.into_iter().map(TokensPerSecond).collect();
        let held = |count: &u32| Committed {
            replicas: *count,
            since: self.season.begin,
        };
        let runs = state.replicas.get(&id).into_iter().flatten();
        let committed = runs.map(|(site, variants)| {
            let variants = variants
                .iter()
                .map(|(name, count)| (name.clone(), held(count)));
            (site.clone(), variants.collect())
        });
        Deployment {
            demand: demand.first().copied().unwrap_or(TokensPerSecond::ZERO),
            demand_by_slot: demand,
            origins: BTreeMap::from([(home.name.into(), service.latency)]),
            variants: service.ways.iter().map(variant).collect(),
            minimum_sites: service.minimum_sites,
            committed: committed.collect(),
            ..bare::deployment(id, POLICY)
        }
    }

    /// Whether a job has come and is neither done nor given up.
    fn is_open(&self, job: &Progress) -> bool {
        job.of.release <= self.hour && job.hours_left > 0 && self.hour < job.of.deadline()
    }

    fn job(&self, slots: &Slots, number: usize, job: &Progress) -> BatchJob {
        let at = |hour: usize| self.season.begin + TimeDelta::hours(hour as i64);
        let arrives = at(job.of.release) + TimeDelta::hours(TRANSFER);
        let away = ZONES
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != job.of.home)
            .map(|(_, zone)| (SiteId::from(zone.name), arrives));
        let shape = |(product, accelerators, watts): (&str, u32, Watts)| {
            let shape = JobShape {
                pods: 1,
                accelerators_per_pod: accelerators,
                watts_per_pod: watts,
            };
            (product.into(), shape)
        };
        BatchJob {
            shapes: job_ways(job.of.accelerators).map(shape).into(),
            release: at(job.of.release),
            release_at: away.collect(),
            deadline: at(job.of.deadline()),
            interruptible: true,
            started_at: job.started_at.clone(),
            running: job.running,
            restart_cost: Money(MOVE_COST),
            ..bare::job(job_id(number), POLICY, slots, job.hours_left)
        }
    }
}

impl super::trace::Job {
    /// Hours after the season's begin by which it has to be done.
    pub(super) fn deadline(&self) -> usize {
        self.release + (self.work + SLACK) as usize
    }
}

fn variant((product, accelerators, tokens, watts): &Way) -> Variant {
    Variant {
        name: (*product).into(),
        product: (*product).into(),
        accelerators: *accelerators,
        tokens_per_second: TokensPerSecond(*tokens),
        watts: Watts(*watts),
        only_at: None,
    }
}
