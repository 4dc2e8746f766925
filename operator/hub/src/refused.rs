//! What sites have refused, remembered while their offers stand: an assignment that is withdrawn or asks for less takes
//! its refusal along, and the next plan would ask for the same again, without end.

use std::collections::BTreeMap;

use commonwatt_api::{SiteAssignment, conditions::reasons};
use commonwatt_fleet::{Refusal, SiteId};

use crate::committed::refusal_of;
use crate::dereference::Seen;

/// Refusals that hold, by the uid of what was to be placed and by site.
#[derive(Debug, Clone, Default)]
pub struct Refused(BTreeMap<(String, SiteId), Said>);

#[derive(Debug, Clone)]
struct Said {
    refusal: Refusal,
    to: Question,
}

/// An assignment as it was answered: its uid and generation.
type Question = (Option<String>, Option<i64>);

fn question(assignment: &SiteAssignment) -> Question {
    let status = assignment.status.as_ref();
    let answered = status.and_then(|status| status.observed_generation);
    (assignment.metadata.uid.clone(), answered)
}

impl Refused {
    /// Learns what sites have answered, and forgets what was said at an offer that is no more.
    pub(crate) fn learn(&mut self, seen: &Seen) {
        self.0.retain(|(_, site), said| {
            let offer = seen.offers.get(site.as_str());
            offer.is_some_and(|offer| offer.spec.revision == said.refusal.offer_revision)
        });
        for assignment in seen.assignments.values() {
            let spec = &assignment.spec;
            let key = (spec.subject.uid.clone(), SiteId::from(spec.site.as_str()));
            let to = question(assignment);
            match refusal_of(assignment, seen) {
                // That one says nothing of the place.
                Some(refusal) if refusal.reason == reasons::STALE_EPOCH => {}
                Some(refusal) => {
                    self.0.insert(key, Said { refusal, to });
                }
                // The same question has another answer now.
                None if self.0.get(&key).is_some_and(|said| said.to == to) => {
                    self.0.remove(&key);
                }
                None => {}
            }
        }
    }

    /// What sites have refused of an object.
    pub(crate) fn of(&self, uid: &str) -> BTreeMap<SiteId, Refusal> {
        let first = (uid.to_owned(), SiteId::from(""));
        self.0
            .range(first..)
            .take_while(|((of, _), _)| of == uid)
            .map(|((_, site), said)| (site.clone(), said.refusal.clone()))
            .collect()
    }
}
