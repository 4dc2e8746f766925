//! The checks of `commonwatt doctor`: one file per subject, findings with a remedy each. Reads only.

mod definitions;
mod leases;
mod meters;
mod nodes;
mod rights;
mod server;
mod sites;

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use commonwatt_api::Mode;
use commonwatt_kubernetes::{Inquiry, KubeStore};
use commonwatt_store::{Kind, Object, Store, owned};
use kube::Client;
use serde::Serialize;

use crate::running::Role;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    Ok,
    Warning,
    Problem,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check, in a word.
    pub check: &'static str,
    pub verdict: Verdict,
    /// What is so, with names.
    pub message: String,
    /// What to do; empty where all is well.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Ok,
            message: message.into(),
            remedy: String::new(),
        }
    }

    fn warning(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Warning,
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    fn problem(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Problem,
            ..Self::warning(check, message, remedy)
        }
    }
}

/// The first few of many names, and how many more there are.
fn first(names: &[&str], most: usize) -> String {
    let shown = names[..names.len().min(most)].join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What is asked for.
pub struct Terms {
    pub mode: Mode,
    pub roles: Vec<Role>,
    /// The operator's own.
    pub namespace: String,
    pub prometheus: Option<String>,
    pub data: Option<PathBuf>,
}

/// The cluster that is examined.
pub struct Examined {
    store: Arc<KubeStore>,
    inquiry: Inquiry,
    now: DateTime<Utc>,
}

impl Examined {
    /// Through a client and a store of the same API server.
    pub fn of(client: Client, store: Arc<KubeStore>) -> Self {
        Self {
            store,
            inquiry: Inquiry::new(client),
            now: Utc::now(),
        }
    }

    /// Objects of a kind, or a finding that they cannot be read.
    async fn list(
        &self,
        check: &'static str,
        kind: &Kind,
        namespace: Option<&str>,
    ) -> Result<Vec<Object>, Finding> {
        let listed = self.store.list(kind, namespace).await;
        listed.map(owned).map_err(|error| {
            Finding::warning(
                check,
                format!(
                    "{} cannot be read, so this is not known: {error}",
                    kind.plural
                ),
                format!("ask with an account that may list {}", kind.plural),
            )
        })
    }
}

/// Every check, the one that all others need first: where that fails nothing else is asked.
pub async fn examine(examined: &Examined, terms: &Terms) -> Vec<Finding> {
    let mut findings = server::check(examined).await;
    let is_reached = findings
        .iter()
        .all(|finding| finding.check != server::REACHED || finding.verdict == Verdict::Ok);
    if !is_reached {
        return findings;
    }
    findings.extend(definitions::check(examined).await);
    findings.extend(rights::check(examined, terms).await);
    if terms.roles.contains(&Role::Site) {
        findings.extend(nodes::check(examined).await);
        findings.extend(sites::check(examined, terms).await);
    }
    findings.extend(sites::check_secrets(examined, terms).await);
    findings.extend(leases::check(examined, terms).await);
    findings.extend(meters::check(terms).await);
    findings
}
