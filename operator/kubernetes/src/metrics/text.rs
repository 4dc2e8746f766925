//! Prometheus' older text format, which `promtool` and small scrapers read, from the `OpenMetrics` one that the library
//! writes. They differ in how a counter is called in its own comments, and in the end mark.

use std::fmt::Write as _;

/// The same series in Prometheus' text format, version 0.0.4.
pub(super) fn prometheus(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = None;
    for line in open_metrics.lines() {
        if line == "# EOF" {
            continue;
        }
        if line.starts_with("# HELP ") {
            // Its name depends on the type, which follows.
            help = line
                .strip_prefix("# HELP ")
                .and_then(|rest| rest.split_once(' '));
            continue;
        }
        let Some((name, type_)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        else {
            let _ = writeln!(text, "{line}");
            continue;
        };
        let end = if type_ == "counter" { "_total" } else { "" };
        if let Some((_, help)) = help.take() {
            let _ = writeln!(text, "# HELP {name}{end} {help}");
        }
        let _ = writeln!(text, "# TYPE {name}{end} {type_}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_called_the_same_in_its_comments_and_in_its_series() {
        let text = "# HELP a_writes Objects.\n# TYPE a_writes counter\na_writes_total{role=\"hub\"} 1\n\
                    # HELP a_watts Watts.\n# TYPE a_watts gauge\na_watts 2.0\n# EOF\n";
        assert_eq!(
            prometheus(text),
            "# HELP a_writes_total Objects.\n# TYPE a_writes_total counter\na_writes_total{role=\"hub\"} 1\n\
             # HELP a_watts Watts.\n# TYPE a_watts gauge\na_watts 2.0\n"
        );
    }
}
