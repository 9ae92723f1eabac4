//! Weights in files: what `--save` writes and `--load` reads.

use crate::helpers::*;
use dlr::engine::model;
use dlr::{Init, Network};
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

/// Before the data are looked at, and long before the training; what else may be wrong, `tests/parsers` has.
#[test]
fn bad_models_are_refused() {
    let desk = Desk::new();
    desk.json("--hidden 2 --epochs 0 --save good");
    desk.write("bad", &desk.read("good")[..1000]);
    let line = "bad: not a safetensors file (incomplete metadata, file not fully covered); give a file with 0.weight";
    desk.dlr("--load bad --target none --epochs 1000 --data nowhere").failed(4, &[line]);
}

#[test]
fn models_for_other_data_are_refused() {
    let desk = Desk::new();
    for (inputs, outputs) in [(783, 10), (784, 11)] {
        let network = Network::draw(inputs, 2, outputs, Init::FanIn, 1);
        model::save(&desk.path("other"), &network, Value::Null).unwrap();
        let told = format!(
            "other: a network of {inputs} inputs and {outputs} outputs, but mnist has 784 and 10; give a "
        );
        desk.dlr("--load other --target none --epochs 1000").failed(4, &[&told]);
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
