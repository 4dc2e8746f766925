//! The table itself. A verb is here because a line of code asks for it: `list` and `watch` for what is followed, `get` for
//! what is read as it is at this moment, `patch` for server-side apply and merge patches, and beside it `create` where an
//! apply may find nothing there.

use commonwatt_api::Mode::{Advise, Enforce, Observe};

use super::Holder::{Hub, Own, OwnOfHub, OwnOfSite, Site, Visitor};
use super::Resources::{Kubeconfigs, Named, NamedKubeconfigs, Of, Workloads};
use super::{Holder, Resources, Rule};

/// Our own API group.
const OURS: &str = "commonwatt.dev";
const FOLLOW: &[&str] = &["list", "watch"];
const PATCH: &[&str] = &["patch"];
const TELL: &[&str] = &["create", "patch"];

/// A value `adapters.<name>` of the chart, and the kind that it opens.
#[derive(Debug, Clone, Copy)]
pub struct Adapter {
    /// Name of the value.
    pub name: &'static str,
    /// API group.
    pub group: &'static str,
    /// Resource, plural.
    pub resource: &'static str,
}

/// The adapters of the chart.
pub const ADAPTERS: &[Adapter] = &[
    adapter("deployment", "apps", "deployments"),
    adapter("statefulset", "apps", "statefulsets"),
    adapter("job", "batch", "jobs"),
];

