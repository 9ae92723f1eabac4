//! A run as a few lines for people.

use super::machine::Engine;
use super::record::ns_per_image;
use crate::data::Dataset;
use crate::engine::settings::{Order, Settings};
use crate::engine::trainer::{Run, Stop};
use crate::text::printable;
use std::fmt::Write as _;

/// The summary of `run`, several lines.
pub fn summary(settings: &Settings, data: &Dataset, engine: &Engine, run: &Run) -> String {
    let last = run.last();
    let mut text = heading(settings, data);
    line(&mut text, "result", &verdict(settings, run));
    let share =
        |accuracy, images: usize| format!("{} of {} images", percent(accuracy), grouped(images as u64));
    if let Some(held_out) = settings.validate {
        line(&mut text, "validation", &share(last.test_accuracy, held_out));
    }
    line(&mut text, "test accuracy", &share(run.test_accuracy(), data.test.len()));
    if let Some(ns) = ns_per_image(last) {
        let (seconds, rate) = (last.train_s, grouped((1e9 / ns).round() as u64));
        line(
            &mut text,
            "training",
            &format!("{seconds:.3} s (train_s, tests paused), {ns:.0} ns per image, {rate} images/s"),
        );
    }
    line(&mut text, "in all", &format!("{:.3} s (wall_s)", last.wall_s));
    let meaning = match (settings.init.is_some(), settings.order != Order::File) {
        (true, true) => "initial weights and order",
        (true, false) => "initial weights",
        (false, true) => "order",
        (false, false) => "which nothing here depends on",
    };
    line(&mut text, "seed", &format!("{} ({meaning})", settings.seed));
    line(&mut text, "engine", &engine.to_string());
    line(&mut text, "weights", &format!("sha256 {}", run.network.sha256()));
    text
}

/// What was trained, on what, and how.
pub(super) fn heading(settings: &Settings, data: &Dataset) -> String {
    let mut text = String::new();
    let network = format!("{} on {}", settings.hidden.between(data.inputs, data.classes), data.name);
    line(&mut text, "network", &network);
    line(&mut text, "optimizer", &settings.optimizer.to_string());
    line(&mut text, "settings", &settings.details());
    text
}

/// Appends one line of a summary, whatever a file or a data set is called.
pub(super) fn line(text: &mut String, name: &str, value: &str) {
    writeln!(text, "{name:<14} {}", printable(value)).expect("a string takes all");
}

fn verdict(settings: &Settings, run: &Run) -> String {
    let last = run.last();
    let so_far = format!("{:.2} epochs ({} images)", last.epoch, grouped(last.images));
    match (run.stop, settings.target) {
        (Stop::Target, Some(target)) => format!("above {} after {so_far}", percent(target)),
        (Stop::Diverged, _) => {
            format!("diverged within {so_far}: the weights or their norm are no longer finite")
        }
        (Stop::Interrupted, _) => format!("interrupted after {so_far}"),
        (Stop::Stalled, _) => format!("stalled after {so_far}: epochs no longer end more accurate"),
        _ if last.images == 0 => "not trained".to_owned(),
        (_, Some(target)) => format!("not above {} within {so_far}", percent(target)),
        (_, None) => format!("trained for {so_far}"),
    }
}

/// A share as a percentage with the two decimals that 10,000 test images allow, and two more only if it has more.
pub fn percent(share: f64) -> String {
    let percent = (share * 1e6).round() / 1e4;
    let text = format!("{percent:.2}");
    if text.parse() == Ok(percent) { format!("{text} %") } else { format!("{percent} %") }
}

/// A whole number with commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(
            ["0", "999", "1,000", "73,800", "1,234,567"],
            [0, 999, 1000, 73_800, 1_234_567].map(grouped)[..]
        );
        assert_eq!(percent(0.96), "96.00 %");
        assert_eq!(percent(0.9601), "96.01 %");
        assert_eq!(percent(0.96015), "96.015 %");
        assert_eq!(percent(2.0 / 3.0), "66.6667 %");
    }
}
