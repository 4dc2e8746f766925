//! Where a workload may run at all: law, distance, hardware and the site's own word, before any capacity is counted.

use std::collections::BTreeSet;

use commonwatt_fleet::{
    BatchJob, Deployment, Product, Refusal, Rejection, Site, SiteId, Slots, Variant,
};

/// The law a workload must stay under, if the site breaks it.
fn outside_the_law(site: &Site, allowed: &BTreeSet<String>) -> Option<Rejection> {
    (!allowed.is_empty() && !allowed.contains(&site.jurisdiction)).then(|| {
        Rejection::Jurisdiction {
            site: site.jurisdiction.clone(),
            allowed: allowed.iter().cloned().collect(),
        }
    })
}

/// The first origin that is too far, or whose distance nobody declared; where origins have shares, only if no origin with
/// a share is near enough.
fn too_far(site: &Site, deployment: &Deployment) -> Option<Rejection> {
    if origins_suited(deployment, site) != 0 {
        return None;
    }
    deployment.origins.iter().find_map(|(origin, limit)| {
        let declared = site.latencies.get(origin).copied();
        let near = declared.is_some_and(|milliseconds| milliseconds <= *limit);
        (!near).then(|| Rejection::Latency {
            origin: origin.clone(),
            limit: *limit,
            declared,
        })
    })
}

/// Origins that a site suits: one bit for each origin with a share, in their order; all bits or none where no shares
/// are declared and a site must suit every origin. An origin with a share and no limit is suited everywhere.
pub(crate) fn origins_suited(deployment: &Deployment, site: &Site) -> u32 {
    let near = |origin: &commonwatt_fleet::Origin| {
        let Some(limit) = deployment.origins.get(origin) else {
            return true;
        };
        let declared = site.latencies.get(origin);
        declared.is_some_and(|milliseconds| milliseconds <= limit)
    };
    if deployment.origin_shares.is_empty() {
        return if deployment.origins.keys().all(near) {
            u32::MAX
        } else {
            0
        };
    }
    let shares = deployment.origin_shares.keys().enumerate();
    shares
        .filter(|(_, origin)| near(origin))
        .fold(0, |bits, (number, _)| {
            bits | 1_u32.checked_shl(number as u32).unwrap_or(0)
        })
}

/// Whether a variant can run at a site as far as its hardware and its references go.
pub(crate) fn variant_runs_at(variant: &Variant, id: &SiteId, site: &Site) -> bool {
    variant.tokens_per_second.0 > 0.0
        && site.pools.contains_key(&variant.product)
        && variant
            .only_at
            .as_ref()
            .is_none_or(|sites| sites.contains(id))
}

/// Why no variant of a deployment may run at a site, in the fixed order jurisdiction, latency, accelerator, reference.
/// Says nothing of offers, refusals and capacity.
pub(crate) fn excludes_deployment(
    deployment: &Deployment,
    id: &SiteId,
    site: &Site,
) -> Option<Rejection> {
    if let Some(rejection) =
        outside_the_law(site, &deployment.jurisdictions).or_else(|| too_far(site, deployment))
    {
        return Some(rejection);
    }
    let here = |variant: &&Variant| site.pools.contains_key(&variant.product);
    if !deployment.variants.iter().any(|variant| here(&variant)) {
        return Some(Rejection::NoAccelerator {
            products: products_of(deployment),
        });
    }
    let runs = deployment
        .variants
        .iter()
        .any(|variant| variant_runs_at(variant, id, site));
    (!runs).then_some(Rejection::NotOfferedHere)
}

fn products_of(deployment: &Deployment) -> Vec<Product> {
    let products: BTreeSet<_> = deployment.variants.iter().map(|v| &v.product).collect();
    products.into_iter().cloned().collect()
}

/// The refusal that still counts: a site's word about its present offer.
pub(crate) fn refusal_in_force<'d>(
    refusals: &'d std::collections::BTreeMap<SiteId, Refusal>,
    id: &SiteId,
    site: &Site,
) -> Option<&'d Refusal> {
    refusals
        .get(id)
        .filter(|refusal| refusal.offer_revision == site.offer_revision)
}

/// The first slot that begins when the offer no longer counts: from there on the site takes nothing new.
pub(crate) fn first_slot_past_offer(site: &Site, slots: &Slots) -> usize {
    (0..slots.count)
        .find(|slot| slots.begin(*slot) >= site.valid_until)
        .unwrap_or(slots.count)
}

/// The rejection of a site whose offer ran out before the horizon began.
pub(crate) fn offer_expired(site: &Site) -> Rejection {
    Rejection::OfferExpired {
        valid_until: site.valid_until,
    }
}

/// Why a job may not run at a site, in the fixed order start, jurisdiction, accelerator, refusal. Says nothing of
/// offers, hours and capacity.
pub(crate) fn excludes_job(job: &BatchJob, id: &SiteId, site: &Site) -> Option<Rejection> {
    if let Some(at) = job.started_at.as_ref().filter(|at| *at != id) {
        return Some(Rejection::StartedElsewhere { at: at.clone() });
    }
    if let Some(rejection) = outside_the_law(site, &job.jurisdictions) {
        return Some(rejection);
    }
    if !job.shapes.keys().any(|p| site.pools.contains_key(p)) {
        return Some(Rejection::NoAccelerator {
            products: job.shapes.keys().cloned().collect(),
        });
    }
    let refusal = refusal_in_force(&job.refusals, id, site)?;
    let fits = job
        .shapes
        .iter()
        .any(|(p, shape)| site.pools.contains_key(p) && shape.pods <= refusal.most_replicas);
    (!fits).then(|| refusal.rejection())
}
