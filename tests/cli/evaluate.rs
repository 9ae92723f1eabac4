//! `dlr evaluate`: its numbers are those of the training and of one another, and its pictures show them.

use crate::helpers::*;
use dlr::data::{CachePolicy, Dataset};
use dlr::engine::model;
use dlr::engine::network::Network;
use dlr::engine::settings::Init;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The evaluation of a model as JSON, with `arguments`.
#[track_caller]
fn evaluated(desk: &Desk, arguments: &str) -> Value {
    let run = desk.dlr(&format!("evaluate --json {arguments}"));
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{arguments}: {run:?}");
    run.json()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn confusion(record: &Value) -> Vec<Vec<u64>> {
    serde_json::from_value(record["confusion"].clone()).unwrap()
}

/// The same network on the same images has the same accuracy, to the last image; and however its inputs were made.
#[test]
fn the_accuracy_is_that_of_the_training() {
    let desk = Desk::new();
    for inputs in ["unit", "offset"] {
        let trained = desk.json(&format!("--images 2000 --inputs {inputs} --target none --save net"));
        let record = evaluated(&desk, "net");
        assert_eq!(record["model"]["inputs"], inputs, "as the model says");
        assert_eq!(record["accuracy"], trained["final"]["test_accuracy"], "{inputs}");
        assert_eq!(record["model"]["weights_sha256"], weights(&trained));
        assert_eq!(record["data"], trained["data"]);
        let matrix = confusion(&record);
        assert_eq!(matrix.iter().flatten().sum::<u64>(), 10_000);
        let right: u64 = (0..10).map(|class| matrix[class][class]).sum();
        assert_eq!(record["right"], right);
        assert_eq!(number(&record["accuracy"]), right as f64 / 10_000.0);
        assert!((0.2..0.95).contains(&number(&record["accuracy"])), "neither nothing nor all: {record}");
    }
    // The model was trained with offset inputs; under others, it is another.
    let other = evaluated(&desk, "net --inputs unit");
    assert_eq!(other["model"]["inputs"], "unit");
    assert_ne!(other["accuracy"], evaluated(&desk, "net")["accuracy"]);
}

#[test]
fn the_numbers_agree_with_one_another() {
    let desk = Desk::new();
    desk.json("--images 2000 --one-hot 0.1,0.9 --target none --save net");
    let record = evaluated(&desk, "net --worst 10000");
    let data = Dataset::open_with(Path::new(MNIST), &CachePolicy::none()).unwrap();
    let matrix = confusion(&record);
    for (class, about) in record["classes"].as_array().unwrap().iter().enumerate() {
        let right = matrix[class][class] as f64;
        let support = data.test.labels().iter().filter(|&&label| usize::from(label) == class).count();
        let predicted: u64 = matrix.iter().map(|row| row[class]).sum();
        assert_eq!((&about["class"], &about["name"]), (&json!(class), &json!(class.to_string())));
        assert_eq!((&about["support"], &about["predicted"]), (&json!(support), &json!(predicted)));
        let [precision, recall] = [right / predicted as f64, right / support as f64];
        assert_eq!((&about["precision"], &about["recall"]), (&json!(precision), &json!(recall)));
        let f1 = 2.0 * precision * recall / (precision + recall);
        assert!((number(&about["f1"]) - f1).abs() < 1e-15, "{about}: a rounding or two");
    }

    // Every image is on the list, from the largest error down, with its class, and outputs that say what it is put in.
    assert_eq!(record["model"]["one_hot"], json!([0.1, 0.9]), "as it was trained");
    let worst = record["worst"].as_array().unwrap();
    assert_eq!(worst.len(), 10_000);
    let mut again = vec![vec![0; 10]; 10];
    let mut seen = vec![false; 10_000];
    let mut sum = 0.0;
    for one in worst {
        let image = one["image"].as_u64().unwrap() as usize;
        assert!(!std::mem::replace(&mut seen[image], true), "image {image} twice");
        let [label, predicted] = ["true", "predicted"].map(|key| one[key].as_u64().unwrap() as usize);
        assert_eq!(label, usize::from(data.test.label(image)));
        again[label][predicted] += 1;
        let outputs: Vec<f32> = serde_json::from_value(one["outputs"].clone()).unwrap();
        assert!(outputs.iter().all(|output| *output <= outputs[predicted]), "{one}");
        let target = |class: usize| if class == label { 0.9 } else { 0.1 };
        let squares = outputs.iter().enumerate().map(|(k, &y)| (f64::from(y) - target(k)).powi(2));
        let error = 0.5 * squares.sum::<f64>();
        assert!((number(&one["half_squared_error"]) - error).abs() < 1e-14, "{one}");
        sum += error;
    }
    assert_eq!(again, matrix);
    let error = |one: &Value| number(&one["half_squared_error"]);
    assert!(worst.windows(2).all(|pair| error(&pair[0]) >= error(&pair[1])), "not the largest first");
    let mean = sum / 10_000.0;
    assert!((number(&record["half_squared_error"]) - mean).abs() < 1e-12);
    assert!((number(&record["mean_squared_error"]) - mean / 5.0).abs() < 1e-12);
    let interval = &record["accuracy_interval"];
    assert!(interval["low"].as_f64() < record["accuracy"].as_f64(), "{interval}");
    assert!(interval["high"].as_f64() > record["accuracy"].as_f64(), "{interval}");
}

#[test]
fn the_split_is_chosen_and_threads_decide_nothing() {
    let desk = Desk::new();
    desk.json("--save net");
    let train = evaluated(&desk, "net --split train --threads 1");
    assert_eq!((&train["split"], &train["images"]), (&json!("train"), &json!(60_000)));
    assert_eq!(confusion(&train)[5].iter().sum::<u64>(), 5_421, "MNIST has so many fives to train on");
    let mut more = evaluated(&desk, "net --split train --threads 3");
    more["engine"]["threads"] = json!(1);
    assert_eq!(more, train);
    assert_eq!(evaluated(&desk, "net")["split"], "test");
}

#[test]
fn the_text_tells_the_same() {
    let desk = Desk::new();
    desk.json("--images 1500 --target none --save net");
    let (record, text) = (evaluated(&desk, "net"), desk.dlr("evaluate net").stdout);
    let percent = format!("{:.2} %", 100.0 * number(&record["accuracy"]));
    let hash = record["model"]["weights_sha256"].as_str().unwrap();
    let error = format!("{:.5} an image", number(&record["half_squared_error"]));
    for words in ["784-30-10, inputs unit, from net", "10,000 test images of mnist", &percent, hash, &error] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    // The last lines are the matrix.
    let lines: Vec<&str> = text.lines().collect();
    let (head, rows) = lines[lines.len() - 11..].split_first().unwrap();
    assert!(head.starts_with("true \\ put in  "), "{text}");
    for (class, (row, counts)) in rows.iter().zip(confusion(&record)).enumerate() {
        let cells: Vec<String> =
            row.split_whitespace().map(|cell| cell.replace(',', "").replace('.', "0")).collect();
        let expected: Vec<String> = [class as u64].into_iter().chain(counts).map(|n| n.to_string()).collect();
        assert_eq!(cells, expected, "{text}");
    }
    assert!(text.lines().all(|line| line.len() <= 160), "{text}");
}

#[test]
fn the_pictures_show_it_and_are_the_same_every_time() {
    let desk = Desk::new();
    desk.json("--images 1500 --target none --save net");
    let draw = |threads: u8, name: &str| {
        let arguments = format!("net --svg {name}.svg --png {name}.png --threads {threads} --worst 13");
        evaluated(&desk, &arguments)
    };
    let record = draw(1, "one");
    draw(2, "two");
    assert!(desk.read("one.svg") == desk.read("two.svg") && desk.read("one.png") == desk.read("two.png"));

    let svg = String::from_utf8(desk.read("one.svg")).unwrap();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let texts: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name("text"))
        .filter_map(|node| node.text())
        .collect();
    for count in confusion(&record).into_iter().flatten().filter(|count| *count < 1000) {
        assert!(texts.contains(&&*count.to_string()), "no {count} in {texts:?}");
    }

    // Ten beside one another: 13 take two rows.
    let decoder = png::Decoder::new(std::io::Cursor::new(desk.read("one.png")));
    let (width, height) = decoder.read_info().unwrap().info().size();
    assert!(width > 10 * 56 && height > 2 * 56 && height < 3 * 56 + 60, "{width} x {height}");
    assert_eq!(record["worst"].as_array().unwrap().len(), 13);
}

