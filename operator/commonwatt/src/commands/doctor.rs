//! `commonwatt doctor`: what is wrong with an installation, and what to do about it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use commonwatt_api::Mode;

use super::access::Access;
use super::fleet::wait_for;
use crate::examining::{Examined, Finding, Terms, Verdict, examine};
use crate::printed::{Output, Tone, cell, table};
use crate::running::Role;

/// Check a cluster for everything that the operator needs, and say what to do about what is missing
#[derive(Debug, Args)]
#[command(
    after_help = "It reads only. Rights are those of the account that asks: run it in the operator's pod for the operator's own\n\
                        (kubectl exec -n commonwatt-system deploy/commonwatt -- commonwatt doctor), or with a kubeconfig of its account.\n\n\
                        Examples:\n  commonwatt doctor\n  \
                        commonwatt doctor --mode Enforce --roles site --kubeconfig site.yaml\n  \
                        commonwatt doctor --prometheus http://prometheus.monitoring:9090\n  \
                        commonwatt doctor -o json | jq '.[] | select(.verdict == \"problem\")'\n\n\
                        Exit codes: 0 no problem (there may be warnings), 1 a problem or an error."
)]
pub struct Doctor {
    /// The mode that the operator is to run in
    #[arg(long, default_value = "Advise", value_parser = super::mode)]
    mode: Mode,
    /// What is to run there
    #[arg(long, value_enum, value_delimiter = ',', default_value = "hub,site")]
    roles: Vec<Role>,
    /// A Prometheus that has the accelerators' metrics
    #[arg(long, value_name = "URL")]
    prometheus: Option<String>,
    /// Folder of files that GridSignals name, as `run --data`
    #[arg(long, env = "COMMONWATT_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// The operator's own namespace
    #[arg(
        long,
        env = "POD_NAMESPACE",
        default_value = "commonwatt-system",
        value_name = "NAMESPACE"
    )]
    operator_namespace: String,
    #[command(flatten)]
    access: Access,
    /// How to print it; wide shows what is well too
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

impl Doctor {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let terms = Terms {
            mode: self.mode,
            roles: self.roles.clone(),
            namespace: self.operator_namespace.clone(),
            prometheus: self.prometheus.clone(),
            data: self.data.clone(),
        };
        let findings = wait_for(async {
            let cluster = self.access.cluster().await?;
            let examined = Examined::of(cluster.client, cluster.store);
            Ok(examine(&examined, &terms).await)
        })?;
        self.output.print(&findings, |wide| text(&findings, wide))?;
        let is_ill = findings.iter().any(|f| f.verdict == Verdict::Problem);
        Ok(if is_ill {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

fn text(findings: &[Finding], wide: bool) -> String {
    let mut table = table(&["", "CHECK", "MESSAGE"]);
    let is_shown = |finding: &&Finding| wide || finding.verdict != Verdict::Ok;
    for finding in findings.iter().filter(is_shown) {
        let (word, tone) = match finding.verdict {
            Verdict::Ok => ("ok", Tone::Good),
            Verdict::Warning => ("warning", Tone::Caution),
            Verdict::Problem => ("problem", Tone::Bad),
        };
        let mut message = finding.message.clone();
        if !finding.remedy.is_empty() {
            message = format!("{message}\n-> {}", finding.remedy);
        }
        table.add_row([
            cell(word, tone),
            cell(finding.check, Tone::Plain),
            cell(message, Tone::Plain),
        ]);
    }
    let count = |verdict| findings.iter().filter(|f| f.verdict == verdict).count();
    let well = count(Verdict::Ok);
    let summary = format!(
        "{} problems, {} warnings, {well} ok\n",
        count(Verdict::Problem),
        count(Verdict::Warning)
    );
    match (well == findings.len(), wide) {
        (true, false) => format!("{summary}-o wide shows what was looked at\n"),
        _ => format!("{table}\n\n{summary}"),
    }
}
