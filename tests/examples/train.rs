//! Trains on MNIST, and tells of every test: `cargo run --release --example train`.

use dlr::{Dataset, Hyper, Optimizer, Point, Run, Settings, fit};

/// Trains `settings.hidden` hidden units until a test is above the target.
pub(crate) fn train(settings: &Settings) -> dlr::Result<Run> {
    let data = Dataset::open(&dlr::data::find(None)?)?;
    fit(settings, &data, &mut |test: &Point| {
        println!("{:6} images, {:.3} s: {:.2} %", test.images, test.train_s, 100.0 * test.test_accuracy);
    })
}

pub(crate) fn main() -> dlr::Result<()> {
    let adam = Optimizer::named("adam", &Hyper::lr(0.001))?;
    let run = train(&Settings { target: Some(0.93), ..Settings::new(30, adam) })?;
    println!("{}: {}", run.stop.name(), run.network.sha256());
    Ok(())
}
