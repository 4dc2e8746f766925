//! A clean plan made by hand, then broken once per rule: the audit finds that rule and no other and, without the break,
//! nothing.
// Helpers of tests are not inside a test function, where clippy.toml allows it.
#![allow(clippy::unwrap_used)]

mod common;
mod costs;
mod paths;
mod rows;
mod rules;
mod steps;

use std::collections::BTreeSet;

use common::*;
use commonwatt_audit::{Finding, Rule, audit, audit_path};
use commonwatt_fleet::*;

/// What makes a world and a plan for it from those of [`common`].
type Change = fn(&mut World, &mut Plan);

/// One break: the rule that it breaks, and how.
type Mutation = (&'static str, Rule, Change);

fn found(findings: &[Finding]) -> String {
    let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn a_plan_without_a_fault_has_no_findings() {
    let findings = audit(&world(), &plan());
    assert!(findings.is_empty(), "{}", found(&findings));
}

/// What is wrong where an audit should have found one rule and no other.
fn beside(name: &str, rule: Rule, findings: &[Finding]) -> Option<String> {
    let rules: BTreeSet<_> = findings.iter().map(|finding| finding.rule).collect();
    let only = rules == BTreeSet::from([rule]);
    (!only).then(|| format!("{name}: not only {rule:?}:\n{}\n", found(findings)))
}

fn assert_only(name: &str, rule: Rule, findings: &[Finding]) {
    assert_eq!(beside(name, rule, findings), None);
}

#[test]
fn every_mutation_is_found() {
    let wrong = rules::MUTATIONS.iter().filter_map(|(name, rule, mutate)| {
        let (mut world, mut plan) = (world(), plan());
        mutate(&mut world, &mut plan);
        beside(name, *rule, &audit(&world, &plan))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_row_is_kept_to_its_limit_and_broken_just_beyond() {
    for (name, rule, keep, mutate) in rows::ROWS {
        let (mut world, mut plan) = (world(), plan());
        keep(&mut world, &mut plan);
        let findings = audit(&world, &plan);
        assert!(findings.is_empty(), "{name}, kept:\n{}", found(&findings));
        mutate(&mut world, &mut plan);
        assert_only(name, *rule, &audit(&world, &plan));
    }
}

#[test]
fn every_cost_is_what_the_formula_says_and_nothing_else_will_do() {
    for (name, change, cost) in costs::COSTS {
        let (mut world, mut plan) = (world(), plan());
        change(&mut world, &mut plan);
        let (beside, of_job) = cost();
        costs(&world, &mut plan, beside);
        job_costs(&mut plan, of_job);
        let findings = audit(&world, &plan);
        assert!(findings.is_empty(), "{name}:\n{}", found(&findings));
        costs(&world, &mut plan, CostParts::default());
        assert_only(name, Rule::Objective, &audit(&world, &plan));
    }
}

#[test]
fn a_path_is_good_until_a_step_is_broken() {
    let wrong = paths::PATHS
        .iter()
        .filter_map(|(name, rule, make, mutate)| {
            let (mut world, mut plan) = (world(), plan());
            let mut path = make(&mut world, &mut plan);
            let findings = audit_path(&world, &plan, &path);
            assert!(findings.is_empty(), "{name}, whole:\n{}", found(&findings));
            mutate(&mut world, &mut path);
            beside(name, *rule, &audit_path(&world, &plan, &path))
        });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_asked_of_a_path_at_a_site_that_is_gone() {
    let (mut world, mut plan) = (world(), plan());
    let path = steps::make_room(&mut world, &mut plan);
    for steps in [&path.steps[..], &[]] {
        let path = Path {
            steps: steps.to_vec(),
            ..Path::default()
        };
        assert_eq!(
            audit_path(&world, &plan, &path).is_empty(),
            !steps.is_empty()
        );
    }
    // What ran there is out of reach, and the plan has nothing there.
    world.sites.remove(&SiteId::from("hall"));
    decision(&mut plan).sites.clear();
    job_decision(&mut plan).placed = None;
    let findings = audit_path(&world, &plan, &Path::default());
    assert!(findings.is_empty(), "{}", found(&findings));
}

#[test]
fn every_rule_has_a_mutation() {
    let rules = rules::MUTATIONS.iter().map(|(_, rule, _)| *rule);
    let rows = rows::ROWS.iter().map(|(_, rule, ..)| *rule);
    let paths = paths::PATHS.iter().map(|(_, rule, ..)| *rule);
    let covered: BTreeSet<_> = rules.chain(rows).chain(paths).collect();
    assert_eq!(covered, Rule::ALL.iter().copied().collect());
}

#[test]
fn a_fallen_limit_asks_only_for_the_fall() {
    let (mut world, mut plan) = (world(), plan());
    committed(&mut world, 9);
    costs(&world, &mut plan, CostParts::default());
    // Nine replicas on 18 kW before, 10 kW allowed: two after is all that can be asked in this slot.
    let findings = audit(&world, &plan);
    assert!(findings.is_empty(), "{}", found(&findings));
    // The job must not use the hour in which the site is above its limit.
    placed(&mut plan).runs = vec![true, false];
    let findings = audit(&world, &plan);
    assert!(findings.iter().any(|finding| finding.rule == Rule::Power));
}

#[test]
fn a_finding_reads_as_one_line_with_place_and_numbers() {
    let (mut world, plan) = (world(), plan());
    site(&mut world, "hall").hours[0].limit = Watts(3999);
    let findings = audit(&world, &plan);
    assert_eq!(
        found(&findings),
        "Power at hall in slot 0: 4000 W charged, 0 W of them batch; limit 3999 W"
    );
}
