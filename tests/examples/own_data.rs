//! Trains on images that the program makes itself: `cargo run --release --example own_data`.

use dlr::{Dataset, Hyper, Optimizer, Run, Settings, fit};

/// Side of an image, in pixels.
const SIDE: usize = 8;

/// So many images of a bar, `[n][SIDE * SIDE]`, and their labels: 0 where it lies, 1 where it stands.
fn bars(images: usize) -> (Vec<u8>, Vec<u8>) {
    let labels: Vec<u8> = [0, 1].into_iter().cycle().take(images).collect();
    let bar = |(image, &label): (usize, &u8)| {
        let place = (3 * image + image / SIDE) % SIDE;
        (0..SIDE * SIDE).map(move |pixel| {
            let across = if label == 0 { pixel / SIDE } else { pixel % SIDE };
            if across == place { 255 } else { 0 }
        })
    };
    (labels.iter().enumerate().flat_map(bar).collect(), labels)
}

/// Trains a small network to tell them apart.
pub(crate) fn train() -> dlr::Result<Run> {
    let ((images, labels), (test_images, test_labels)) = (bars(400), bars(100));
    let data = Dataset::from_arrays("bars", (SIDE, SIDE), (&images, &labels), (&test_images, &test_labels))?;
    let dlr = Optimizer::named("dlr", &Hyper::NONE)?;
    fit(&Settings { target: Some(0.99), test_every: 100, ..Settings::new(12, dlr) }, &data, &mut ())
}

pub(crate) fn main() -> dlr::Result<()> {
    let run = train()?;
    println!("{} after {:.1} epochs: {}", run.stop.name(), run.last().epoch, run.last().test_accuracy);
    Ok(())
}
