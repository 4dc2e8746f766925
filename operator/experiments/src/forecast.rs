//! Forecasts that were available then: made of what was known, and of nothing after it.

/// The present goes on.
pub fn persistence(known: &[f64], ahead: usize) -> Vec<f64> {
    vec![known.last().copied().unwrap_or(0.0); ahead]
}

/// Each slot ahead as the mean of the same slot of the last `periods` periods, or of as many as are known; before the first is
/// over, as [`persistence`] has it.
pub fn seasonal(known: &[f64], ahead: usize, period: usize, periods: usize) -> Vec<f64> {
    let now = known.last().copied().unwrap_or(0.0);
    let slot = |slot: usize| {
        // The latest known slot that lies a whole number of periods before.
        let back = (slot - known.len() + 1).div_ceil(period) * period;
        let same = (0..periods).filter_map(|more| slot.checked_sub(back + more * period));
        let same: Vec<_> = same.map(|slot| known[slot]).collect();
        if same.is_empty() {
            now
        } else {
            same.iter().sum::<f64>() / same.len() as f64
        }
    };
    (known.len()..known.len() + ahead).map(slot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: &[f64], right: &[f64]) {
        assert!(
            left.len() == right.len() && left.iter().zip(right).all(|(a, b)| (a - b).abs() < 1e-12),
            "{left:?} {right:?}"
        );
    }

    #[test]
    fn a_season_is_the_mean_of_as_many_periods_as_are_known() {
        // Two whole periods of three slots and one slot of the third.
        let known = [1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 9.0];
        close(&seasonal(&known, 6, 3, 2), &[4.0, 5.0, 7.0, 4.0, 5.0, 7.0]);
        close(&seasonal(&known, 3, 3, 3), &[4.0, 5.0, 5.0]);
    }

    #[test]
    fn before_a_period_is_over_the_present_goes_on_where_nothing_else_is_known() {
        close(&seasonal(&[4.0, 8.0], 4, 3, 3), &[8.0, 4.0, 8.0, 8.0]);
        close(&persistence(&[4.0, 8.0], 2), &[8.0, 8.0]);
    }
}