/// All rules, by holder.
pub const RULES: &[Rule] = &[
    rule(
        Hub,
        Of(
            OURS,
            &[
                "modeldeployments",
                "modelprofiles",
                "placementpolicies",
                "siteoffers",
                "siteassignments",
            ],
        ),
        FOLLOW,
        "what is to be placed, by which measures, where there is room, and what was asked of sites before",
    ),
    rule(
        Hub,
        Of("batch", &["jobs"]),
        FOLLOW,
        "Jobs with spec.managedBy commonwatt.dev/hub are to be placed; RBAC cannot tell them from others",
    ),
    rule(
        Hub,
        Of(
            OURS,
            &[
                "modeldeployments/status",
                "modelprofiles/status",
                "placementpolicies/status",
                "planheads/status",
                "siteoffers/status",
            ],
        ),
        PATCH,
        "what was decided and why, and what is wrong with an object, is said on the object",
    ),
    rule(
        Hub,
        Of(OURS, &["planheads"]),
        &["get", "create", "patch"],
        "the epoch by which sites refuse a hub that does not lead any more",
    ),
    rule(
        Hub,
        Of(OURS, &["siteoffers"]),
        &["get", "create", "patch"],
        "agents in this process write the offers of their sites; of a site that cannot be reached there is one that says so",
    ),
    rule(
        Hub,
        Of(OURS, &["siteassignments/status"]),
        PATCH,
        "agents in this process answer here",
    ),
    rule(
        Hub,
        Of(OURS, &["siteassignments"]),
        &["patch", "delete"],
        "what a bolder mode has left is still given back, and an assignment is deleted when that is done",
    ),
    from(
        Advise,
        Hub,
        Of(OURS, &["siteassignments"]),
        &["create"],
        "what a site is asked to run, or in Advise to judge",
    ),
    rule(
        Hub,
        Of(OURS, &["modeldeployments"]),
        PATCH,
        "our finalizer alone: put on before a site is asked to run anything, so that a deletion gives back first; taken off in every mode",
    ),
    rule(
        Hub,
        Named("", "namespaces", &["kube-system"]),
        &["get"],
        "its uid tells this cluster's hub from another of the same name",
    ),
    rule(
        Hub,
        Of("", &["namespaces"]),
        &["create"],
        "site-<name> for the offer of a site; without patch no namespace that is there can be changed",
    ),
    rule(
        Hub,
        Of("events.k8s.io", &["events"]),
        TELL,
        "what happened to an object, once and then counted",
    ),
    from(
        Enforce,
        Hub,
        Of("batch", &["jobs"]),
        PATCH,
        "our finalizer, so that a deletion is seen before the site's copy goes",
    ),
    from(
        Enforce,
        Hub,
        Of("batch", &["jobs/status"]),
        PATCH,
        "the status of a Job that no other controller runs, as it is at its site",
    ),
    rule(
        Site,
        Of(
            OURS,
            &[
                "sites",
                "powerbudgets",
                "waterbudgets",
                "gridsignals",
                "gridevents",
                "hostcommunities",
                "communityreports",
                "workloadadapters",
                "admissionrecords",
            ],
        ),
        FOLLOW,
        "limits, signals, events and what was admitted; none of the limits can be written",
    ),
    rule(
        Site,
        Of("", &["nodes"]),
        FOLLOW,
        "accelerators by their labels, and how many of them are free",
    ),
    rule(
        Site,
        Of("", &["pods"]),
        FOLLOW,
        "which accelerators are taken, and what still runs and therefore draws",
    ),
    rule(
        Site,
        Of(
            OURS,
            &[
                "sites/status",
                "powerbudgets/status",
                "waterbudgets/status",
                "gridsignals/status",
                "gridevents/status",
                "hostcommunities/status",
                "communityreports/status",
            ],
        ),
        PATCH,
        "the limit in force and who set it, the evidence of an event, the figures of a report",
    ),
    from(
        Enforce,
        Site,
        Of("events.k8s.io", &["events"]),
        TELL,
        "what was done to a workload, or could not be, once and then counted; until then a site speaks by conditions",
    ),
    rule(
        Site,
        Workloads,
        FOLLOW,
        "what runs, how much of it is ready, and who owns the number of replicas",
    ),
    rule(
        Site,
        Of("autoscaling", &["horizontalpodautoscalers"]),
        FOLLOW,
        "where an autoscaler steers a workload its bounds are what is charged and steered",
    ),
    from(
        Enforce,
        Site,
        Of(OURS, &["admissionrecords"]),
        &["create", "patch", "delete"],
        "the commit point of an admission: written before a workload is touched, deleted when it was given back",
    ),
    from(
        Enforce,
        Site,
        Of(OURS, &["admissionrecords/status"]),
        PATCH,
        "what is ready of an admission, and what is charged for it",
    ),
    from(
        Enforce,
        Site,
        Workloads,
        &["get", "create", "patch", "delete"],
        "replicas or suspension of what was admitted; what the agent created itself may be deleted when it was drained",
    ),
    from(
        Enforce,
        Site,
        Of("autoscaling", &["horizontalpodautoscalers"]),
        &["get", "patch"],
        "its bounds, and never the replicas under it; as they were again when it is given back",
    ),
    rule(
        Own,
        Of("coordination.k8s.io", &["leases"]),
        &["get", "create", "update"],
        "one leader at a time: of the hub, and of the agents of each site",
    ),
    rule(
        OwnOfHub,
        Kubeconfigs,
        FOLLOW,
        "kubeconfigs of sites, found by the label commonwatt.dev/site-kubeconfig; RBAC knows no labels, so it is every Secret of this namespace",
    ),
    rule(
        OwnOfHub,
        NamedKubeconfigs,
        &["get"],
        "kubeconfigs of sites, by name",
    ),
    rule(
        OwnOfSite,
        Kubeconfigs,
        &["get"],
        "the kubeconfig of a hub, by the name that a Site has in spec.hubs[].kubeconfigSecret",
    ),
    rule(
        OwnOfSite,
        NamedKubeconfigs,
        &["get"],
        "the kubeconfig of a hub, by the name that a Site has in spec.hubs[].kubeconfigSecret",
    ),
    rule(
        Visitor,
        Of(OURS, &["siteassignments"]),
        &["list", "watch", "patch"],
        "what the hub asks of this site; our finalizer is taken off when it was given back",
    ),
    rule(
        Visitor,
        Of(OURS, &["siteassignments/status"]),
        PATCH,
        "what this site answers to what it is asked",
    ),
    rule(
        Visitor,
        Of(OURS, &["siteoffers"]),
        &["get", "list", "watch", "create", "patch"],
        "what this site offers the hub, hour by hour",
    ),
    rule(
        Visitor,
        Of("events.k8s.io", &["events"]),
        TELL,
        "what the site did, told beside the assignment",
    ),
];

const fn adapter(name: &'static str, group: &'static str, resource: &'static str) -> Adapter {
    Adapter {
        name,
        group,
        resource,
    }
}

/// A rule in every mode.
const fn rule(
    holder: Holder,
    resources: Resources,
    verbs: &'static [&'static str],
    why: &'static str,
) -> Rule {
    from(Observe, holder, resources, verbs, why)
}

const fn from(
    from: commonwatt_api::Mode,
    holder: Holder,
    resources: Resources,
    verbs: &'static [&'static str],
    why: &'static str,
) -> Rule {
    Rule {
        holder,
        resources,
        verbs,
        from,
        why,
    }
}
