//! Whether this account may do what a mode and its roles need, by the table that the charts are tested against.

use commonwatt_api::Mode;
use commonwatt_kubernetes::Right;

use super::{Examined, Finding, Role, Terms};

const CHECK: &str = "rights";
/// One line per right: resource, namespace (`*`: everywhere), verb, and who has it.
const TABLE: &str = include_str!("../../../../charts/rights.txt");

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
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let needs = |who: &str| who == "yes" || (who == "enforce" && terms.mode == Mode::Enforce);
    lines
        .filter_map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            let [resource, namespace, verb, hub, site] = words[..] else {
                return None;
            };
            let asked = (terms.roles.contains(&Role::Hub) && needs(hub))
                || (terms.roles.contains(&Role::Site) && needs(site));
            asked.then(|| right(resource, namespace, verb, terms))
        })
        .collect()
}

fn right(resource: &str, namespace: &str, verb: &str, terms: &Terms) -> Right {
    // Of the core group there is nothing before the resource.
    let parts: Vec<_> = resource.split('/').collect();
    let (group, resource, subresource) = match parts[..] {
        [resource] => ("", resource, ""),
        [group, resource] => (group, resource, ""),
        _ => (parts[0], parts[1], parts[2]),
    };
    // Namespaces of the table are examples, but for the operator's own: its account has the right everywhere.
    let namespace = match namespace {
        "commonwatt-system" => terms.namespace.as_str(),
        _ => "",
    };
    Right {
        group: group.into(),
        resource: resource.into(),
        subresource: subresource.into(),
        namespace: namespace.into(),
        verb: verb.into(),
    }
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
        let finding = missing(
            &right("apps/deployments", "models", "patch", &terms),
            &terms,
        );
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
