//! Whether a site can be reached, said where the hub's people look: on its `SiteOffer`, which is made for this where no
//! agent has written one yet.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use commonwatt_api::{
    Condition, Mode, SiteOffer, SiteOfferSpec, SiteOfferStatus,
    conditions::{reasons, types},
    find_condition, set_condition,
};
use commonwatt_site::namespace_of;
use commonwatt_store::{
    Kind, Store, StoreError, apply_in_namespace, list, to_object, write_status,
};

/// What is said about the sites behind one kubeconfig.
pub struct Reach {
    hub: Arc<dyn Store>,
    sites: BTreeSet<String>,
}

impl Reach {
    /// Sites of an API server, of which one is known by the Secret's label.
    pub fn new(hub: Arc<dyn Store>, labelled: &str) -> Self {
        Self {
            hub,
            sites: [labelled.to_owned()].into(),
        }
    }

    /// The API server answered, and these sites are on it.
    pub async fn reached(&mut self, found: impl Iterator<Item = &String>, now: DateTime<Utc>) {
        let found: BTreeSet<String> = found.cloned().collect();
        for site in self.sites.union(&found).cloned().collect::<Vec<_>>() {
            let (ok, reason, message) = if found.contains(&site) {
                (true, reasons::OK, String::new())
            } else {
                let names: Vec<&str> = found.iter().map(String::as_str).collect();
                let message = format!(
                    "the API server answers, but has no Site {site}{}; create it, or mend the label \
                     commonwatt.dev/site-kubeconfig of the Secret",
                    if names.is_empty() {
                        String::new()
                    } else {
                        format!(" (it has {})", names.join(", "))
                    }
                );
                (false, reasons::NOT_FOUND, message)
            };
            self.say(&site, ok, reason, message, now).await;
        }
        self.sites.extend(found);
    }

    /// It did not answer, or refused.
    pub async fn failed(&mut self, error: &StoreError, now: DateTime<Utc>) {
        let reason = match error {
            StoreError::Unreachable(message) if message.contains("HTTP 401") => {
                reasons::KUBECONFIG_INVALID
            }
            StoreError::Unreachable(_) | StoreError::Conflict(_) => reasons::UNREACHABLE,
            _ => reasons::KUBECONFIG_INVALID,
        };
        self.all(reason, &error.to_string(), now).await;
    }

    /// The kubeconfig itself does not give a client.
    pub async fn unusable(&mut self, message: &str, now: DateTime<Utc>) {
        self.all(reasons::KUBECONFIG_INVALID, message, now).await;
    }

    async fn all(&mut self, reason: &str, message: &str, now: DateTime<Utc>) {
        for site in self.sites.clone() {
            self.say(&site, false, reason, message.to_owned(), now)
                .await;
        }
    }

    async fn say(&self, site: &str, ok: bool, reason: &str, message: String, now: DateTime<Utc>) {
        let condition = Condition::new(types::REACHABLE, ok, reason, message, now);
        if let Err(error) = self.write(site, condition).await {
            tracing::warn!(site, %error, "whether the site can be reached could not be written");
        }
    }

    async fn write(&self, site: &str, condition: Condition) -> Result<(), StoreError> {
        let namespace = namespace_of(site);
        let offers = list::<SiteOffer>(self.hub.as_ref(), Some(&namespace)).await?;
        let present = offers
            .objects
            .into_iter()
            .find(|offer| offer.metadata.name.as_deref() == Some(site));
        let offer = match present {
            Some(offer) => Arc::unwrap_or_clone(offer),
            // The agent writes the offer of a site that it reaches.
            None if condition.status == "True" => return Ok(()),
            None => self.make(site, &namespace).await?,
        };
        let mut status = offer.status.clone().unwrap_or_default();
        let said = find_condition(&status.conditions, &condition.type_);
        // The words of a failed connection differ from try to try; the reason is what counts.
        if said.is_some_and(|old| {
            (&old.status, &old.reason) == (&condition.status, &condition.reason)
                && (condition.reason == reasons::UNREACHABLE || old.message == condition.message)
        }) {
            return Ok(());
        }
        tracing::info!(
            site,
            reachable = condition.status,
            reason = condition.reason,
            why = condition.message,
            "reachability changed"
        );
        set_condition(
            &mut status.conditions,
            condition.at_generation(offer.metadata.generation),
        );
        let SiteOfferStatus { conditions } = status;
        write_status(self.hub.as_ref(), &offer, &SiteOfferStatus { conditions }).await?;
        Ok(())
    }

    /// An offer of nothing.
    async fn make(&self, site: &str, namespace: &str) -> Result<SiteOffer, StoreError> {
        let spec = SiteOfferSpec {
            site: site.to_owned(),
            revision: 0,
            valid_until: DateTime::<Utc>::UNIX_EPOCH.into(),
            mode: Mode::Observe,
            features: Vec::new(),
            place: String::new(),
            jurisdiction: String::new(),
            grid_zone: String::new(),
            currency: String::new(),
            water_scarcity_factor: "1".into(),
            latencies: Vec::new(),
            accelerators: Vec::new(),
            hours: Vec::new(),
            water: None,
            running: Vec::new(),
        };
        let mut offer = SiteOffer::new(site, spec);
        offer.metadata.namespace = Some(namespace.to_owned());
        let kind = Kind::of::<SiteOffer>();
        let made = apply_in_namespace(self.hub.as_ref(), &kind, &to_object(&offer)?).await?;
        serde_json::from_value(made.0).map_err(|error| StoreError::Invalid(error.to_string()))
    }
}
