//! `commonwatt explain`: where one deployment runs and why, why not elsewhere, and what would change it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use commonwatt_fleet::DeploymentId;
use commonwatt_hub::dereference::dereference;

use super::fleet::{Asked, wait_for};
use crate::planned::Planned;
use crate::printed::{Explanation, Output};
use crate::saved::Saved;

/// Explain one ModelDeployment: where it runs and why there, the runner-up, every rejection, what binds, and what would change it
#[derive(Debug, Args)]
#[command(
    after_help = "It says what the hub decided last, from the deployment's own status. What would change it is planned again each time, five times\n\
                        at most: a bit more of what binds, a bit less that is asked for, and what the whole fleet would pay then. Nothing is written.\n\n\
                        Examples:\n  commonwatt explain modeldeployment/assistant -n models\n  \
                        commonwatt explain assistant -n models -o wide\n  \
                        commonwatt explain models/advisor --from deploy/examples/quickstart\n  \
                        commonwatt explain models/advisor --world fleet.json -o json | jq .wouldChange\n\n\
                        Exit codes: 0 all its demand has a place, 2 some has none, 1 an error."
)]
pub struct Explain {
    /// NAME, NAMESPACE/NAME, or modeldeployment/NAME
    name: String,
    #[command(flatten)]
    asked: Asked,
    /// A world that `commonwatt world` saved, instead of manifests or a cluster
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "kubeconfig", "context"])]
    world: Option<PathBuf>,
    /// Leave out what would change it, which plans the fleet again
    #[arg(long)]
    brief: bool,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

impl Explain {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let explanation = match &self.world {
            Some(file) => self.of_saved(Saved::read(file)?)?,
            None => wait_for(self.of_fleet())?,
        };
        self.output
            .print(&explanation, |wide| explanation.text(wide))?;
        Ok(if explanation.placed.status == "True" {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(2)
        })
    }

    fn of_saved(&self, saved: Saved) -> anyhow::Result<Explanation> {
        let planned = Planned::of_saved(saved);
        let namespace = self.asked.access.namespace.as_deref();
        let keys = planned.plan.deployments.keys().map(DeploymentId::as_str);
        let id = DeploymentId::from(one_of(&self.name, namespace, keys)?);
        let Some(mut explanation) = Explanation::of_plan(&id, &planned) else {
            bail!("nothing is planned of {id}: the world has no hours");
        };
        self.ask_again(&mut explanation, &id, &planned);
        Ok(explanation)
    }

    async fn of_fleet(&self) -> anyhow::Result<Explanation> {
        let fleet = self.asked.fleet().await?;
        let seen = dereference(fleet.hub.as_ref()).await?;
        let keys = seen.deployments.keys().map(String::as_str);
        let key = one_of(&self.name, fleet.namespace.as_deref(), keys)?;
        let declared = &seen.deployments[key];
        let id = DeploymentId::from(key);
        let cycle = fleet.cycle().await?;
        let planned = Planned::of_deployment(&cycle, &id);
        // A hub in memory says nothing before sites have answered, which nobody waits for.
        let unsaid = fleet.is_simulated() && declared.status.is_none();
        let of_plan = unsaid
            .then(|| Explanation::of_plan(&id, &planned))
            .flatten();
        let mut explanation = of_plan
            .unwrap_or_else(|| Explanation::of_status(key, declared).with_plan(&id, &planned));
        explanation.mode = Some(format!("{:?}", declared.spec.mode));
        self.ask_again(&mut explanation, &id, &planned);
        Ok(explanation)
    }

    fn ask_again(&self, explanation: &mut Explanation, id: &DeploymentId, planned: &Planned) {
        if !self.brief {
            let answers = planned.would_change(id).into_iter();
            explanation.would_change = answers.map(Into::into).collect();
        }
    }
}

/// The deployment of that name.
fn one_of<'a>(
    name: &str,
    namespace: Option<&str>,
    keys: impl Iterator<Item = &'a str> + Clone,
) -> anyhow::Result<&'a str> {
    let wanted = wanted(name, namespace);
    let found = keys
        .clone()
        .filter(|key| *key == wanted || key.rsplit('/').next() == Some(&wanted));
    match found.collect::<Vec<_>>()[..] {
        [key] => Ok(key),
        [] => bail!("there is no ModelDeployment {wanted}; {}", listed(keys)),
        ref several => bail!(
            "{wanted} is there more than once; {}",
            listed(several.iter().copied())
        ),
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

fn listed<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    let keys: Vec<_> = keys.take(20).collect();
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
