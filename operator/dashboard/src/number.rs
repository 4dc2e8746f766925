//! Numbers as people read them: three digits that mean something, thousands apart, the unit always there.

/// What is written where nobody knows.
pub(crate) const UNKNOWN: &str = "not known";

/// A number with thousands separators and so many decimals. Never `-0`.
pub fn grouped(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return UNKNOWN.into();
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text
        .split_once('.')
        .map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let mut out = String::new();
    if value < 0.0 && text.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) {
        out.push('−');
    }
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A number with about three digits that mean something.
pub(crate) fn plain(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    grouped(value, decimals)
}

/// A number with its unit, between them a space at which no line breaks.
fn with_unit(value: f64, unit: &str) -> String {
    if value.is_finite() {
        format!("{}\u{a0}{unit}", plain(value))
    } else {
        UNKNOWN.into()
    }
}

/// Power, from watts.
pub(crate) fn watts(value: Option<f64>) -> String {
    let Some(value) = value else {
        return UNKNOWN.into();
    };
    match value.abs() {
        size if size >= 999_500.0 => with_unit(value / 1e6, "MW"),
        size if size >= 1e3 => with_unit(value / 1e3, "kW"),
        _ => with_unit(value, "W"),
    }
}

/// Water, from litres.
pub(crate) fn liters(value: Option<f64>) -> String {
    let Some(value) = value else {
        return UNKNOWN.into();
    };
    if value.abs() >= 1e3 {
        with_unit(value / 1e3, "m³")
    } else {
        with_unit(value, "L")
    }
}

/// A value in the unit of a report, in the unit that a reader would choose. Shares are percentages.
pub(crate) fn quantity(value: Option<f64>, unit: &str) -> String {
    let Some(value) = value else {
        return "not measured".into();
    };
    let large = value.abs() >= 10_000.0;
    match unit {
        "kWh" if value.abs() >= 1e7 => with_unit(value / 1e6, "GWh"),
        "kWh" if large => with_unit(value / 1e3, "MWh"),
        "kW" => watts(Some(value * 1e3)),
        "W" => watts(Some(value)),
        "L" => liters(Some(value)),
        "kg" if large => with_unit(value / 1e3, "t"),
        "%" => percent(value / 100.0),
        "1" | "" => grouped(value, 2),
        unit => with_unit(value, unit),
    }
}

/// A share of one as a percentage.
pub(crate) fn percent(share: f64) -> String {
    let value = share * 100.0;
    let decimals = usize::from(value.abs() < 10.0 && value != 0.0 || value > 99.0 && value < 100.0);
    // Nearly all is not all: 99.96 must not read 100.
    let value = if value > 99.9 && value < 100.0 {
        99.9
    } else {
        value
    };
    if value.is_finite() {
        format!("{}\u{a0}%", grouped(value, decimals))
    } else {
        UNKNOWN.into()
    }
}

/// Money in its currency.
pub(crate) fn money(value: Option<f64>, currency: &str) -> String {
    match value {
        Some(value) if value.is_finite() => format!("{}\u{a0}{currency}", grouped(value, 2)),
        _ => UNKNOWN.into(),
    }
}

/// A value or that nobody knows it.
pub(crate) fn known(value: Option<f64>, decimals: usize, unit: &str) -> String {
    match value {
        Some(value) if value.is_finite() && unit.is_empty() => grouped(value, decimals),
        Some(value) if value.is_finite() => format!("{}\u{a0}{unit}", grouped(value, decimals)),
        _ => UNKNOWN.into(),
    }
}

/// A length of time, from seconds.
pub(crate) fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}\u{a0}s"),
        120..600 if !seconds.is_multiple_of(60) => {
            format!("{}\u{a0}min {}\u{a0}s", seconds / 60, seconds % 60)
        }
        120..7200 => format!("{}\u{a0}min", seconds / 60),
        7200..172_800 => match seconds % 3600 / 60 {
            0 => format!("{}\u{a0}h", seconds / 3600),
            minutes => format!("{}\u{a0}h {minutes}\u{a0}min", seconds / 3600),
        },
        _ => format!("{}\u{a0}days", seconds / 86_400),
    }
}

/// A count with its noun.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        0 => format!("no {many}"),
        1 => format!("1 {one}"),
        _ => format!("{} {many}", grouped(number as f64, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart_and_zero_has_no_sign() {
        assert_eq!(grouped(1_234_567.891, 1), "1,234,567.9");
        assert_eq!(grouped(-1234.0, 0), "−1,234");
        assert_eq!(grouped(-0.001, 2), "0.00");
        assert_eq!(grouped(999.0, 0), "999");
    }

    #[test]
    fn units_are_those_that_a_reader_would_choose() {
        assert_eq!(watts(Some(1_840_000.0)), "1.84\u{a0}MW");
        assert_eq!(watts(Some(950.0)), "950\u{a0}W");
        assert_eq!(liters(Some(1_234_000.0)), "1,234\u{a0}m³");
        assert_eq!(quantity(Some(1_234_567.0), "kWh"), "1,235\u{a0}MWh");
        assert_eq!(quantity(Some(52_000.0), "kg"), "52.0\u{a0}t");
        assert_eq!(quantity(Some(850.0), "kW"), "850\u{a0}kW");
    }

    #[test]
    fn what_nobody_knows_is_never_zero() {
        assert_eq!(watts(None), UNKNOWN);
        assert_eq!(money(Some(f64::NAN), "EUR"), UNKNOWN);
        assert_eq!(quantity(None, "kWh"), "not measured");
        assert_eq!(percent(f64::INFINITY), UNKNOWN);
    }

    #[test]
    fn an_age_just_over_its_limit_reads_longer_than_the_limit() {
        assert_eq!(duration(7200), "2\u{a0}h");
        assert_eq!(duration(9300), "2\u{a0}h 35\u{a0}min");
        assert_eq!(duration(410), "6\u{a0}min 50\u{a0}s");
        assert_eq!(duration(90), "90\u{a0}s");
    }

    #[test]
    fn nearly_all_is_not_all() {
        assert_eq!(percent(0.9996), "99.9\u{a0}%");
        assert_eq!(percent(1.0), "100\u{a0}%");
        assert_eq!(percent(0.042), "4.2\u{a0}%");
    }
}
