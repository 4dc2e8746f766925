//! Carbon: average and marginal are separate figures, and nothing here adds the one to the other.

use crate::hours::{Series, highest_intensity, series};
use crate::meter::Quantity;
use crate::period::Period;
use crate::reading::Index;
use crate::request::SiteTerms;

/// The carbon of a site. An hour that nobody recorded counts at the connection's maximum, at the highest intensity of
/// any recorded hour of the period.
pub(crate) fn carbon_series(
    index: &Index<'_>,
    terms: &SiteTerms,
    period: Period,
    quantity: Quantity,
) -> Series {
    let of = |quantity, bound| series(index, terms, period, quantity, |_| true, bound);
    let recorded = of(quantity, None);
    let energy = of(Quantity::FacilityEnergy, None);
    let bound = highest_intensity(&recorded, &energy)
        .zip(terms.connection_maximum)
        .map(|(grams_per_kwh, most)| grams_per_kwh * most.over_seconds(3600.0).0);
    of(quantity, bound)
}
