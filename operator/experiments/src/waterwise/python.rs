//! Random numbers as Python's `random` makes them after `seed(number)`, because the paper's simulator draws with it where a job
//! comes from and which of the measured runs it is like.
//!
//! Matsumoto and Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed uniform pseudo-random number generator", ACM
//! TOMACS 8 (1998); `init_by_array` and `_randbelow` as CPython 3 has them.

const WORDS: usize = 624;
const SHIFT: usize = 397;

/// The generator.
#[derive(Clone)]
pub(super) struct Random {
    state: [u32; WORDS],
    next: usize,
}

impl Random {
    /// As after `random.seed(number)`.
    pub(super) fn seed(number: u32) -> Self {
        let mut random = Self {
            state: first_state(19_650_218),
            next: WORDS,
        };
        random.mix(number);
        random
    }

    /// The rest of `init_by_array` with one key.
    fn mix(&mut self, key: u32) {
        let state = &mut self.state;
        let step = |before: u32, factor: u32| (before ^ (before >> 30)).wrapping_mul(factor);
        let mut index = 1;
        for _ in 0..WORDS {
            state[index] = (state[index] ^ step(state[index - 1], 1_664_525)).wrapping_add(key);
            index = following(state, index);
        }
        for _ in 0..WORDS - 1 {
            state[index] =
                (state[index] ^ step(state[index - 1], 1_566_083_941)).wrapping_sub(index as u32);
            index = following(state, index);
        }
        state[0] = 0x8000_0000;
    }

    fn refill(&mut self) {
        for index in 0..WORDS {
            let pair =
                (self.state[index] & 0x8000_0000) | (self.state[(index + 1) % WORDS] & 0x7fff_ffff);
            let odd = if pair & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[index] = self.state[(index + SHIFT) % WORDS] ^ (pair >> 1) ^ odd;
        }
        self.next = 0;
    }

    fn word(&mut self) -> u32 {
        if self.next == WORDS {
            self.refill();
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// `randrange(bound)`, for a bound from 1 to 2³¹.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bits = usize::BITS - bound.leading_zeros();
        loop {
            let drawn = (self.word() >> (u32::BITS - bits)) as usize;
            if drawn < bound {
                return drawn;
            }
        }
    }

    /// `shuffle(list)`.
    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}

fn first_state(seed: u32) -> [u32; WORDS] {
    let mut state = [seed; WORDS];
    for index in 1..WORDS {
        let before = state[index - 1];
        let mixed = (before ^ (before >> 30)).wrapping_mul(1_812_433_253);
        state[index] = mixed.wrapping_add(index as u32);
    }
    state
}

/// The index after one, where the first word stands for the one before the second.
fn following(state: &mut [u32; WORDS], index: usize) -> usize {
    if index + 1 < WORDS {
        return index + 1;
    }
    state[0] = state[WORDS - 1];
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Python 3.11 prints for `random.seed(40); l = list(range(10)); random.shuffle(l); l, [random.randint(0, 99) for _ in range(8)]`.
    #[test]
    fn numbers_are_those_of_python() {
        let mut random = Random::seed(40);
        let mut list: Vec<_> = (0..10).collect();
        random.shuffle(&mut list);
        assert_eq!(list, LIST);
        let drawn: Vec<_> = (0..8).map(|_| random.below(100)).collect();
        assert_eq!(drawn, DRAWN);
    }

    /// Beyond the first 624 words, so that the state has been made anew.
    #[test]
    fn numbers_stay_those_of_python_when_the_state_is_made_anew() {
        let mut random = Random::seed(40);
        let late = (0..2000).map(|_| random.below(100)).skip(1996);
        assert_eq!(late.collect::<Vec<_>>(), LATE);
    }

    const LIST: [usize; 10] = [9, 5, 3, 4, 6, 2, 1, 0, 8, 7];
    const DRAWN: [usize; 8] = [95, 56, 3, 67, 94, 16, 7, 82];
    const LATE: [usize; 4] = [88, 2, 29, 46];
}
