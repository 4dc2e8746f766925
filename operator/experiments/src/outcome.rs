//! What came out of an experiment.

use commonwatt_dashboard::{Grid, GridRow, Plot, grouped};
use serde_json::{Map, Value, json};

/// Rows, what must be said of them, and pictures.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// One per policy. Ours is `commonwatt`.
    pub rows: Vec<Row>,
    /// What a reader has to know to judge the rows: assumptions, departures from the paper.
    pub notes: Vec<String>,
    /// Pictures for the page.
    pub plots: Vec<Plot>,
}

/// What one policy reached.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name.
    pub policy: String,
    /// What it is and what it knows, in a few words.
    pub about: String,
    /// Metrics by name. All rows of an outcome name them in the same order; one that a row does not have is left out.
    pub metrics: Vec<(String, f64)>,
}

impl Row {
    /// A row with its metrics.
    pub fn new(
        policy: impl Into<String>,
        about: impl Into<String>,
        metrics: impl IntoIterator<Item = (impl Into<String>, f64)>,
    ) -> Self {
        Self {
            policy: policy.into(),
            about: about.into(),
            metrics: metrics
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        }
    }

    /// A metric's value.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let mut metrics = self.metrics.iter();
        metrics.find(|(of, _)| of == name).map(|(_, value)| *value)
    }
}

impl Outcome {
    /// The row of a policy.
    pub fn row(&self, policy: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.policy == policy)
    }

    /// The names of all metrics, in the order in which rows first name them.
    pub fn metrics(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.rows.iter().flat_map(|row| &row.metrics) {
            if !names.contains(&name.as_str()) {
                names.push(name.as_str());
            }
        }
        names
    }

    /// For people: a row per policy, or, where there are more metrics than fit side by side, a row per metric.
    pub fn grid(&self) -> Grid {
        let names = self.metrics();
        if names.len() > SIDE_BY_SIDE {
            return self.on_its_side(&names);
        }
        let columns = names.iter().map(|name| {
            let values: Vec<_> = self.rows.iter().map(|row| row.metric(name)).collect();
            figures(&values, 5)
        });
        let columns: Vec<_> = columns.collect();
        let row = |(index, row): (usize, &Row)| GridRow {
            name: row.policy.clone(),
            figures: columns.iter().map(|column| column[index].clone()).collect(),
            words: row.about.clone(),
        };
        Grid {
            header: header("policy", names),
            rows: self.rows.iter().enumerate().map(row).collect(),
        }
    }

    fn on_its_side(&self, names: &[&str]) -> Grid {
        let row = |name: &&str| GridRow {
            name: (*name).to_owned(),
            figures: self
                .rows
                .iter()
                .flat_map(|row| figures(&[row.metric(name)], 8))
                .collect(),
            words: String::new(),
        };
        Grid {
            header: header("metric", self.rows.iter().map(|row| row.policy.as_str())),
            rows: names.iter().map(row).collect(),
        }
    }

    /// For programs: `{"experiment", "rows": [{"policy", "metrics": {}}]}`.
    pub fn document(&self, experiment: &str) -> Value {
        let row = |row: &Row| {
            let metrics = row.metrics.iter();
            let metrics: Map<_, _> = metrics
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            json!({ "policy": row.policy, "metrics": metrics })
        };
        json!({ "experiment": experiment, "rows": self.rows.iter().map(row).collect::<Vec<_>>() })
    }
}

/// Metrics that still fit side by side on a terminal.
const SIDE_BY_SIDE: usize = 7;

fn header<'a>(first: &'a str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    std::iter::once(first)
        .chain(names)
        .map(str::to_owned)
        .collect()
}

/// Values of one column as text: as many decimals for all as give the largest so many digits.
fn figures(values: &[Option<f64>], digits: i32) -> Vec<String> {
    let known = || values.iter().flatten().copied();
    let largest = known().map(f64::abs).fold(0.0, f64::max);
    let whole = known().all(|value| value.fract() == 0.0);
    let text = |value: f64| {
        if whole {
            grouped(value, 0)
        } else if largest < 1e-3 {
            format!("{value:.1e}")
        } else {
            grouped(
                value,
                (digits - 1 - largest.log10().floor() as i32).max(0) as usize,
            )
        }
    };
    values
        .iter()
        .map(|value| value.map(text).unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_column_have_the_same_decimals_and_what_is_not_there_is_empty() {
        assert_eq!(
            figures(&[Some(1838.554), Some(2.0), None], 5),
            ["1,838.6", "2.0", ""]
        );
        assert_eq!(figures(&[Some(634_227.88)], 5), ["634,228"]);
        assert_eq!(figures(&[Some(0.0), Some(3.0)], 5), ["0", "3"]);
        assert_eq!(figures(&[Some(-1.5e-9)], 5), ["-1.5e-9"]);
    }

    #[test]
    fn many_metrics_stand_below_each_other() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let row = |policy: &str| Row::new(policy, "", names.map(|name| (name, 0.5)));
        let outcome = Outcome {
            rows: vec![row("published"), row("commonwatt")],
            ..Outcome::default()
        };
        let grid = outcome.grid();
        assert_eq!(grid.header, ["metric", "published", "commonwatt"]);
        assert_eq!(grid.rows[7].name, "h");
        assert_eq!(grid.rows[7].figures, ["0.50000000", "0.50000000"]);
    }

    #[test]
    fn the_document_has_a_row_per_policy_with_its_metrics_in_order() {
        let outcome = Outcome {
            rows: vec![
                Row::new("home", "", [("price", 2.5), ("carbon", 1.0)]),
                Row::new("commonwatt", "", [("price", 2.0)]),
            ],
            ..Outcome::default()
        };
        assert_eq!(
            outcome.document("example").to_string(),
            r#"{"experiment":"example","rows":[{"policy":"home","metrics":{"price":2.5,"carbon":1.0}},{"policy":"commonwatt","metrics":{"price":2.0}}]}"#
        );
        assert_eq!(outcome.metrics(), ["price", "carbon"]);
        assert_eq!(
            outcome
                .row("commonwatt")
                .and_then(|row| row.metric("carbon")),
            None
        );
    }
}
