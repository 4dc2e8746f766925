//! Fields of a saved world, by the names of its JSON: `site/hall.hours[*].limit=9000`.

use commonwatt_fleet::World;
use commonwatt_manifests::{ChangeError, FieldError, Fields, Set, remedy};
use serde_json::Value;

/// Kinds of things in a world, and where they are.
const KINDS: [(&str, &str); 8] = [
    ("site", "/sites"),
    ("deployment", "/deployments"),
    ("job", "/jobs"),
    ("policy", "/policies"),
    ("cap", "/shared/caps"),
    ("stock", "/shared/stocks"),
    ("community", "/shared/communities"),
    ("tenant", "/shared/tenants"),
];

/// Sets fields one after the other; returns what cannot be set.
pub fn set_all(world: &mut World, sets: &[Set]) -> Vec<ChangeError> {
    let mut errors = Vec::new();
    for set in sets {
        match with(world, set) {
            Ok(changed) => *world = changed,
            Err(error) => errors.push(error),
        }
    }
    errors
}

fn with(world: &World, set: &Set) -> Result<World, ChangeError> {
    let at = format!("--set {set}");
    let field = |error| ChangeError::Field {
        at: at.clone(),
        error,
    };
    let no_value = |why: String| field(FieldError::Value { why });
    let path = path_of(set, &at)?;
    let before = serde_json::to_value(world).map_err(|error| no_value(error.to_string()))?;
    let things = before.pointer(path).and_then(Value::as_object);
    let names = || {
        things
            .into_iter()
            .flat_map(|all| all.keys().map(String::as_str))
    };
    let (name, below) = set.split(names()).map_err(|name| ChangeError::NoObject {
        at: at.clone(),
        kind: set.kind.clone(),
        name: name.to_owned(),
        remedy: remedy(name, names()),
    })?;
    let fields = set.fields(below)?;
    let thing = Thing {
        path,
        name,
        fields: &fields,
    };
    let value = number_of(set.value(false)?);
    let mut after = before.clone();
    thing.set(&mut after, &value).map_err(field)?;
    let changed: World = serde_path_to_error::deserialize(&after)
        .map_err(|error| no_value(format!("{}: {}", error.path(), error.inner())))?;
    // What a world does not know is gone when it is written again.
    let written = serde_json::to_value(&changed).map_err(|error| no_value(error.to_string()))?;
    let mut again = written.clone();
    if thing.set(&mut again, &value).is_err() || again != written {
        thing.must_be_there(&before, &value).map_err(field)?;
    }
    Ok(changed)
}

fn path_of(set: &Set, at: &str) -> Result<&'static str, ChangeError> {
    let kind = set.kind.to_lowercase();
    let path = KINDS.iter().find(|(known, _)| *known == kind);
    path.map(|(_, path)| *path)
        .ok_or_else(|| ChangeError::NoKind {
            at: at.to_owned(),
            kind: set.kind.clone(),
            remedy: format!(
                "what a saved world has: {}",
                KINDS.map(|(kind, _)| kind).join(", ")
            ),
        })
}

/// Fields of one thing in a world.
struct Thing<'a> {
    path: &'a str,
    name: &'a str,
    fields: &'a Fields,
}

impl Thing<'_> {
    fn in_world<'w>(&self, world: &'w mut Value) -> Result<&'w mut Value, FieldError> {
        let things = world.pointer_mut(self.path);
        things
            .and_then(|things| things.get_mut(self.name))
            .ok_or_else(|| FieldError::Value {
                why: format!("{} is gone", self.name),
            })
    }

    fn set(&self, world: &mut Value, value: &Value) -> Result<(), FieldError> {
        self.fields.set(self.in_world(world)?, value)
    }

    fn must_be_there(&self, world: &Value, value: &Value) -> Result<(), FieldError> {
        let mut world = world.clone();
        self.fields.change(self.in_world(&mut world)?, value)
    }
}

/// Watts and the like as a person types them: `900k` is 900000.
fn number_of(value: Value) -> Value {
    let read = |text: &str| {
        let factor = match text.chars().last()? {
            'k' => 1e3,
            'M' => 1e6,
            'G' => 1e9,
            _ => return None,
        };
        let number: f64 = text[..text.len() - 1].parse().ok()?;
        Some(number * factor)
    };
    match value.as_str().and_then(read) {
        Some(number) if number.fract() == 0.0 => Value::from(number as i64),
        Some(number) => Value::from(number),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use commonwatt_families::{Family, Size};
    use commonwatt_fleet::Watts;

    use super::*;

    fn world() -> World {
        let size = Size {
            deployments: 2,
            sites: 2,
            hours: 3,
        };
        commonwatt_families::world(Family::ALL[0], size, 1)
    }

    fn after(typed: &str) -> Result<World, String> {
        let mut world = world();
        let set: Set = typed
            .parse()
            .map_err(|error: ChangeError| error.to_string())?;
        match set_all(&mut world, &[set]).first() {
            None => Ok(world),
            Some(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn limits_of_all_hours_and_fields_that_are_usually_left_out_are_set() {
        let site = world().sites.keys().next().expect("a site").clone();
        let changed = after(&format!("site/{site}.hours[*].limit=9.5k")).expect("set");
        assert!(
            changed.sites[&site]
                .hours
                .iter()
                .all(|hour| hour.limit == Watts(9500))
        );
        let id = world().deployments.keys().next().expect("one").clone();
        let changed = after(&format!("deployment/{id}.demandBySlot=[1, 2.5, 3]")).expect("set");
        assert_eq!(changed.deployments[&id].demand_by_slot.len(), 3);
        let changed = after(&format!("site/{site}.water=null")).expect("set");
        assert_eq!(changed.sites[&site].water, None);
    }

    #[test]
    fn what_a_world_does_not_have_is_said_with_what_it_has() {
        let site = world().sites.keys().next().expect("a site").clone();
        for (typed, said) in [
            (
                format!("site/{site}.hours[*].limits=1"),
                "hours[0].limits is unknown; did you mean limit?",
            ),
            (
                format!("site/{site}.hours[*].limit=lots"),
                "sites.SITE.hours[0].limit: invalid type: string",
            ),
            (format!("site/{site}.hours[9].limit=1"), "hours has 3 items"),
            (
                "site/nowhere.scarcity=1".into(),
                "there is no site nowhere; there are: ",
            ),
            (
                "powerbudget/a.spec.limit=1".into(),
                "there is no kind powerbudget here; what a saved world has: site, ",
            ),
        ] {
            let error = after(&typed).expect_err(&typed);
            let said = said.replace("SITE", site.as_str());
            assert!(error.contains(&said), "{typed}: {error}");
        }
    }
}
