//! What service accounts asked an API server, by its own audit log.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::ControlPlane;
use crate::{Error, Result};

pub(super) const LOG: &str = "audit.log";
pub(super) const POLICY: &str = "audit-policy.yaml";

/// Requests of service accounts when they are answered; a watch when it begins and again when it ends.
pub(super) const POLICY_TEXT: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, userGroups: [\"system:serviceaccounts\"]}
- {level: None}
";

/// A request as the API server saw it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// Who asked, as `system:serviceaccount:NAMESPACE:NAME`.
    pub user: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, ...
    pub verb: String,
    /// API group; empty for the core.
    pub group: String,
    /// The resource, with its subresource as `jobs/status`; a path where it is none.
    pub resource: String,
    /// Its namespace; empty for none or all.
    pub namespace: String,
    /// Its name; empty for none or all.
    pub name: String,
    /// The HTTP status of the answer.
    pub code: u64,
}

impl ControlPlane {
    /// The requests of service accounts so far, once each in the order of their answers, of a control plane that was
    /// started with [`start_audited`](Self::start_audited).
    pub fn requests(&self) -> Result<Vec<Request>> {
        let path = self.scratch.file(LOG);
        let text = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
        // The server may be writing its next line.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut known = BTreeSet::new();
        let mut requests = Vec::new();
        for line in whole.lines() {
            let event: Value = serde_json::from_str(line)
                .map_err(|error| Error::file("read", &path)(error.into()))?;
            if known.insert(event["auditID"].to_string()) {
                requests.push(request(&event));
            }
        }
        Ok(requests)
    }
}

fn request(event: &Value) -> Request {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let object = &event["objectRef"];
    let resource = match (&object["resource"], &object["subresource"]) {
        (Value::String(resource), Value::String(subresource)) => {
            format!("{resource}/{subresource}")
        }
        (Value::String(resource), _) => resource.clone(),
        _ => text(&event["requestURI"]),
    };
    Request {
        user: text(&event["user"]["username"]),
        verb: text(&event["verb"]),
        group: text(&object["apiGroup"]),
        resource,
        namespace: text(&object["namespace"]),
        name: text(&object["name"]),
        code: event["responseStatus"]["code"].as_u64().unwrap_or(0),
    }
}
