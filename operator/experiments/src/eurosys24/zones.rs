//! Zones and their groups.

use std::collections::BTreeMap;

use crate::{Data, DataError};

/// A group of zones, as the published tables name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Asia,
    Americas,
    Global,
    Europe,
    Oceania,
}

impl Group {
    pub(super) const ALL: [Self; 5] = [
        Self::Asia,
        Self::Americas,
        Self::Global,
        Self::Europe,
        Self::Oceania,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Asia => "Asia",
            Self::Americas => "Americas",
            Self::Global => "Global",
            Self::Europe => "Europe",
            Self::Oceania => "Oceania",
        }
    }
}

/// A zone's year.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Zone {
    pub(super) name: String,
    /// Grams per kilowatt-hour, life cycle, hour by hour.
    pub(super) carbon: Vec<f64>,
    /// Where it lies, beside the world.
    pub(super) group: Option<Group>,
}

/// All zones.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Zones(pub(super) Vec<Zone>);

impl Zones {
    pub(super) fn read(data: &Data) -> Result<Self, DataError> {
        let carbon = data.table("eurosys24/ci_2022_123zones.csv")?;
        let names = data.table("eurosys24/name_stats.csv")?;
        let codes = names.texts("zone_code")?;
        let mut groups = BTreeMap::new();
        for group in Group::ALL
            .into_iter()
            .filter(|group| *group != Group::Global)
        {
            let member = names.texts(group.name())?;
            let members = codes.iter().zip(member).filter(|(_, is)| *is == "1");
            groups.extend(members.map(|(code, _)| (*code, group)));
        }
        // The first column is the hour.
        let zone = |name: &String| {
            Ok(Zone {
                name: name.clone(),
                carbon: carbon.numbers(name)?,
                group: groups.get(name.as_str()).copied(),
            })
        };
        let zones = carbon.header().iter().skip(1).map(zone);
        let zones = Self(zones.collect::<Result<_, DataError>>()?);
        match Group::ALL
            .into_iter()
            .find(|group| zones.of(*group).is_empty())
        {
            Some(group) => Err(carbon.unexpected(format!("no zone of {}", group.name()))),
            None => Ok(zones),
        }
    }

    /// Zones of a group, by their places.
    pub(super) fn of(&self, group: Group) -> Vec<usize> {
        let member = |zone: &Zone| group == Group::Global || zone.group == Some(group);
        (0..self.0.len())
            .filter(|index| member(&self.0[*index]))
            .collect()
    }

    pub(super) fn hours(&self) -> usize {
        self.0.first().map_or(0, |zone| zone.carbon.len())
    }
}
