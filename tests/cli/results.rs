//! What a run tells of itself: as JSON for programs, as text for people.

use crate::helpers::*;
use dlr::engine::optimizer::{Entry, Hyper};
use dlr_kernels::simd::Level;
use serde_json::{Value, json};

#[track_caller]
fn assert_keys(value: &Value, keys: &[&str]) {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    assert!(
        value.as_object().unwrap().keys().map(String::as_str).eq(keys.iter().copied()),
        "{keys:?}: {value}"
    );
}

fn is_sha256(value: &Value) -> bool {
    value.as_str().is_some_and(|hash| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The images at which a run was tested.
fn tests(record: &Value) -> Vec<u64> {
    record["curve"].as_array().unwrap().iter().map(|point| point["images"].as_u64().unwrap()).collect()
}

#[test]
fn a_record_has_the_documented_fields() {
    let record = Desk::new().json("--images 1500 --target none --seed 18446744073709551615 --threads 2");
    let point = ["images", "epoch", "train_s", "wall_s"];
    let top = [
        "schema", "protocol", "config", "seed", "data", "engine", "initial", "curve", "target", "final",
        "stop",
    ];
    assert_keys(&record, &[&top[..], &["train_s", "wall_s", "images", "ns_per_image"]].concat());
    assert_keys(&record["data"], &["name", "train_images", "test_images", "inputs", "classes", "hashes"]);
    let engine = ["version", "commit", "rustc", "profile", "simd", "simd_detected", "threads", "cpu"];
    assert_keys(&record["engine"], &engine);
    assert_keys(&record["initial"], &["file", "weights_sha256"]);
    assert_keys(&record["target"], &[&["value", "hit"], &point[..]].concat());
    assert_keys(&record["final"], &["test_accuracy", "weights_sha256"]);
    for entry in record["curve"].as_array().unwrap() {
        assert_keys(entry, &[&["test_accuracy"], &point[..]].concat());
    }

    assert_eq!((&record["schema"], &record["protocol"]), (&json!("dlr-run/1"), &json!(1)));
    assert_eq!(record["seed"], json!(u64::MAX), "a seed loses no digit");
    assert_eq!(record["config"]["seed"], record["seed"]);
    let data = &record["data"];
    assert_eq!(
        (&data["name"], &data["inputs"], &data["classes"]),
        (&json!("mnist"), &json!(784), &json!(10))
    );
    assert_eq!((&data["train_images"], &data["test_images"]), (&json!(60_000), &json!(10_000)));
    let hashes = &data["hashes"];
    assert_keys(hashes, &["train_images", "train_labels", "test_images", "test_labels"]);
    assert!(hashes.as_object().unwrap().values().all(is_sha256), "{hashes}");
    let engine = &record["engine"];
    assert_eq!(engine["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(engine["profile"], if cfg!(debug_assertions) { "debug" } else { "release" });
    assert_eq!(engine["simd"], Level::compiled().name());
    assert_eq!(engine["simd_detected"], Level::detected().name());
    assert_eq!(engine["threads"], 2);
    assert!(engine["rustc"].as_str().unwrap().starts_with("rustc 1."), "{engine}");
    assert!(is_sha256(&record["final"]["weights_sha256"]), "{record}");
}

/// The configuration of a run with the hyper-parameters `hyper`, and in all else with `rest`.
fn config(hyper: &Hyper, mut rest: Value) -> Value {
    let Value::Object(hyper) = serde_json::to_value(hyper).unwrap() else { unreachable!() };
    rest.as_object_mut().unwrap().extend(hyper);
    rest
}

#[test]
fn the_configuration_is_resolved() {
    let desk = Desk::new();
    let dlr = Entry::find("dlr").unwrap();

    // Without --images, and so with the defaults for a whole run; any accuracy will do, so it ends at the first test.
    let run = desk.dlr("--target 0 --json --quiet").json();
    let defaults = json!({
        "hidden": 30, "optimizer": "dlr", "batch": 1, "epochs": 30, "images": 60_000, "target": 0.0, "stall": null,
        "test_every": 600, "seed": 1, "order": "shuffled", "init": "fan-in", "inputs": "unit", "one_hot": [0.0, 1.0], "backprop": "mse",
    });
    assert_eq!(run["config"], config(&dlr.defaults, defaults));
    assert_eq!(run["images"], 600);

    let authors = json!({
        "hidden": 30, "optimizer": "dlr", "batch": 1, "epochs": 1, "images": 600, "target": 0.96, "stall": 5,
        "test_every": 600, "seed": 1, "order": "fixed", "init": "normal:0.01", "inputs": "unit", "one_hot": [0.01, 0.99],
        "backprop": "authors",
    });
    assert_eq!(desk.json("--preset authors")["config"], config(&dlr.authors, authors.clone()));

    // Options win over the preset, each alone and wherever they stand.
    for (options, key, value) in [
        ("--lr 0.25", "lr", json!(0.25)),
        ("--alpha 3", "alpha", json!(3.0)),
        ("--norm post", "norm", json!("post")),
        ("--order shuffled", "order", json!("shuffled")),
        ("--init fan-in", "init", json!("fan-in")),
        ("--one-hot 0,1", "one_hot", json!([0.0, 1.0])),
        ("--backprop mse", "backprop", json!("mse")),
        ("--inputs offset", "inputs", json!("offset")),
        ("--hidden 7", "hidden", json!(7)),
        ("--epochs 2", "epochs", json!(2)),
        ("--target none", "target", Value::Null),
    ] {
        let mut want = config(&dlr.authors, authors.clone());
        want[key] = value;
        assert_eq!(desk.json(&format!("--preset authors {options}"))["config"], want, "{options}");
        assert_eq!(desk.json(&format!("{options} --preset authors"))["config"], want, "{options}");
    }
}

/// The batch ends at which a run has to be tested: the first at or after each multiple of `every`, and the last.
fn due(images: u64, epochs: u64, batch: u64, every: u64) -> Vec<u64> {
    let ends = (0..epochs)
        .flat_map(|epoch| (1..=images.div_ceil(batch)).map(move |n| epoch * images + images.min(n * batch)));
    let mut before = 0;
    let passes =
        |&end: &u64| std::mem::replace(&mut before, end) / every < end / every || end == epochs * images;
    ends.filter(passes).collect()
}

#[test]
fn tests_fall_where_they_are_due() {
    assert_eq!(due(1000, 1, 32, 300), [320, 608, 928, 1000]);
    let desk = Desk::new();
    for (images, epochs, batch, every) in [
        (1200, 1, 1, 600),
        (1000, 2, 1, 300), // across the end of an epoch
        (1000, 1, 1, 999),
        (1000, 1, 1, 5000), // only at the end
        (7, 3, 1, 1),
        (1000, 2, 32, 100), // batches and epochs end elsewhere
        (1000, 2, 32, 10),  // more often than batches end
        (1000, 2, 999, 500),
        (700, 3, 700, 600),    // one batch is the whole epoch
        (13_000, 1, 7, 6_500), // far apart
    ] {
        let arguments =
            format!("--target none --images {images} --epochs {epochs} --batch {batch} --test-every {every}");
        let record = desk.json(&arguments);
        assert_eq!(tests(&record), due(images, epochs, batch, every), "{arguments}");
    }
}

#[test]
fn the_curve_and_both_clocks_only_go_up() {
    let record = Desk::new().json("--images 2000 --epochs 2 --test-every 150 --target none");
    let number = |point: &Value, key: &str| point[key].as_f64().unwrap();
    let curve = record["curve"].as_array().unwrap();
    assert_eq!(curve.len(), 27);
    for pair in curve.windows(2) {
        assert!(number(&pair[0], "images") < number(&pair[1], "images"), "{pair:?}");
        assert!(number(&pair[0], "train_s") < number(&pair[1], "train_s"), "{pair:?}");
        // The time of training is a part of all time.
        let passed = |key| number(&pair[1], key) - number(&pair[0], key);
        assert!(passed("wall_s") > passed("train_s"), "{pair:?}");
    }
    for point in curve {
        assert_eq!(number(point, "epoch"), number(point, "images") / 2000.0);
        assert!(number(point, "wall_s") > number(point, "train_s"), "{point}");
        assert!((0.0..=1.0).contains(&number(point, "test_accuracy")), "{point}");
    }
    let last = curve.last().unwrap();
    for key in ["images", "train_s", "wall_s"] {
        assert_eq!(record[key], last[key], "{key}");
    }
    assert_eq!(record["final"]["test_accuracy"], last["test_accuracy"]);
    let ns = number(&record, "train_s") * 1e9 / 4000.0;
    assert!((number(&record, "ns_per_image") / ns - 1.0).abs() < 1e-9, "{record}");
}

#[test]
fn a_run_says_why_it_stopped() {
    let desk = Desk::new();
    let accuracy = |point: &Value| point["test_accuracy"].as_f64().unwrap();

    let hit = desk.json("--images 6000 --test-every 200 --target 0.85 --require-target");
    let curve = hit["curve"].as_array().unwrap();
    let (last, before) = curve.split_last().unwrap();
    assert_eq!((&hit["stop"], &hit["target"]["hit"]), (&json!("target"), &json!(true)));
    assert!(accuracy(last) > 0.85 && before.iter().all(|point| accuracy(point) <= 0.85), "{hit}");
    assert!(before.len() > 1 && hit["images"].as_u64().unwrap() < 6000, "no test of a stop: {hit}");
    for key in ["images", "epoch", "train_s", "wall_s"] {
        assert_eq!(hit["target"][key], last[key], "{key}");
    }

    // A target must be beaten: the same run goes on if it has only reached it.
    let reached = accuracy(last);
    let equal = desk.json(&format!("--images 6000 --test-every 200 --target {reached}"));
    assert_eq!(equal["curve"][before.len()]["test_accuracy"], reached);
    assert!(equal["images"].as_u64() > hit["images"].as_u64(), "{equal}");

    let missed = desk.dlr("--images 600 --target 0.999 --json --quiet");
    assert_eq!((missed.code, &*missed.stderr), (Some(0), ""));
    let target = json!({
        "value": 0.999, "hit": false, "images": null, "epoch": null, "train_s": null, "wall_s": null,
    });
    assert_eq!((&missed.json()["stop"], &missed.json()["target"]), (&json!("epochs"), &target));

    let none = desk.json("--target none");
    assert_eq!((&none["target"]["value"], &none["target"]["hit"]), (&Value::Null, &json!(false)));

    let nothing = desk.json("--epochs 0");
    assert_eq!(tests(&nothing), [0]);
    assert_eq!((&nothing["images"], &nothing["ns_per_image"]), (&json!(0), &Value::Null));
    assert_eq!(nothing["stop"], "epochs");
}

#[test]
fn stdout_has_the_result_and_stderr_the_progress() {
    let arguments = "--images 600 --epochs 3 --target none";
    for form in ["", "--json"] {
        let run = dlr(&format!("{arguments} {form}"));
        let epochs: Vec<_> = run.stderr.lines().filter_map(|line| line.split_once(',')).collect();
        let epochs: Vec<_> = epochs.iter().map(|(epoch, _)| *epoch).collect();
        assert_eq!(epochs, ["epoch 1.00 of 3", "epoch 2.00 of 3", "epoch 3.00 of 3"], "{run:?}");
        assert_eq!(run.stderr.lines().count(), 3, "{run:?}");
        assert!(
            !run.stdout.contains('\x1b') && !run.stderr.contains('\x1b'),
            "no terminal, no colours: {run:?}"
        );
        for quiet in ["-q", "--quiet"] {
            assert_eq!(dlr(&format!("{arguments} {form} {quiet}")).stderr, "");
        }
    }
}

#[test]
fn the_summary_says_what_people_want_to_know() {
    let desk = Desk::new();
    let text = desk.dlr("--images 1200 --target none --seed 7 --threads 2 --quiet").stdout;
    let record = desk.json("--images 1200 --target none --seed 7 --threads 2");
    let line = |name: &str| {
        let line =
            text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {text}"));
        line[name.len()..].trim()
    };
    let percent = 100.0 * record["final"]["test_accuracy"].as_f64().unwrap();
    assert_eq!(line("test accuracy"), format!("{percent:.2} % of 10,000 images"));
    assert_eq!(line("network"), "784-30-10 on mnist");
    assert_eq!(line("result"), "trained for 1.00 epochs (1,200 images)");
    assert!(line("optimizer").starts_with("dlr: lr "), "{text}");
    assert!(line("seed").starts_with('7'), "{text}");
    assert!(line("in all").ends_with(" s (wall_s)"), "{text}");
    for unit in [" s (train_s", " ns per image", " images/s"] {
        assert!(line("training").contains(unit), "{text}");
    }
    for words in [Level::compiled().name(), "2 threads", env!("CARGO_PKG_VERSION")] {
        assert!(line("engine").contains(words), "{text}");
    }
    assert_eq!(line("weights"), format!("sha256 {}", weights(&record)));
    assert!(text.lines().all(|line| line.len() <= 160), "{text}");

    let hit = desk.dlr("--target 0 --quiet").stdout;
    assert!(hit.contains("above 0.00 % after 0.01 epochs (600 images)"), "{hit}");
    let missed = desk.dlr("--images 600 --quiet").stdout;
    assert!(missed.contains("not above 96.00 % within 1.00 epochs (600 images)"), "{missed}");
    let nothing = desk.dlr("--epochs 0 --quiet").stdout;
    assert!(
        nothing.contains("test accuracy") && !nothing.contains("NaN") && !nothing.contains("inf"),
        "{nothing}"
    );
}

/// Six images of 4 x 5 pixels in 3 classes: what is learned has the sizes of the data.
#[test]
fn other_data_make_other_networks() {
    let desk = Desk::new();
    desk.put_tiny();
    let record = desk.json("--data tiny --images 6 --epochs 50 --test-every 100 --target none");
    assert_eq!((&record["data"]["name"], &record["data"]["inputs"]), (&json!("tiny"), &json!(20)));
    assert_eq!(tests(&record), [100, 200, 300]);
    let text = desk.dlr("--data tiny --epochs 1 --quiet").stdout;
    assert!(text.contains("20-30-3 on tiny"), "{text}");
    desk.dlr("--data tiny --images 7").failed(2, &["--images", "tiny has 6"]);
}
