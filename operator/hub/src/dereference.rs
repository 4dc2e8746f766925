//! Step one of a cycle: every read of the hub's API server.

use std::collections::BTreeMap;
use std::sync::Arc;

use commonwatt_api::{
    JOB_MANAGER, ModelDeployment, ModelProfile, PlacementPolicy, SiteAssignment, SiteOffer,
    SubjectKind,
};
use commonwatt_fleet::DeploymentId;
use commonwatt_store::{Kind, Listed, Malformed, Object, Store, StoreError, list};

use crate::refused::Refused;

/// Everything on the hub's API server that planning looks at.
#[derive(Debug, Default)]
pub struct Seen {
    /// Deployments by `namespace/name`.
    pub deployments: BTreeMap<String, Arc<ModelDeployment>>,
    /// Profiles by name.
    pub profiles: BTreeMap<String, Arc<ModelProfile>>,
    /// Policies by name.
    pub policies: BTreeMap<String, Arc<PlacementPolicy>>,
    /// Offers by site.
    pub offers: BTreeMap<String, Arc<SiteOffer>>,
    /// Assignments by `namespace/name`.
    pub assignments: BTreeMap<String, Arc<SiteAssignment>>,
    /// Names of the assignments of each ModelDeployment, by its `namespace/name`.
    pub by_subject: BTreeMap<String, Vec<String>>,
    /// Jobs that are the hub's to place, by `namespace/name`.
    pub jobs: BTreeMap<String, Arc<Object>>,
    /// What sites refused before at offers that still stand, as a leader remembers it.
    pub refused: Refused,
    /// Objects of our kinds that could not be read.
    pub malformed: Vec<Malformed>,
}

/// Reads it all.
///
/// # Errors
/// Those of the store.
pub async fn dereference(store: &dyn Store) -> Result<Seen, StoreError> {
    let mut seen = Seen::default();
    let malformed = &mut seen.malformed;
    seen.deployments = named(list(store, None).await?, malformed);
    seen.profiles = named(list(store, None).await?, malformed);
    seen.policies = named(list(store, None).await?, malformed);
    let offers: BTreeMap<String, Arc<SiteOffer>> = named(list(store, None).await?, malformed);
    // An offer speaks for a site only from that site's own namespace.
    seen.offers = offers
        .into_values()
        .filter(|offer| {
            offer.metadata.namespace.as_deref() == Some(&format!("site-{}", offer.spec.site))
        })
        .map(|offer| (offer.spec.site.clone(), offer))
        .collect();
    seen.assignments = named(list(store, None).await?, malformed);
    seen.by_subject = by_subject(&seen.assignments);
    let jobs = store.list(&Kind::JOB, None).await?;
    seen.jobs = jobs
        .into_iter()
        .filter(|job| {
            job.at("spec.managedBy")
                .and_then(|manager| manager.as_str())
                == Some(JOB_MANAGER)
        })
        .map(|job| {
            (
                format!("{}/{}", job.namespace().unwrap_or_default(), job.name()),
                job,
            )
        })
        .collect();
    Ok(seen)
}

impl Seen {
    /// The assignments of a ModelDeployment, those that are being given back too.
    pub(crate) fn assignments_for(
        &self,
        id: &DeploymentId,
    ) -> impl Iterator<Item = &SiteAssignment> {
        let names = self.by_subject.get(id.as_str()).into_iter().flatten();
        names.filter_map(|name| self.assignments.get(name).map(Arc::as_ref))
    }
}

fn by_subject(
    assignments: &BTreeMap<String, Arc<SiteAssignment>>,
) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, assignment) in assignments {
        let subject = &assignment.spec.subject;
        if subject.kind == SubjectKind::ModelDeployment {
            let of = format!("{}/{}", subject.namespace, subject.name);
            found.entry(of).or_default().push(name.clone());
        }
    }
    found
}

fn named<T: kube::Resource<DynamicType = ()>>(
    listed: Listed<T>,
    malformed: &mut Vec<Malformed>,
) -> BTreeMap<String, Arc<T>> {
    malformed.extend(listed.malformed);
    listed
        .objects
        .into_iter()
        .map(|object| {
            let meta = object.meta();
            let name = meta.name.clone().unwrap_or_default();
            let key = meta
                .namespace
                .as_ref()
                .map_or_else(|| name.clone(), |namespace| format!("{namespace}/{name}"));
            (key, object)
        })
        .collect()
}
