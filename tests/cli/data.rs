//! `dlr data`, and what `--dataset` means to commands that train.

use crate::helpers::*;
use serde_json::{Value, json};
use std::fs;
use std::io::Cursor;

/// Six images of 2 x 3 pixels in each split, with the labels 1, 2, 3, 1, 2, 3, under these names.
fn put(desk: &Desk, folder: &str, names: [&str; 4]) {
    fs::create_dir_all(desk.path(folder)).unwrap();
    let pixels: Vec<u8> = (0..36).map(|n| if n % 2 == 0 { 0 } else { n * 7 }).collect();
    let images = [&[0, 0, 8, 3, 0, 0, 0, 6, 0, 0, 0, 2, 0, 0, 0, 3], &pixels[..]].concat();
    let labels = vec![0, 0, 8, 1, 0, 0, 0, 6, 1, 2, 3, 1, 2, 3];
    for (name, bytes) in names.iter().zip([&images, &labels, &images, &labels]) {
        desk.write(&format!("{folder}/{name}"), bytes);
    }
}

const PLAIN: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

const LETTERS: [&str; 4] = [
    "emnist-letters-train-images-idx3-ubyte",
    "emnist-letters-train-labels-idx1-ubyte",
    "emnist-letters-test-images-idx3-ubyte",
    "emnist-letters-test-labels-idx1-ubyte",
];

/// As [`Desk::dlr`], with what is in the current folder's `data` alone.
#[track_caller]
fn here(desk: &Desk, arguments: &str) -> Finished {
    let mut command = desk.command(arguments);
    command.env_remove("DLR_DATA");
    finish(command)
}

#[test]
fn the_list_tells_where_each_data_set_is() {
    let desk = Desk::new();
    put(&desk, "data/kmnist", PLAIN);
    put(&desk, "data/EMNIST/raw", LETTERS);
    let list = desk.dlr("data");
    assert_eq!((list.code, &*list.stderr), (Some(0), ""), "{list:?}");
    let line =
        |name: &str| list.stdout.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
    assert_eq!(line("mnist"), format!("{:<16} {MNIST} (the default)", "mnist"));
    assert_eq!(line("kmnist"), format!("{:<16} data/kmnist", "kmnist"));
    assert_eq!(line("emnist-letters"), format!("{:<16} data/EMNIST/raw", "emnist-letters"));
    assert!(line("emnist-balanced").contains("nowhere; get gzip.zip from "), "{list:?}");
    assert!(line("emnist-mnist").contains("nowhere; "), "{list:?}");

    let json = desk.dlr("data --json").json();
    assert_eq!((&json["schema"], &json["default"]), (&json!("dlr-data-list/1"), &json!(MNIST)));
    let set = |name: &str| {
        json["data_sets"].as_array().unwrap().iter().find(|set| set["name"] == name).unwrap().clone()
    };
    assert_eq!((&set("kmnist")["folder"], &set("kmnist")["problem"]), (&json!("data/kmnist"), &Value::Null));
    let missing = set("emnist-byclass");
    assert_eq!((&missing["folder"], &missing["problem"]), (&Value::Null, &Value::Null));
    assert!(missing["get"].as_str().unwrap().contains("nist.gov"), "{missing}");
}

#[test]
fn what_is_there_but_of_no_use_is_told() {
    let desk = Desk::new();
    put(&desk, "data/kmnist", PLAIN);
    put(&desk, "data/emnist", LETTERS);
    fs::remove_file(desk.path("data/kmnist").join(PLAIN[3])).unwrap();
    fs::remove_file(desk.path("data/emnist").join(LETTERS[2])).unwrap();
    let list = desk.dlr("data").stdout;
    for (name, missing) in [
        ("kmnist", "kmnist/t10k-labels-idx1-ubyte"),
        ("emnist-letters", "emnist/emnist-letters-test-images-idx3-ubyte"),
    ] {
        let line = list.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.contains(&format!("data/{missing}: expected this file")), "{line}");
        desk.dlr(&format!("--dataset {name} -q")).failed(4, &[missing, "expected this file"]);
    }
    let mut command = desk.command("data");
    command.env("DLR_DATA", "nowhere");
    finish(command).failed(4, &["nowhere: expected a folder at DLR_DATA"]);
}

