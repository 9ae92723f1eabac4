//! One seed, one result, bit for bit: whatever the threads, and wherever the data come from.

use crate::helpers::*;
use dlr::engine::optimizer::OPTIMIZERS;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io;

/// Batches of 32 are large enough to be spread over threads; those of 100 do not divide the images.
#[test]
fn threads_decide_nothing() {
    let desk = Desk::new();
    let mut tasks: Vec<String> =
        OPTIMIZERS.iter().map(|entry| format!("--optimizer {}", entry.name)).collect();
    tasks.extend(["--norm post", "--inputs offset", "--preset authors"].map(String::from));
    let mut cases = 0;
    for task in tasks {
        for batch in [1, 32, 100] {
            let records = [1, 2, 3, 4, 5, 6, 7, 8].map(|threads| {
                let record = desk.json(&format!(
                    "{task} --batch {batch} --threads {threads} --images 1550 --test-every 800 --target none"
                ));
                assert_eq!(record["engine"]["threads"], threads);
                record
            });
            let accuracies = |record: &Value| -> Vec<Value> {
                record["curve"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|point| point["test_accuracy"].clone())
                    .collect()
            };
            for record in &records[1..] {
                assert_eq!(
                    weights(record),
                    weights(&records[0]),
                    "{task}, batch {batch}: {}",
                    record["engine"]
                );
                assert_eq!(accuracies(record), accuracies(&records[0]), "{task}, batch {batch}");
            }
            cases += 1;
        }
    }
    assert_eq!(cases, 3 * (OPTIMIZERS.len() + 3));
}

/// Images that are learned together, with dark pixels and without, and large batches.
#[test]
fn threads_decide_nothing_of_what_is_learned_together() {
    let desk = Desk::new();
    for task in [
        "sgd --hidden 520",
        "nesterov --hidden 520",
        "momentum --hidden 100 --inputs offset",
        "adam --hidden 1000 --batch 50", // whose gradients are put down
    ] {
        let learned = |threads: usize| {
            desk.json(&format!(
                "--optimizer {task} --threads {threads} --images 1550 --test-every 800 --target none"
            ))
        };
        let one = learned(1);
        for threads in [2, 5] {
            assert_eq!(weights(&learned(threads)), weights(&one), "{task}, {threads} threads");
        }
    }
}

#[test]
fn every_way_to_the_data_leads_to_the_same_network() {
    let desk = Desk::new();
    let (raw, gz) = (desk.path("raw"), desk.path("gz"));
    fs::create_dir(&raw).unwrap();
    fs::create_dir(&gz).unwrap();
    link_mnist(&gz);
    for entry in fs::read_dir(MNIST).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "gz") {
            let mut file = File::create(raw.join(path.file_stem().unwrap())).unwrap();
            io::copy(&mut GzDecoder::new(File::open(path).unwrap()), &mut file).unwrap();
        }
    }
    desk.write("no-folder", "");

    let run = |data: &str, cache: &str| {
        let mut command = desk.command(&format!("--data {data} --images 1550 --batch 10 --json --quiet"));
        command.env("DLR_CACHE", desk.path(cache));
        let record = finish(command).json();
        (weights(&record).to_owned(), record["data"].clone(), record["config"].clone())
    };
    let caches = || fs::read_dir(desk.path("cache")).map_or(0, Iterator::count);
    let first = run("gz", "cache");
    assert_eq!(caches(), 1);
    assert_eq!(run("gz", "cache"), first, "gz, warm");
    assert_eq!(caches(), 1, "a warm start made another cache file");
    assert_eq!(run("raw", "cache"), first, "raw, cold");
    assert_eq!(caches(), 2);
    assert_eq!(run("raw", "cache"), first, "raw, warm");
    assert_eq!(run("gz", "no-folder"), first, "gz, without a cache");
    assert_eq!(run("raw", "no-folder"), first, "raw, without a cache");
}

#[test]
fn seeds_decide_everything() {
    let desk = Desk::new();
    let mut hashes = HashSet::new();
    desk.json("--epochs 0 --save start");
    for seed in ["0", "1", "2", "4294967297", "18446744073709551615"] {
        // Once the initial weights alone, once the order alone.
        for part in ["--epochs 0", "--load start"] {
            let record = desk.json(&format!("{part} --seed {seed}"));
            assert!(hashes.insert(weights(&record).to_owned()), "seed {seed} has another's {part}");
        }
    }
    let again = desk.json("--seed 2 --epochs 0");
    assert!(hashes.contains(weights(&again)), "a seed has two results");
}

#[test]
fn telling_changes_nothing() {
    let desk = Desk::new();
    let saved = ["", "--json", "--quiet", "--quiet --json"].map(|arguments| {
        assert_eq!(desk.dlr(&format!("--images 1200 --save net {arguments}")).code, Some(0));
        weights(&desk.json("--load net --epochs 0")).to_owned()
    });
    assert!(saved.iter().all(|hash| *hash == saved[0]), "{saved:?}");
    // Neither do tests, which pause the training, unless images are learned together up to the next.
    let often = desk.json("--images 1200 --test-every 70 --target none");
    let seldom = desk.json("--images 1200 --test-every 1200 --target none");
    assert_eq!([weights(&often), weights(&seldom)], [&saved[0], &saved[0]]);
}