#[test]
fn other_data_and_names_of_classes() {
    let desk = Desk::new();
    desk.put_tiny();
    let network = Network::draw(20, 4, 3, Init::FanIn, 1);
    let origin =
        json!({ "data": "large", "config": { "inputs": "unit" }, "classes": ["T-shirt", "<coat>", "boot"] });
    model::save(&desk.path("named"), &network, origin).unwrap();
    let record = evaluated(&desk, "named --data tiny --svg named.svg --png named.png");
    assert_eq!((&record["classes"][1]["name"], &record["images"]), (&json!("<coat>"), &json!(6)));
    assert_eq!(record["model"]["layers"], json!([20, 4, 3]));
    assert_eq!(record["model"]["trained_on"], "large");
    assert_eq!(record["worst"].as_array().unwrap().len(), 6, "there are no more");
    let svg = String::from_utf8(desk.read("named.svg")).unwrap();
    assert!(svg.contains(">&lt;coat&gt;</text>"), "{svg}");
    let text = desk.dlr("evaluate named --data tiny").stdout;
    for words in ["T-shirt", "trained on large", "20-4-3"] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    // A class that nothing is put in has no precision.
    let never = record["classes"].as_array().unwrap().iter().find(|class| class["predicted"] == 0);
    assert!(never.is_some_and(|class| class["precision"].is_null()), "{record}");
    assert!(text.contains("  -  "), "{text}");
}

