//! Deployments in units: what is asked for, in which variants, and what their profiles say.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use commonwatt_api::{
    self as api, ModelDeployment, ModelProfile, ModelVariant, ProfileBoundary, conditions::reasons,
};
use commonwatt_fleet::{
    Boundary, Deployment, DeploymentId, OperatingPoint, Origin, Product, Profile, SiteId,
    TokensPerSecond, Variant, VariantName, Watts, World,
};

use crate::committed::history;
use crate::dereference::Seen;
use crate::problem::{Refused, invalid};

/// A deployment in units, and what is wrong with those of its variants that cannot be used.
pub(crate) fn read_deployment(
    name: &str,
    deployment: &ModelDeployment,
    seen: &Seen,
    world: &World,
    now: DateTime<Utc>,
) -> Result<(Deployment, Vec<String>), Refused> {
    let spec = &deployment.spec;
    let namespace = deployment.metadata.namespace.clone().unwrap_or_default();
    let policy = seen.policies.get(&spec.policy).ok_or_else(|| {
        (
            reasons::NOT_FOUND,
            format!("spec.policy: there is no PlacementPolicy {}", spec.policy),
        )
    })?;
    if !policy.spec.namespaces.is_empty() && !policy.spec.namespaces.contains(&namespace) {
        let message = format!(
            "spec.policy: {} may not be used in namespace {namespace}",
            spec.policy
        );
        return Err((reasons::POLICY_NOT_ALLOWED, message));
    }
    if !world.policies.contains_key(&spec.policy) {
        return Err((
            reasons::INVALID,
            format!(
                "spec.policy: {} cannot be used; see its status",
                spec.policy
            ),
        ));
    }
    let tokens = |field: &str, value: &api::Decimal| {
        let value = value.value().map_err(|error| invalid(field, error))?;
        TokensPerSecond::try_positive(value).map_err(|error| invalid(field, error))
    };
    let demand = tokens(
        "spec.demand.tokensPerSecond",
        &spec.demand.tokens_per_second,
    )?;
    let floor = tokens(
        "spec.demand.floorTokensPerSecond",
        &spec.demand.floor_tokens_per_second,
    )?;
    if floor > demand {
        return Err(invalid(
            "spec.demand.floorTokensPerSecond",
            "the floor is above the demand",
        ));
    }
    let limit = spec
        .inter_token_milliseconds
        .and_then(|limit| u32::try_from(limit).ok());
    let mut variants = Vec::new();
    let mut unusable = Vec::new();
    for variant in &spec.variants {
        match read_variant(variant, seen, limit) {
            Ok(read) => variants.push(read),
            Err(message) => unusable.push(message),
        }
    }
    if variants.is_empty() {
        return Err((reasons::PROFILE_UNUSABLE, unusable.join("; ")));
    }
    let id = DeploymentId::from(name);
    let (committed, refusals) = history(&id, seen, now);
    let read = Deployment {
        id,
        policy: spec.policy.clone(),
        demand,
        demand_by_slot: Vec::new(),
        tenant: name.split('/').next().unwrap_or_default().to_owned(),
        origin_shares: std::collections::BTreeMap::new(),
        floor,
        origins: spec
            .origins
            .iter()
            .filter_map(|o| {
                Some((
                    Origin::from(o.name.as_str()),
                    u32::try_from(o.max_milliseconds).ok()?,
                ))
            })
            .collect(),
        jurisdictions: spec.jurisdictions.iter().cloned().collect(),
        variants,
        minimum_sites: u32::try_from(spec.minimum_sites)
            .map_err(|error| invalid("spec.minimumSites", error))?,
        priority: i32::try_from(spec.priority).map_err(|error| invalid("spec.priority", error))?,
        committed,
        refusals,
    };
    Ok((read, unusable))
}

fn read_variant(
    variant: &ModelVariant,
    seen: &Seen,
    limit: Option<u32>,
) -> Result<Variant, String> {
    let field = format!("spec.variants[{}]", variant.name);
    let profile = seen.profiles.get(&variant.profile).ok_or_else(|| {
        format!(
            "{field}.profile: there is no ModelProfile {}",
            variant.profile
        )
    })?;
    let read = read_profile(profile)
        .map_err(|message| format!("{field}.profile {}: {message}", variant.profile))?;
    let point = read
        .operating_point(limit)
        .map_err(|error| format!("{field}.profile {}: {error}", variant.profile))?;
    let only_at = variant.template.is_none().then(|| {
        variant
            .workload_refs
            .iter()
            .map(|reference| SiteId::from(reference.site.as_str()))
            .collect::<BTreeSet<_>>()
    });
    Ok(Variant {
        name: VariantName::from(variant.name.as_str()),
        product: Product::from(read.product.as_str()),
        accelerators: read.accelerators,
        tokens_per_second: point.tokens_per_second,
        watts: point.watts,
        only_at,
    })
}

/// Tokens per second of one replica at the point that is charged: the highest measured concurrency that keeps a limit on
/// the time between two tokens, milliseconds.
///
/// # Errors
/// In words, with the field.
pub fn tokens_per_second(profile: &ModelProfile, limit: Option<u32>) -> Result<f64, String> {
    let read = read_profile(profile)?;
    let point = read.operating_point(limit);
    point
        .map(|point| point.tokens_per_second.0)
        .map_err(|error| error.to_string())
}

/// A profile in units.
///
/// # Errors
/// In words, with the field.
pub(crate) fn read_profile(profile: &ModelProfile) -> Result<Profile, String> {
    let spec = &profile.spec;
    let mut points = Vec::new();
    for (index, point) in spec.points.iter().enumerate() {
        let field = |name: &str| format!("spec.points[{index}].{name}");
        let tokens = point
            .tokens_per_second
            .value()
            .map_err(|error| format!("{}: {error}", field("tokensPerSecond")))?;
        let watts = point
            .watts
            .value()
            .map_err(|error| format!("{}: {error}", field("watts")))?;
        let gap = point.inter_token_milliseconds.value();
        let gap = gap.map_err(|error| format!("{}: {error}", field("interTokenMilliseconds")))?;
        points.push(OperatingPoint {
            concurrency: u32::try_from(point.concurrency)
                .map_err(|error| format!("{}: {error}", field("concurrency")))?,
            tokens_per_second: TokensPerSecond(tokens),
            watts: Watts(watts),
            inter_token_milliseconds: gap,
        });
    }
    let host = spec.host_watts.as_ref().map(api::Watts::value).transpose();
    let profile = Profile {
        product: spec.product.clone(),
        accelerators: u32::try_from(spec.accelerators)
            .map_err(|error| format!("spec.accelerators: {error}"))?,
        boundary: match spec.boundary {
            ProfileBoundary::Gpu => Boundary::Gpu,
            ProfileBoundary::Node => Boundary::Node,
        },
        host_watts: Watts(
            host.map_err(|error| format!("spec.hostWatts: {error}"))?
                .unwrap_or(0),
        ),
        points,
    };
    profile
        .operating_point(None)
        .map_err(|error| format!("spec.{error}"))?;
    Ok(profile)
}
