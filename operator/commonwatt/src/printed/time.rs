use chrono::TimeDelta;

/// How long ago, as kubectl writes it: two digits and a unit are enough.
pub fn ago(passed: TimeDelta) -> String {
    let seconds = passed.num_seconds();
    if seconds < 0 {
        return format!("in {}", ago(-passed));
    }
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit() {
        let of = |seconds| ago(TimeDelta::seconds(seconds));
        assert_eq!(
            [5, 119, 120, 7199, 7200, 172_800, -90].map(of),
            ["5s", "119s", "2m", "119m", "2h", "2d", "in 90s"]
        );
    }
}
