//! What planning again with something otherwise comes to, in words.

use std::fmt;

use commonwatt_fleet::{Answer, Metric, Money, Relief};
use serde::Serialize;

use super::comparison::placed;

/// One answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answered {
    /// What is otherwise, in words.
    pub change: String,
    #[serde(flatten)]
    pub answer: Answer,
}

impl From<Answer> for Answered {
    fn from(answer: Answer) -> Self {
        Self {
            change: change(&answer.relief),
            answer,
        }
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Answer {
            saves_per_hour: Money(saves),
            places,
            moves,
            unmet,
            ..
        } = &self.answer;
        write!(f, "{}: ", self.change)?;
        if saves.abs() < 0.005 {
            f.write_str("the fleet pays the same; ")?;
        } else if *saves > 0.0 {
            write!(f, "the fleet pays {saves:.2}/h less; ")?;
        } else {
            write!(f, "the fleet pays {:.2}/h more; ", -saves)?;
        }
        if *moves {
            write!(f, "it runs {}", placed(places))?;
        } else {
            f.write_str("it stays where it is")?;
        }
        match unmet {
            Some(unmet) if unmet.tokens_per_second.0 > 0.0 => {
                write!(
                    f,
                    "; {:.0} tokens/s have no place",
                    unmet.tokens_per_second.0
                )
            }
            Some(unmet) => write!(f, "; {} sites too few", unmet.sites_missing),
            None => Ok(()),
        }
    }
}

fn change(relief: &Relief) -> String {
    match relief {
        Relief::Power {
            set_by,
            site,
            from,
            to,
        } => format!("{to} instead of {from} under {set_by} at {site}"),
        Relief::Node {
            site,
            product,
            accelerators,
        } => format!("one more node with {accelerators} {product} at {site}"),
        Relief::Stock {
            set_by,
            metric,
            site,
            from,
            to,
        } => format!(
            "{} instead of {} {} for these hours under {set_by} at {site}",
            metric.amount(*to),
            metric.amount(*from),
            match metric {
                Metric::Water => "of water",
                Metric::Carbon => "of carbon",
                Metric::Energy => "of energy",
            }
        ),
        Relief::Reserve {
            set_by,
            site,
            product,
            from,
            to,
        } => format!("{to} instead of {from} {product} reserved by {set_by} at {site}"),
        Relief::Tenant { tenant } => format!("a tenth more for tenant {tenant}"),
        Relief::Refusal { site } => format!("{site} takes what it refused"),
        Relief::Moves { policy, from, to } => {
            format!("{to} instead of {from} moves per hour under policy {policy}")
        }
        Relief::Demand { from, to } => {
            format!("{:.0} instead of {:.0} tokens/s asked for", to.0, from.0)
        }
    }
}
