//! Two policies side by side: what one costs where it emits as much as the other, and emits where it costs as much.

/// A cost, and the kilograms that come with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) cost: f64,
    pub(super) kilograms: f64,
}

/// The lower left of points, from the cheapest to the cleanest. Between two of its corners lies what following one of the two
/// policies for a part of the time and the other for the rest comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frontier(Vec<Point>);

impl Frontier {
    pub(super) fn new(mut points: Vec<Point>) -> Self {
        points.sort_by(|a, b| {
            let cost = a.cost.total_cmp(&b.cost);
            cost.then(a.kilograms.total_cmp(&b.kilograms))
        });
        let mut hull: Vec<Point> = Vec::new();
        for point in points {
            if hull
                .last()
                .is_some_and(|last| last.kilograms <= point.kilograms)
            {
                continue;
            }
            while let [.., a, b] = hull[..] {
                let turn = (b.cost - a.cost) * (point.kilograms - a.kilograms)
                    - (b.kilograms - a.kilograms) * (point.cost - a.cost);
                if turn > 0.0 {
                    break;
                }
                hull.pop();
            }
            hull.push(point);
        }
        Self(hull)
    }

    /// The least that so many kilograms or fewer cost; none where no point has so few.
    pub(super) fn cost_at(&self, kilograms: f64) -> Option<f64> {
        let of = |point: &Point| (point.kilograms, point.cost);
        between(self.0.iter().map(of), kilograms)
    }

    /// The fewest kilograms at such a cost or less; none where nothing costs so little.
    pub(super) fn kilograms_at(&self, cost: f64) -> Option<f64> {
        let of = |point: &Point| (point.cost, point.kilograms);
        between(self.0.iter().rev().map(of), cost)
    }
}

/// The second value at a first one, of points whose first values fall while their second ones rise.
fn between(points: impl Iterator<Item = (f64, f64)>, at: f64) -> Option<f64> {
    let mut before: Option<(f64, f64)> = None;
    for point in points {
        if point.0 <= at {
            return Some(before.map_or(point.1, |before| {
                let part = (at - point.0) / (before.0 - point.0);
                point.1 + part * (before.1 - point.1)
            }));
        }
        before = Some(point);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frontier(points: &[(f64, f64)]) -> Frontier {
        let point = |&(cost, kilograms): &(f64, f64)| Point { cost, kilograms };
        Frontier::new(points.iter().map(point).collect())
    }

    #[test]
    fn what_another_is_better_than_is_no_corner() {
        let all = frontier(&[(4.0, 2.0), (1.0, 8.0), (3.0, 7.0), (5.0, 3.0), (2.0, 4.0)]);
        assert_eq!(all, frontier(&[(1.0, 8.0), (2.0, 4.0), (4.0, 2.0)]));
    }

    #[test]
    fn between_corners_both_are_in_proportion_and_beyond_them_the_last_one_counts() {
        let corners = frontier(&[(1.0, 8.0), (2.0, 4.0), (4.0, 2.0)]);
        assert_eq!(corners.cost_at(6.0), Some(1.5));
        assert_eq!(corners.cost_at(9.0), Some(1.0));
        assert_eq!(corners.cost_at(1.9), None);
        assert_eq!(corners.kilograms_at(3.0), Some(3.0));
        assert_eq!(corners.kilograms_at(9.0), Some(2.0));
        assert_eq!(corners.kilograms_at(0.9), None);
    }
}
