//! What is wrong with a world, said of the object that somebody declared and in its words.

use commonwatt_api::{annotations, conditions::reasons};
use commonwatt_fleet::{Effect, Flaw, Object, World, Wrong, sound};

use crate::problem::Problem;

/// Leaves out of a world what cannot be used, and says what is wrong with it.
pub(crate) fn leave_out(world: &mut World, problems: &mut Vec<Problem>) {
    let (sound, flaws) = sound(world);
    problems.extend(flaws.iter().filter_map(problem));
    if let std::borrow::Cow::Owned(sound) = sound {
        *world = sound;
    }
}

/// Nothing of the world itself: that there are no sites is no object's fault.
fn problem(flaw: &Flaw) -> Option<Problem> {
    let kind = match &flaw.object {
        Object::World => return None,
        Object::Site(_) => "SiteOffer",
        Object::Policy(_) => "PlacementPolicy",
        Object::Deployment(_) => "ModelDeployment",
        other => other.kind(),
    };
    let reason = match flaw.wrong {
        Wrong::BelowWhatRuns { .. } => reasons::OVER_LIMIT,
        Wrong::DeadlinePassed { .. } | Wrong::DeadlineBeforeRelease { .. } => reasons::AT_RISK,
        _ => reasons::INVALID,
    };
    let (wrong, remedy) = (&flaw.wrong, flaw.wrong.remedy());
    let message = format!("{}: {wrong}; {remedy}", field(flaw));
    let problem = Problem::new(kind, flaw.object.name(), reason, message);
    Some(match flaw.effect {
        Effect::LeftOut => problem,
        Effect::Noted => problem.noted(),
    })
}

/// The field as the object's kind spells it.
fn field(flaw: &Flaw) -> String {
    // `hours[3].limit` is about hours, and which of them the message says if it matters.
    let (list, rest) = flaw.field.split_once('[').unwrap_or((&flaw.field, ""));
    let name = rest.split_once("].").map_or("", |(_, name)| name);
    let annotation = |key| format!("metadata.annotations[{key}]");
    match (&flaw.object, list, name) {
        (Object::Site(_), "hours", "limit") => "spec.hours.watts".into(),
        (Object::Site(_), "hours", name) => format!("spec.hours.{name}"),
        (Object::Site(_), "pools", "pricePerHour") => "spec.accelerators.hourlyPrice".into(),
        (Object::Site(_), "pools", name) => format!("spec.accelerators.{name}"),
        (Object::Site(_), "scarcity", _) => "spec.waterScarcityFactor".into(),
        (Object::Job(_), "deadline", _) => annotation(annotations::DEADLINE),
        (Object::Job(_), "shapes", "wattsPerPod") => annotation(annotations::WATTS),
        (Object::Job(_), "shapes", _) => "spec.parallelism".into(),
        _ => format!("spec.{}", flaw.field),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(object: Object, field: &str, wrong: Wrong) -> String {
        let (field, effect) = (field.to_owned(), Effect::LeftOut);
        let flaw = Flaw {
            object,
            field,
            wrong,
            effect,
        };
        let problem = problem(&flaw).expect("a problem");
        format!(
            "{} {} {}: {}",
            problem.kind, problem.name, problem.reason, problem.message
        )
    }

    #[test]
    fn a_flaw_is_said_of_the_object_that_was_declared_and_in_its_words() {
        let wrong = || Wrong::TooSmall {
            got: 0.5,
            least: 1.0,
        };
        assert_eq!(
            said(Object::Site("hall".into()), "hours[3].pue", wrong()),
            "SiteOffer hall Invalid: spec.hours.pue: must be at least 1, got 0.5; check its unit and its sign"
        );
        assert_eq!(
            said(
                Object::Job("team/train".into()),
                "shapes[H100].wattsPerPod",
                wrong()
            ),
            "Job team/train Invalid: metadata.annotations[commonwatt.dev/watts]: must be at least 1, got 0.5; check its unit \
             and its sign"
        );
    }

    #[test]
    fn that_there_are_no_sites_is_no_objects_fault() {
        let (object, field) = (Object::World, "sites".to_owned());
        let (wrong, effect) = (Wrong::NoSites, Effect::Noted);
        assert_eq!(
            problem(&Flaw {
                object,
                field,
                wrong,
                effect
            }),
            None
        );
    }
}
