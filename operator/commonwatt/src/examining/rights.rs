//! Whether this account may do what a mode and its roles need, by the table that the chart's roles are made of.

use commonwatt_kubernetes::Right;

use super::{Examined, Finding, Terms};
use crate::permissions::{ADAPTERS, Holder, RULES, Resources, Rule};
use crate::running::Role;

const CHECK: &str = "rights";

pub async fn check(examined: &Examined, terms: &Terms) -> Vec<Finding> {
    let mut findings = Vec::new();
    let wanted = wanted(terms);
    for right in &wanted {
        match examined.inquiry.may(right).await {
            Ok(true) => {}
            Ok(false) => findings.push(missing(right, terms)),
            Err(error) => {
                findings.push(Finding::warning(
                    CHECK,
                    format!("rights cannot be asked about: {error}"),
                    "let the account create selfsubjectaccessreviews (system:basic-user has it)",
                ));
                return findings;
            }
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            CHECK,
            format!(
                "this account has all {} that {:?} needs",
                wanted.len(),
                terms.mode
            ),
        ));
    }
    findings
}

/// What the mode and the roles need.
fn wanted(terms: &Terms) -> Vec<Right> {
    let hub = terms.roles.contains(&Role::Hub);
    let site = terms.roles.contains(&Role::Site);
    let mut rights: Vec<Right> = Vec::new();
    for rule in RULES.iter().filter(|rule| rule.from <= terms.mode) {
        let asked = match rule.holder {
            Holder::Hub | Holder::OwnOfHub => hub,
            Holder::Site | Holder::OwnOfSite => site,
            Holder::Own => true,
            // An account of another cluster's.
            Holder::Visitor => false,
        };
        if asked {
            for right in rights_of(rule, &terms.namespace) {
                // Both roles need some.
                if !rights.contains(&right) {
                    rights.push(right);
                }
            }
        }
    }
    rights
}

/// Each verb on each resource of a rule.
fn rights_of(rule: &Rule, own: &str) -> Vec<Right> {
    let namespace = match rule.holder {
        Holder::Own | Holder::OwnOfHub | Holder::OwnOfSite => own,
        Holder::Hub | Holder::Site | Holder::Visitor => "",
    };
    let about: Vec<(&str, &str, &str)> = match rule.resources {
        Resources::Of(group, resources) => {
            let each = resources.iter().map(|resource| (group, *resource, ""));
            each.collect()
        }
        Resources::Named(group, resource, names) => {
            let each = names.iter().map(|name| (group, resource, *name));
            each.collect()
        }
        Resources::Workloads => {
            let each = ADAPTERS
                .iter()
                .map(|adapter| (adapter.group, adapter.resource, ""));
            each.collect()
        }
        Resources::Kubeconfigs => vec![("", "secrets", "")],
        // Which names, the chart's values say.
        Resources::NamedKubeconfigs => Vec::new(),
    };
    let each = about.into_iter().flat_map(|(group, resource, name)| {
        rule.verbs.iter().map(move |verb| {
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            Right {
                group: group.into(),
                resource: resource.into(),
                subresource: subresource.into(),
                namespace: namespace.into(),
                name: name.into(),
                verb: (*verb).into(),
            }
        })
    });
    each.collect()
}

fn missing(right: &Right, terms: &Terms) -> Finding {
    let slash = |text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!("/{text}")
        }
    };
    let place = if right.namespace.is_empty() {
        "everywhere".into()
    } else {
        format!("in {}", right.namespace)
    };
    let message = format!(
        "this account may not {} {}{} {place}",
        right.verb,
        right.resource,
        slash(&right.subresource),
    );
    let adapter = match right.resource.as_str() {
        "deployments" => "adapters.deployment=true",
        "statefulsets" => "adapters.statefulset=true",
        "jobs" => "adapters.job=true",
        _ => "",
    };
    let roles: Vec<_> = terms
        .roles
        .iter()
        .map(|role| format!("\"{role:?}\"").to_lowercase())
        .collect();
    let mut values = format!(
        "--set mode={:?} --set-json 'roles=[{}]'",
        terms.mode,
        roles.join(",")
    );
    if !adapter.is_empty() {
        values = format!("{values} --set {adapter}");
    }
    Finding::problem(
        CHECK,
        message,
        format!(
            "helm upgrade commonwatt charts/commonwatt -n {} {values}",
            terms.namespace
        ),
    )
}

#[cfg(test)]
mod tests {
    use commonwatt_api::Mode;

    use super::*;

    fn terms(mode: Mode, roles: &[Role]) -> Terms {
        Terms {
            mode,
            roles: roles.to_vec(),
            namespace: "own".into(),
            prometheus: None,
            data: None,
        }
    }

    #[test]
    fn enforce_needs_more_than_advise_and_both_roles_more_than_one() {
        let count = |mode, roles: &[Role]| wanted(&terms(mode, roles)).len();
        let both = [Role::Hub, Role::Site];
        assert!(count(Mode::Enforce, &both) > count(Mode::Advise, &both));
        assert!(count(Mode::Advise, &both) > count(Mode::Advise, &[Role::Site]));
        let writes = |right: &Right| right.resource == "deployments" && right.verb == "patch";
        assert!(!wanted(&terms(Mode::Advise, &both)).iter().any(writes));
    }

    #[test]
    fn a_missing_right_names_the_value_of_the_chart_that_gives_it() {
        let terms = terms(Mode::Enforce, &[Role::Site]);
        let patch = wanted(&terms)
            .into_iter()
            .find(|right| right.resource == "deployments" && right.verb == "patch")
            .expect("it is in the table");
        let finding = missing(&patch, &terms);
        assert_eq!(
            finding.message,
            "this account may not patch deployments everywhere"
        );
        for value in [
            "mode=Enforce",
            "roles=[\"site\"]",
            "adapters.deployment=true",
            "-n own",
        ] {
            assert!(finding.remedy.contains(value), "{}", finding.remedy);
        }
    }
}
