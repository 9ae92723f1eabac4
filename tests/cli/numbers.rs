//! No number on the command line does harm. Which options take one, the program's own help tells, so that none is forgotten.

use crate::helpers::*;
use std::time::{Duration, Instant};

/// What people and their scripts pass for numbers.
const VALUES: [&str; 13] = [
    "0",
    "-0",
    "-1",
    "99999999999999999999",
    "1e309",
    "NaN",
    "inf",
    "",
    "0x10",
    "1,5",
    " 1",
    "1e3",
    "0.99999994",
];

/// What the help calls values that are no numbers.
const WORDS: [&str; 12] =
    ["FILE", "DIR", "NAME", "NAME,...", "NORM", "ORDER", "INPUTS", "ERROR", "METHOD", "INK", "FIT", "SPLIT"];

/// Short runs of the commands that have numbers, for an optimizer if it matters.
const RUNS: [(&str, &str); 8] = [
    ("", "--optimizer OPTIMIZER --images 600 --quiet"),
    ("compare", "sgd --runs 1 --jobs 1 --images 600 --quiet"),
    ("evaluate", "net"),
    ("profile", "--hidden 4 --batch 1 --optimizers sgd --rounds 5 --images 200 --quiet"),
    ("reproduce", "fig1 --quick --quiet"),
    ("sweep slurm", "fig1"),
    ("tune", "OPTIMIZER --trials 1 --runs 1 --jobs 1 --images 600 --quiet"),
    ("verify", "result"),
];

/// What an option takes beside it.
const BESIDE: [(&str, &str); 2] = [("--every", "--checkpoint run"), ("--fail-if-slower", "--baseline base")];

/// Every numeric option, with the value as a part of its argument; an optimizer that has it; which of the values are within
/// its range.
const OPTIONS: [(&str, &str, &str, &[&str]); 38] = [
    ("--alpha", "{}", "dlr", &["99999999999999999999", "1e3", "0.99999994"]),
    ("--batch", "{}", "dlr", &[]),
    ("--beta1", "{}", "adam", &["0", "-0", "0.99999994"]),
    ("--beta2", "{}", "adam", &["0", "-0", "0.99999994"]),
    ("--epochs", "{}", "dlr", &["0"]),
    ("--epsilon", "{}", "adam", &["99999999999999999999", "1e3", "0.99999994"]),
    ("--every", "{}", "dlr", &[]),
    ("--fail-if-slower", "{}%", "sgd", &["0", "-0", "1e3", "0.99999994"]),
    ("--halving", "{}", "sgd-decay", &["99999999999999999999", "1e3", "0.99999994"]),
    ("--hidden", "{}", "dlr", &["1,5"]),
    ("--images", "{}", "dlr", &[]),
    ("--init", "normal:{}", "dlr", &["0", "-0", "1e3", "0.99999994"]),
    ("--jobs", "{}", "dlr", &[]),
    ("--lr", "{}", "adam", &["0", "-0", "99999999999999999999", "1e3", "0.99999994"]),
    ("--minutes", "{}", "dlr", &[]),
    ("--momentum", "{}", "nesterov", &["0", "-0", "0.99999994"]),
    ("--one-hot", "{}", "dlr", &[]),
    ("--one-hot", "0,{}", "dlr", &["0.99999994"]),
    ("--one-hot", "{},1", "dlr", &["0", "-0", "0.99999994"]),
    ("--parts", "{}", "dlr", &[]),
    ("--range", "lr={}..1", "sgd", &["0.99999994"]),
    ("--range", "beta1=0.5..{}", "adam", &["0.99999994"]),
    ("--range", "lr=0.01..{}", "sgd", &["99999999999999999999", "1e3", "0.99999994"]),
    ("--rates", "{}", "sgd-rates", &[]),
    (
        "--rates",
        "0,0,0,0.1,{},-1e9,0,0.1",
        "sgd-rates",
        &["0", "-0", "-1", "99999999999999999999", "1e3", "0.99999994"],
    ),
    ("--rho", "{}", "rmsprop", &["0", "-0", "0.99999994"]),
    ("--rounds", "{}", "dlr", &[]),
    ("--runs", "{}", "dlr", &[]),
    ("--seed", "{}", "dlr", &["0"]),
    ("--shard", "{}/2", "dlr", &[]),
    ("--shard", "1/{}", "dlr", &[]),
    ("--stall", "{}", "dlr", &[]),
    ("--target", "{}", "dlr", &["0", "-0", "0.99999994"]),
    ("--test-every", "{}", "dlr", &[]),
    ("--threads", "{}", "dlr", &[]),
    ("--trials", "{}", "dlr", &[]),
    ("--validate", "{}", "dlr", &[]),
    ("--worst", "{}", "dlr", &[]),
];

/// Where that is otherwise: several values have commas between.
const OTHERWISE: [(&str, &str, &[&str]); 1] = [("profile", "--batch", &["1,5"])];

/// A command and all those within it, by their names in a row.
fn commands(name: &str) -> Vec<String> {
    let help = dlr(&format!("{name} --help")).stdout;
    let list =
        help.split("\nCommands:\n").nth(1).unwrap_or_default().split("\n\n").next().unwrap_or_default();
    let names = list.lines().filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let within = names.filter_map(|line| line.split_whitespace().next());
    let within = within.flat_map(|inner| commands(format!("{name} {inner}").trim()));
    [name.to_owned()].into_iter().chain(within).collect()
}

