//! Whether the API server answers, is new enough, and has the same time.

use super::{Examined, Finding};

pub const REACHED: &str = "api-server";
const CLOCK: &str = "clock";
/// CEL's `quantity()` with `fieldPath` and selectable `managedBy` of Jobs are all there from here on.
const OLDEST: (u32, u32) = (1, 32);
/// Offers and leases live for minutes: a clock that is this far off is still well inside.
const MOST_SECONDS_APART: i64 = 10;

pub async fn check(examined: &Examined) -> Vec<Finding> {
    let server = match examined.inquiry.server().await {
        Ok(server) => server,
        Err(error) => {
            let remedy = "check the kubeconfig's context, its credentials and the way there (`kubectl version` asks the same)";
            let message = format!("the API server does not answer: {error}");
            return vec![Finding::problem(REACHED, message, remedy)];
        }
    };
    let mut findings = vec![Finding::ok(REACHED, format!("answers, {}", server.version))];
    if server.number < OLDEST {
        findings.push(Finding::problem(
            "version",
            format!(
                "Kubernetes {} is older than {}.{}",
                server.version, OLDEST.0, OLDEST.1
            ),
            "upgrade the cluster: rules of our definitions are refused by older API servers",
        ));
    }
    if let Some(time) = server.time {
        let apart = (chrono::Utc::now() - time).num_seconds();
        findings.push(if apart.abs() > MOST_SECONDS_APART {
            let side = if apart > 0 { "ahead of" } else { "behind" };
            Finding::problem(
                CLOCK,
                format!("this clock is {} s {side} the API server's", apart.abs()),
                "set both by NTP: limits begin and end by the clock, and leases last seconds",
            )
        } else {
            Finding::ok(CLOCK, "the API server's time is ours")
        });
    }
    findings
}
