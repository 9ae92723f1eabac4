//! Where there is too little memory for what a file holds, that is told, as everything else that is wrong with a file.

use crate::memory::with_little;
use crate::samples;
use dlr::data::gzip::inflate;
use dlr::data::idx::Kind;
use dlr::data::picture::Picture;
use dlr::data::{CachePolicy, Dataset};
use dlr::engine::checkpoint::Checkpoint;
use dlr::engine::saved::Saved;
use dlr::experiments::sweep::journal::Journal;
use dlr::experiments::sweep::times::Clocks;
use dlr::report::baseline::Baseline;
use flate2::{Compression, write::GzEncoder};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use tempfile::TempDir;

/// The longest piece of memory that there is here, in bytes, and images that take more.
const MOST: usize = 300;
const PIXELS: [u8; 1600] = [9; 1600];

#[track_caller]
fn assert_told<T>(work: impl Fn() -> Result<T, String>, told: &str) {
    assert!(work().is_ok(), "{told}: it is read where there is memory");
    assert_eq!(with_little(MOST, work).map(drop), Err(told.to_owned()));
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    fs::write(folder.join(name), bytes).unwrap();
}

#[test]
fn data_sets_and_pictures_that_find_too_little_memory() {
    // Two images of 20 x 40 pixels.
    let images = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 20, 0, 0, 0, 40], &PIXELS[..]].concat();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&images).unwrap();
    let gz = encoder.finish().unwrap();
    let problem = "expected memory for its 1616 bytes, found too little";
    assert_told(|| inflate(&gz, Kind::Images).map_err(|fault| fault.problem), problem);

    let folder = TempDir::new().unwrap();
    let labels = [0, 0, 8, 1, 0, 0, 0, 2, 0, 1];
    for (name, bytes) in [("images-idx3", &images[..]), ("labels-idx1", &labels)] {
        for half in ["train", "t10k"] {
            put(folder.path(), &format!("{half}-{name}-ubyte"), bytes);
        }
    }
    let file = folder.path().join("train-images-idx3-ubyte");
    let told = format!("{}: {problem}; free some memory, or use a smaller data set", file.display());
    let open = || Dataset::open_with(folder.path(), &CachePolicy::none());
    assert_told(|| open().map_err(|error| error.to_string()), &told);

    let half = (&PIXELS[..], &[0, 1][..]);
    let given = with_little(MOST, || Dataset::from_arrays("d", (20, 40), half, half));
    let told = given.map(drop).unwrap_err().to_string();
    let (start, cure) =
        ("training images: no memory for their lit pixels (", "); free some memory, or give fewer");
    assert!(told.starts_with(start) && told.ends_with(cure), "{told}");

    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 40, 40);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&PIXELS).unwrap();
    let problem = "expected memory for its 1600 bytes, found too little";
    assert_told(|| Picture::decode(&file).map_err(|refused| refused.problem), problem);
}

#[test]
fn files_of_ours_that_find_too_little_memory() {
    type Load = fn(&Path) -> dlr::Result<()>;
    let profile = format!("{}\n{}\n", samples::MACHINE, samples::CELL);
    let times = [&samples::times()[..], &[b' '; MOST]].concat();
    let cases: [(&str, Vec<u8>, Load, &str); 5] = [
        (
            "checkpoint",
            samples::checkpoint_file(),
            |path| Checkpoint::load(path).map(drop),
            "give --resume a file that --checkpoint has written",
        ),
        (
            "model",
            samples::model(),
            |path| Saved::load(path).map(drop),
            "give a file with 0.weight [hidden, inputs], 2.weight [next, hidden] and so on in F32, as --save writes it",
        ),
        (
            "journal",
            samples::journal(),
            |path| Journal::load(path).map(drop),
            "check the path and its permissions",
        ),
        ("times", times, |path| Clocks::open(path).map(drop), "check its permissions, or remove it"),
        (
            "profile",
            profile.into_bytes(),
            |path| Baseline::read(path).map(drop),
            "give --baseline a file that `dlr profile --json` has written",
        ),
    ];
    let folder = TempDir::new().unwrap();
    for (name, bytes, load, cure) in cases {
        put(folder.path(), name, &bytes);
        let path = folder.path().join(name);
        let told = format!("cannot read {}: out of memory; {cure}", path.display());
        assert_told(|| load(&path).map_err(|error| error.to_string()), &told);
    }
}
