//! Axes: from values to places between 0 and 1, and where the ticks are.

use crate::number;

/// An axis with its words.
#[derive(Debug, Clone, Default)]
pub struct Axis {
    /// What it measures, with the unit.
    pub label: String,
    /// How values lie on it.
    pub scale: Scale,
    /// Whether it begins at zero, so that lengths can be compared; a logarithmic one cannot.
    pub from_zero: bool,
    /// Ticks by their values, for names instead of figures; round figures without them.
    pub names: Vec<(f64, String)>,
}

/// How values lie on an axis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps are equally far apart.
    #[default]
    Linear,
    /// Equal ratios are equally far apart.
    Logarithmic,
}

impl Axis {
    /// A linear axis that fits its values.
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ..Self::default()
        }
    }

    /// Names in a row, the first at 0.
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter().enumerate();
        Self {
            names: names
                .map(|(at, name)| (at as f64, name.to_owned()))
                .collect(),
            ..Self::default()
        }
    }
}

/// The values that an axis goes over, as they lie on it.
pub(crate) struct Span {
    scale: Scale,
    low: f64,
    high: f64,
}

impl Span {
    /// Around values, with some air; none where no value has a place.
    pub(crate) fn of(axis: &Axis, values: impl Iterator<Item = f64>) -> Option<Self> {
        let scale = axis.scale;
        let named = axis.names.iter().map(|(value, _)| *value);
        let laid = values.chain(named).filter_map(|value| scale.laid(value));
        let (low, high) = laid.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low > high {
            return None;
        }
        let zero = axis.from_zero && scale == Scale::Linear;
        let (low, high) = if zero {
            (low.min(0.0), high.max(0.0))
        } else {
            (low, high)
        };
        let air = match (high - low) * 0.06 {
            air if air > 0.0 => air,
            _ if low == 0.0 => 1.0,
            _ => low.abs() * 0.1,
        };
        Some(Self {
            scale,
            low: if zero && low == 0.0 { 0.0 } else { low - air },
            high: if zero && high == 0.0 { 0.0 } else { high + air },
        })
    }

    /// Where a value lies, 0 to 1.
    pub(crate) fn place(&self, value: f64) -> Option<f64> {
        let laid = self.scale.laid(value)?;
        Some((laid - self.low) / (self.high - self.low))
    }

    /// Places of ticks and what they say.
    pub(crate) fn ticks(&self, axis: &Axis) -> Vec<(f64, String)> {
        if !axis.names.is_empty() {
            let named = axis.names.iter();
            return named
                .filter_map(|(value, name)| Some((self.place(*value)?, name.clone())))
                .collect();
        }
        let (values, decimals) = match self.scale {
            Scale::Linear => self.round_values(),
            Scale::Logarithmic => (self.powers(), 0),
        };
        let text = |value: f64| match self.scale {
            Scale::Linear => number::grouped(value, decimals),
            Scale::Logarithmic if value < 1.0 => format!("{value}"),
            Scale::Logarithmic => number::grouped(value, 0),
        };
        values
            .into_iter()
            .filter_map(|value| Some((self.place(value)?, text(value))))
            .collect()
    }

    /// Four to six round values, and the decimals that tell them apart.
    fn round_values(&self) -> (Vec<f64>, usize) {
        let rough = (self.high - self.low) / 5.0;
        let power = 10_f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
        let step = steps
            .iter()
            .map(|step| step * power)
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        let decimals = (0..12).find(|digits| {
            let scaled = step * 10_f64.powi(*digits);
            (scaled - scaled.round()).abs() < 1e-6 * scaled
        });
        let (first, last) = (
            (self.low / step).ceil() as i64,
            (self.high / step).floor() as i64,
        );
        let values = (first..=last).map(|count| count as f64 * step).collect();
        (values, decimals.unwrap_or(0) as usize)
    }

    /// Powers of ten; with less than two of them in sight, 2 and 5 between them too.
    fn powers(&self) -> Vec<f64> {
        let (first, last) = (self.low.floor() as i32, self.high.ceil() as i32);
        let between: &[f64] = if self.high - self.low < 2.0 {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        let all = (first..=last)
            .flat_map(|power| between.iter().map(move |part| part * 10_f64.powi(power)));
        all.filter(|value| (self.low..=self.high).contains(&value.log10()))
            .collect()
    }
}

impl Scale {
    fn laid(self, value: f64) -> Option<f64> {
        match self {
            Self::Linear => Some(value),
            Self::Logarithmic => (value > 0.0).then(|| value.log10()),
        }
        .filter(|laid| laid.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(axis: &Axis, values: &[f64]) -> Vec<String> {
        let span = Span::of(axis, values.iter().copied()).expect("values");
        let ticks = span.ticks(axis);
        assert!(
            ticks.iter().all(|(place, _)| (0.0..=1.0).contains(place)),
            "{ticks:?}"
        );
        ticks.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(
            ticks(&Axis::new(""), &[623_662.0, 721_352.0]),
            ["625,000", "650,000", "675,000", "700,000", "725,000"]
        );
        assert_eq!(
            ticks(&Axis::new(""), &[0.11, 0.13]),
            ["0.110", "0.115", "0.120", "0.125", "0.130"]
        );
        assert!(!ticks(&Axis::new(""), &[5.0]).is_empty());
        assert!(!ticks(&Axis::new(""), &[0.0, 0.0]).is_empty());
    }

    #[test]
    fn an_axis_from_zero_has_zero_at_its_end() {
        let axis = Axis {
            from_zero: true,
            ..Axis::default()
        };
        let span = Span::of(&axis, [3.0, 9.0].into_iter()).expect("values");
        assert_eq!(span.place(0.0), Some(0.0));
    }

    #[test]
    fn a_logarithmic_axis_has_powers_of_ten() {
        let axis = Axis {
            scale: Scale::Logarithmic,
            ..Axis::default()
        };
        assert_eq!(
            ticks(&axis, &[10.0, 10_000.0]),
            ["10", "100", "1,000", "10,000"]
        );
        assert_eq!(ticks(&axis, &[0.1, 0.5]), ["0.1", "0.2", "0.5"]);
    }
}
