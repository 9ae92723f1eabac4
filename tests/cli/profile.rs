//! `dlr profile`: what it promises to tell, and what it refuses. How fast the machine is, no test can know.

use crate::helpers::*;
use dlr::engine::optimizer::OPTIMIZERS;
use serde_json::Value;

/// Small cells, measured briefly.
const SMALL: &str = "profile --hidden 4,20 --batch 1,50 --optimizers sgd,adam --rounds 3 --images 200 -q";

/// A profile that must end well.
#[track_caller]
fn good(desk: &Desk, arguments: &str) -> Finished {
    let run = desk.dlr(arguments);
    assert_eq!(run.code, Some(0), "{arguments}: {run:?}");
    run
}

/// The lines of JSON.
#[track_caller]
fn lines(run: &Finished) -> Vec<Value> {
    run.stdout.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect()
}

/// The profile in `lines` with all times of its cells multiplied.
fn scaled(lines: &[Value], factor: f64) -> String {
    let mut text = String::new();
    for line in lines {
        let mut line = line.clone();
        if let Some(times) = line.get_mut("ns").and_then(Value::as_object_mut) {
            times.values_mut().for_each(|time| *time = (time.as_f64().unwrap() * factor).into());
        }
        text += &format!("{line}\n");
    }
    text
}

#[test]
fn debug_builds_are_refused() {
    if cfg!(debug_assertions) {
        dlr("profile").failed(2, &["dlr profile: this is a debug build", "--release"]);
    }
}

#[test]
fn json_tells_the_machine_and_every_cell() {
    if cfg!(debug_assertions) {
        return;
    }
    let desk = Desk::new();
    let found = lines(&good(&desk, &format!("{SMALL} --json")));
    assert_eq!(found.len(), 1 + 8);
    assert!(found.iter().all(|line| line["schema"] == "dlr-profile/1"));
    let (machine, cells) = found.split_first().unwrap();
    assert_eq!((&machine["kind"], &machine["data"]), (&"machine".into(), &"mnist".into()));
    assert_eq!((&machine["engine"]["threads"], &machine["rounds"]), (&1.into(), &3.into()));
    let peaks = &machine["peaks"][0];
    assert!(peaks["gflops"].as_f64() > Some(0.1), "{machine}");
    let names: Vec<_> = peaks["levels"].as_array().unwrap().iter().map(|level| &level["name"]).collect();
    assert_eq!(names, ["L1", "L2", "L3", "memory"]);

    let mut wanted = Vec::new();
    for hidden in [4, 20] {
        for batch in [1, 50] {
            wanted.extend(["sgd", "adam"].map(|optimizer| (optimizer, hidden, batch)));
        }
    }
    for (cell, (optimizer, hidden, batch)) in cells.iter().zip(wanted) {
        assert_eq!((&cell["kind"], &cell["optimizer"]), (&"cell".into(), &optimizer.into()));
        assert_eq!((&cell["hidden"], &cell["batch"]), (&hidden.into(), &batch.into()));
        assert_eq!((&cell["threads"], &cell["rounds"]), (&1.into(), &3.into()));
        let number = |name: &str| {
            let value = name.split('/').fold(cell, |value, key| &value[key]);
            value.as_f64().unwrap_or_else(|| panic!("no {name} in {cell}"))
        };
        let times =
            ["least", "first_quartile", "median", "third_quartile"].map(|q| number(&format!("ns/{q}")));
        assert!(times[0] > 0.0 && times.is_sorted(), "{cell}");
        let median = times[2];
        let near = |found: f64, want: f64| (found / want - 1.0).abs() < 1e-9;
        assert!(
            near(number("images_per_s"), 1e9 / median) && near(number("epoch_ms"), median * 0.06),
            "{cell}"
        );
        for name in ["test_ns", "flops", "loaded_bytes", "stored_bytes", "working_set_bytes", "gflops", "gbs"]
        {
            assert!(number(name) > 0.0, "{name} in {cell}");
        }
        assert!(
            (0.0..1.5).contains(&number("of_peak")) && (0.0..1.5).contains(&number("of_bandwidth")),
            "{cell}"
        );
        assert!(near(number("intensity"), number("gflops") / number("gbs")), "{cell}");
        assert_eq!(number("memory_bytes_per_weight"), if optimizer == "sgd" { 0.0 } else { 8.0 });
        assert!(optimizer != "sgd" || number("times_sgd") == 1.0, "{cell}");

        // Other tests run beside this one, so that whole and phases, which are measured apart, may be disturbed apart.
        // Alone on a quiet machine, they miss each other by 1 %.
        let phases =
            ["data", "forward", "output", "update"].map(|phase| number(&format!("phases_ns/{phase}")));
        let gap = phases.iter().sum::<f64>() / median - 1.0;
        assert!((-0.7..2.0).contains(&gap) && (gap - number("phases_gap")).abs() < 1e-9, "{gap}: {cell}");
        assert!(phases.iter().all(|&phase| phase > 0.0), "{cell}");
    }
}