#[test]
fn the_default_is_told_even_if_it_is_no_known_data_set() {
    let desk = Desk::new();
    put(&desk, "mine", PLAIN);
    let mut command = desk.command("data");
    command.env("DLR_DATA", "mine");
    let list = finish(command);
    assert!(list.stdout.lines().any(|line| line.trim() == "mine (the default)"), "{list:?}");
    // A folder of several has no default, unless MNIST is among them.
    put(&desk, "sets/kmnist", PLAIN);
    let mut command = desk.command("data --json");
    command.env("DLR_DATA", "sets");
    assert_eq!(finish(command).json()["default"], Value::Null);
}

#[test]
fn one_data_set_is_told_in_full() {
    let desk = Desk::new();
    put(&desk, "mine", LETTERS);
    let run = desk.dlr("data --data mine");
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    for line in [
        "data set       emnist-letters: handwritten letters, by NIST and Cohen et al.",
        "test labels    mine/emnist-letters-test-labels-idx1-ubyte",
        "hashes         unverified: said to be emnist-letters, of which only the published .gz files' hashes are known here; these are others",
        "images         3 x 2, 6 inputs, transposed, since the files have them on their sides",
        // 18 odd numbers up to 35, times 7, over 36 pixels; the greatest is 245.
        "training       6 images, 50.00 % of the pixels lit, mean grey 63.0",
        "classes        4, with no image to train on for class 0",
        "    0        0        0  (none)",
        "    3        2        2  Cc",
    ] {
        assert!(run.stdout.lines().any(|found| found == line), "no {line:?} in {}", run.stdout);
    }

    let json = desk.dlr("data --data mine --json").json();
    assert_eq!((&json["schema"], &json["name"]), (&json!("dlr-data/1"), &json!("emnist-letters")));
    assert_eq!((&json["dataset"], &json["check"]), (&json!("emnist-letters"), &json!("unverified")));
    assert_eq!((&json["rows"], &json["columns"], &json["transposed"]), (&json!(3), &json!(2), &json!(true)));
    assert_eq!(json["train"], json!({ "images": 6, "density": 0.5, "mean_grey": 63.0 }));
    assert_eq!(json["classes"].as_array().unwrap().len(), 4);
    assert_eq!(json["classes"][1], json!({ "class": 1, "name": "Aa", "train_images": 2, "test_images": 2 }));
}

#[test]
fn mnist_is_verified() {
    let desk = Desk::new();
    let run = desk.dlr("data --dataset mnist");
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    for line in ["hashes         verified: all four files are mnist's", "    1    6,742    1,135  1"] {
        assert!(run.stdout.lines().any(|found| found == line), "no {line:?} in {}", run.stdout);
    }
    assert_eq!(desk.dlr("data --dataset mnist --json").json()["check"], "verified");
    let doubted = desk.dlr(&format!("data --data {MNIST} --dataset kmnist --json"));
    assert_eq!((&doubted.json()["name"], doubted.code), (&json!("mnist"), Some(0)));
    assert!(doubted.stderr.starts_with("dlr: warning: ") && doubted.stderr.contains("kmnist"), "{doubted:?}");
}

/// Width, height and grey levels of a PNG.
fn decode(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
    let mut grey = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut grey).unwrap();
    (info.width, info.height, grey)
}

#[test]
fn a_contact_sheet_has_a_row_for_each_class_that_has_images() {
    let desk = Desk::new();
    put(&desk, "mine", LETTERS);
    let run = desk.dlr("data --data mine --png sheet.png");
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    // Images of 3 x 2, 21 times as large, with a line of 12 pixels below; two of each of three classes.
    let (width, height, grey) = decode(&desk.read("sheet.png"));
    assert_eq!((width, height), (2 + 2 * (2 * 21 + 2), 2 + 3 * (3 * 21 + 12 + 2)));
    // The first image of Aa starts with 0, 3 * 7: upright, that is its first column.
    let at = |x: u32, y: u32| grey[(y * width + x) as usize];
    assert_eq!([at(2, 2), at(2, 2 + 21), at(2 + 21, 2), at(2 + 21, 2 + 42)], [0, 7, 21, 35]);

    // MNIST's first test images: another picture than that of its training images.
    desk.dlr("data --dataset mnist --png train.png");
    desk.dlr("data --dataset mnist --png test.png --split test");
    let (train, test) = (decode(&desk.read("train.png")), decode(&desk.read("test.png")));
    assert_eq!((train.0, train.1), (2 + 10 * 58, 2 + 10 * (56 + 12 + 2)));
    assert_eq!((train.0, train.1), (test.0, test.1));
    assert!(train.2 != test.2);
}

