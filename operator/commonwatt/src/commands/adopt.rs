//! `commonwatt adopt`: YAML for Git that puts what runs already under a ModelDeployment, or a Job under the hub.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::access::Access;
use super::fleet::wait_for;
use crate::adopting::{self, Ask, Workload};

/// Write the YAML that adopts a running Deployment or StatefulSet, or gives a Job to the hub, and change nothing
#[derive(Debug, Args)]
#[command(
    after_help = "What is guessed says so in a comment. What cannot be guessed is left empty and marked FILL IN, and the API server\n\
                        refuses it until it is filled in. The mode is Advise: applied, it only says what it would do.\n\n\
                        Examples:\n  commonwatt adopt deploy/chat -n models > chat.yaml\n  \
                        commonwatt adopt deploy/chat -n models | kubectl apply -f -\n  \
                        commonwatt adopt sts/chat -n models --site frankfurt --profile llama-3.1-70b-h100\n  \
                        commonwatt adopt job/train -n models\n\n\
                        Exit codes: 0 ready to apply, 2 something must be filled in, 1 an error."
)]
pub struct Adopt {
    /// deploy/NAME, sts/NAME or job/NAME
    workload: String,
    /// The Site it runs at; needed where several could be meant
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// The ModelProfile of a replica, instead of the one that fits
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The PlacementPolicy, instead of the only one
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    #[command(flatten)]
    access: Access,
}

impl Adopt {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Some((kind, name)) = self
            .workload
            .split_once('/')
            .and_then(|(kind, name)| Some((Workload::named(kind)?, name)))
            .filter(|(_, name)| !name.is_empty())
        else {
            bail!(
                "{} is none of deploy/NAME, sts/NAME and job/NAME",
                self.workload
            );
        };
        let written = wait_for(async {
            let cluster = self.access.cluster().await?;
            let ask = Ask {
                kind,
                name,
                namespace: &cluster.namespace,
                site: self.site.as_deref(),
                profile: self.profile.as_deref(),
                policy: self.policy.as_deref(),
            };
            adopting::write(cluster.store.as_ref(), &ask).await
        })?;
        print!("{}", written.yaml);
        for missing in &written.missing {
            eprintln!("fill in: {missing}");
        }
        Ok(if written.missing.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(2)
        })
    }
}
