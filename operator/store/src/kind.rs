use std::borrow::Cow;
use std::fmt;

use kube::Resource;

/// A kind of object, as the API server serves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// API group; empty for the core.
    pub group: Cow<'static, str>,
    /// API version.
    pub version: Cow<'static, str>,
    /// The kind's name.
    pub kind: Cow<'static, str>,
    /// Its plural, as in paths.
    pub plural: Cow<'static, str>,
}

impl Kind {
    /// A kind that is known when this is compiled.
    pub const fn new(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        plural: &'static str,
    ) -> Self {
        Self {
            group: Cow::Borrowed(group),
            version: Cow::Borrowed(version),
            kind: Cow::Borrowed(kind),
            plural: Cow::Borrowed(plural),
        }
    }

    /// Nodes.
    pub const NODE: Self = Self::new("", "v1", "Node", "nodes");
    /// Pods.
    pub const POD: Self = Self::new("", "v1", "Pod", "pods");
    /// Namespaces.
    pub const NAMESPACE: Self = Self::new("", "v1", "Namespace", "namespaces");
    /// Deployments.
    pub const DEPLOYMENT: Self = Self::new("apps", "v1", "Deployment", "deployments");
    /// Stateful sets.
    pub const STATEFUL_SET: Self = Self::new("apps", "v1", "StatefulSet", "statefulsets");
    /// Events.
    pub const EVENT: Self = Self::new("events.k8s.io", "v1", "Event", "events");
    /// Leases.
    pub const LEASE: Self = Self::new("coordination.k8s.io", "v1", "Lease", "leases");
    /// Jobs.
    pub const JOB: Self = Self::new("batch", "v1", "Job", "jobs");
    /// Autoscalers of replicas.
    pub const AUTOSCALER: Self = Self::new(
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
    );

    /// The kind of a derived resource.
    pub fn of<T: Resource<DynamicType = ()>>() -> Self {
        Self {
            group: T::group(&()),
            version: T::version(&()),
            kind: T::kind(&()),
            plural: T::plural(&()),
        }
    }

    /// A kind from data, such as a `WorkloadAdapter`.
    pub fn from_api_version(api_version: &str, kind: &str, plural: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self {
            group: Cow::Owned(group.to_owned()),
            version: Cow::Owned(version.to_owned()),
            kind: Cow::Owned(kind.to_owned()),
            plural: Cow::Owned(plural.to_owned()),
        }
    }

    /// `group/version`, or `version` for the core.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)
    }
}
