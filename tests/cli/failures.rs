//! What goes wrong is said in one line, under the documented exit code, and as early as it can be known.

use crate::helpers::*;
use dlr::engine::model;
use dlr::engine::network::Network;
use dlr::engine::optimizer::OPTIMIZERS;
use dlr::engine::settings::Init;
use serde_json::json;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

/// A run without a foreseeable end: whatever is refused beside it is refused before the training.
const ENDLESS: &str = "--target none --epochs 100000 --quiet";

#[test]
fn missing_data_are_refused() {
    let desk = Desk::new();
    desk.dlr(&format!("{ENDLESS} --data nowhere")).failed(4, &["nowhere: ", "--data"]);
    fs::create_dir(desk.path("empty")).unwrap();
    desk.dlr(&format!("{ENDLESS} --data empty")).failed(4, &["empty/train-images-idx3-ubyte: ", "--data"]);
    desk.write("file", "");
    desk.dlr(&format!("{ENDLESS} --data file")).failed(4, &["file: expected a folder", "--data"]);
    let mut command = desk.command(ENDLESS);
    command.env("DLR_DATA", "nowhere");
    finish(command).failed(4, &["nowhere: ", "DLR_DATA"]);
}

#[test]
fn damaged_data_are_refused() {
    let desk = Desk::new();
    let name = "train-labels-idx1-ubyte.gz";
    let good = fs::read(format!("{MNIST}/{name}")).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    for (case, bytes) in
        [("flipped", &flipped[..]), ("cut", &good[..good.len() / 2]), ("text", b"404: Not Found")]
    {
        fs::create_dir(desk.path(case)).unwrap();
        link_mnist(&desk.path(case));
        fs::remove_file(desk.path(case).join(name)).unwrap();
        desk.write(&format!("{case}/{name}"), bytes);
        desk.dlr(&format!("{ENDLESS} --data {case}"))
            .failed(4, &[case, name, "; replace it with a good copy"]);
    }
}

/// Neither its name nor what it says of itself breaks the line.
#[test]
fn a_warning_is_one_line_whatever_a_file_is_called_and_says() {
    let desk = Desk::new();
    let network = Network::draw(784, 2, 10, Init::FanIn, 1);
    model::save(&desk.path("n\nt"), &network, json!({ "data": "a\nb\u{1b}" })).unwrap();
    let mut command = desk.command("evaluate --json");
    command.arg("n\nt");
    let run = finish(command);
    let words = "does not say how its inputs are made; they are taken for --inputs unit";
    let trained_on = r"the network was trained on a\nb\u{1b}, and this is mnist; --data names another folder";
    let told = format!("dlr: warning: n\\nt {words}\ndlr: warning: {trained_on}\n");
    assert_eq!((run.code, &*run.stderr), (Some(0), &*told), "{run:?}");
}