#[test]
fn what_is_asked_for_in_vain_is_refused_in_one_line() {
    let desk = Desk::new();
    desk.dlr("data --png sheet.png").failed(2, &["--png: no data set was chosen; ", "--dataset"]);
    desk.dlr("data --dataset mnist --png missing/sheet.png").failed(1, &["cannot write missing/sheet.png: "]);
    desk.dlr("data --data nowhere").failed(4, &["nowhere: expected a folder, found nothing", "--data"]);
    for command in
        ["data --dataset emnist-bymerge", "--dataset emnist-bymerge", "compare --dataset emnist-bymerge"]
    {
        desk.dlr(command)
            .failed(4, &["emnist-bymerge here, or at ", "data/emnist", "; get gzip.zip from ", "--data"]);
    }
    assert!(desk.files().is_empty());
    for (arguments, words) in [
        ("data --dataset letters", ["--dataset", "emnist-letters"]),
        ("data --dataset mnist --split both --png x", ["--split", "train, test"]),
    ] {
        let run = desk.dlr(arguments);
        assert_eq!((run.code, &*run.stdout), (Some(2), ""), "{arguments}: {run:?}");
        assert!(words.iter().all(|word| run.stderr.contains(word)), "{arguments}: {run:?}");
    }
}

#[test]
fn every_command_that_trains_takes_a_data_set_by_name() {
    let desk = Desk::new();
    put(&desk, "data/kmnist", PLAIN);
    let short = "--dataset kmnist --epochs 1 --target none -q";
    let record = here(&desk, &format!("{short} --json")).json();
    assert_eq!((&record["data"]["name"], &record["data"]["inputs"]), (&json!("kmnist"), &json!(6)));
    assert_eq!(record["data"].get("transposed"), None);
    let short = "--dataset kmnist --epochs 1 --runs 1 -q --target 0.99";
    for command in ["compare sgd", "tune sgd --trials 1"] {
        let run = here(&desk, &format!("{command} {short}"));
        assert_eq!(run.code, Some(0), "{command}: {run:?}");
        assert!(run.stdout.contains(" on kmnist"), "{command}: {run:?}");
    }
}

#[test]
fn a_folder_of_several_data_sets_holds_the_default_and_others() {
    let desk = Desk::new();
    put(&desk, "sets/kmnist", PLAIN);
    fs::create_dir(desk.path("sets/mnist")).unwrap();
    link_mnist(&desk.path("sets/mnist"));
    let name = |arguments: &str| {
        let mut command = desk.command(&format!("--epochs 0 -q --json {arguments}"));
        command.env("DLR_DATA", "sets");
        finish(command).json()["data"]["name"].clone()
    };
    assert_eq!((name(""), name("--dataset kmnist")), (json!("mnist"), json!("kmnist")));
}

/// The same files, upright and on their sides, are not the same data.
#[test]
fn what_is_turned_upright_is_told_from_what_is_not() {
    let desk = Desk::new();
    put(&desk, "emnist-digits", PLAIN);
    let upright = "--data emnist-digits --dataset emnist-digits";
    let record = |data: &str| desk.json(&format!("{data} --images 6 --target none"));
    let (turned, stored) = (record(upright), record("--data emnist-digits"));
    assert_eq!(
        (&turned["data"]["name"], &turned["data"]["transposed"]),
        (&stored["data"]["name"], &json!(true))
    );
    assert_eq!(
        (&turned["data"]["hashes"], stored["data"].get("transposed")),
        (&stored["data"]["hashes"], None)
    );
    assert_ne!(weights(&turned), weights(&stored));

    let compare = "compare sgd --epochs 1 --runs 1 -q --journal journal";
    assert_eq!(desk.dlr(&format!("{compare} {upright}")).code, Some(0));
    let refused = desk.dlr(&format!("{compare} --data emnist-digits"));
    refused.failed(4, &["journal", "another data set: emnist-digits (transposed)"]);
}
