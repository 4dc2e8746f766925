//! What the operator's accounts may do on an API server: one table, from which the chart's roles, the page for a security
//! reviewer and what `doctor` asks for are made.

mod chart;
mod page;
mod table;

pub use chart::chart;
use commonwatt_api::Mode;
pub use page::page;
pub use table::{ADAPTERS, RULES};

/// Whose rule it is: which object of the chart holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// The ClusterRole of the hub.
    Hub,
    /// The ClusterRole of an agent on its site's cluster.
    Site,
    /// The Role in the operator's own namespace, for whatever runs there.
    Own,
    /// The same, where a hub runs.
    OwnOfHub,
    /// The same, where an agent runs.
    OwnOfSite,
    /// The ClusterRole of an agent that comes to a hub's cluster, bound in the namespace of its site alone.
    Visitor,
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resources {
    /// These, of one API group.
    Of(&'static str, &'static [&'static str]),
    /// Objects of one kind with these names alone.
    Named(&'static str, &'static str, &'static [&'static str]),
    /// The kinds of enabled adapters and of `extraWorkloads`.
    Workloads,
    /// Secrets of the operator's own namespace, where `kubeconfigSecrets` names none.
    Kubeconfigs,
    /// The Secrets that `kubeconfigSecrets` names.
    NamedKubeconfigs,
}

/// A rule, and why it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Whose.
    pub holder: Holder,
    /// About what.
    pub resources: Resources,
    /// What may be done.
    pub verbs: &'static [&'static str],
    /// The most cautious mode that has it; bolder ones have it too.
    pub from: Mode,
    /// Why, in a sentence.
    pub why: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rule_has_a_wildcard_and_every_rule_has_a_reason() {
        for rule in RULES {
            assert!(!rule.verbs.contains(&"*"), "{rule:?}");
            if let Resources::Of(group, resources) | Resources::Named(group, _, resources) =
                rule.resources
            {
                assert!(group != "*" && !resources.contains(&"*"), "{rule:?}");
            }
            assert!(
                rule.why.len() > 20 && !rule.why.ends_with('.'),
                "{:?}",
                rule.why
            );
        }
    }

    #[test]
    fn nothing_that_serves_can_be_written_elsewhere_than_in_enforce() {
        let writes = |rule: &&Rule| {
            rule.verbs
                .iter()
                .any(|verb| !["get", "list", "watch"].contains(verb))
        };
        for rule in RULES.iter().filter(writes) {
            let ours = match rule.resources {
                Resources::Of(group, _) => {
                    ["commonwatt.dev", "events.k8s.io", "coordination.k8s.io"].contains(&group)
                }
                Resources::Workloads => false,
                _ => true,
            };
            let makes_namespaces = rule.resources == Resources::Of("", &["namespaces"]);
            assert!(
                ours || makes_namespaces || rule.from == Mode::Enforce,
                "{rule:?}"
            );
        }
    }
}
