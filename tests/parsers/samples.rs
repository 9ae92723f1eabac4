//! One small valid file of each kind.

use crate::prepared::Prepared;
use dlr::data::Split;
use dlr::engine::checkpoint::{Checkpoint, Initial, Origin};
use dlr::engine::model;
use dlr::engine::network::Network;
use dlr::engine::threads::Threads;
use dlr::engine::trainer::{Observer, Point, Run, Stop, train};
use dlr::experiments::sweep::journal::{Header, Journal};
use dlr::experiments::sweep::run::{Outcome, Times};
use dlr::experiments::sweep::times::Clocks;
use dlr::report::machine::Engine;
use dlr::report::record::Record;
use dlr::{Dataset, Hyper, Init, Optimizer, Settings};
use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use std::fs;
use std::io::Write as _;
use std::time::Instant;
use tempfile::TempDir;

/// Two images of 3 x 2 pixels.
pub fn images() -> Vec<u8> {
    let header = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2];
    [&header[..], &[0, 9, 0, 255, 0, 0, 7, 7, 0, 0, 1, 0]].concat()
}

pub fn labels() -> Vec<u8> {
    vec![0, 0, 8, 1, 0, 0, 0, 5, 0, 1, 2, 1, 0]
}

/// A gzip file of all that such a file may have: a name, a comment, a field of somebody's, and two members.
pub fn gzip() -> Vec<u8> {
    let images = images();
    let mut whole = flate2::GzBuilder::new()
        .filename("i")
        .comment("c")
        .extra(*b"xx")
        .mtime(1)
        .write(Vec::new(), Compression::default());
    whole.write_all(&images[..20]).unwrap();
    let mut rest = GzEncoder::new(Vec::new(), Compression::none());
    rest.write_all(&images[20..]).unwrap();
    [whole.finish().unwrap(), rest.finish().unwrap()].concat()
}

/// Long enough for codes of its own.
pub fn compressed() -> Vec<u8> {
    let pixels: Vec<u8> =
        (0..4 * 6 * 8_usize).map(|n| if n % 7 < 3 { (n * n % 11) as u8 } else { 0 }).collect();
    let file = [&[0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 6, 0, 0, 0, 8], &pixels[..]].concat();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&file).unwrap();
    encoder.finish().unwrap()
}

pub fn cache() -> Vec<u8> {
    Prepared::here(|prepared| prepared.file().to_vec())
}

fn network() -> Network {
    Network::draw(4, 3, 2, Init::FanIn, 1)
}

pub fn model() -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("net");
    let origin = json!({
        "data": "letters",
        "config": { "inputs": "offset", "one_hot": [0.01, 0.99] },
        "classes": ["a", "b"],
    });
    model::save(&path, &network(), origin).unwrap();
    fs::read(path).unwrap()
}

/// Four images of 2 x 2 pixels in two classes.
fn data() -> Dataset {
    let pixels = [255, 255, 0, 0, 0, 0, 255, 255, 200, 180, 0, 9, 9, 0, 180, 200];
    let split = (&pixels[..], &[0, 1, 0, 1][..]);
    let data = Dataset::from_arrays("stripes", (2, 2), split, split).unwrap();
    assert_eq!(data.train, Split::from_pixels(4, split.0, split.1).unwrap());
    data
}

fn settings(optimizer: &str) -> Settings {
    let optimizer = Optimizer::named(optimizer, &Hyper::NONE).unwrap();
    Settings { epochs: 2, test_every: 3, target: None, ..Settings::new(3, optimizer) }
}

/// Keeps the last checkpoint.
#[derive(Default)]
struct Keeper(Option<Checkpoint>);

impl Observer for Keeper {
    fn wants_last_checkpoint(&mut self) -> bool {
        true
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) {
        self.0 = Some(checkpoint.clone());
    }
}

fn run(settings: &Settings, data: &Dataset, observer: &mut dyn Observer) -> Run {
    train(settings, data, network(), Instant::now(), Threads::One, observer).unwrap()
}

pub fn checkpoint() -> (Checkpoint, Origin) {
    let (data, mut keeper) = (data(), Keeper::default());
    run(&settings("adam"), &data, &mut keeper);
    let origin = Origin::here(&data, Initial { file: None, weights_sha256: network().sha256() });
    // Its clocks say the same each time.
    let clocks = |point: Point| Point { train_s: 0.25, wall_s: 0.5, ..point };
    let kept = keeper.0.unwrap();
    let curve = kept.curve.iter().copied().map(clocks).collect();
    (Checkpoint { train_s: 0.25, wall_s: 0.5, curve, ..kept }, origin)
}

pub fn checkpoint_file() -> Vec<u8> {
    let (checkpoint, origin) = checkpoint();
    checkpoint.to_bytes(&origin)
}

/// A header and two runs, one of them with all that may be kept.
pub fn journal() -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("s.journal");
    let mut journal = Journal::open(&path, Header::new("s", &"plan", &data())).unwrap();
    let least = Outcome {
        stop: Stop::Target,
        images: 600,
        epochs: 0.01,
        test_accuracy: 0.9601,
        validation_accuracy: None,
        weights_sha256: "ab".repeat(4),
        curve: Vec::new(),
        rates: Vec::new(),
    };
    let most = Outcome {
        curve: vec![0.5, 1.0],
        rates: vec![[0.1, 2.0]],
        validation_accuracy: Some(0.5),
        ..least.clone()
    };
    journal.add("b".to_owned(), least).unwrap();
    journal.add("a".to_owned(), most).unwrap();
    drop(journal);
    fs::read(path).unwrap()
}

/// The times of two runs.
pub fn times() -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("s.journal.times");
    let mut clocks = Clocks::open(&path).unwrap();
    clocks.add("b".to_owned(), Times { train_s: 0.25, wall_s: 1.0 }).unwrap();
    clocks.add("a".to_owned(), Times { train_s: 1e-9, wall_s: 86_400.125 }).unwrap();
    fs::read(path).unwrap()
}

/// A record, as `dlr --json` prints it.
pub fn record() -> String {
    let (data, settings) = (data(), settings("dlr"));
    let run = run(&settings, &data, &mut ());
    let initial = Initial { file: None, weights_sha256: network().sha256() };
    let engine = Engine::here(1);
    let record = Record::new(&settings, &data, &engine, &initial, &run, false);
    format!("{}\n", serde_json::to_string(&record).unwrap())
}

/// Eight by five pixels in grey.
pub fn png() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 8, 5);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let grey: Vec<u8> = (0..40_u8).map(|n| n.wrapping_mul(n)).collect();
    encoder.write_header().unwrap().write_image_data(&grey).unwrap();
    file
}

/// The first line of a profile.
pub const MACHINE: &str = r#"{"schema":"dlr-profile/1","kind":"machine","engine":{"cpu":"c","simd":"s","profile":"release"},"data":"d","inputs":4,"classes":2,"train_images":9}"#;
/// One of the others.
pub const CELL: &str = r#"{"schema":"dlr-profile/1","kind":"cell","optimizer":"sgd","hidden":30,"batch":1,"threads":1,"rounds":5,"ns":{"least":1,"first_quartile":2,"median":3,"third_quartile":4}}"#;

pub fn baseline() -> String {
    format!("{MACHINE}\n{CELL}\n")
}
