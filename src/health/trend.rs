//! Whether the rate of corrected errors rises.
//!
//! Over the last [`WINDOW`] mounts that have a rate: the slope is the median of the slopes between
//! all pairs of mounts (Theil 1950, Sen 1968) of the binary logarithm of errors per GiB, so that
//! one odd mount changes little; it is called rising or falling only when the count of rising
//! less falling pairs (Mann 1945, Kendall) is one that chance gives in fewer than 1 of 200 series,
//! and the rate at least doubles over the window.

use serde::Serialize;

use super::number::{median, real};

/// How many mounts are looked at.
pub const WINDOW: usize = 12;
/// With fewer nothing can be said.
const LEAST: usize = 6;
/// One-sided 1 in 200 of the normal distribution.
const SIGNIFICANT: f64 = 2.576;
/// Added to every rate, errors per GiB: below it differences mean nothing.
const FLOOR: f64 = 0.1;

/// Where a rate is going.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Trend {
    /// Too few mounts with a rate.
    Unknown,
    /// No direction that chance does not explain.
    Steady,
    /// It doubles every so many mounts.
    Rising {
        /// Mounts in which it doubles.
        doubles_in: f64,
    },
    /// It goes down.
    Falling,
}

impl std::fmt::Display for Trend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.pad("-"),
            Self::Steady => f.pad("steady"),
            Self::Rising { doubles_in } => f.pad(&format!("doubles in {doubles_in:.0} mounts")),
            Self::Falling => f.pad("falling"),
        }
    }
}

/// The trend of rates (errors per GiB), oldest first.
#[must_use]
pub fn trend(rates: &[f64]) -> Trend {
    let recent = &rates[rates.len().saturating_sub(WINDOW)..];
    if recent.len() < LEAST {
        return Trend::Unknown;
    }
    let logs: Vec<f64> = recent.iter().map(|rate| (rate + FLOOR).log2()).collect();
    let mut slopes = Vec::new();
    let mut score: f64 = 0.0;
    for (first, early) in logs.iter().enumerate() {
        for (second, late) in logs.iter().enumerate().skip(first + 1) {
            slopes.push((late - early) / real(second - first));
            score += match late.total_cmp(early) {
                std::cmp::Ordering::Less => -1.0,
                std::cmp::Ordering::Equal => 0.0,
                std::cmp::Ordering::Greater => 1.0,
            };
        }
    }
    let Some(slope) = median(slopes) else {
        return Trend::Unknown;
    };
    let count = real(logs.len());
    // Variance of Kendall's score without ties; with continuity correction.
    let deviation = (count * (count - 1.0) * (2.0 * count + 5.0) / 18.0).sqrt();
    let certain = (score.abs() - 1.0) / deviation > SIGNIFICANT;
    let doubled = slope.abs() * (count - 1.0) >= 1.0;
    match (certain && doubled, slope > 0.0) {
        (true, true) => Trend::Rising {
            doubles_in: 1.0 / slope,
        },
        (true, false) => Trend::Falling,
        (false, _) => Trend::Steady,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_is_seen_through_noise_and_an_outlier() {
        let noise = [
            0.9, 1.2, 0.8, 1.1, 1.0, 0.95, 1.15, 0.85, 1.05, 1.0, 0.9, 1.1,
        ];
        let rising: Vec<f64> = noise
            .iter()
            .enumerate()
            .map(|(index, noise)| noise * 5.0 * (real(index) / 4.0).exp2())
            .collect();
        let Trend::Rising { doubles_in } = trend(&rising) else {
            panic!("{:?}", trend(&rising));
        };
        assert!((3.0..5.0).contains(&doubles_in), "{doubles_in}");
        let mut odd = rising.clone();
        odd[3] = 500.0;
        assert!(
            matches!(trend(&odd), Trend::Rising { .. }),
            "{:?}",
            trend(&odd)
        );
        let falling: Vec<f64> = rising.into_iter().rev().collect();
        assert_eq!(trend(&falling), Trend::Falling);
    }

    #[test]
    fn steady_rates_outliers_and_short_series_are_no_trend() {
        let steady = [4.0, 6.0, 5.0, 4.5, 5.5, 5.0, 6.1, 4.2, 5.3, 4.9, 5.8, 4.4];
        assert_eq!(trend(&steady), Trend::Steady);
        let mut last_odd = steady;
        last_odd[11] = 900.0;
        assert_eq!(trend(&last_odd), Trend::Steady);
        assert_eq!(trend(&[1.0, 2.0, 4.0, 8.0, 16.0]), Trend::Unknown);
        assert_eq!(trend(&[0.0; 12]), Trend::Steady);
        // Rises for certain, but by nothing that matters.
        let slight: Vec<f64> = (0..12).map(|index| 10.0 + 0.1 * real(index)).collect();
        assert_eq!(trend(&slight), Trend::Steady);
    }
}
