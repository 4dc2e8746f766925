//! A world in a file: what `commonwatt world` writes and every command that plans reads, so that anyone can replay a plan.
//!
//! ```json
//! {"format": "commonwatt.dev/world/v1", "by": "0.1.0", "world": {…}, "previous": {…}}
//! ```
//!
//! `world` is a [`World`] and `previous` the [`Plan`] before, in the fields of `commonwatt-fleet`. Within a version fields are only added, each with
//! a default that says what was true without it. Numbers read back to the last bit.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use commonwatt_fleet::{Plan, World};
use serde::{Deserialize, Serialize};

/// The format of this version.
pub const FORMAT: &str = "commonwatt.dev/world/v1";

/// What a planner is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// The world.
    pub world: World,
    /// The plan before.
    pub previous: Plan,
}

/// Why a file is no world.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// It cannot be read.
    #[error("{file}: {error}")]
    Unreadable {
        /// Which file.
        file: String,
        /// Why not.
        error: io::Error,
    },
    /// It is no JSON.
    #[error("{file} is no JSON: {error}; save a world with `commonwatt world > FILE`")]
    NoJson {
        /// Which file.
        file: String,
        /// Where, and why.
        error: serde_json::Error,
    },
    /// It is JSON, and something else.
    #[error(
        "{file} is not what `commonwatt world` writes: \"format\" is {found}, not {FORMAT:?}; save it again with this version"
    )]
    OtherFormat {
        /// Which file.
        file: String,
        /// What it says.
        found: String,
    },
    /// A field is not what it should be.
    #[error(
        "{file}: {field}: {why}; it was changed by hand, or saved by another version (\"by\": {by})"
    )]
    Field {
        /// Which file.
        file: String,
        /// Which field.
        field: String,
        /// What is wrong with it.
        why: String,
        /// The version that wrote it.
        by: String,
    },
}

#[derive(Serialize)]
struct Written<'a> {
    format: &'static str,
    by: &'static str,
    world: &'a World,
    previous: &'a Plan,
}

#[derive(Deserialize)]
struct Content {
    world: World,
    #[serde(default)]
    previous: Plan,
}

impl Saved {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is not one of [`Self::write`].
    pub fn read(path: &Path) -> Result<Self, SavedError> {
        let file = path.display().to_string();
        let mut text = String::new();
        File::open(path)
            .and_then(|open| BufReader::new(open).read_to_string(&mut text))
            .map_err(|error| SavedError::Unreadable {
                file: file.clone(),
                error,
            })?;
        Self::parse(file, &text)
    }

    fn parse(file: String, text: &str) -> Result<Self, SavedError> {
        let value: serde_json::Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => return Err(SavedError::NoJson { file, error }),
        };
        if value["format"] != FORMAT {
            let found = value.get("format");
            let found = found.map_or_else(|| "missing".to_owned(), ToString::to_string);
            return Err(SavedError::OtherFormat { file, found });
        }
        let by = value["by"].to_string();
        match serde_path_to_error::deserialize::<_, Content>(value) {
            Ok(Content { world, previous }) => Ok(Self { world, previous }),
            Err(error) => Err(SavedError::Field {
                file,
                field: error.path().to_string(),
                why: error.inner().to_string(),
                by,
            }),
        }
    }
}

/// Writes a world and the plan before.
///
/// # Errors
/// Those of the writer.
pub fn write(to: &mut impl Write, world: &World, previous: &Plan) -> io::Result<()> {
    let written = Written {
        format: FORMAT,
        by: env!("CARGO_PKG_VERSION"),
        world,
        previous,
    };
    serde_json::to_writer_pretty(&mut *to, &written)?;
    writeln!(to)
}

#[cfg(test)]
mod tests {
    use commonwatt_families::{Family, Size};
    use commonwatt_planner::plan;

    use super::*;

    fn said(text: &str) -> String {
        Saved::parse("w.json".into(), text)
            .expect_err("no world")
            .to_string()
    }

    #[test]
    fn a_world_of_every_family_reads_back_to_the_last_bit_and_plans_the_same() {
        let size = Size {
            deployments: 6,
            sites: 4,
            hours: 3,
        };
        for family in Family::ALL {
            let world = commonwatt_families::world(family, size, 7);
            let previous = plan(&world, &Plan::default());
            let mut text = Vec::new();
            write(&mut text, &world, &previous).expect("written");
            let text = String::from_utf8(text).expect("text");
            let saved = Saved::parse("w.json".into(), &text).expect("read");
            assert_eq!(saved.world, world, "{}", family.name());
            assert_eq!(saved.previous, previous, "{}", family.name());
            let bytes = |plan: &Plan| serde_json::to_string(plan).expect("a plan");
            assert_eq!(
                bytes(&plan(&saved.world, &saved.previous)),
                bytes(&plan(&world, &previous)),
            );
        }
    }

    #[test]
    fn what_is_no_world_says_what_it_is_and_where_it_is_wrong() {
        assert!(
            said("{").starts_with("w.json is no JSON: "),
            "{}",
            said("{")
        );
        assert!(said("{}").contains("\"format\" is missing, not \"commonwatt.dev/world/v1\""));
        assert!(said(r#"{"format":"commonwatt.dev/world/v9"}"#).contains("/v9"));
        let world = commonwatt_families::world(
            Family::ALL[0],
            Size {
                deployments: 1,
                sites: 1,
                hours: 1,
            },
            1,
        );
        let mut text = Vec::new();
        write(&mut text, &world, &Plan::default()).expect("written");
        let text = String::from_utf8(text).expect("text");
        let site = world.sites.keys().next().expect("a site");
        let wrong = text.replacen("\"pue\": ", "\"pue\": true, \"was\": ", 1);
        let expected =
            format!("w.json: world.sites.{site}.hours[0].pue: invalid type: boolean `true`");
        assert!(said(&wrong).starts_with(&expected), "{}", said(&wrong));
        assert!(said(&text.replacen("\"slots\"", "\"slot\"", 1)).contains("missing field `slots`"));
    }
}
