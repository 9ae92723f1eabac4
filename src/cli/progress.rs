//! How a run looks while it lasts: a bar on a terminal, a line an epoch elsewhere, nothing when quiet. On stderr.

use super::signals::Signals;
use dlr::engine::trainer::{Observer, Point};
use dlr::report::summary::{grouped, percent};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;

/// Watches one run.
pub(crate) struct Progress {
    signals: Signals,
    shown: Shown,
    epochs: u64,
}

enum Shown {
    Nothing,
    /// The last whole epoch that has been told.
    Lines(u64),
    Bar(ProgressBar),
}

impl Progress {
    /// For a run of at most `epochs` epochs of `images` images.
    pub(crate) fn new(quiet: bool, epochs: u64, images: u64, signals: Signals) -> Self {
        let shown = if quiet {
            Shown::Nothing
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(epochs * images);
            let style = "{bar:24} at most {eta} to go, {wide_msg}"; // cut off where the terminal is narrow
            bar.set_style(ProgressStyle::with_template(style).expect("the template is well formed"));
            Shown::Bar(bar)
        } else {
            Shown::Lines(0)
        };
        Self { signals, shown, epochs }
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }

    fn describe(&self, point: &Point) -> String {
        let rate = grouped((point.images as f64 / point.train_s.max(1e-9)).round() as u64);
        format!(
            "epoch {:.2} of {}, test accuracy {}, {rate} images/s",
            point.epoch,
            self.epochs,
            percent(point.test_accuracy)
        )
    }
}

impl Observer for Progress {
    fn tested(&mut self, point: &Point) {
        let text = self.describe(point);
        match &mut self.shown {
            Shown::Nothing => {}
            Shown::Lines(told) => {
                if point.epoch >= (*told + 1) as f64 {
                    *told = point.epoch as u64;
                    super::exit::complain(format_args!("{text}"));
                }
            }
            Shown::Bar(bar) => {
                bar.set_position(point.images);
                bar.set_message(text);
            }
        }
    }

    fn wants_to_stop(&mut self) -> bool {
        self.signals.received().is_some()
    }
}
