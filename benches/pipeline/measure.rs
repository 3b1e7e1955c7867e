//! Times of workloads that run in turns.

use std::time::Duration;

use crate::Result;

/// A workload.
pub(crate) type Work<'a> = &'a mut dyn FnMut() -> Result<()>;

/// The processor seconds that each of `N` workloads took in each round.
pub(crate) struct Rounds<const N: usize>(Vec<[f64; N]>);

/// Runs all workloads once to warm up, then `rounds` times one after the other.
pub(crate) fn in_turns<const N: usize>(rounds: usize, mut works: [Work<'_>; N]) -> Result<Rounds<N>> {
    let mut round = || -> Result<[f64; N]> {
        let mut seconds = [0.0; N];
        for (work, seconds) in works.iter_mut().zip(&mut seconds) {
            let before = processor_time();
            work()?;
            *seconds = processor_time().saturating_sub(before).as_secs_f64();
        }
        Ok(seconds)
    };
    round()?;
    Ok(Rounds((0..rounds).map(|_| round()).collect::<Result<_>>()?))
}

/// The time that all threads of this process have had on a processor.
#[cfg(unix)]
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// The time that has passed, where nothing better is to be had: use a machine that does nothing else.
#[cfg(not(unix))]
fn processor_time() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

impl<const N: usize> Rounds<N> {
    /// The median, over the rounds, of what `figure` makes of the times of one round, with the quartiles around it.
    pub(crate) fn figure(&self, figure: impl Fn(&[f64; N]) -> f64) -> Figure {
        let mut values: Vec<f64> = self.0.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        let at = |quarter: usize| {
            let index = values.len().saturating_sub(1) * quarter / 4;
            values.get(index).copied().unwrap_or(f64::NAN)
        };
        Figure {
            low: at(1),
            median: at(2),
            high: at(3),
        }
    }
}

/// A median and its quartiles.
#[derive(Clone, Copy)]
pub(crate) struct Figure {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

/// What a ratio has to reach.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// For information.
    None,
}

/// Prints one ratio.
pub(crate) fn print_ratio(what: &str, ratio: Figure, target: Target) {
    let Figure { low, median, high } = ratio;
    let target = match target {
        Target::AtLeast(least) if median >= least => format!("target >= {least:.2}: met"),
        Target::AtLeast(least) => format!("target >= {least:.2}: MISSED"),
        Target::AtMost(most) if median <= most => format!("target <= {most:.2}: met"),
        Target::AtMost(most) => format!("target <= {most:.2}: MISSED"),
        Target::None => "for information".to_owned(),
    };
    println!("  {what:<62} {median:5.2}  ({low:.2} to {high:.2})  {target}");
}
