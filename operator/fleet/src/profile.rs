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

impl Profile {
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
}
