//! How a site stands at the end of a cycle: what pages and metrics show.

use std::collections::BTreeMap;
use std::sync::Arc;

use commonwatt_api::{
    AdmissionRecord, GridEventStatus, Site, SiteStatus, SubjectKind, WaterBudgetStatus,
};
use commonwatt_fleet::Watts;

use crate::decide::Decided;
use crate::evidence::Facility;
use crate::hours::{SignalState, state_of};
use crate::local_jobs::local_key;
use crate::model::{Problem, SiteModel};
use crate::schedule::scheduled;
use crate::stage::Stage;
use crate::workload::Observed;

/// A site as the last cycle left it: what pages and metrics show.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What was read of it; none where it could not be.
    pub model: Option<SiteModel>,
    /// The site.
    pub site: Site,
    /// Facility watts and what can be shed.
    pub facility: Facility,
    /// IT watts of ready work.
    pub draw: Watts,
    /// IT watts charged.
    pub charged: Watts,
    /// The limit in force.
    pub limit: Watts,
    /// Who set it.
    pub set_by: String,
    /// Accelerators by product: total and requested.
    pub accelerators: BTreeMap<String, (u32, u32)>,
    /// Admissions with their observation.
    pub records: BTreeMap<String, (Arc<AdmissionRecord>, Observed)>,
    /// How its signals stand.
    pub signals: BTreeMap<String, SignalState>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What was said of it in this cycle.
    pub said: Said,
}

/// What a cycle said of a site, on its objects: metrics say the same.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// The site's own status.
    pub site: SiteStatus,
    /// Statuses of its water budgets.
    pub water: BTreeMap<String, WaterBudgetStatus>,
    /// Statuses of its grid events, with their targets in watts.
    pub events: BTreeMap<String, (i64, GridEventStatus)>,
    /// Assignments by the reason of their answer.
    pub answers: BTreeMap<String, usize>,
    /// Limits that the ledger says are being passed.
    pub breaches: usize,
    /// Hours of the last day that the ledger has no record of, from its beginning on.
    pub missing_hours: u32,
}

impl Stage<'_> {
    /// How the site stands.
    pub(crate) fn snapshot(
        &self,
        model: Option<SiteModel>,
        decided: Decided,
        problems: Vec<Problem>,
    ) -> Snapshot {
        let pue = model
            .as_ref()
            .and_then(|model| model.hours.first())
            .map_or(1.0, |hour| hour.pue);
        let in_force = model.as_ref().map(|model| model.limits.at(self.now, pue));
        let unmanaged = model
            .as_ref()
            .map_or(Watts::ZERO, |model| model.limits.unmanaged_facility(pue));
        let ready: Watts = self
            .records
            .iter()
            .map(|(name, record)| {
                let observed = self.observed.get(name).copied().unwrap_or_default();
                Watts(record.spec.workload.watts).times(observed.ready)
            })
            .sum();
        let local: Watts = self
            .local_jobs
            .iter()
            .filter(|job| job.running)
            .map(|job| job.watts)
            .sum();
        let draw = ready + local;
        let ceilings: Watts = decided.ladder.watts;
        let still = self.charged_after(&decided);
        let mut accelerators: BTreeMap<String, (u32, u32)> = BTreeMap::new();
        for node in self.nodes.values() {
            let entry = accelerators.entry(node.product.clone()).or_default();
            entry.0 += node.allocatable;
            entry.1 += node.requested.values().sum::<u32>().min(node.allocatable);
        }
        let charged = ceilings.max(still);
        Snapshot {
            facility: Facility {
                drawn: draw.scaled_up(pue) + unmanaged,
                charged: charged.scaled_up(pue) + unmanaged,
                sheddable: self.sheddable().scaled_down(pue),
            },
            site: self.site.clone(),
            draw,
            charged,
            limit: in_force.as_ref().map_or(Watts::ZERO, |limit| limit.watts),
            set_by: in_force.map_or_else(|| "unreadable".into(), |limit| limit.set_by),
            accelerators,
            records: BTreeMap::new(),
            signals: self.signal_states(),
            problems,
            said: Said::default(),
            model,
        }
    }

    /// Watts of the decided ceilings, or of what still runs where that is more.
    fn charged_after(&self, decided: &Decided) -> Watts {
        // A site that could not be read decides nothing: all stays as it is charged.
        if decided.ladder.ceilings.is_empty() {
            return self.charged();
        }
        let of = |name: &String, ceiling: u32| {
            let record = self.records.get(name);
            let observed = self.observed.get(name).copied().unwrap_or_default();
            record.map_or(Watts::ZERO, |record| {
                Watts(record.spec.workload.watts).times(observed.charged(ceiling))
            })
        };
        let records: Watts = decided
            .ladder
            .ceilings
            .iter()
            .filter(|(name, _)| self.records.contains_key(*name))
            .map(|(name, ceiling)| of(name, *ceiling))
            .sum();
        let local: Watts = self
            .local_jobs
            .iter()
            .filter(|job| {
                job.running && decided.ladder.ceilings.contains_key(&local_key(&job.name))
            })
            .map(|job| job.watts)
            .sum();
        records + local
    }

    /// IT watts that can go without draining.
    fn sheddable(&self) -> Watts {
        let records = self.records.values().map(|record| {
            let ceiling = u32::try_from(record.spec.ceiling).unwrap_or(0);
            let (min, _) = scheduled(&record.spec.schedule, self.now);
            let watts = Watts(record.spec.workload.watts);
            match record.spec.subject.kind {
                SubjectKind::Job if record.spec.workload.suspendable => watts.times(ceiling),
                SubjectKind::Job => Watts::ZERO,
                SubjectKind::ModelDeployment => watts.times(ceiling.saturating_sub(min)),
            }
        });
        let local = self
            .local_jobs
            .iter()
            .filter(|job| job.running)
            .map(|job| job.watts);
        records.chain(local).sum()
    }

    fn signal_states(&self) -> BTreeMap<String, SignalState> {
        let named = &self.site.spec.signals;
        let names = [
            Some(&named.price),
            Some(&named.average_carbon),
            named.marginal_carbon.as_ref(),
            named.wet_bulb.as_ref(),
        ];
        names
            .into_iter()
            .flatten()
            .map(|name| {
                let state = self.signals.get(name).map_or_else(
                    || SignalState::Silent(format!("there is no GridSignal {name}")),
                    |(_, spec)| state_of(spec.as_ref(), self.now),
                );
                (name.clone(), state)
            })
            .collect()
    }
}
