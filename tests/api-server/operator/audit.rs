//! The accounts as the chart makes them, by the API servers' own audit logs: nothing that the operator does is refused, and no
//! rule is there that it does not use. What nobody may do is tried in `attempts`.

mod attempts;
mod rules;
mod trial;

use std::collections::BTreeMap;

use commonwatt_harness::{skip, unavailable};

use self::rules::{Pairs, exceptions, granted, used};
use self::trial::{Trial, Way};
use crate::Result;

const MODES: [&str; 3] = ["Observe", "Advise", "Enforce"];

/// What a mode grants each account, and what the account has used of it.
#[derive(Default)]
struct Account {
    granted: BTreeMap<&'static str, Pairs>,
    used: BTreeMap<&'static str, Pairs>,
}

#[test]
fn nothing_that_the_operator_does_is_refused_and_no_rule_is_without_use() -> Result {
    if let Some(reason) = unavailable() {
        skip!("{reason}");
    }
    let trial = Trial::start()?;
    let mut accounts: BTreeMap<&str, Account> = BTreeMap::new();
    let mut refused = Vec::new();
    let mut seen = trial.requests()?;
    // More cautious again, when a bolder mode has left something.
    for (mode, way) in [
        ("Observe", Way::Looks),
        ("Advise", Way::Advises),
        ("Observe", Way::TakesBack),
        ("Enforce", Way::Acts),
        ("Advise", Way::StepsBack),
        ("Enforce", Way::GivesBack),
    ] {
        trial.run(mode, way)?;
        let all = trial.requests()?;
        for (place, requests) in &all {
            let (account, plane) = *place;
            let new = &requests[seen.get(place).map_or(0, Vec::len)..];
            let denied = new.iter().filter(|request| request.code == 403);
            refused.extend(denied.map(|request| format!("{mode} {plane}: {request:?}")));
            let entry = accounts.entry(account).or_default();
            entry.used.entry(mode).or_default().extend(used(new));
        }
        for (account, plane) in trial.places() {
            let now = granted(plane, account)?;
            let entry = accounts.entry(account).or_default();
            entry.granted.entry(mode).or_default().extend(now);
        }
        seen = all;
    }
    assert!(refused.is_empty(), "refused:\n{}", refused.join("\n"));

    let mut excused = exceptions();
    let mut unused = Vec::new();
    for (name, account) in &accounts {
        let mut before = Pairs::new();
        for mode in MODES {
            // A right that a mode adds is needed in that mode, or it should come with a bolder one.
            for pair in account.granted[mode].difference(&before) {
                let line = format!("{name} {mode} {pair}");
                let is_used = account.used[mode].contains(pair);
                if !is_used && excused.remove(&line).is_none() {
                    unused.push(line);
                }
            }
            before.clone_from(&account.granted[mode]);
        }
    }
    assert!(
        unused.is_empty(),
        "granted, and not used (take the rule away, or say in audit/unseen.txt why it stays):\n{}",
        unused.join("\n")
    );
    let stale: Vec<_> = excused.into_keys().collect();
    assert!(
        stale.is_empty(),
        "excused in audit/unseen.txt, though used or not granted:\n{}",
        stale.join("\n")
    );
    Ok(())
}