#[test]
fn tables_have_a_row_for_every_cell_and_nothing_goes_without_sgd() {
    if cfg!(debug_assertions) {
        return;
    }
    let desk = Desk::new();
    let text =
        good(&desk, "profile --hidden 8 --batch 1,10 --optimizers dlr,nesterov --rounds 1 --images 100 -q");
    for (words, times) in [("\n  dlr ", 4), ("\n  nesterov ", 4), ("784-8-10, batch 10\n", 2), ("FMA ", 2)] {
        assert_eq!(text.stdout.matches(words).count(), times, "{words:?} in {}", text.stdout);
    }
    let paper = good(&desk, "profile --hidden 8 --batch 1 --rounds 1 --images 100 -q --threads 2");
    assert!(paper.stdout.contains("2 threads: FMA "), "{paper:?}");
    let all = good(&desk, "profile --optimizers all --hidden 8 --batch 1 --rounds 1 --images 100 -q");
    for entry in OPTIMIZERS {
        let of_paper = ["dlr", "sgd", "nesterov", "adam"].contains(&entry.name);
        let row = format!("\n  {} ", entry.name);
        assert_eq!(paper.stdout.contains(&row), of_paper, "{row:?} in {}", paper.stdout);
        assert!(all.stdout.contains(&row), "no {row:?} in {}", all.stdout);
    }
}

#[test]
fn slower_than_the_baseline_is_an_exit_code() {
    if cfg!(debug_assertions) {
        return;
    }
    let desk = Desk::new();
    let cell = "profile --hidden 20 --batch 1 --optimizers sgd --rounds 5 --images 500 -q";
    let before = lines(&good(&desk, &format!("{cell} --json")));
    desk.write("fast", scaled(&before, 0.1));
    desk.write("slow", scaled(&before, 10.0));

    let run = desk.dlr(&format!("{cell} --baseline fast --fail-if-slower 5%"));
    assert_eq!(run.code, Some(6), "{run:?}");
    assert!(run.stdout.contains("sgd, hidden 20, batch 1, threads 1: "), "{run:?}");
    assert!(run.stdout.contains(", SLOWER\n1 of 1 cells are slower by more than 5.00 %\n"), "{run:?}");
    let run = good(&desk, &format!("{cell} --baseline slow --fail-if-slower 5%"));
    assert!(run.stdout.contains("0 of 1 cells are slower"), "{run:?}");

    // Without a limit, it only tells; beside JSON, on stderr.
    let run = good(&desk, &format!("{cell} --baseline fast --json"));
    assert_eq!(lines(&run).len(), 2);
    assert!(run.stderr.contains("sgd, hidden 20, batch 1, threads 1: "), "{run:?}");

    let mut elsewhere = before.clone();
    elsewhere[0]["engine"]["cpu"] = "an abacus".into();
    desk.write("elsewhere", scaled(&elsewhere, 10.0));
    let run = good(&desk, &format!("{cell} --baseline elsewhere"));
    assert!(run.stderr.contains("dlr: warning: elsewhere was measured on an abacus"), "{run:?}");
    let other = cell.replace("20", "21");
    desk.dlr(&format!("{other} --baseline slow")).failed(4, &["slow: none of the optimizers, sizes"]);

    let mut data = before.clone();
    data[0]["train_images"] = 7.into();
    desk.write("data", scaled(&data, 10.0));
    desk.dlr(&format!("{cell} --baseline data"))
        .failed(4, &["data: measured on mnist (7 images", "but this is mnist"]);

    // A verdict wants rounds enough, on both sides.
    let few = cell.replace("--rounds 5", "--rounds 4");
    let gate = "--fail-if-slower 5%";
    desk.dlr(&format!("{few} --baseline slow {gate}"))
        .failed(2, &["--rounds 4 is too few", "--rounds 5 or more"]);
    let mut hasty = before.clone();
    hasty[1]["rounds"] = 1.into();
    desk.write("hasty", scaled(&hasty, 10.0));
    desk.dlr(&format!("{cell} --baseline hasty {gate}")).failed(4, &["hasty: measured in 1 rounds, too few"]);
}

