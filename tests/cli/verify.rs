//! `dlr verify`: the same comes out again, or what is otherwise is named.

use crate::helpers::*;
use serde_json::{Value, json};

#[test]
fn a_record_comes_out_again() {
    let desk = Desk::new();
    for arguments in [
        "--images 900 --epochs 2",
        "--images 900 --hidden 20,10 --optimizer adam --batch 7",
        "--images 900 --preset authors --optimizer nesterov --seed 9 --test-every 100",
        "--images 300 --optimizer sgd-rates --epochs 3 --stall 1",
        "--images 900 --runs 3",
    ] {
        let made = desk.dlr(&format!("{arguments} --json -q"));
        assert_eq!(made.code, Some(0), "{made:?}");
        desk.write("result.json", &made.stdout);
        let verified = desk.dlr("verify result.json --threads 1");
        assert_eq!(verified.code, Some(0), "{verified:?}");
        assert_eq!(verified.stdout.lines().count(), made.stdout.lines().count());
        assert!(verified.stdout.lines().all(|line| line.starts_with("the same ")), "{verified:?}");
        let record: Value = serde_json::from_str(made.stdout.lines().next().unwrap()).unwrap();
        assert!(verified.stdout.contains(weights(&record)), "{verified:?}");
    }
}

#[test]
fn a_run_from_loaded_weights_needs_them() {
    let desk = Desk::new();
    desk.json("--hidden 12 --epochs 0 --save start");
    let made = desk.json("--load start --images 900");
    desk.write("result.json", made.to_string());
    assert_eq!(desk.dlr("verify result.json").code, Some(0));
    std::fs::rename(desk.path("start"), desk.path("moved")).unwrap();
    desk.dlr("verify result.json").failed(4, &["cannot read start"]);
    assert_eq!(desk.dlr("verify result.json --load moved").code, Some(0));
    desk.json("--hidden 13 --epochs 0 --save other");
    let words = ["other: other weights than the run began with", "--load"];
    desk.dlr("verify result.json --load other").failed(4, &words);
    let mut larger = made;
    larger["config"]["hidden"] = json!(13);
    desk.write("result.json", larger.to_string());
    let words = ["weights of a network 784-12-10, but its network is 784-13-10", "as it was printed"];
    desk.dlr("verify result.json --load moved").failed(4, &words);
}

#[test]
fn what_is_otherwise_is_named() {
    let desk = Desk::new();
    let made = desk.json("--images 900");
    let verify = |change: &dyn Fn(&mut Value)| {
        let mut record = made.clone();
        change(&mut record);
        desk.write("result.json", record.to_string());
        (desk.dlr("verify result.json"), desk.dlr("verify result.json --json").json())
    };
    let zeros = "0".repeat(64);
    let (text, lines) = verify(&|record| record["final"]["weights_sha256"] = json!(zeros));
    assert_eq!(text.code, Some(7), "{text:?}");
    assert!(
        text.stdout.contains(&format!("final weights: recorded {zeros}, now {}", weights(&made))),
        "{text:?}"
    );
    assert!(text.stdout.contains("the record was changed, or this is a fault of dlr"), "{text:?}");
    assert_eq!((&lines["matches"], &lines["weights_sha256"]), (&json!(false), &json!(weights(&made))));

    let (text, lines) = verify(&|record| {
        record["engine"]["simd"] = json!("sse2");
        record["final"]["weights_sha256"] = json!(zeros);
    });
    assert!(text.stdout.contains("this may be why: SIMD sse2 there, "), "{text:?}");
    assert_eq!(lines["unlike"].as_array().unwrap().len(), 1);

    let (text, _) = verify(&|record| record["config"]["lr"] = json!(0.5));
    assert_eq!(text.code, Some(7), "{text:?}");
    let (text, _) = verify(&|record| record["curve"][0]["test_accuracy"] = json!(0.5));
    assert!(text.code == Some(7) && text.stdout.contains("curve: recorded 0.5 after 600 images"), "{text:?}");
    // Another build that comes to the same has said more, not less.
    let (text, _) = verify(&|record| record["engine"]["version"] = json!("0.0.1"));
    assert_eq!(text.code, Some(0), "{text:?}");
    assert!(text.stdout.contains("(although version 0.0.1 there, "), "{text:?}");
}

#[test]
fn what_cannot_be_verified_is_refused() {
    let desk = Desk::new();
    let made = desk.json("--images 900");
    let refused = |change: &dyn Fn(&mut Value), words: &[&str]| {
        let mut record = made.clone();
        change(&mut record);
        desk.write("result.json", record.to_string());
        desk.dlr("verify result.json").failed(4, words);
    };
    refused(&|record| record["schema"] = json!("dlr-run/2"), &["line 1 has schema \"dlr-run/2\""]);
    refused(&|record| record["schema"] = Value::Null, &["line 1 is no record of a run"]);
    refused(&|record| record["protocol"] = json!(0), &["a run by protocol 0, but this is 1"]);
    refused(&|record| record["config"]["optimizer"] = json!("magic"), &["there is no optimizer \"magic\""]);
    refused(
        &|record| record["config"]["momentum"] = json!(0.5),
        &["--momentum: dlr has no such hyper-parameter"],
    );
    refused(&|record| record["config"]["batch"] = json!(0), &["expected 1 or more"]);
    refused(&|record| record["config"]["lr"] = json!(-0.8), &["lr is -8e-1, out of its range"]);
    refused(&|record| record["config"]["alpha"] = json!(0), &["alpha is 0, out of its range"]);
    refused(
        &|record| record["config"]["images"] = json!(0),
        &["0 asked for, but mnist has 60000 training images"],
    );
    refused(&|record| record["config"]["hidden"] = json!([]), &["expected a whole number from 1 to 4096"]);
    refused(&|record| drop(record["config"].as_object_mut().unwrap().remove("alpha")), &["no whole record"]);
    refused(
        &|record| record["data"]["hashes"]["test_labels"] = json!("00"),
        &["mnist has other test labels", "--data"],
    );
    desk.write("result.json", "");
    desk.dlr("verify result.json").failed(4, &["result.json: an empty file"]);
    desk.write("result.json", "{");
    desk.dlr("verify result.json").failed(4, &["result.json: line 1 is no JSON"]);
    desk.dlr("verify none").failed(4, &["cannot read none"]);
    desk.dlr("verify").complained(2, &["RESULT"]);
    desk.write("result.json", format!("{made}\n\n{made}\n"));
    let twice = desk.dlr("verify result.json");
    assert_eq!((twice.code, twice.stdout.lines().count()), (Some(0), 2), "{twice:?}");
}
