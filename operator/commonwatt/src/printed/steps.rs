//! The way to a plan's first hour, for people and for programs.

use std::fmt::Write;

use commonwatt_fleet::{Act, Path, Step};
use serde_json::{Value, json};

use super::table;

/// Steps that one waits for, beyond which they are counted.
const NAMED: usize = 6;

/// The path as a document, or its part in one namespace; steps keep their numbers.
pub fn document(path: &Path, namespace: Option<&str>) -> Value {
    let steps: Vec<Value> = steps_in(path, namespace)
        .map(|(number, step)| json!({ "step": number, "act": step.act, "after": step.after }))
        .collect();
    let held: Vec<Value> = (path.held.iter())
        .filter(|held| is_in(&held.act, namespace))
        .map(|held| {
            let (reason, detail) = (held.by.reason(), held.by.detail());
            json!({ "act": held.act, "reason": reason, "detail": detail })
        })
        .collect();
    json!({ "steps": steps, "held": held })
}

/// The path as a table, or its part in one namespace, and what it leaves out.
pub fn text(path: &Path, namespace: Option<&str>) -> String {
    let mut steps = steps_in(path, namespace).peekable();
    let mut text = if steps.peek().is_none() {
        "Nothing changes in the first hour.\n".to_owned()
    } else {
        let mut table = table(&["STEP", "ACT", "OF", "SITE", "WHAT", "AFTER"]);
        for (number, step) in steps {
            let [act, of, site, what] = words(&step.act);
            table.add_row([number.to_string(), act, of, site, what, after(&step.after)]);
        }
        format!("Steps to the first hour, each once those in AFTER are done\n{table}\n")
    };
    for held in path.held.iter().filter(|held| is_in(&held.act, namespace)) {
        let [act, of, site, what] = words(&held.act);
        let _ = writeln!(
            text,
            "HELD: {act} {of} {what} at {site}: {}",
            held.by.detail()
        );
    }
    text
}

fn steps_in<'p>(
    path: &'p Path,
    namespace: Option<&str>,
) -> impl Iterator<Item = (usize, &'p Step)> {
    let steps = path.steps.iter().enumerate();
    steps.filter(move |(_, step)| is_in(&step.act, namespace))
}

fn is_in(act: &Act, namespace: Option<&str>) -> bool {
    let of = match act {
        Act::Suspend { job, .. } | Act::Run { job, .. } => job.namespace(),
        Act::Reserve { deployment, .. }
        | Act::Ready { deployment, .. }
        | Act::Shift { deployment }
        | Act::Release { deployment, .. } => deployment.namespace(),
    };
    namespace.is_none_or(|namespace| namespace == of)
}

/// What is done, of what, where, and by how much.
fn words(act: &Act) -> [String; 4] {
    let words = |act: &str, of: &dyn ToString, site: &dyn ToString, what: String| {
        [act.to_owned(), of.to_string(), site.to_string(), what]
    };
    match act {
        Act::Suspend { job, site } => words("suspend", job, site, "-".into()),
        Act::Run { job, site, product } => words("run", job, site, format!("on {product}")),
        Act::Reserve {
            deployment,
            site,
            variant,
            from,
            to,
        } => words(
            "reserve",
            deployment,
            site,
            format!("{variant} {from} to {to}"),
        ),
        Act::Ready {
            deployment,
            site,
            variant,
        } => words("ready", deployment, site, variant.to_string()),
        Act::Shift { deployment } => words("shift", deployment, &"-", "-".into()),
        Act::Release {
            deployment,
            site,
            variant,
            from,
            to,
        } => words(
            "release",
            deployment,
            site,
            format!("{variant} {from} to {to}"),
        ),
    }
}

fn after(steps: &[usize]) -> String {
    let named = steps.iter().take(NAMED).map(usize::to_string);
    let named = named.collect::<Vec<_>>().join(" ");
    match steps.len().saturating_sub(NAMED) {
        _ if steps.is_empty() => "-".to_owned(),
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonwatt_fleet::{DeploymentId, Held, Obstacle, Watts};

    fn reserve(namespace: &str) -> Act {
        Act::Reserve {
            deployment: DeploymentId::new(namespace, "chat"),
            site: "hall".into(),
            variant: "full".into(),
            from: 1,
            to: 3,
        }
    }

    fn path() -> Path {
        let step = |act, after: &[usize]| Step {
            act,
            after: after.to_vec(),
        };
        let by = Obstacle::Power {
            need: Watts(3000),
            left: Watts(0),
            set_by: "powerbudget/hall".into(),
        };
        let act = reserve("team");
        Path {
            steps: vec![
                step(reserve("other"), &[]),
                step(reserve("team"), &[0, 1, 2, 3, 4, 5, 6, 7]),
            ],
            held: vec![Held { act, by }],
        }
    }

    #[test]
    fn steps_of_a_namespace_keep_their_numbers() {
        let document = document(&path(), Some("team"));
        assert_eq!(document["steps"][0]["step"], 1);
        assert_eq!(document["steps"][0]["act"]["act"], "reserve");
        assert_eq!(document["held"][0]["reason"], "Power");
    }

    #[test]
    fn what_is_held_is_said_with_its_numbers() {
        let text = text(&path(), Some("team"));
        assert!(text.contains("0 1 2 3 4 5 and 2 more"), "{text}");
        let held = "HELD: reserve team/chat full 1 to 3 at hall: needs 3.0 kW";
        assert!(text.contains(held), "{text}");
    }

    #[test]
    fn a_path_without_steps_says_so() {
        assert_eq!(
            text(&path(), Some("none")),
            "Nothing changes in the first hour.\n"
        );
    }
}
