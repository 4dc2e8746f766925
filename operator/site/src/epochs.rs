//! The highest epoch that was heard of each hub. It outlives the hub's last admission here, so that a leader that was
//! replaced is not heard again; it is in the site's status before anything is done that rests on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use commonwatt_api::{AdmissionRecord, HubEpoch, HubIdentity, Site};
use commonwatt_store::{Failure, write_status};

use crate::agent::{Agent, Cycle};
use crate::situation::Asked;

/// How many are kept: a site lists 16 hubs at most, and each may have been replaced once.
const KEPT: usize = 32;

/// The highest epoch of every hub that a site has heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Epochs(BTreeMap<(String, String), i64>);

impl Epochs {
    /// What a site has on its status and its records, and what is asked of it now.
    fn heard(site: &Site, records: &[Arc<AdmissionRecord>], asked: &[Asked]) -> Self {
        let mut epochs = Self::said(site);
        let name = site.metadata.name.as_deref().unwrap_or_default();
        for record in records.iter().filter(|record| record.spec.site == name) {
            epochs.raise(&record.spec.hub, record.spec.epoch);
        }
        // A hub speaks for itself alone.
        for asked in asked
            .iter()
            .filter(|asked| asked.hub == asked.assignment.spec.hub.name)
        {
            epochs.raise(&asked.assignment.spec.hub, asked.assignment.spec.epoch);
        }
        // Of a hub that is not listed nothing is admitted in any epoch.
        epochs
            .0
            .retain(|(name, _), _| site.spec.hubs.iter().any(|hub| hub.name == *name));
        while epochs.0.len() > KEPT {
            epochs.0.pop_first();
        }
        epochs
    }

    /// What a site's status says.
    pub fn said(site: &Site) -> Self {
        let said = site.status.iter().flat_map(|status| &status.hubs);
        Self(
            said.map(|hub| ((hub.name.clone(), hub.uid.clone()), hub.epoch))
                .collect(),
        )
    }

    fn raise(&mut self, hub: &HubIdentity, epoch: i64) {
        let known = self
            .0
            .entry((hub.name.clone(), hub.uid.clone()))
            .or_default();
        *known = epoch.max(*known);
    }

    /// The highest of one hub; 0 when it was never heard.
    pub fn of(&self, hub: &HubIdentity) -> i64 {
        let key = (hub.name.clone(), hub.uid.clone());
        self.0.get(&key).copied().unwrap_or(0)
    }

    /// As the site's status has them.
    fn status(&self) -> Vec<HubEpoch> {
        let list = self.0.iter().map(|((name, uid), epoch)| HubEpoch {
            name: name.clone(),
            uid: uid.clone(),
            epoch: *epoch,
        });
        list.collect()
    }
}

impl Agent {
    /// Puts what is news about epochs on the site's status, and on `site`. Where that fails, what was asked in a new
    /// epoch waits for the next cycle.
    pub(crate) async fn remember_epochs(
        &self,
        site: &mut Site,
        records: &[Arc<AdmissionRecord>],
        asked: &mut Vec<Asked>,
        cycle: &mut Cycle,
    ) {
        let before = Epochs::said(site);
        let heard = Epochs::heard(site, records, asked);
        if heard == before {
            return;
        }
        let mut status = site.status.clone().unwrap_or_default();
        status.hubs = heard.status();
        match write_status(self.store.as_ref(), site, &status).await {
            Ok(_) => {
                cycle.writes += 1;
                site.status = Some(status);
            }
            Err(error) => {
                cycle.failures.push(Failure::of("Site status", &error));
                asked.retain(|asked| {
                    let spec = &asked.assignment.spec;
                    spec.epoch <= before.of(&spec.hub)
                });
            }
        }
    }
}
