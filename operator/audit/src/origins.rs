//! How much of a demand that comes from several origins can be served: each origin's part only by sites that suit it.

use std::collections::BTreeMap;

use commonwatt_fleet::{Deployment, Origin, Site};

use crate::flow;
use crate::reading::Line;

/// Whether a site is near enough to an origin; an unknown distance, or an unknown limit, is not.
pub(crate) fn suits(deployment: &Deployment, site: &Site, origin: &Origin) -> bool {
    let most = deployment.origins.get(origin);
    let declared = site.latencies.get(origin);
    most.zip(declared)
        .is_some_and(|(most, declared)| declared <= most)
}

/// Tokens per second that lines serve in a slot at most, with each origin's part at sites that suit it: the most that
/// flows from origins to sites.
pub(crate) fn served<'r, 'a: 'r>(
    deployment: &Deployment,
    demand: f64,
    lines: impl Iterator<Item = &'r Line<'a>>,
    slot: usize,
) -> f64 {
    let origins: Vec<_> = deployment.origin_shares.iter().collect();
    // Sites that suit the same origins are as one.
    let mut groups: BTreeMap<Vec<bool>, f64> = BTreeMap::new();
    for line in lines {
        let suited = origins
            .iter()
            .map(|(origin, _)| suits(deployment, line.offer, origin));
        let tokens = line.tokens() * f64::from(line.after(slot));
        *groups.entry(suited.collect()).or_default() += tokens;
    }
    let parts: Vec<f64> = origins.iter().map(|(_, share)| **share * demand).collect();
    let groups: Vec<_> = groups.into_iter().collect();
    flow::most(&parts, &groups)
}
