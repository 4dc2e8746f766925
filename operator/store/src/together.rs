use futures::{StreamExt, stream};

/// Requests of one round that are in flight at once: an API server answers several at a time, and one round trip after
/// another would leave it idle.
const IN_FLIGHT: usize = 32;

/// Runs them, so many at once, begun in this order. What they give comes in the same order.
pub async fn together<F: Future>(work: Vec<F>) -> Vec<F::Output> {
    at_most(IN_FLIGHT, work).await
}

/// The same for work that does several things at once by itself.
pub async fn at_most<F: Future>(limit: usize, work: Vec<F>) -> Vec<F::Output> {
    stream::iter(work).buffered(limit).collect().await
}