#[test]
fn baselines_that_are_none_are_refused() {
    if cfg!(debug_assertions) {
        return;
    }
    let desk = Desk::new();
    desk.write("text", "404: Not Found");
    desk.write("empty", "");
    desk.write("other", "{\"schema\":\"dlr-run/1\"}\n");
    desk.write("bytes", [0xff, 0xfe]);
    for (file, words) in [
        ("missing", "cannot read missing: "),
        (".", ".: not a file"),
        ("text", "text: line 1 is not JSON"),
        ("empty", "empty: its first line does not tell the machine"),
        ("other", "line 1 has the schema \"dlr-run/1\", expected \"dlr-profile/1\""),
        ("bytes", "bytes: not text"),
    ] {
        desk.dlr(&format!("profile --baseline {file}")).failed(4, &[words, "give --baseline a file"]);
    }
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let cases = [
        ("--hidden 0", "from 1 to 4096"),
        ("--hidden 30,5000", "from 1 to 4096"),
        ("--hidden 30,", "from 1 to 4096"),
        ("--batch 0", "from 1 to 65536"),
        ("--batch -1", "from 1 to 65536"),
        ("--threads 0", "from 1 to 256"),
        ("--rounds 0", "from 1 to 100000"),
        ("--images 0", "from 1 to"),
        ("--optimizers adamw", "no optimizer \"adamw\"; expected all, or some of dlr,sgd,"),
        ("--optimizers sgd,all", "no optimizer \"all\""),
        ("--baseline x --fail-if-slower 0.05", "expected a percentage from 0% to 1000%, as in 5%"),
        ("--baseline x --fail-if-slower -5%", "expected a percentage"),
        ("--baseline x --fail-if-slower NaN%", "expected a percentage"),
        ("--fail-if-slower 5%", "--baseline"),
        ("--lr 3", "--lr"),
        ("sgd", "sgd"),
    ];
    for (arguments, words) in cases {
        dlr(&format!("profile {arguments}")).failed(2, &[words]);
    }
    assert_eq!(dlr("--hidden 30 profile").code, Some(2), "options of a training beside a profile");
    if cfg!(debug_assertions) {
        return;
    }
    dlr("profile --batch 60001")
        .failed(2, &["--batch: 60001 asked for, but mnist has 60000", "give 1 to 60000"]);
    dlr("profile --images 60001").failed(2, &["--images: 60001 asked for"]);
    dlr("profile --data nowhere").failed(4, &["nowhere: "]);
    dlr("profile --svg missing/roof.svg")
        .failed(1, &["cannot write missing/roof.svg: ", "give a file in a folder"]);
}

#[test]
fn the_roofline_has_a_point_for_every_cell() {
    if cfg!(debug_assertions) {
        return;
    }
    let desk = Desk::new();
    good(&desk, &format!("{SMALL} --svg roof.svg"));
    assert_eq!(desk.files(), ["roof.svg"]);
    let svg = String::from_utf8(desk.read("roof.svg")).unwrap();
    assert_eq!(svg.matches("class=\"point\"").count(), 8);
    for label in [">sgd 4, 1: ", ">adam 20, 50: ", ">L1 ", ">L2 ", ">L3 ", ">memory ", ">FMA ", "GFLOP/s<"] {
        assert!(svg.contains(label), "no {label:?} in {svg}");
    }
    assert!(
        svg.contains("prefers-color-scheme:dark") && !svg.contains("NaN") && !svg.contains("inf"),
        "{svg}"
    );
    roxmltree::Document::parse(&svg).expect("it is XML");
}

#[test]
fn an_interrupted_profile_tells_what_it_has() {
    if cfg!(debug_assertions) {
        return;
    }
    let desk = Desk::new();
    let mut command =
        desk.command("profile --hidden 30 --batch 1 --optimizers sgd --rounds 100000 --images 100 --json -q");
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    signal(&child, "INT");
    let run = Finished::from(child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(130), "{run:?}");
    let found = lines(&run);
    assert_eq!((found.len(), &found[0]["interrupted"]), (2, &true.into()), "{run:?}");
}

#[test]
fn its_help_is_enough() {
    let help = dlr("profile --help");
    assert_eq!((help.code, &*help.stderr), (Some(0), ""));
    for words in
        ["How it is measured", "What the columns say", "--fail-if-slower", "6  profile: slower", "x sgd"]
    {
        assert!(help.stdout.contains(words), "no {words:?} in {}", help.stdout);
    }
    assert!(help.stdout.lines().all(|line| line.chars().count() <= 110), "{}", help.stdout);
    let train = dlr("--help").stdout;
    assert!(train.contains("dlr COMMAND [OPTIONS]") && train.contains("6  profile: slower"), "{train}");
}