#[test]
fn places_that_cannot_be_saved_to_are_refused_before_training() {
    let desk = Desk::new();
    fs::create_dir(desk.path("folder")).unwrap();
    desk.write("file", "mine");
    for place in ["missing/net", "folder", "folder/", "file/net", "file/", "new/", ".", "/"] {
        let problem = format!("cannot write {place}: ");
        desk.dlr(&format!("{ENDLESS} --save {place}")).failed(1, &[&problem, "; give --save a file"]);
    }
    // Proof against root, whom permissions do not stop.
    #[cfg(target_os = "linux")]
    desk.dlr(&format!("{ENDLESS} --save /proc/net.safetensors"))
        .failed(1, &["/proc/net.safetensors: ", "--save"]);

    let locked = desk.path("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, PermissionsExt::from_mode(0o555)).unwrap();
    if File::create(locked.join("probe")).is_err() {
        desk.dlr(&format!("{ENDLESS} --save locked/net")).failed(1, &["locked/net: ", "--save"]);
    }
    assert_eq!(desk.files(), ["file", "folder", "locked"], "something was left behind");
    assert_eq!(desk.read("file"), b"mine");
}

/// A device or a pipe has its place for a reason, and a model that took it would be hard to undo.
#[test]
fn what_is_not_a_file_is_not_replaced() {
    let desk = Desk::new();
    desk.make_pipe("pipe");
    desk.dlr("compare sgd dlr --images 600 --journal pipe").failed(4, &["pipe: not a file; give a journal"]);
    desk.dlr("--images 600 --quiet --save pipe").failed(1, &["cannot write pipe: ", "; give --save a file"]);
    assert!(!desk.path("pipe").is_file(), "the pipe is gone");
    assert_eq!(desk.files(), ["pipe"]);
}

/// With large weights to send the whole error back through, the largest rate leads beyond the largest number.
const OVERFLOWING: &str = "--lr 3.4e38 --init normal:10 --backprop authors --images 600";
/// Here the units saturate, the gradient becomes zero, and the weights stay finite, far beyond all use.
const BOUNDLESS: &str = "--lr 1e38 --images 600";

/// The same for an optimizer whose rate is called otherwise.
fn by_rates(settings: &str) -> String {
    let (lr, rest) = settings.strip_prefix("--lr ").and_then(|rest| rest.split_once(' ')).unwrap();
    format!("--rates 0,0,0,{lr},0,0,0,{lr} {rest}")
}

#[test]
fn divergence_is_told_and_never_saved() {
    let desk = Desk::new();
    desk.json("--save good");
    let good = desk.read("good");
    for entry in OPTIMIZERS {
        for settings in [OVERFLOWING, BOUNDLESS] {
            let (settings, cure) = match entry.defaults.rates {
                None => (settings.to_owned(), "lower --lr"),
                Some(_) => (by_rates(settings), "lower --rates"),
            };
            // So that lr / alpha is a number.
            let alpha = if entry.defaults.alpha.is_some() { "--alpha 1" } else { "" };
            let arguments = format!("{settings} --optimizer {} {alpha} --quiet", entry.name);
            let words = [&*format!("{} diverged", entry.name), cure];
            let text = desk.dlr(&format!("{arguments} --save good"));
            text.complained(5, &words);
            assert!(text.stdout.contains("diverged within"), "{text:?}");

            let json = desk.dlr(&format!("{arguments} --save new --json"));
            json.complained(5, &words);
            let record = json.json();
            assert_eq!((&record["stop"], &record["target"]["hit"]), (&"diverged".into(), &false.into()));

            assert!(desk.read("good") == good, "{arguments}: a good model was overwritten");
            assert_eq!(desk.files(), ["good"], "a diverged network was saved, or a temporary file left");
        }
    }
}

/// Whether or not a test falls between, and whatever else the run was to do.
#[test]
fn divergence_is_seen_whenever_the_run_ends() {
    for more in ["--test-every 1", "--test-every 1000000", "--require-target", "--target 0", "--epochs 3"] {
        let run = dlr(&format!("{OVERFLOWING} --optimizer adam --quiet {more}"));
        run.complained(5, &["adam diverged"]);
    }
}

#[test]
fn a_missed_target_is_an_error_only_on_demand() {
    let desk = Desk::new();
    let missed = desk.dlr("--images 600 --target 0.999 --quiet --require-target --save net");
    assert_eq!((missed.code, &*missed.stderr), (Some(3), ""), "{missed:?}");
    assert!(missed.stdout.contains("not above 99.90 %"), "{missed:?}");
    assert_eq!(desk.files(), ["net"], "the network is saved all the same");
    assert_eq!(desk.dlr("--images 600 --target 0.999 --quiet").code, Some(0));
    assert_eq!(desk.dlr("--images 600 --target 0.1 --quiet --require-target").code, Some(0));
}

/// Progress is for whoever looks; that nobody does is no reason to stop. Neither is a full disk behind a log.
#[test]
fn nobody_has_to_read_stderr() {
    let desk = Desk::new();
    for (code, arguments) in [(0, "--images 600 --save net"), (4, "--data nowhere"), (2, "--frobnicate")] {
        let mut command = desk.command(arguments);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(code), "closed: {arguments}");
        #[cfg(target_os = "linux")]
        {
            let full = File::options().write(true).open("/dev/full").unwrap();
            let status = desk.command(arguments).stdout(Stdio::null()).stderr(full).status();
            assert_eq!(status.unwrap().code(), Some(code), "full: {arguments}");
        }
    }
    assert_eq!(desk.files(), ["net"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_printed_is_an_error() {
    let desk = Desk::new();
    for arguments in ["--images 600 --quiet --save net", "--images 600 --quiet --json", "--help", "--version"]
    {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let child = desk.command(arguments).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let run = Finished::from(child.wait_with_output().unwrap());
        run.failed(1, &["cannot write standard output: ", "; "]);
    }
    assert_eq!(desk.files(), ["net"], "what was learned is saved all the same");
}

#[test]
fn data_that_cannot_be_cached_are_used_with_a_warning() {
    let desk = Desk::new();
    desk.write("file", "");
    let mut command = desk.command("--images 600 --quiet");
    command.env("DLR_CACHE", "file/cache");
    let run = finish(command);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.starts_with("dlr: warning: ") && run.stderr.contains("file/cache"), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
}

/// Whatever it is called, and whether it is there yet.
#[test]
fn no_output_takes_the_place_of_an_input_or_of_another_output() {
    let desk = Desk::new();
    desk.put_tiny();
    let tiny = "--data tiny --epochs 1 --target 0.1";
    desk.json(&format!("{tiny} --images 6 --checkpoint run --save net"));
    desk.write("base", "");
    let before: Vec<_> = ["run", "net", "base"].iter().map(|name| desk.read(name)).collect();
    let labels = "tiny/t10k-labels-idx1-ubyte";
    for (arguments, told) in [
        (format!("{tiny} --save ./new --checkpoint new"), "--checkpoint: new is --save"),
        (format!("--config base {tiny} --save base"), "--save: base is the file of settings"),
        (format!("compare sgd {tiny} --config=base --svg base"), "--svg: base is the file of settings"),
        (
            "evaluate net --config base --data tiny --png base".to_owned(),
            "--png: base is the file of settings",
        ),
        ("predict net a.png --png ./a.png".to_owned(), "--png: ./a.png is a picture to read"),
        ("predict net a.png --png net".to_owned(), "--png: net is the model"),
        (format!("{tiny} --load net --checkpoint net"), "--checkpoint: net is the model"),
        (format!("{tiny} --resume run --save tiny/../run"), "--save: tiny/../run is the checkpoint"),
        (format!("{tiny} --save {labels}"), &*format!("--save: {labels} is a file of the data set")),
        (
            format!("{tiny} --checkpoint {labels}"),
            &format!("--checkpoint: {labels} is a file of the data set"),
        ),
        (format!("data --data tiny --png {labels}"), &format!("--png: {labels} is a file of the data set")),
        (format!("compare sgd {tiny} --journal new --svg ./new"), "--svg: ./new is the journal"),
        (format!("tune sgd {tiny} --journal new --svg new"), "--svg: new is the journal"),
        (
            format!("compare sgd {tiny} --journal new --svg new.times"),
            "--svg: new.times is the journal's times",
        ),
        (format!("compare sgd {tiny} --svg {labels}"), &format!("--svg: {labels} is a file of the data set")),
        (format!("tune sgd {tiny} --svg {labels}"), &format!("--svg: {labels} is a file of the data set")),
        (
            format!("evaluate net --data tiny --png {labels}"),
            &format!("--png: {labels} is a file of the data set"),
        ),
        ("evaluate net --data tiny --svg new --png tiny/../new".to_owned(), "--png: tiny/../new is --svg"),
    ] {
        desk.dlr(&arguments).failed(2, &[told, ", which would be overwritten; give another file"]);
    }
    if !cfg!(debug_assertions) {
        let told = "--svg: base is the baseline, which would be overwritten; give another file";
        desk.dlr("profile --baseline base --svg base -q").failed(2, &[told]);
    }
    let after: Vec<_> = ["run", "net", "base"].iter().map(|name| desk.read(name)).collect();
    assert!(before == after);
    assert_eq!(desk.files(), ["base", "net", "run", "tiny"]);
    assert_eq!(desk.read(labels)[..4], [0, 0, 8, 1]);
}

#[test]
fn weights_that_were_trained_otherwise_are_warned_of() {
    let desk = Desk::new();
    desk.json("--inputs offset --one-hot 0.1,0.9 --save net");
    let told = |arguments: &str| desk.dlr(&format!("--load net --epochs 0 -q {arguments}")).stderr;
    assert_eq!(
        told(""),
        "dlr: warning: net was trained with --inputs offset, and goes on with unit\n\
         dlr: warning: net was trained with --one-hot 0.1,0.9, and goes on with 0,1\n"
    );
    assert_eq!(told("--inputs offset --one-hot 0.1,0.9"), "");
    desk.json("--save net");
    let mut model = desk.read("net");
    let name = model.windows(5).position(|bytes| bytes == b"mnist").unwrap();
    model[name..][..5].copy_from_slice(b"other");
    desk.write("net", model);
    assert_eq!(told(""), "dlr: warning: net was trained on other, and goes on with mnist\n");
}