/// Other programs write no metadata.
#[test]
fn a_model_that_says_nothing_is_taken_for_the_usual() {
    let desk = Desk::new();
    desk.json("--images 1500 --inputs offset --save ours");
    let bytes = desk.read("ours");
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let theirs = safetensors::serialize(file.tensors(), None).unwrap();
    desk.write("theirs", theirs);
    let run = desk.dlr("evaluate theirs --json");
    assert_eq!(run.code, Some(0));
    assert!(run.stderr.starts_with("dlr: warning: theirs ") && run.stderr.contains("--inputs"), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    let record = run.json();
    assert_eq!((&record["model"]["inputs"], &record["model"]["trained_on"]), (&json!("unit"), &Value::Null));
    let told = evaluated(&desk, "theirs --inputs offset");
    assert_eq!(told["accuracy"], evaluated(&desk, "ours")["accuracy"]);
}

#[test]
fn many_classes_are_told_by_what_is_confused_most() {
    let desk = Desk::new();
    fs::create_dir(desk.path("many")).unwrap();
    let count = 60_u8;
    for split in ["train", "t10k"] {
        let pixels: Vec<u8> = (0..count).flat_map(|n| [n * 4, 255 - n * 4]).collect();
        let labels: Vec<u8> = (0..count).collect();
        let images = [&[0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 1, 0, 0, 0, 2], &pixels[..]].concat();
        desk.write(&format!("many/{split}-images-idx3-ubyte"), images);
        desk.write(
            &format!("many/{split}-labels-idx1-ubyte"),
            [&[0, 0, 8, 1, 0, 0, 0, count][..], &labels].concat(),
        );
    }
    let network = Network::draw(2, 4, 60, Init::FanIn, 1);
    model::save(&desk.path("net"), &network, json!({ "config": { "inputs": "unit" } })).unwrap();
    let text = desk.dlr("evaluate net --data many").stdout;
    assert!(text.contains("true    put in    images\n"), "{text}");
    assert!(text.trim_end().ends_with("--json and --svg have the whole confusion matrix"), "{text}");
    assert!(text.lines().all(|line| line.len() <= 160), "{text}");
}

#[test]
fn what_cannot_be_evaluated_is_refused() {
    let desk = Desk::new();
    desk.json("--epochs 0 --save net");
    desk.put_tiny();
    desk.write("text", "no model at all, but a text");
    desk.dlr("evaluate nowhere").failed(4, &["cannot read nowhere: ", "; give a file"]);
    desk.dlr("evaluate text").failed(4, &["text: not a safetensors file", "as --save writes it"]);
    desk.dlr("evaluate tiny").failed(4, &["tiny: not a file", "as --save writes it"]);
    desk.dlr("evaluate net --data tiny").failed(
        4,
        &["net: a network of 784 inputs and 10 outputs, but tiny has 20 and 3; give a network for this data set"],
    );
    desk.dlr("evaluate net --data nowhere").failed(4, &["nowhere: ", "--data"]);
    for option in ["--svg", "--png"] {
        desk.dlr(&format!("evaluate net {option} nowhere/file")).failed(1, &["cannot write nowhere/file"]);
        desk.dlr(&format!("evaluate net {option} tiny")).failed(1, &["cannot write tiny"]);
    }
    for (arguments, words) in [
        ("", "MODEL"),
        ("net net", "net"),
        ("net --split both", "--split"),
        ("net --inputs raw", "unit, offset"),
        ("net --worst 0", "from 1 to 10000"),
        ("net --worst 10001", "from 1 to 10000"),
        ("net --threads 0", "from 1 to 256"),
        ("net --hidden 3", "--hidden"),
    ] {
        let run = desk.dlr(&format!("evaluate {arguments}"));
        assert_eq!((run.code, &*run.stdout), (Some(2), ""), "{arguments}: {run:?}");
        assert!(run.stderr.contains(words), "{arguments}: {run:?}");
    }
    assert_eq!(desk.files(), ["net", "text", "tiny"], "something was left behind");
}

/// What is drawn never takes the place of what is read.
#[test]
fn the_model_is_not_drawn_over() {
    let desk = Desk::new();
    desk.json("--epochs 0 --save net");
    let before = desk.read("net");
    for option in ["--svg", "--png"] {
        let words = [&*format!("{option}: net is the model, which would be overwritten")];
        desk.dlr(&format!("evaluate net {option} net")).failed(2, &words);
    }
    assert!(desk.read("net") == before);
}
