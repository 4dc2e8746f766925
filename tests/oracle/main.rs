//! The planner and the audit beside HiGHS, which has the same worlds as a program and shares nothing with either.

mod highs;
mod translated;

use commonwatt_audit::{Rule, audit};
use commonwatt_families::{Family, Size, world};
use commonwatt_harness::skip;

use highs::Highs;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const SMALL: Size = Size {
    deployments: 8,
    sites: 6,
    hours: 3,
};

/// What a solver's values do not say, or the program leaves out.
const UNSAID: [Rule; 6] = [
    Rule::Floors,
    Rule::Unmet,
    Rule::MoveBudget,
    Rule::Figures,
    Rule::Objective,
    Rule::Bound,
];

#[test]
fn what_highs_finds_is_a_plan_that_the_audit_accepts() -> Result {
    let highs = match Highs::find() {
        Ok(highs) => highs,
        Err(reason) => skip!("{reason}"),
    };
    for family in Family::ALL {
        let world = world(family, SMALL, 1);
        let solution = highs.solve(&world)?;
        let plan = translated::plan(&world, &solution.values);
        let findings = audit(&world, &plan);
        let broken: Vec<_> = findings
            .iter()
            .filter(|finding| !UNSAID.contains(&finding.rule))
            .map(ToString::to_string)
            .collect();
        assert!(broken.is_empty(), "{family}: {broken:#?}");
    }
    Ok(())
}
