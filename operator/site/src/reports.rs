//! Community reports: computed from the ledger's records alone.

use chrono::{DateTime, Utc};
use commonwatt_api::{
    CommitmentMetric, CommunityReport, CommunityReportStatus, Condition, Decimal, HostCommunity,
    ReportedFigure,
    conditions::{reasons, types},
    set_condition,
};
use commonwatt_fleet::{KilowattHours, Liters, SiteId, Watts};
use commonwatt_ledger::{
    Commitment, CommitmentMode, Period, Record, Report, Request, SiteTerms, Source, TownTotals,
    WaterCap, WaterCategory, report,
};
use commonwatt_store::write_status;

use crate::agent::{Agent, Cycle};
use crate::dereference::Seen;
use crate::hours::Cooling;

impl Agent {
    /// The status of every report that was asked for.
    pub(crate) async fn report(&self, seen: &Seen, now: DateTime<Utc>, cycle: &mut Cycle) {
        for asked in &seen.reports {
            let mut status = asked.status.clone().unwrap_or_default();
            let due = asked.spec.end.0.min(now);
            let fresh = status
                .computed_at
                .is_some_and(|at| at.0 >= asked.spec.end.0 || (now - at.0).num_minutes() < 60);
            if fresh && status.observed_generation == asked.metadata.generation {
                continue;
            }
            let condition = match self.compute(seen, asked, due) {
                Ok(report) => {
                    status = reported(&report, now, status.conditions);
                    let complete = now >= asked.spec.end.0;
                    let (reason, message) = if complete {
                        (reasons::OK, "")
                    } else {
                        (
                            reasons::PROGRESSING,
                            "the period is not over; these are the figures so far",
                        )
                    };
                    Condition::new(types::READY, complete, reason, message, now)
                }
                Err(message) => {
                    Condition::new(types::READY, false, reasons::NOT_FOUND, message, now)
                }
            };
            status.observed_generation = asked.metadata.generation;
            set_condition(
                &mut status.conditions,
                condition.at_generation(asked.metadata.generation),
            );
            cycle.note(
                "CommunityReport status",
                write_status(self.store.as_ref(), asked.as_ref(), &status).await,
            );
        }
    }

    fn compute(
        &self,
        seen: &Seen,
        asked: &CommunityReport,
        until: DateTime<Utc>,
    ) -> Result<Report, String> {
        let community = seen
            .communities
            .iter()
            .find(|community| community.metadata.name.as_deref() == Some(&asked.spec.community))
            .ok_or_else(|| {
                format!(
                    "spec.community: there is no HostCommunity {}",
                    asked.spec.community
                )
            })?;
        let period = Period {
            start: asked.spec.start.0,
            end: until.max(asked.spec.start.0),
        };
        let keeper = self
            .keeper
            .lock()
            .map_err(|_| "the ledger is broken".to_owned())?;
        report_of(keeper.records(), seen, community, period)
    }
}

/// The report of a community over a period that has passed, from the ledger's records and its declared terms.
///
/// # Errors
/// In words, when its terms cannot be read.
pub fn report_of(
    records: &[Record],
    seen: &Seen,
    community: &HostCommunity,
    period: Period,
) -> Result<Report, String> {
    Ok(report(records, &request(seen, community, period)?))
}

/// What a report is asked for: the community's terms as declared.
fn request(seen: &Seen, community: &HostCommunity, period: Period) -> Result<Request, String> {
    let number = |field: &str, value: &Option<Decimal>| {
        let read = value.as_ref().map(Decimal::value).transpose();
        read.map_err(|error| format!("spec.totals.{field}: {error}"))
    };
    let totals = &community.spec.totals;
    let mut commitments = Vec::new();
    for commitment in &community.spec.commitments {
        let limit = commitment
            .limit
            .value()
            .map_err(|error| format!("spec.commitments: {error}"))?;
        let (metric, limit, mode, promised) = match commitment.metric {
            // Declared in the units of the figures: kilowatts and cubic metres.
            CommitmentMetric::PeakImport => {
                ("peakImport", limit, CommitmentMode::Bind, "at any time")
            }
            CommitmentMetric::WaterInput => (
                "waterInput",
                limit,
                CommitmentMode::Report,
                "over the report's period",
            ),
        };
        commitments.push(Commitment {
            name: commitment.name.clone(),
            metric: metric.into(),
            limit,
            period: promised.into(),
            mode,
            remedy: commitment.remedy.clone(),
        });
    }
    Ok(Request {
        community: community.metadata.name.clone().unwrap_or_default(),
        display_name: community.spec.display_name.clone(),
        contact: community.spec.contact.clone(),
        languages: vec!["en".into()],
        sites: community
            .spec
            .sites
            .iter()
            .map(|site| terms(seen, site))
            .collect(),
        totals: TownTotals {
            annual_water: number("annualWaterCubicMeters", &totals.annual_water_cubic_meters)?
                .map(|m3| Liters(m3 * 1e3)),
            annual_energy: number(
                "annualEnergyMegawattHours",
                &totals.annual_energy_megawatt_hours,
            )?
            .map(|mwh| KilowattHours(mwh * 1e3)),
            peak: number("peakKilowatts", &totals.peak_kilowatts)?
                .map(|kw| Watts((kw * 1e3) as i64)),
        },
        commitments,
        period,
    })
}

