//! What a model was measured to do on an accelerator.

use serde::{Deserialize, Serialize};

use crate::{TokensPerSecond, Watts};

/// Where the watts of a measurement were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Boundary {
    /// Accelerators alone: the host's part must be declared beside it.
    Gpu,
    /// The whole node.
    Node,
}

/// One measured point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperatingPoint {
    /// Sequences served at once.
    pub concurrency: u32,
    /// Generated tokens per second of one replica.
    pub tokens_per_second: TokensPerSecond,
    /// Watts of one replica inside the boundary.
    pub watts: Watts,
    /// 95th percentile of the time between two tokens, milliseconds.
    pub inter_token_milliseconds: f64,
}

/// Measured points of one model on one accelerator product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Accelerator product.
    pub product: String,
    /// Accelerators per replica.
    pub accelerators: u32,
    /// What the watts include.
    pub boundary: Boundary,
    /// Watts of the host per replica: what the boundary leaves out.
    pub host_watts: Watts,
    /// Points, by concurrency.
    pub points: Vec<OperatingPoint>,
}

/// A profile that cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ProfileError {
    /// No points at all.
    #[error("the profile has no points")]
    Empty,
    /// A point that nothing can draw or serve.
    #[error("points[{index}]: {what} must be a finite number above zero, got {got}")]
    BadPoint {
        /// Which point.
        index: usize,
        /// Which of its numbers.
        what: &'static str,
        /// Its value.
        got: String,
    },
    /// Two points at one concurrency that say different things.
    #[error(
        "points[{index}]: concurrency {concurrency} was measured twice, with other numbers; leave one out"
    )]
    Twice {
        /// The second of them.
        index: usize,
        /// Their concurrency.
        concurrency: u32,
    },
    /// More sequences at once, and less of all of them together: rates of one sequence, or columns that were swapped.
    #[error(
        "points: tokensPerSecond falls from {first} at concurrency {least} to {last} at concurrency {most}; \
         give that of the whole replica, not of one sequence"
    )]
    Falling {
        /// Tokens per second at the lowest concurrency.
        first: f64,
        /// The lowest.
        least: u32,
        /// Tokens per second at the highest.
        last: f64,
        /// The highest.
        most: u32,
    },
    /// No point is fast enough.
    #[error(
        "no measured point keeps {limit} ms between tokens: the fastest measured is {fastest:.1} ms at concurrency {concurrency}"
    )]
    TooSlow {
        /// The limit that was asked for.
        limit: u32,
        /// The fastest measured.
        fastest: f64,
        /// Where.
        concurrency: u32,
    },
}

/// What is odd about a profile that can be used nevertheless.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ProfileNote {
    /// Nothing can be said between this point and none at all.
    #[error(
        "points: one is measured, at concurrency {concurrency}; it counts whatever the load, and no latency below its own can be \
         kept; measure more"
    )]
    OnePoint {
        /// Its concurrency.
        concurrency: u32,
    },
    /// More sequences at once give less than fewer: noise, or a replica past what it can do.
    #[error(
        "points: at concurrency {concurrency} tokensPerSecond is {tokens_per_second}, below {best} at {best_concurrency}; it \
         counts where the latency limit allows it; measure it again, or leave it out"
    )]
    ThroughputDips {
        /// Where.
        concurrency: u32,
        /// What it does there.
        tokens_per_second: f64,
        /// The most that it does with fewer.
        best: f64,
        /// Where that is.
        best_concurrency: u32,
    },
}

impl Profile {
    /// Points by rising concurrency.
    fn rising(&self) -> Vec<(usize, &OperatingPoint)> {
        let mut points: Vec<_> = self.points.iter().enumerate().collect();
        points.sort_by_key(|(_, point)| point.concurrency);
        points
    }

    /// Whether points can be those of one replica.
    fn consistent(&self) -> Result<(), ProfileError> {
        let points = self.rising();
        let twice = |pair: &&[(usize, &OperatingPoint)]| {
            let (one, other) = (pair[0].1, pair[1].1);
            one.concurrency == other.concurrency && one != other
        };
        if let Some(pair) = points.windows(2).find(twice) {
            let (index, point) = pair[1];
            let concurrency = point.concurrency;
            return Err(ProfileError::Twice { index, concurrency });
        }
        match (points.first(), points.last()) {
            (Some((_, low)), Some((_, high))) if high.tokens_per_second < low.tokens_per_second => {
                Err(ProfileError::Falling {
                    first: low.tokens_per_second.0,
                    least: low.concurrency,
                    last: high.tokens_per_second.0,
                    most: high.concurrency,
                })
            }
            _ => Ok(()),
        }
    }

    /// What is odd about points that can be used.
    pub fn notes(&self) -> Vec<ProfileNote> {
        let points = self.rising();
        if let [(_, only)] = points[..] {
            let concurrency = only.concurrency;
            return vec![ProfileNote::OnePoint { concurrency }];
        }
        let mut best: Option<&OperatingPoint> = None;
        let mut notes = Vec::new();
        for (_, point) in points {
            match best.filter(|best| point.tokens_per_second < best.tokens_per_second) {
                Some(best) => notes.push(ProfileNote::ThroughputDips {
                    concurrency: point.concurrency,
                    tokens_per_second: point.tokens_per_second.0,
                    best: best.tokens_per_second.0,
                    best_concurrency: best.concurrency,
                }),
                None => best = Some(point),
            }
        }
        notes
    }

