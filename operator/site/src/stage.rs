//! What concerns one site, collected between reading and writing.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use commonwatt_api::{AdmissionRecord, Site, SubjectKind};
use commonwatt_fleet::{Slots, Watts};
use commonwatt_store::Object;

use crate::autoscaler::{Bounds, targeting};
use crate::dereference::Seen;
use crate::inventory::{self, Node, Owner, charge};
use crate::local_jobs::{LocalJob, local_jobs};
use crate::model::Signals;
use crate::offer::HORIZON_HOURS;
use crate::situation::Asked;
use crate::workload::{Observed, find, observe};

/// A site between reading and writing.
pub(crate) struct Stage<'a> {
    pub seen: &'a Seen,
    pub signals: &'a Signals,
    pub site: &'a Site,
    pub now: DateTime<Utc>,
    pub slots: Slots,
    pub records: BTreeMap<String, Arc<AdmissionRecord>>,
    pub observed: BTreeMap<String, Observed>,
    pub nodes: BTreeMap<String, Node>,
    pub asked: &'a [Asked],
    pub local_jobs: Vec<LocalJob>,
}

impl<'a> Stage<'a> {
    /// Collects what concerns one site.
    pub(crate) fn of(
        seen: &'a Seen,
        signals: &'a Signals,
        site: &'a Site,
        now: DateTime<Utc>,
        asked: &'a [Asked],
    ) -> Self {
        let name = site.metadata.name.clone().unwrap_or_default();
        let records: BTreeMap<String, Arc<AdmissionRecord>> = seen
            .records
            .iter()
            .filter(|record| record.spec.site == name)
            .map(|record| {
                (
                    record.metadata.name.clone().unwrap_or_default(),
                    record.clone(),
                )
            })
            .collect();
        let mut observed = BTreeMap::new();
        let mut selectors = Vec::new();
        for (record_name, record) in &records {
            let spec = &record.spec;
            let Some(adapter) = seen.adapters.get(&spec.workload.adapter) else {
                continue;
            };
            let found = find(
                &seen.workloads,
                &spec.workload.adapter,
                &spec.object.namespace,
                &spec.object.name,
            );
            let job = spec.subject.kind == SubjectKind::Job;
            let mut state = found.map_or_else(Observed::default, |object| {
                observe(adapter, object, &seen.pods, job)
            });
            if state.wanted > 0 {
                let steering = targeting(&seen.autoscalers, adapter, &spec.object);
                let reach = steering.into_iter().map(|one| Bounds::of(one).max).max();
                state.reach = reach.unwrap_or(0);
            }
            if let Some(selector) = found.and_then(|object| object.at(&adapter.spec.selector_path))
            {
                selectors.push((
                    record_name.clone(),
                    spec.object.namespace.clone(),
                    selector.clone(),
                ));
            }
            observed.insert(record_name.clone(), state);
        }
        let mut nodes = inventory::nodes(&seen.nodes, &site.spec.node_selector);
        charge(&mut nodes, &seen.pods, |pod| {
            let owner = selectors.iter().find(|(_, namespace, selector)| {
                pod.namespace() == Some(namespace) && inventory::selects(selector, pod)
            });
            owner.map_or(Owner::Other, |(record, _, _)| Owner::Record(record.clone()))
        });
        let local_jobs = local_jobs(seen, site, &nodes);
        let slots = Slots::hourly(now, HORIZON_HOURS);
        Self {
            seen,
            signals,
            site,
            now,
            slots,
            records,
            observed,
            nodes,
            asked,
            local_jobs,
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.site.metadata.name.as_deref().unwrap_or_default()
    }

    /// The autoscaler on a record, if it is still there.
    pub(crate) fn autoscaler_of(&self, record: &AdmissionRecord) -> Option<&'a Object> {
        let known = record.spec.autoscaler.as_ref()?;
        let all = &self.seen.autoscalers;
        let found = all.iter().find(|found| found.uid() == known.uid)?;
        Some(found)
    }

    /// IT watts charged: ceilings, or what still runs where that is more, and local batch.
    pub(crate) fn charged(&self) -> Watts {
        let records: Watts = self
            .records
            .iter()
            .map(|(name, record)| {
                let observed = self.observed.get(name).copied().unwrap_or_default();
                let ceiling = u32::try_from(record.spec.ceiling).unwrap_or(0);
                Watts(record.spec.workload.watts).times(observed.charged(ceiling))
            })
            .sum();
        records
            + self
                .local_jobs
                .iter()
                .filter(|job| job.running)
                .map(|job| job.watts)
                .sum()
    }
}
