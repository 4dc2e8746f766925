//! What is said of the inputs of a plan: policies, profiles and offers.

use chrono::{DateTime, Utc};
use commonwatt_api::{
    Condition, ModelProfileStatus, PlacementPolicyStatus, SiteOfferStatus,
    conditions::{reasons, types},
    set_condition,
};
use commonwatt_fleet::ProfileNote;
use commonwatt_store::write_status;

use crate::deployments::read_profile;
use crate::hub::{Cycle, Hub};

impl Hub {
    pub(crate) async fn say_inputs(&self, cycle: &mut Cycle, now: DateTime<Utc>) {
        self.say_policies(cycle, now).await;
        self.say_profiles(cycle, now).await;
        self.say_offers(cycle, now).await;
    }

    async fn say_policies(&self, cycle: &mut Cycle, now: DateTime<Utc>) {
        for (name, policy) in cycle.seen.policies.clone() {
            let generation = policy.metadata.generation;
            let mut conditions = policy.status.clone().unwrap_or_default().conditions;
            let condition = readiness(cycle, "PlacementPolicy", &name, now);
            set_condition(&mut conditions, condition.at_generation(generation));
            let status = PlacementPolicyStatus {
                observed_generation: generation,
                conditions,
            };
            let written = write_status(self.store.as_ref(), policy.as_ref(), &status).await;
            cycle.note("PlacementPolicy status", written);
        }
    }

    async fn say_profiles(&self, cycle: &mut Cycle, now: DateTime<Utc>) {
        for profile in cycle.seen.profiles.clone().into_values() {
            let generation = profile.metadata.generation;
            let condition = match read_profile(&profile) {
                Ok(profile) => noted(&profile.notes(), now),
                Err(message) => {
                    Condition::new(types::READY, false, reasons::PROFILE_UNUSABLE, message, now)
                }
            };
            let mut conditions = profile.status.clone().unwrap_or_default().conditions;
            set_condition(&mut conditions, condition.at_generation(generation));
            let status = ModelProfileStatus {
                observed_generation: generation,
                conditions,
            };
            let written = write_status(self.store.as_ref(), profile.as_ref(), &status).await;
            cycle.note("ModelProfile status", written);
        }
    }

    /// An offer whose prices cannot be compared says so. Whether the site can be reached is the runner's to say.
    async fn say_offers(&self, cycle: &mut Cycle, now: DateTime<Utc>) {
        for (name, offer) in cycle.seen.offers.clone() {
            let mut conditions = offer.status.clone().unwrap_or_default().conditions;
            // No generation: an agent rewrites its offer at every change, and this says nothing new each time.
            let condition = readiness(cycle, "SiteOffer", &name, now);
            set_condition(&mut conditions, condition);
            let status = SiteOfferStatus { conditions };
            let written = write_status(self.store.as_ref(), offer.as_ref(), &status).await;
            cycle.note("SiteOffer status", written);
        }
    }
}

/// Ready, and what is odd about its points.
fn noted(notes: &[ProfileNote], now: DateTime<Utc>) -> Condition {
    let reason = match notes.first() {
        None => reasons::OK,
        Some(ProfileNote::OnePoint { .. }) => reasons::ONE_POINT,
        Some(ProfileNote::ThroughputDips { .. }) => reasons::THROUGHPUT_DIPS,
    };
    let words: Vec<_> = notes.iter().map(|note| format!("spec.{note}")).collect();
    Condition::new(types::READY, true, reason, words.join("; "), now)
}

/// Ready, unless something is wrong with it.
fn readiness(cycle: &Cycle, kind: &str, name: &str, now: DateTime<Utc>) -> Condition {
    match cycle.refused(kind, name) {
        Some(problem) => Condition::new(
            types::READY,
            false,
            &problem.reason,
            problem.message.clone(),
            now,
        ),
        None => Condition::new(types::READY, true, reasons::OK, "", now),
    }
}
