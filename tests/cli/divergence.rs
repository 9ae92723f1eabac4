//! Numbers that grow beyond all bounds, or are none: told within one test, kept nowhere, and never in the place of a good
//! model.

use crate::helpers::*;
use crate::reproduce::Sweeps;
use dlr::engine::checkpoint::{Checkpoint, Origin};
use dlr::engine::model;
use dlr::engine::optimizer::OPTIMIZERS;
use dlr::kernels::layer::State;
use serde_json::Value;
use std::collections::BTreeSet;

/// So much of every optimizer's command line is the same: its name, its rate, and what keeps lr / alpha a number.
fn at_rate(name: &str, lr: &str) -> String {
    let entry = OPTIMIZERS.iter().find(|entry| entry.name == name).unwrap();
    let rate = match entry.defaults.rates {
        None => format!("--lr {lr}"),
        Some(_) => format!("--rates 0,0,0,{lr},0,0,0,{lr}"),
    };
    let alpha = if entry.defaults.alpha.is_some() { "--alpha 1" } else { "" };
    format!("--optimizer {name} {rate} {alpha}")
}

fn images(record: &Value) -> u64 {
    record["images"].as_u64().unwrap()
}

/// A run either diverges, and leaves a good model and checkpoint as they are, or has weights that can be loaded.
#[test]
fn every_rate_ends_in_a_network_or_in_divergence() {
    const SETTINGS: &str = "--epochs 1 --images 300 --target none --threads 1 --json -q";
    const FORMS: [(&str, u64); 4] = [
        ("--hidden 5 --batch 1", 1),
        ("--hidden 5 --init normal:10 --backprop authors", 1),
        ("--hidden 5,4 --batch 7", 7),
        ("--hidden 70", 1),
    ];
    let desk = Sweeps::new();
    desk.succeed("--hidden 5 --epochs 1 --images 300 -q --target none --save good --checkpoint kept");
    let (good, kept) = (desk.read("good"), desk.read("kept"));
    let mut diverged = 0;
    for entry in OPTIMIZERS {
        for exponent in [3, 8, 13, 18, 23, 28, 33, 38] {
            for (form, batch) in FORMS {
                let rate = at_rate(entry.name, &format!("1e{exponent}"));
                let arguments = format!("{rate} {SETTINGS} {form}");
                // With a test after every image, and with one that comes only after the end.
                let at_once = desk.dlr(&format!("{arguments} --test-every 1"));
                let run = desk.dlr(&format!("{arguments} --test-every 50"));
                let late = desk
                    .dlr(&format!("{arguments} --test-every 1000 --save good --checkpoint kept --every 60"));
                assert_eq!((at_once.code, run.code), (late.code, late.code), "{arguments}: {late:?}");
                if late.code == Some(0) {
                    model::load(&desk.path("good")).unwrap();
                    Checkpoint::load(&desk.path("kept")).unwrap();
                    desk.write("good", &good);
                    desk.write("kept", &kept);
                    continue;
                }
                diverged += 1;
                for run in [&at_once, &run, &late] {
                    run.complained(5, &[&format!("{} diverged", entry.name), "; lower --"]);
                    assert_eq!(run.json()["stop"], "diverged", "{arguments}");
                }
                let (first, seen) = (images(&at_once.json()), images(&run.json()));
                // A test waits for its batch.
                let due = first.next_multiple_of(50).next_multiple_of(batch);
                assert!(seen <= due, "{arguments}: at {first}, but seen at {seen}");
                assert!(desk.read("good") == good, "{arguments}: a good model was overwritten");
                if desk.read("kept") != kept {
                    // One that was written on the way is from before.
                    let (checkpoint, _) = Checkpoint::load(&desk.path("kept")).unwrap();
                    assert!(
                        checkpoint.images < first,
                        "{arguments}: kept at {}, diverged at {first}",
                        checkpoint.images
                    );
                    desk.write("kept", &kept);
                }
            }
        }
    }
    assert!(diverged > 100, "only {diverged} diverged");
}

#[test]
fn a_sweep_records_what_diverged() {
    let desk = Sweeps::new();
    let mut command = desk.command("compare");
    command.args(["sgd", "sgd --lr 1e38", "adam --lr 1e38"]);
    command.args("--hidden 5 --epochs 1 --runs 2 -q --journal j --json".split(' '));
    let run = finish(command);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    let journal = String::from_utf8(desk.read("j")).unwrap();
    assert_eq!(journal.matches(r#""stop":"diverged""#).count(), 4, "{journal}");
    let records: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = records.iter().filter(|record| record["outcome"]["stop"] == "diverged").count();
    assert_eq!(told, 4, "{run:?}");
}

/// What a layer knows: its weights, or what its rule remembers beside them.
type Part = fn(&mut State) -> &mut Vec<f32>;

/// Where no number is planted in so many.
fn places(length: usize) -> BTreeSet<usize> {
    [0, length / 3, length / 2, length.saturating_sub(1)]
        .into_iter()
        .filter(|&place| place < length)
        .collect()
}

/// In a checkpoint whose checksum is right, in any place.
#[test]
fn no_number_in_a_checkpoint_is_seen_within_one_test() {
    let desk = Sweeps::new();
    let mut planted = 0;
    let mut plant = |settings: &str, good: &Checkpoint, origin: &Origin, layer: usize, part: Part| {
        for place in places(part(&mut good.layers[layer].clone()).len()) {
            let mut bad = good.clone();
            part(&mut bad.layers[layer])[place] = f32::NAN;
            bad.save(&desk.path("bad"), origin).unwrap();
            desk.write("saved", "good");
            let run = desk.dlr("--resume bad --epochs 2 -q --json --save saved --checkpoint kept");
            run.complained(5, &["diverged"]);
            let about = format!("{settings}: {place} of layer {layer}");
            assert_eq!(images(&run.json()), 600, "{about}");
            assert!(desk.read("saved") == b"good" && !desk.path("kept").exists(), "{about}");
            planted += 1;
        }
    };
    for entry in OPTIMIZERS {
        for form in ["--hidden 5", "--hidden 5,4", "--hidden 5 --batch 7"] {
            let settings = format!("--optimizer {} {form}", entry.name);
            desk.succeed(&format!("{settings} --epochs 1 --images 300 --target none -q --checkpoint good"));
            let (good, origin) = Checkpoint::load(&desk.path("good")).unwrap();
            for layer in 0..good.layers.len() {
                plant(&settings, &good, &origin, layer, |state| &mut state.weights);
                plant(&settings, &good, &origin, layer, |state| &mut state.memory);
            }
        }
    }
    assert!(planted > 300, "only {planted} were planted");
}
