//! `commonwatt explain`: where one deployment runs and why, and why not elsewhere.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use commonwatt_hub::dereference::dereference;

use super::fleet::{Asked, wait_for};
use crate::printed::{Output, explanation};

/// Explain one ModelDeployment: where it runs and why there, the runner-up, every rejection, and what binds
#[derive(Debug, Args)]
#[command(
    after_help = "It says what the hub decided last, from the deployment's own status; `commonwatt plan` says what it would decide now.\n\n\
                        Examples:\n  commonwatt explain modeldeployment/assistant -n models\n  \
                        commonwatt explain assistant -n models -o wide\n  \
                        commonwatt explain models/advisor --from deploy/examples/quickstart\n\n\
                        Exit codes: 0 all its demand has a place, 2 some has none, 1 an error."
)]
pub struct Explain {
    /// NAME, NAMESPACE/NAME, or modeldeployment/NAME
    name: String,
    #[command(flatten)]
    asked: Asked,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

impl Explain {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (seen, namespace) = wait_for(async {
            let fleet = self.asked.fleet().await?;
            Ok((dereference(fleet.hub.as_ref()).await?, fleet.namespace))
        })?;
        let wanted = wanted(&self.name, namespace.as_deref());
        let found: Vec<_> = seen
            .deployments
            .iter()
            .filter(|(key, _)| **key == wanted || key.rsplit('/').next() == Some(&wanted))
            .collect();
        let (key, deployment) = match found[..] {
            [(key, deployment)] => (key, deployment),
            [] => bail!(
                "there is no ModelDeployment {wanted}; {}",
                listed(seen.deployments.keys())
            ),
            _ => bail!(
                "{wanted} is there more than once; {}",
                listed(found.iter().map(|(key, _)| *key))
            ),
        };
        let explanation = explanation::of(key, deployment);
        self.output
            .print(&explanation, |wide| explanation.text(wide))?;
        Ok(if explanation.placed.status == "True" {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(2)
        })
    }
}

/// `namespace/name`, or the name alone where no namespace is meant.
fn wanted(name: &str, namespace: Option<&str>) -> String {
    let (prefix, short) = name.rsplit_once('/').unwrap_or(("", name));
    let prefix = match prefix.to_lowercase().as_str() {
        "modeldeployment" | "modeldeployments" | "modeldeployments.commonwatt.dev" | "cwmd" => "",
        _ => prefix,
    };
    match (prefix, namespace) {
        ("", Some(namespace)) => format!("{namespace}/{short}"),
        ("", None) => short.to_owned(),
        (prefix, _) => format!("{prefix}/{short}"),
    }
}

fn listed<'a>(keys: impl Iterator<Item = &'a String>) -> String {
    let keys: Vec<_> = keys.map(String::as_str).take(20).collect();
    if keys.is_empty() {
        "there is none at all".into()
    } else {
        format!("there are: {}", keys.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_named_as_kubectl_names_it_or_with_its_namespace() {
        assert_eq!(wanted("modeldeployment/a", Some("n")), "n/a");
        assert_eq!(wanted("cwmd/a", None), "a");
        assert_eq!(wanted("a", Some("n")), "n/a");
        assert_eq!(wanted("m/a", Some("n")), "m/a");
    }
}
