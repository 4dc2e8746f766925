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
    findings.extend(version(&server.version, server.number));
    if let Some(time) = server.time {
        findings.push(clock((chrono::Utc::now() - time).num_seconds()));
    }
    findings
}

fn version(named: &str, number: (u32, u32)) -> Option<Finding> {
    (number < OLDEST).then(|| {
        Finding::problem(
            "version",
            format!("Kubernetes {named} is older than {}.{}", OLDEST.0, OLDEST.1),
            "upgrade the cluster: rules of our definitions are refused by older API servers",
        )
    })
}

/// By how many seconds this clock is ahead.
fn clock(ahead: i64) -> Finding {
    if ahead.abs() <= MOST_SECONDS_APART {
        return Finding::ok(CLOCK, "the API server's time is ours");
    }
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    Finding::problem(
        CLOCK,
        format!("this clock is {} s {side} the API server's", ahead.abs()),
        "set both by NTP: limits begin and end by the clock, and leases last seconds",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examining::Verdict;

    #[test]
    fn an_old_server_and_a_clock_that_is_off_are_problems() {
        assert!(version("v1.28.3", (1, 28)).is_some_and(|f| f.message.contains("v1.28.3")));
        assert_eq!(version("v1.36.0", (1, 36)), None);
        assert_eq!(clock(1).verdict, Verdict::Ok);
        for (ahead, words) in [(90, "90 s ahead of"), (-90, "90 s behind")] {
            let finding = clock(ahead);
            assert_eq!(finding.verdict, Verdict::Problem);
            assert!(finding.message.contains(words), "{}", finding.message);
        }
    }
}