/// What is declared about a site: it bounds the hours that nobody recorded.
fn terms(seen: &Seen, name: &str) -> SiteTerms {
    let mut terms = SiteTerms::of(SiteId::from(name));
    let Some(site) = seen
        .sites
        .iter()
        .find(|site| site.metadata.name.as_deref() == Some(name))
    else {
        return terms;
    };
    let connection = site.spec.connection_watts.value().ok();
    terms.connection_maximum = connection.map(Watts);
    if let (Some(watts), Ok(cooling)) = (connection, Cooling::read(&site.spec.cooling)) {
        terms.water_maximum_per_hour = Some(Liters(
            Watts(watts).over_seconds(3600.0).0 * cooling.worst_wue(),
        ));
    }
    let budget = seen.water.iter().find(|budget| budget.spec.site == name);
    terms.water_cap = budget.and_then(|budget| {
        Some(WaterCap {
            volume: Liters(budget.spec.cap.value().ok()?),
            basis: match budget.spec.basis {
                commonwatt_api::WaterBasis::Potable => Some(WaterCategory::Potable),
                commonwatt_api::WaterBasis::Reclaimed => Some(WaterCategory::Reclaimed),
                commonwatt_api::WaterBasis::Withdrawal => None,
            },
            hours: match budget.spec.period {
                commonwatt_api::WaterPeriod::Day => 24,
                commonwatt_api::WaterPeriod::Month => 730,
                commonwatt_api::WaterPeriod::Year => 8760,
            },
            set_by: format!(
                "waterbudget/{}",
                budget.metadata.name.as_deref().unwrap_or_default()
            ),
        })
    });
    terms
}

fn reported(
    report: &Report,
    now: DateTime<Utc>,
    conditions: Vec<Condition>,
) -> CommunityReportStatus {
    let coverage = report
        .figure("facilityEnergy")
        .map_or(0.0, |figure| figure.coverage_percent);
    let figures = report.figures.iter().map(|figure| ReportedFigure {
        name: figure.name.clone(),
        value: figure.value.and_then(|value| Decimal::from_value(value, 3)),
        unit: figure.unit.clone(),
        source: match figure.source {
            Some(Source::Metered) => "metered",
            Some(Source::Modelled) => "modelled",
            Some(Source::Declared) => "declared",
            None => "none",
        }
        .into(),
        coverage_percent: Decimal::from_value(figure.coverage_percent, 1)
            .unwrap_or_else(|| "0".into()),
    });
    CommunityReportStatus {
        observed_generation: None,
        conditions,
        computed_at: Some(now.into()),
        breaches: Some(report.missed.len() as i64),
        coverage_percent: Decimal::from_value(coverage, 1),
        figures: figures.take(64).collect(),
    }
}

#[cfg(test)]
mod tests {
    use commonwatt_ledger::{
        Body, MeterHour, MeterId, MissedKind, Quality, Quantity, RecordSchema,
    };
    use serde_json::json;

    use super::*;

    fn hour(quantity: Quantity, value: f64, at: DateTime<Utc>, sequence: u64) -> Record {
        let meter = MeterId::of(quantity);
        Record {
            schema: RecordSchema::V1,
            sequence,
            recorded_at: at + chrono::TimeDelta::hours(1),
            site: SiteId::from("hall"),
            body: Body::Meter(MeterHour {
                unit: meter.quantity.unit().to_owned(),
                meter,
                hour: at,
                seconds: 3600,
                value: Some(value),
                source: Source::Metered,
                coverage_percent: 100.0,
                quality: Quality::Ok,
                method: "a meter".into(),
                limit: None,
                restates: None,
            }),
        }
    }

    /// Twenty kilowatts were promised, and 120 litres.
    fn community() -> HostCommunity {
        serde_json::from_value(json!({
            "apiVersion": "commonwatt.dev/v1alpha1", "kind": "HostCommunity",
            "metadata": { "name": "town" },
            "spec": {
                "displayName": "Town", "sites": ["hall"], "totals": {}, "contact": "clerk@town.example",
                "commitments": [
                    { "name": "peak", "metric": "PeakImport", "limit": "20", "remedy": "" },
                    { "name": "water", "metric": "WaterInput", "limit": "0.12", "remedy": "" },
                ],
            },
        }))
        .expect("a community")
    }

    fn missed(peak_watts: f64, water_liters: f64) -> Vec<String> {
        let at: DateTime<Utc> = "2023-06-05T00:00:00Z".parse().expect("a time");
        let records = [
            hour(Quantity::PeakImport, peak_watts, at, 0),
            hour(Quantity::WaterInput, water_liters, at, 1),
        ];
        let period = Period {
            start: at,
            end: at + chrono::TimeDelta::hours(1),
        };
        let report = report_of(&records, &Seen::default(), &community(), period).expect("a report");
        let missed = report.missed.iter();
        missed
            .filter(|missed| missed.kind == MissedKind::Commitment)
            .map(|missed| missed.which.clone())
            .collect()
    }

    #[test]
    fn what_was_promised_in_kilowatts_and_cubic_metres_is_held_against_kilowatts_and_cubic_metres()
    {
        assert_eq!(missed(19_000.0, 110.0), [""; 0]);
        assert_eq!(missed(21_000.0, 110.0), ["peak"]);
        assert_eq!(missed(19_000.0, 130.0), ["water"]);
    }
}
