//! Condition types and reasons: every word that a status can say, in one place.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// One condition, as Kubernetes' own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What it is about, in CamelCase.
    #[schemars(length(max = 64))]
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    #[schemars(length(max = 8))]
    pub status: String,
    /// Why, as one CamelCase word.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// Why, in words with numbers and what to do.
    #[schemars(length(max = 4096))]
    #[serde(default)]
    pub message: String,
    /// When the status last changed.
    pub last_transition_time: Timestamp,
    /// The generation of the object that this was said of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// Types of conditions.
pub mod types {
    /// The object is in order and takes part.
    pub const READY: &str = "Ready";
    /// A `SiteOffer`'s site can be reached.
    pub const REACHABLE: &str = "Reachable";
    /// Every hub that a `Site` lists can be spoken to by its agent.
    pub const HUBS_REACHABLE: &str = "HubsReachable";
    /// An assignment is admitted by its site.
    pub const ADMITTED: &str = "Admitted";
    /// An assignment is applied to the site's workload.
    pub const APPLIED: &str = "Applied";
    /// All demand is placed.
    pub const PLACED: &str = "Placed";
    /// A limit is kept.
    pub const WITHIN_LIMIT: &str = "WithinLimit";
    /// A signal can be used.
    pub const SIGNAL_FRESH: &str = "SignalFresh";
}

/// Reasons, one word each.
pub mod reasons {
    /// In order.
    pub const OK: &str = "Ok";
    /// A field means nothing; the message names it.
    pub const INVALID: &str = "Invalid";
    /// Another object that this one names is not there.
    pub const NOT_FOUND: &str = "NotFound";
    /// A profile that is not there or cannot be used.
    pub const PROFILE_UNUSABLE: &str = "ProfileUnusable";
    /// A profile of one point, which counts whatever the load.
    pub const ONE_POINT: &str = "OnePoint";
    /// A profile in which more sequences at once give less than fewer.
    pub const THROUGHPUT_DIPS: &str = "ThroughputDips";
    /// An amount in a currency for which the policy declares no rate.
    pub const CURRENCY_WITHOUT_RATE: &str = "CurrencyWithoutRate";
    /// The namespace may not use this policy.
    pub const POLICY_NOT_ALLOWED: &str = "PolicyNotAllowed";
    /// A signal is older than its maximum age; its fallback counts.
    pub const SIGNAL_STALE: &str = "SignalStale";
    /// A signal has neither a value nor a fallback.
    pub const SIGNAL_MISSING: &str = "SignalMissing";
    /// Only writing down what would be done.
    pub const ADVISING: &str = "Advising";
    /// Only looking.
    pub const OBSERVING: &str = "Observing";
    /// Somebody else's field: it is left alone.
    pub const FIELD_OWNED_BY_OTHER: &str = "FieldOwnedByOther";
    /// The site's power limit leaves no room.
    pub const POWER: &str = "Power";
    /// The site's water leaves no room.
    pub const WATER: &str = "Water";
    /// Not enough accelerators.
    pub const ACCELERATORS: &str = "Accelerators";
    /// A namespace that the site does not map.
    pub const NAMESPACE_NOT_MAPPED: &str = "NamespaceNotMapped";
    /// An adapter that the site has not installed.
    pub const ADAPTER_NOT_INSTALLED: &str = "AdapterNotInstalled";
    /// A feature that this agent does not know.
    pub const FEATURE_UNKNOWN: &str = "FeatureUnknown";
    /// A message of a hub that has been replaced.
    pub const STALE_EPOCH: &str = "StaleEpoch";
    /// A hub that the site does not list.
    pub const HUB_UNKNOWN: &str = "HubUnknown";
    /// What `workloadRef` names is not there.
    pub const WORKLOAD_NOT_FOUND: &str = "WorkloadNotFound";
    /// The API server did not take a write.
    pub const WRITE_FAILED: &str = "WriteFailed";
    /// Waiting for replicas to become ready.
    pub const PROGRESSING: &str = "Progressing";
    /// Released: the workload is left as it was found.
    pub const RELEASED: &str = "Released";
    /// No site can run it, or not all of it.
    pub const UNPLACEABLE: &str = "Unplaceable";
    /// The site cannot be reached.
    pub const UNREACHABLE: &str = "Unreachable";
    /// The kubeconfig does not work.
    pub const KUBECONFIG_INVALID: &str = "KubeconfigInvalid";
    /// An event cannot be met in time.
    pub const INSUFFICIENT_FAST_SHED: &str = "InsufficientFastShed";
    /// A limit is passed.
    pub const OVER_LIMIT: &str = "OverLimit";
    /// The limit fell; load is being brought under it.
    pub const FALLING: &str = "Falling";
    /// Not yet begun.
    pub const PENDING: &str = "Pending";
    /// Over.
    pub const OVER: &str = "Over";
    /// Not done by its deadline.
    pub const AT_RISK: &str = "AtRisk";
}

impl Condition {
    /// A condition whose transition is now; [`set_condition`] keeps the older time where the status is the same.
    pub fn new(
        type_: &str,
        ok: bool,
        reason: &str,
        message: impl Into<String>,
        now: DateTime<Utc>,
    ) -> Self {
        let mut message = message.into();
        if message.len() > 4096 {
            let end = (0..=4090)
                .rev()
                .find(|end| message.is_char_boundary(*end))
                .unwrap_or(0);
            message.truncate(end);
            message.push('…');
        }
        Self {
            type_: type_.into(),
            status: if ok { "True" } else { "False" }.into(),
            reason: reason.into(),
            message,
            last_transition_time: now.into(),
            observed_generation: None,
        }
    }

    /// The same, said of a generation.
    #[must_use]
    pub fn at_generation(mut self, generation: Option<i64>) -> Self {
        self.observed_generation = generation;
        self
    }
}

/// The condition of a type, if it was said.
pub fn find_condition<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Puts a condition into its list, keeping the time of the last real transition.
pub fn set_condition(conditions: &mut Vec<Condition>, mut condition: Condition) {
    if let Some(old) = conditions
        .iter_mut()
        .find(|old| old.type_ == condition.type_)
    {
        if old.status == condition.status {
            condition.last_transition_time = old.last_transition_time;
        }
        *old = condition;
    } else {
        conditions.push(condition);
    }
}