/// The options of a command that take numbers.
fn numeric(command: &str) -> Vec<String> {
    let help = dlr(&format!("{command} --help")).stdout;
    let option = |line: &str| {
        let (option, value) = line[line.find("--")?..].split_once(" <")?;
        let is_named = line.trim_start().starts_with('-') && !option.contains(' ');
        let value = value.split_once('>')?.0;
        (is_named && !WORDS.contains(&value)).then(|| option.to_owned())
    };
    help.lines().filter_map(option).collect()
}

/// The words of a short run without `option`.
fn short_run(command: &str, option: &str, optimizer: &str) -> Vec<String> {
    let run = RUNS.iter().find(|(name, _)| *name == command);
    let (_, run) =
        run.unwrap_or_else(|| panic!("no short run is known of dlr {command}, which has {option}"));
    let beside = BESIDE.iter().find(|(name, _)| *name == option).map_or("", |(_, beside)| beside);
    let mut words: Vec<String> = format!("{command} {run} {beside}")
        .split_whitespace()
        .map(|word| word.replace("OPTIMIZER", optimizer))
        .collect();
    if let Some(place) = words.iter().position(|word| word == option) {
        words.drain(place..place + 2);
    }
    words
}

/// A run that takes no longer than a second, unless it has to measure, or something else held it up both times.
#[track_caller]
fn swift(desk: &Desk, words: &[String]) -> Finished {
    let run = || {
        let mut command = desk.command("");
        command.args(words);
        let since = Instant::now();
        (finish(command), since.elapsed())
    };
    // A debug build is no measure.
    let most = Duration::from_secs(if cfg!(debug_assertions) { 60 } else { 1 });
    let (finished, took) = run();
    let measures = words[0] == "profile" && finished.code != Some(2);
    if took > most && !measures {
        let (_, took) = run();
        assert!(took <= most, "{words:?}: {took:?}");
    }
    finished
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("result", desk.json("--save net").to_string());
    if !cfg!(debug_assertions) {
        let (_, profile) = RUNS.iter().find(|(name, _)| *name == "profile").unwrap();
        desk.write("base", desk.dlr(&format!("profile {profile} --json")).stdout);
    }
    desk
}

#[test]
fn no_number_does_harm() {
    let desk = desk();
    let (mut taken, mut refused, mut used) = (0, 0, Vec::new());
    for command in commands("") {
        for option in numeric(&command) {
            let rows: Vec<_> = OPTIONS.iter().filter(|(name, ..)| *name == option).collect();
            assert!(!rows.is_empty(), "no values are known for {option} of dlr {command}");
            if command == "profile" && cfg!(debug_assertions) {
                continue;
            }
            used.push(option.clone());
            let otherwise = OTHERWISE.iter().find(|(of, name, _)| *of == command && *name == option);
            for (_, argument, optimizer, good) in rows {
                let good = otherwise.map_or(*good, |(.., good)| good);
                for value in VALUES {
                    let mut words = short_run(&command, &option, optimizer);
                    words.push(format!("{option}={}", argument.replace("{}", value)));
                    let run = swift(&desk, &words);
                    assert!(!run.stderr.contains("panicked"), "{words:?}: {run:?}");
                    if good.contains(&value) && run.code != Some(2) {
                        assert!(matches!(run.code, Some(0 | 5 | 6)), "{words:?}: {run:?}");
                        taken += 1;
                    } else {
                        run.failed(2, &["dlr: error: "]);
                        assert!(!good.contains(&value) || command == "tune", "{words:?}: {run:?}");
                        refused += 1;
                    }
                }
            }
        }
    }
    println!("{taken} taken, {refused} refused");
    let unused = OPTIONS.iter().find(|(name, ..)| !used.iter().any(|option| option == name));
    assert!(cfg!(debug_assertions) || unused.is_none(), "{unused:?} is no option");
    assert!(
        cfg!(debug_assertions) || (taken >= 75 && taken + refused >= 1008),
        "{taken} taken, {refused} refused"
    );
}

/// The numbers of an optimizer within a comparison's word.
#[test]
fn no_number_of_a_contestant_does_harm() {
    let desk = Desk::new();
    let of_compare = numeric("compare");
    let hyper = numeric("").into_iter().filter(|option| !of_compare.contains(option));
    let rows = hyper.flat_map(|option| OPTIONS.iter().filter(move |(name, ..)| *name == option));
    let mut runs = 0;
    for (option, argument, optimizer, good) in
        rows.filter(|(name, ..)| !["--every", "--threads"].contains(name))
    {
        for value in VALUES {
            let contestant = format!("{optimizer} {option}={}", argument.replace("{}", value));
            let mut words = short_run("compare", option, optimizer);
            words[1] = contestant;
            let run = swift(&desk, &words);
            if good.contains(&value) {
                assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{words:?}: {run:?}");
            } else {
                run.failed(2, &["dlr: error: "]);
            }
            runs += 1;
        }
    }
    assert_eq!(runs, 10 * VALUES.len());
}
