//! How likely so much bad luck is.

use super::blame::{Grade, Often};

/// One mount as a toss: how often something sound would go bad here, and how it went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Toss {
    /// Chances if the suspect is not at fault.
    pub(super) sound: Often,
    /// What happened.
    pub(super) grade: Grade,
}

/// How often something faulty goes bad, for weighing only: the weights decide about power, never
/// about false alarms.
const FAULTY: Often = Often {
    bad: 0.6,
    failed: 0.3,
};
/// Weights are counted in quarters of a nat.
const STEPS: f64 = 4.0;

/// What a mount weighs if it is strained and if it failed. What was likely anyway weighs little,
/// what was not weighs much: the logarithm of the likelihood ratio with and without a fault,
/// counted from that of a good mount (the Neyman-Pearson statistic), rounded to steps.
fn weights(sound: Often) -> [usize; 2] {
    let faulty = sound.or(FAULTY);
    let good = (1.0 - faulty.bad) / (1.0 - sound.bad);
    [
        (faulty.bad - faulty.failed) / (sound.bad - sound.failed),
        faulty.failed / sound.failed,
    ]
    .map(|ratio| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 100
        let steps = ((ratio / good).ln() * STEPS).round().clamp(0.0, 100.0) as usize;
        steps
    })
}

/// The natural logarithm of the probability that independent tosses with these chances weigh at
/// least what these do. Exact: the distribution of the sum by convolution, everything at or above
/// the observed sum in one place.
pub(super) fn log_tail(tosses: &[Toss]) -> f64 {
    let observed: usize = tosses
        .iter()
        .map(|toss| match toss.grade {
            Grade::Good => 0,
            Grade::Strained => weights(toss.sound)[0],
            Grade::Failed => weights(toss.sound)[1],
        })
        .sum();
    if observed == 0 {
        return 0.0;
    }
    let mut below = vec![0.0; observed];
    below[0] = 1.0;
    // Summed up where it happens: one less the rest would lose small probabilities.
    let mut reached = 0.0;
    for toss in tosses {
        let steps = weights(toss.sound);
        let chances = [toss.sound.bad - toss.sound.failed, toss.sound.failed];
        for sum in (0..observed).rev() {
            let here = below[sum];
            below[sum] = here * (1.0 - toss.sound.bad);
            for (step, chance) in steps.into_iter().zip(chances) {
                match sum + step {
                    target if target >= observed => reached += here * chance,
                    target => below[target] += here * chance,
                }
            }
        }
    }
    f64::min(reached, 1.0).max(f64::MIN_POSITIVE).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tosses(bad: f64, failed: f64, grades: [usize; 3]) -> Vec<Toss> {
        let sound = Often { bad, failed };
        [Grade::Good, Grade::Strained, Grade::Failed]
            .into_iter()
            .zip(grades)
            .flat_map(|(grade, count)| vec![Toss { sound, grade }; count])
            .collect()
    }

    #[test]
    fn failures_alone_give_the_binomial_tail() {
        // With nearly no strain: P(X >= 3), n = 10, p = 0.1, from tables of the binomial
        // distribution: 0.0702.
        let tail = log_tail(&tosses(0.1 + 1e-12, 0.1, [7, 0, 3])).exp();
        assert!((tail - 0.070_190_8).abs() < 1e-6, "{tail}");
        // All of four at 0.02.
        let tail = log_tail(&tosses(0.02 + 1e-12, 0.02, [0, 0, 4])).exp();
        assert!((tail / 1.6e-7 - 1.0).abs() < 1e-3, "{tail}");
        assert!(log_tail(&tosses(0.02, 0.01, [4, 0, 0])).abs() < 1e-12);
    }

    #[test]
    fn probabilities_of_all_outcomes_add_up() {
        // One toss: each outcome's tail is its own chance and that of all heavier ones.
        let tail = |grades| log_tail(&tosses(0.2, 0.05, grades)).exp();
        assert!((tail([0, 1, 0]) - 0.2).abs() < 1e-12);
        assert!((tail([0, 0, 1]) - 0.05).abs() < 1e-12);
    }

    #[test]
    fn what_was_likely_anyway_convicts_less() {
        let mut likely = tosses(0.03, 0.02, [5, 0, 0]);
        likely.extend(tosses(0.5, 0.4, [2, 0, 3]));
        let mut unlikely = tosses(0.03, 0.02, [2, 0, 3]);
        unlikely.extend(tosses(0.5, 0.4, [5, 0, 0]));
        assert!(log_tail(&unlikely) < log_tail(&likely) - 4.0);
    }
}