    /// The point that counts for a latency limit: the highest measured concurrency that meets it, with the host's
    /// watts added. Nothing is extrapolated.
    ///
    /// # Errors
    /// [`ProfileError`] when there is no usable point.
    pub fn operating_point(&self, limit: Option<u32>) -> Result<OperatingPoint, ProfileError> {
        for (index, point) in self.points.iter().enumerate() {
            let numbers = [
                ("tokensPerSecond", point.tokens_per_second.0),
                ("watts", point.watts.0 as f64),
                ("interTokenMilliseconds", point.inter_token_milliseconds),
            ];
            for (what, value) in numbers {
                if !value.is_finite() || value <= 0.0 {
                    return Err(ProfileError::BadPoint {
                        index,
                        what,
                        got: value.to_string(),
                    });
                }
            }
        }
        self.consistent()?;
        let fastest = self
            .points
            .iter()
            .min_by(|a, b| {
                a.inter_token_milliseconds
                    .total_cmp(&b.inter_token_milliseconds)
            })
            .ok_or(ProfileError::Empty)?;
        let fits = |point: &&OperatingPoint| {
            limit.is_none_or(|limit| point.inter_token_milliseconds <= f64::from(limit))
        };
        let chosen = self
            .points
            .iter()
            .filter(fits)
            .max_by_key(|point| point.concurrency)
            .ok_or(ProfileError::TooSlow {
                limit: limit.unwrap_or_default(),
                fastest: fastest.inter_token_milliseconds,
                concurrency: fastest.concurrency,
            })?;
        Ok(OperatingPoint {
            watts: chosen.watts + self.host_watts,
            ..*chosen
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(concurrency: u32, tokens: f64, watts: i64, milliseconds: f64) -> OperatingPoint {
        OperatingPoint {
            concurrency,
            tokens_per_second: TokensPerSecond(tokens),
            watts: Watts(watts),
            inter_token_milliseconds: milliseconds,
        }
    }

    fn profile(points: Vec<OperatingPoint>) -> Profile {
        Profile {
            product: "NVIDIA-H100-80GB-HBM3".into(),
            accelerators: 1,
            boundary: Boundary::Gpu,
            host_watts: Watts(100),
            points,
        }
    }

    #[test]
    fn the_busiest_point_inside_the_latency_limit_counts() {
        let profile = profile(vec![
            point(8, 400.0, 300, 10.0),
            point(64, 2000.0, 500, 30.0),
            point(256, 4000.0, 650, 80.0),
        ]);
        let chosen = profile.operating_point(Some(50)).expect("a point");
        assert_eq!((chosen.concurrency, chosen.watts), (64, Watts(600)));
        assert_eq!(
            profile.operating_point(None).expect("a point").concurrency,
            256
        );
    }

    #[test]
    fn a_limit_no_point_meets_names_the_fastest_one() {
        let error = profile(vec![point(8, 400.0, 300, 10.0)])
            .operating_point(Some(5))
            .expect_err("too slow");
        assert!(
            error.to_string().contains("10.0 ms at concurrency 8"),
            "{error}"
        );
    }

    #[test]
    fn a_point_that_is_not_a_number_is_refused_by_index() {
        let error = profile(vec![point(8, f64::NAN, 300, 10.0)])
            .operating_point(None)
            .expect_err("NaN");
        assert!(
            error.to_string().starts_with("points[0]: tokensPerSecond"),
            "{error}"
        );
    }

    #[test]
    fn rates_of_one_sequence_are_not_those_of_a_replica() {
        let error = profile(vec![point(64, 25.0, 500, 40.0), point(1, 90.0, 300, 11.0)])
            .operating_point(None)
            .expect_err("falling");
        let text = "points: tokensPerSecond falls from 90 at concurrency 1 to 25 at concurrency 64";
        assert!(error.to_string().starts_with(text), "{error}");
    }

    #[test]
    fn two_points_at_one_concurrency_contradict_each_other() {
        let points = vec![point(8, 400.0, 300, 10.0), point(8, 500.0, 300, 10.0)];
        let twice = ProfileError::Twice {
            index: 1,
            concurrency: 8,
        };
        assert_eq!(profile(points).operating_point(None), Err(twice));
    }

    #[test]
    fn one_point_counts_and_is_noted() {
        let profile = profile(vec![point(8, 400.0, 300, 10.0)]);
        assert!(profile.operating_point(Some(10)).is_ok());
        assert_eq!(profile.notes(), [ProfileNote::OnePoint { concurrency: 8 }]);
    }

    #[test]
    fn a_point_that_gives_less_than_fewer_sequences_is_noted_and_counts() {
        let points = vec![
            point(8, 400.0, 300, 10.0),
            point(64, 2000.0, 500, 30.0),
            point(256, 1700.0, 650, 80.0),
        ];
        let profile = profile(points);
        assert_eq!(
            profile.operating_point(None).map(|point| point.concurrency),
            Ok(256)
        );
        let text: Vec<_> = profile.notes().iter().map(ToString::to_string).collect();
        let said = "points: at concurrency 256 tokensPerSecond is 1700, below 2000 at 64";
        assert!(text.len() == 1 && text[0].starts_with(said), "{text:?}");
    }
}
