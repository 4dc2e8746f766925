//! Passes over all deployments on one thread or several, with the same result to the last bit: the parts are fixed, each
//! sums by itself, and the sums are added in the order of the parts.

use std::num::NonZero;

/// Parts that a pass is split into, whatever the threads.
const PARTS: usize = 8;
/// Work, in numbers read, below which threads cost more than they give.
const WORTHWHILE: usize = 200_000;

/// Runs `pass` over equal parts of `0..count` and returns what each gave, in order.
pub(crate) fn in_parts<T: Send>(
    count: usize,
    work: usize,
    pass: impl Fn(std::ops::Range<usize>) -> T + Sync,
) -> Vec<T> {
    let threads = if work < WORTHWHILE {
        1
    } else {
        std::thread::available_parallelism().map_or(1, NonZero::get)
    };
    on_threads(threads, count, pass)
}

fn on_threads<T: Send>(
    threads: usize,
    count: usize,
    pass: impl Fn(std::ops::Range<usize>) -> T + Sync,
) -> Vec<T> {
    let parts = PARTS.min(count.max(1));
    let range = |part: usize| part * count / parts..(part + 1) * count / parts;
    if threads < 2 {
        return (0..parts).map(|part| pass(range(part))).collect();
    }
    let mut results: Vec<Option<T>> = (0..parts).map(|_| None).collect();
    let each = parts.div_ceil(threads);
    std::thread::scope(|scope| {
        for (chunk, results) in results.chunks_mut(each).enumerate() {
            let pass = &pass;
            scope.spawn(move || {
                for (index, result) in results.iter_mut().enumerate() {
                    *result = Some(pass(range(chunk * each + index)));
                }
            });
        }
    });
    results.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sum whose last bits depend on what is added to what.
    fn harmonic(range: std::ops::Range<usize>) -> f64 {
        range.map(|number| 1.0 / (number as f64 + 1.0)).sum()
    }

    #[test]
    fn any_number_of_threads_gives_the_same_parts_to_the_last_bit() {
        for count in [0, 1, 5, 8, 1_000, 12_345] {
            let bits = |threads: usize| -> Vec<u64> {
                let parts = on_threads(threads, count, harmonic);
                parts.into_iter().map(f64::to_bits).collect()
            };
            let one = bits(1);
            assert_eq!(one.len(), PARTS.min(count.max(1)));
            for threads in [2, 3, 7, 8, 64] {
                assert_eq!(one, bits(threads), "{count} on {threads} threads");
            }
        }
    }
}
