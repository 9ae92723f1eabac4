//! `--checkpoint` and `--resume`: what was interrupted goes on to what it would have come to.

use crate::helpers::*;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

/// A record without its clocks.
fn without_times(mut record: Value) -> Value {
    fn clear(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for name in ["train_s", "wall_s", "ns_per_image"] {
                    fields.remove(name);
                }
                fields.values_mut().for_each(clear);
            }
            Value::Array(items) => items.iter_mut().for_each(clear),
            _ => {}
        }
    }
    clear(&mut record);
    record
}

#[test]
fn a_run_in_two_parts_is_the_run_in_one() {
    let desk = Desk::new();
    for (optimizer, hidden) in
        [("dlr", "30"), ("adam", "20,10"), ("nesterov --batch 10", "30"), ("sgd-decay", "9")]
    {
        let run = format!("--optimizer {optimizer} --hidden {hidden} --images 2000 --target none");
        let whole = desk.json(&format!("{run} --epochs 3"));
        let part = desk.json(&format!("{run} --epochs 1 --checkpoint part"));
        assert_ne!(weights(&part), weights(&whole));
        let rest = desk.dlr("--resume part --epochs 3 --json -q --threads 1");
        assert_eq!(rest.code, Some(0), "{rest:?}");
        let (mut rest, mut whole) = (without_times(rest.json()), without_times(whole));
        // Threads are told, and decide nothing.
        rest["engine"]["threads"].take();
        whole["engine"]["threads"].take();
        assert_eq!(rest, whole);
    }
    assert_eq!(desk.files(), ["part"]);
}

