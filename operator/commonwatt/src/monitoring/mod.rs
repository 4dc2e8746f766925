//! What people watch the operator with: dashboards, alerts and the page of metrics, each from one table, so that none
//! asks for what another does not have.

mod alerts;
mod dashboard;
mod fleet;
mod site;

pub use alerts::rules;
pub use fleet::FLEET;
pub use site::SITE;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use commonwatt_kubernetes::metrics::Type;
    use commonwatt_kubernetes::metrics::families::definitions;
    use commonwatt_store::Failure;

    use super::*;

    /// Names of our metrics in a text.
    fn asked(text: &str) -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words
            .filter(|word| word.starts_with("commonwatt_"))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn dashboards_and_alerts_ask_only_for_metrics_that_there_are_and_leave_none_out() {
        let known: BTreeSet<String> = definitions()
            .map(|one| match one.type_ {
                Type::Histogram => format!("{}_bucket", one.name),
                Type::Gauge | Type::Counter => one.name.to_owned(),
            })
            .collect();
        let mut wanted = asked(&FLEET.json().to_string());
        wanted.extend(asked(&SITE.json().to_string()));
        wanted.extend(asked(&rules().to_string()));
        assert_eq!(
            wanted.difference(&known).collect::<Vec<_>>(),
            Vec::<&String>::new()
        );
        let unused: Vec<_> = known.difference(&wanted).collect();
        assert!(unused.is_empty(), "nobody looks at {unused:?}");
    }

    #[test]
    fn alerts_ask_for_failures_by_reasons_that_are_counted() {
        let rules = rules().to_string();
        let asked = rules.split("commonwatt_failures_total{reason").skip(1);
        let values = asked.filter_map(|text| text.split("\\\"").nth(1));
        let reasons: Vec<_> = values.flat_map(|value| value.split('|')).collect();
        assert!(reasons.len() > 4, "{reasons:?}");
        for reason in reasons {
            assert!(Failure::REASONS.contains(&reason), "{reason}");
        }
    }

    #[test]
    fn panels_fill_the_grid_without_lying_upon_each_other() {
        for dashboard in [&FLEET, &SITE] {
            let board = dashboard.json();
            let mut taken = BTreeSet::new();
            let mut ids = BTreeSet::new();
            for panel in board["panels"].as_array().expect("panels") {
                let place = |key: &str| panel["gridPos"][key].as_u64().expect("a place");
                assert!(place("x") + place("w") <= 24, "{}", panel["title"]);
                for x in place("x")..place("x") + place("w") {
                    for y in place("y")..place("y") + place("h") {
                        assert!(taken.insert((x, y)), "{} lies upon another", panel["title"]);
                    }
                }
                assert!(
                    ids.insert(panel["id"].as_u64()),
                    "{} has another's id",
                    panel["title"]
                );
            }
        }
    }

    #[test]
    fn every_panel_says_what_it_shows_and_in_which_unit() {
        for dashboard in [&FLEET, &SITE] {
            let titles: BTreeSet<_> = dashboard
                .rows
                .iter()
                .flat_map(|row| row.panels)
                .map(|panel| {
                    assert!(
                        panel.help.ends_with('.') && !panel.unit.is_empty(),
                        "{}",
                        panel.title
                    );
                    panel.title
                })
                .collect();
            let count: usize = dashboard.rows.iter().map(|row| row.panels.len()).sum();
            assert_eq!(titles.len(), count, "two panels of one title");
        }
    }

    #[test]
    fn every_alert_says_what_it_means_where_to_look_and_what_to_do() {
        let rules = rules();
        let groups = rules["groups"].as_array().expect("groups");
        let alerts = groups
            .iter()
            .flat_map(|group| group["rules"].as_array().expect("rules"));
        for alert in alerts {
            let runbook = alert["annotations"]["runbook"].as_str().expect("a runbook");
            for part in ["Means: ", "\nLook: ", "\nDo: "] {
                assert!(runbook.contains(part), "{alert:#}");
            }
        }
    }
}
