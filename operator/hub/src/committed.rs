//! Where deployments are already: what assignments say, what sites refused, and what runs and is to be adopted.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use commonwatt_api::{SiteAssignment, conditions::reasons};
use commonwatt_fleet::{
    Committed, DeploymentId, Load, Product, Refusal, SiteId, VariantName, Watts, World, keep_room,
};

use crate::dereference::Seen;
use crate::jobs::assignment_of;
use crate::problem::Problem;
use crate::schedule::ceiling_at;

/// On an assignment: since when its deployment is at its site.
pub(crate) const SINCE: &str = "commonwatt.dev/since";

type Placed = BTreeMap<SiteId, BTreeMap<VariantName, Committed>>;

/// Where a deployment is committed, and what sites have refused at their present offers.
pub(crate) fn history(
    id: &DeploymentId,
    seen: &Seen,
    now: DateTime<Utc>,
) -> (Placed, BTreeMap<SiteId, Refusal>) {
    let mut committed: Placed = BTreeMap::new();
    let declared = seen.deployments.get(id.as_str());
    let uid = declared.and_then(|declared| declared.metadata.uid.as_deref());
    let mut refusals = seen.refused.of(uid.unwrap_or_default());
    for assignment in seen.assignments_for(id) {
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
                ceiling_at(&spec.schedule, now),
                now,
            );
        }
    }
    (committed, refusals)
}

/// What runs of something that cannot be read is planned by nobody, and nothing else is planned in its room.
pub(crate) fn keep_what_runs(
    seen: &Seen,
    problem: &Problem,
    world: &mut World,
    now: DateTime<Utc>,
) {
    let name = problem.name.as_str();
    let its: Vec<&SiteAssignment> = match problem.kind.as_str() {
        "ModelDeployment" => seen.assignments_for(&DeploymentId::from(name)).collect(),
        "Job" => assignment_of(seen, name).into_iter().collect(),
        _ => return,
    };
    for assignment in its.into_iter().filter(|one| one.spec.release.is_none()) {
        let spec = &assignment.spec;
        let status = assignment.status.as_ref();
        let admitted = status.and_then(|status| status.ceiling);
        let asked = ceiling_at(&spec.schedule, now);
        let replicas = admitted.map_or(asked, |admitted| u32::try_from(admitted).unwrap_or(0));
        let load = Load {
            product: &Product::from(spec.workload.product.as_str()),
            size: u32::try_from(spec.workload.accelerators).unwrap_or(0),
            watts: Watts(spec.workload.watts),
            replicas,
        };
        keep_room(world, &SiteId::from(spec.site.as_str()), &load);
    }
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

/// A refusal that still holds: it was given at the site's present offer.
pub(crate) fn refusal_of(assignment: &SiteAssignment, seen: &Seen) -> Option<Refusal> {
    let refusal = assignment.status.as_ref()?.refusal.as_ref()?;
    let offer = seen.offers.get(&assignment.spec.site)?;
    // What a site said to the leader before, in the moment of the change, says nothing of the place.
    let said_of = assignment.status.as_ref()?.observed_generation;
    if refusal.reason == reasons::STALE_EPOCH && said_of < assignment.metadata.generation {
        return None;
    }
    (refusal.offer_revision == offer.spec.revision).then(|| Refusal {
        offer_revision: refusal.offer_revision,
        most_replicas: u32::try_from(refusal.most_replicas).unwrap_or(0),
        reason: refusal.reason.clone(),
        detail: refusal.detail.clone(),
    })
}

/// What runs already and a variant refers to counts as committed, and its accelerators as the hub's to place.
pub(crate) fn adopt(seen: &Seen, world: &mut World) {
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