/// Everything that decides the rest of the run is under the checksum, not the tensors alone.
#[test]
fn what_a_checkpoint_says_of_itself_is_as_it_was_written() {
    let desk = Desk::new();
    desk.json("--hidden 12 --epochs 2 --target none --checkpoint run");
    let bytes = desk.read("run");
    let length = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = String::from_utf8(bytes[8..length].to_vec()).unwrap();
    for (from, to) in [
        (r#"\"images\":1200"#, r#"\"images\":1800"#),
        (r#"\"hidden\":12"#, r#"\"hidden\":13"#),
        (r#"\"seed\":1,"#, r#"\"seed\":2,"#),
        (r#"\"lr\":0.8"#, r#"\"lr\":0.7"#),
        (r#"\"random_position\":\""#, r#"\"random_position\":\"1"#),
    ] {
        assert!(header.contains(from), "{from} in {header}");
        let mut changed = header.replace(from, to).into_bytes();
        changed.resize(changed.len().next_multiple_of(8), b' ');
        let file = [&(changed.len() as u64).to_le_bytes()[..], &changed, &bytes[length..]].concat();
        desk.write("changed", file);
        let words = ["changed: ", "; give --resume a file that --checkpoint has written"];
        desk.dlr("--resume changed --epochs 3").failed(4, &words);
    }
}

#[test]
fn a_path_that_is_no_text_does_no_harm() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let desk = Desk::new();
    desk.json("--hidden 12 --epochs 0 --save net");
    let odd = OsStr::from_bytes(b"n\xff");
    std::fs::copy(desk.path("net"), desk.path("").join(odd)).unwrap();
    for arguments in
        ["--images 600 --json -q --load", "--images 600 -q --checkpoint run --load", "evaluate --json"]
    {
        let mut command = desk.command(arguments);
        command.arg(odd);
        let run = finish(command);
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{arguments}: {run:?}");
    }
}

/// Killed in the midst of it, without a chance to say goodbye; the checkpoint is never half written.
#[test]
fn a_killed_run_goes_on_from_its_last_checkpoint() {
    let desk = Desk::new();
    let run = "--optimizer adam --hidden 30 --images 5000 --epochs 12 --target none";
    let whole = desk.json(run);
    let first = format!("{run} --checkpoint run --every 1000");
    let again = "--resume run --checkpoint run --every 1000";
    // Killed later each time, so that it comes to an end.
    let ended = (1..100).find_map(|attempt| {
        let arguments = if desk.path("run").exists() { again } else { &first };
        let mut child =
            desk.command(&format!("{arguments} --json -q")).stdout(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(25 * attempt));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        let end = child.wait_with_output().unwrap();
        assert!(end.status.success(), "{end:?}");
        Some(serde_json::from_slice(&end.stdout).unwrap())
    });
    assert_eq!(without_times(ended.expect("it comes to an end")), without_times(whole));
    // A kill may leave the beginning of a checkpoint beside it, under another name.
    assert!(
        desk.files().iter().all(|file| file == "run" || file.starts_with(".dlr-save-")),
        "{:?}",
        desk.files()
    );
}

#[test]
fn an_interrupted_run_leaves_a_checkpoint() {
    let desk = Desk::new();
    let run = "--images 3000 --epochs 400 --target none";
    let mut command = desk.command(&format!("{run} --checkpoint run --json"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains("of 400, test accuracy") {
        assert_ne!(stderr.read_line(&mut told).unwrap(), 0, "it ended by itself: {told}");
    }
    signal(&child, "INT");
    stderr.read_to_string(&mut told).unwrap();
    let end = child.wait_with_output().unwrap();
    assert_eq!(end.status.code(), Some(130), "{told}");
    let interrupted: Value = serde_json::from_slice(&end.stdout).unwrap();
    let reached = interrupted["images"].as_u64().unwrap();
    let epochs = reached.div_ceil(3000) + 1;
    let resumed = desk.dlr(&format!("--resume run --epochs {epochs} --json -q"));
    let whole = desk.json(&format!("--images 3000 --target none --epochs {epochs}"));
    assert_eq!(weights(&resumed.json()), weights(&whole));
}

#[test]
fn a_checkpoint_is_a_model_too() {
    let desk = Desk::new();
    let trained = desk.json("--optimizer adam --hidden 20,10 --checkpoint run");
    let loaded = desk.json("--load run --epochs 0");
    assert_eq!(weights(&trained), weights(&loaded));
    desk.json("--load run --epochs 0 --save net");
    let [model, checkpoint] = ["net", "run"].map(|file| desk.dlr(&format!("evaluate {file} --json")).json());
    for part in ["accuracy", "classes", "confusion", "data"] {
        assert_eq!(model[part], checkpoint[part], "{part}");
    }
}

#[test]
fn where_nothing_is_left_to_train_that_is_said() {
    let desk = Desk::new();
    let told = |first: &str, again: &str| {
        desk.json(&format!("{first} --checkpoint run"));
        desk.dlr(&format!("--resume run -q {again}")).stderr
    };
    let warning = |why: &str| format!("dlr: warning: nothing was trained after run: {why}\n");
    let hit = warning("it had reached its target; a higher --target, or none, has it go on");
    assert_eq!(told("--target 0.1", "--epochs 3"), hit);
    assert_eq!(told("--target 0.1", "--target none --epochs 3"), "");
    assert_eq!(told("--target none", ""), warning("its epochs were over; more --epochs have it go on"));
    assert_eq!(told("--epochs 9 --lr 0 --stall 1", "--epochs 12"), warning("it had stalled"));
}

#[test]
fn what_cannot_be_gone_on_from_is_refused() {
    let desk = Desk::new();
    desk.json("--checkpoint run");
    desk.json("--save model");
    let refused = |arguments: &str, code: i32, words: &[&str]| desk.dlr(arguments).failed(code, words);
    refused("--resume none", 4, &["cannot read none", "give --resume a file that --checkpoint has written"]);
    refused("--resume model", 4, &["model: a model, but no checkpoint"]);
    refused("--resume .", 4, &[".: not a file"]);
    desk.write("text", "not a checkpoint");
    refused("--resume text", 4, &["text: not a safetensors file"]);
    desk.write("half", &desk.read("run")[..1000]);
    refused("--resume half", 4, &["half: not a safetensors file"]);
    let mut bytes = desk.read("run");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    desk.write("changed", bytes);
    for reader in ["--resume", "--load", "evaluate"] {
        refused(&format!("{reader} changed"), 4, &["changed: its checksum is wrong"]);
    }
    // Other data of the same sizes.
    std::fs::create_dir(desk.path("data")).unwrap();
    for file in ["train-images", "t10k-images"] {
        std::fs::copy(
            format!("{MNIST}/{file}-idx3-ubyte.gz"),
            desk.path(&format!("data/{file}-idx3-ubyte.gz")),
        )
        .unwrap();
    }
    let mut labels = vec![0, 0, 8, 1];
    for (file, count) in [("train", 60_000_u32), ("t10k", 10_000)] {
        labels.truncate(4);
        labels.extend(count.to_be_bytes());
        labels.extend((0..count).map(|n| (n % 10) as u8));
        desk.write(&format!("data/{file}-labels-idx1-ubyte"), &labels);
    }
    refused("--resume run --data data", 4, &["run: a run on mnist, but data is other data", "--data"]);
    desk.json("--checkpoint three --epochs 3 --target none");
    refused("--resume three --epochs 2", 2, &["--epochs: 2 asked for, but the checkpoint is in its epoch 3"]);
    refused("--resume three --target 0.01 --epochs 4", 2, &["--target: the run was above it before"]);
    refused("--resume three --epochs 4 --require-target", 2, &["--require-target: there is no target; give"]);
    desk.json("--epochs 0 --save net");
    refused("--checkpoint net --save ./net", 2, &["--checkpoint: net is --save, which would be overwritten"]);
    for option in
        ["--lr 1", "--hidden 30", "--seed 2", "--batch 1", "--init fan-in", "--load model", "--runs 2"]
    {
        desk.dlr(&format!("--resume run {option}")).complained(2, &["--resume"]);
    }
    desk.dlr("--every 5").complained(2, &["--checkpoint: needed by --every, but missing"]);
    refused("--checkpoint none/file", 1, &["cannot write none/file", "give --checkpoint a file in a folder"]);
    assert_eq!(desk.files(), ["changed", "data", "half", "model", "net", "run", "text", "three"]);
}
