//! Which learning rate? A sweep over all cores, a thread for each run: `cargo run --release --example sweep`.

use dlr::{Dataset, Hyper, Optimizer, Result, Settings, fit};
use rayon::prelude::*;

/// The test accuracy after an epoch of `images` images at each of `rates`, in their order.
pub(crate) fn sweep(rates: &[f64], images: usize) -> Result<Vec<f64>> {
    let data = Dataset::open(&dlr::data::find(None)?)?;
    let one = |&lr: &f64| {
        let optimizer = Optimizer::named("nesterov", &Hyper::lr(lr))?;
        let settings =
            Settings { images: Some(images), epochs: 1, target: None, ..Settings::new(30, optimizer) };
        Ok(fit(&settings, &data, &mut ())?.last().test_accuracy)
    };
    rates.par_iter().map(one).collect()
}

pub(crate) fn main() -> Result<()> {
    let rates = [0.003, 0.01, 0.03, 0.1, 0.3];
    for (lr, accuracy) in rates.iter().zip(sweep(&rates, 20_000)?) {
        println!("lr {lr:<5} {:.2} %", 100.0 * accuracy);
    }
    Ok(())
}
