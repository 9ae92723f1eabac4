//! Weights in files: what `--save` writes and `--load` reads.

use crate::helpers::*;
use serde_json::Value;

/// A safetensors file, read by the format's own definition: the header's length, the header, the numbers.
struct Model {
    header: Value,
    body: Vec<u8>,
}

impl Model {
    fn of(bytes: &[u8]) -> Self {
        let (length, rest) = bytes.split_first_chunk().unwrap();
        let (header, body) = rest.split_at(u64::from_le_bytes(*length) as usize);
        Self { header: serde_json::from_slice(header).unwrap(), body: body.to_vec() }
    }

    /// The numbers of a tensor of F32, which has to have this shape.
    #[track_caller]
    fn tensor(&self, name: &str, shape: [usize; 2]) -> Vec<f32> {
        let tensor = &self.header[name];
        assert_eq!((&tensor["dtype"], &tensor["shape"]), (&"F32".into(), &shape[..].into()), "{name}");
        let offset = |n: usize| tensor["data_offsets"][n].as_u64().unwrap() as usize;
        let numbers = self.body[offset(0)..offset(1)].chunks_exact(4);
        numbers.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
    }
}

#[test]
fn a_saved_model_is_what_pytorch_loads() {
    let desk = Desk::new();
    let record = desk.json("--hidden 13 --save net.safetensors");
    let model = Model::of(&desk.read("net.safetensors"));
    let names: Vec<_> = model.header.as_object().unwrap().keys().collect();
    assert_eq!(names, ["0.weight", "2.weight", "__metadata__"]);
    let numbers = [model.tensor("0.weight", [13, 784]), model.tensor("2.weight", [10, 13])].concat();
    assert_eq!(model.body.len(), 4 * numbers.len());
    let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    let hash: String =
        <sha2::Sha256 as sha2::Digest>::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(weights(&record), hash, "the record's hash is that of 0.weight and 2.weight");

    let about = model.header["__metadata__"].as_object().unwrap();
    assert!(about.values().all(Value::is_string), "safetensors has only text here: {about:?}");
    let origin: Value = serde_json::from_str(about["dlr"].as_str().unwrap()).unwrap();
    assert_eq!(origin["config"], record["config"]);
    assert_eq!(desk.files(), ["net.safetensors"], "no temporary file is left");
}

#[test]
fn training_from_saved_initial_weights_is_training_from_the_seed() {
    let desk = Desk::new();
    let initial = desk.json("--epochs 0 --seed 5 --save initial");
    for order in ["file", "shuffled", "fixed"] {
        let arguments = format!("--seed 5 --order {order} --epochs 2");
        let direct = desk.json(&arguments);
        let loaded = desk.json(&format!("{arguments} --load initial"));
        assert_eq!(weights(&direct), weights(&loaded), "{order}");
        assert_ne!(weights(&initial), weights(&loaded), "nothing was learned");
    }
}

#[test]
fn what_is_loaded_and_saved_again_is_the_same() {
    let desk = Desk::new();
    let trained = desk.json("--optimizer adam --hidden 17 --save first");
    let again = desk.json("--load first --epochs 0 --save second");
    assert_eq!(weights(&trained), weights(&again));
    assert_eq!(trained["final"]["test_accuracy"], again["final"]["test_accuracy"]);
    let (first, second) = (Model::of(&desk.read("first")), Model::of(&desk.read("second")));
    assert!(first.body == second.body, "a byte of a tensor differs");
    assert_eq!(first.header["0.weight"], second.header["0.weight"]);
    assert_eq!(first.header["2.weight"], second.header["2.weight"]);

    // In place, too.
    desk.json("--load first --epochs 0 --save first");
    assert!(Model::of(&desk.read("first")).body == second.body);
}

#[test]
fn a_smaller_network_has_the_first_units_of_a_larger_one() {
    let desk = Desk::new();
    for hidden in ["3", "8"] {
        desk.json(&format!("--epochs 0 --init normal:0.01 --seed 2 --hidden {hidden} --save {hidden}"));
    }
    let (small, large) = (Model::of(&desk.read("3")), Model::of(&desk.read("8")));
    assert_eq!(small.tensor("0.weight", [3, 784]), large.tensor("0.weight", [8, 784])[..3 * 784]);
    let (small, large) = (small.tensor("2.weight", [10, 3]), large.tensor("2.weight", [10, 8]));
    for (small, large) in small.chunks(3).zip(large.chunks(8)) {
        assert_eq!(small, &large[..3]);
    }
}

/// A safetensors file with this header.
fn file(header: &str, body: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), body].concat()
}

/// The header and the numbers of a model with these shapes, all of them 0.
fn model(first: &[usize], second: &[usize]) -> (String, Vec<u8>) {
    let end = 4 * first.iter().product::<usize>();
    let all = end + 4 * second.iter().product::<usize>();
    let header = format!(
        r#"{{"0.weight":{{"dtype":"F32","shape":{first:?},"data_offsets":[0,{end}]}},
            "2.weight":{{"dtype":"F32","shape":{second:?},"data_offsets":[{end},{all}]}}}}"#
    );
    (header, vec![0; all])
}

#[test]
fn bad_models_are_refused() {
    let (header, body) = model(&[2, 784], &[10, 2]);
    let good = file(&header, &body);
    let shapes = |first: &[usize], second: &[usize]| {
        let (header, body) = model(first, second);
        file(&header, &body)
    };
    let renamed = |from: &str, to: &str| {
        assert!(header.contains(from));
        file(&header.replace(from, to), &body)
    };
    let with_number = |at: usize, number: f32| {
        let mut body = body.clone();
        body[at..at + 4].copy_from_slice(&number.to_le_bytes());
        file(&header, &body)
    };
    let no_format = "not a safetensors file";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", vec![], no_format),
        ("seven bytes", vec![0; 7], no_format),
        ("garbage", (0..=255).cycle().take(5000).collect(), no_format),
        ("text", b"not a model, but long enough to be one".to_vec(), no_format),
        ("header cut off", good[..100].to_vec(), no_format),
        ("header too long", [&(1_u64 << 40).to_le_bytes(), &good[8..]].concat(), no_format),
        ("header of 2^64 - 1 bytes", [&u64::MAX.to_le_bytes(), &good[8..]].concat(), no_format),
        ("header of no bytes", [&0_u64.to_le_bytes(), &good[8..]].concat(), no_format),
        ("header without tensors", file("{}", &[]), "no tensor 0.weight; it has none"),
        ("header that is no object", file("[1, 2]", &body), no_format),
        ("header nested too deep", file(&"[".repeat(100_000), &body), no_format),
        ("numbers cut off", good[..good.len() - 1].to_vec(), no_format),
        ("no numbers", file(&header, &[]), no_format),
        ("a byte too many", [&good[..], &[0]].concat(), no_format),
        ("a number too many", [&good[..], &[0; 4]].concat(), no_format),
        ("offsets beyond the end", renamed("6352]", "9999]"), no_format),
        ("offsets backwards", renamed("[0,6272]", "[6272,0]"), no_format),
        ("offsets that overlap", renamed("[6272,6352]", "[0,80]"), no_format),
        ("negative shape", renamed("[10, 2]", "[-10, -2]"), no_format),
        ("shape whose product wraps", renamed("[2, 784]", "[4294967296, 4294967296]"), no_format),
        ("shape that belies the offsets", renamed("[2, 784]", "[3, 784]"), no_format),
        ("wrong type, same size", renamed("F32", "I32"), "holds I32, expected F32"),
        (
            "wrong type, half the size",
            renamed(r#""F32","shape":[2, 784]"#, r#""F16","shape":[4, 784]"#),
            "F16",
        ),
        ("unknown type", renamed("F32", "F31"), no_format),
        (
            "wrong name of the first",
            renamed("0.weight", "fc1.weight"),
            "no tensor 0.weight; it has 2.weight, fc1",
        ),
        (
            "wrong name of the second",
            renamed("2.weight", "2.bias"),
            "no tensor 2.weight; it has 0.weight, 2.bias",
        ),
        ("rank 1", shapes(&[1568], &[10, 2]), "0.weight has shape [1568]"),
        ("rank 0", shapes(&[], &[10, 2]), "0.weight has shape []"),
        ("rank 3", shapes(&[2, 784], &[10, 2, 1]), "2.weight has shape [10, 2, 1]"),
        ("NaN", with_number(4 * 1000, f32::NAN), "0.weight holds NaN at place 1000"),
        ("infinity", with_number(6272 + 4 * 19, f32::NEG_INFINITY), "2.weight holds -inf at place 19"),
        ("another number of hidden units", shapes(&[2, 784], &[10, 3]), "3 hidden units"),
        ("transposed", shapes(&[784, 2], &[2, 10]), "hidden units"),
        ("no hidden unit", shapes(&[0, 784], &[10, 0]), "0 hidden"),
        ("too many hidden units", shapes(&[5000, 784], &[10, 5000]), "5000 hidden"),
        ("no inputs", shapes(&[2, 0], &[10, 2]), "0 inputs"),
        ("no outputs", shapes(&[2, 784], &[0, 2]), "0 output"),
        ("inputs of other data", shapes(&[2, 783], &[10, 2]), "783 inputs"),
        ("outputs of other data", shapes(&[2, 784], &[11, 2]), "11 outputs"),
        ("far too many inputs", shapes(&[1, 1 << 20], &[10, 1]), "inputs"),
    ];
    assert!(cases.len() >= 40);

    let desk = Desk::new();
    desk.write("good", &good);
    desk.json("--load good");
    for (case, bytes, problem) in cases {
        desk.write("bad", bytes);
        let run = desk.dlr("--load bad --target none --epochs 1000");
        println!("{case}: {}", run.stderr);
        run.failed(4, &["bad: ", problem, "; give a "]);
    }
}

#[test]
fn models_that_are_no_files_are_refused() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("folder")).unwrap();
    desk.dlr("--load folder").failed(4, &["folder: ", "; give a file"]);
    desk.dlr("--load missing").failed(4, &["missing: ", "; give a file"]);
    desk.dlr("--load folder/missing").failed(4, &["folder/missing: ", "; give a file"]);
    desk.make_pipe("pipe"); // nobody will ever write to it
    desk.dlr("--load pipe").failed(4, &["pipe: ", "; give a file"]);
}
