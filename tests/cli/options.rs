//! What may be said on the command line, and how the rest is refused.

use crate::helpers::*;
use dlr::engine::optimizer::OPTIMIZERS;
use dlr_kernels::simd::Level;
use serde_json::Value;

#[test]
fn a_number_that_is_usually_not_searched_is_where_it_has_a_range() {
    let search = "--trials 2 --runs 1 --images 600 --hidden 5 --target 0.1 --method sobol --json -q";
    let run = dlr(&format!("tune adam --range beta2=0.9..0.99,lr=0.001..0.01,beta1=0.8..0.95 {search}"));
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [head, _default, trials @ ..] = &lines[..] else { panic!("{run:?}") };
    let names: Vec<_> = head["searched"].as_array().unwrap().iter().map(|range| &range["name"]).collect();
    assert_eq!(names, ["beta2", "beta1", "lr", "epsilon"]);
    assert_eq!(trials.len(), 2);
    for trial in trials {
        let [lr, beta1, beta2] =
            ["lr", "beta1", "beta2"].map(|name| trial["setting"][name].as_f64().unwrap());
        assert!((0.001..=0.01).contains(&lr) && (0.9..=0.99).contains(&beta2), "{trial}");
        assert!((0.8..=0.95).contains(&beta1), "{trial}");
    }

    for (arguments, line) in [
        (
            "adam --range rho=0.5..0.9",
            "--range: rho is no number of adam's that can be searched; give a range of lr or beta1 or beta2 or epsilon",
        ),
        (
            "adam --beta1 0.8 --range beta1=0.5..0.9",
            "--range: beta1 has been given; give a range of lr or beta2 or epsilon",
        ),
        (
            "adam --range beta1=0.5..1",
            "--range: --beta1: expected a number from 0 to 0.99999994, found \"1.0\"; give a range within that",
        ),
        ("adam --range lr=0.1..1,lr=0.1..1", "--range: lr has two ranges; give each number one"),
        (
            "adam --range =0.1..1",
            "--range: expected a range, as lr=0.01..1, found \"=0.1..1\"; see dlr tune --help",
        ),
        (
            "adam --lr 0.1 --epsilon 0.1",
            "OPTIMIZER: every number that is usually searched has been given; give a --range of beta1 or beta2, or fewer options",
        ),
        (
            "sgd --lr 0.1 --range lr=0.1..1",
            "OPTIMIZER: every number has been given, so that nothing is left to search for; choose another optimizer, or fewer options",
        ),
        (
            "sgd-rates --range lr=0.1..1",
            "OPTIMIZER: sgd-rates has nothing to search for; choose another optimizer, or fewer options",
        ),
    ] {
        let run = dlr(&format!("tune {arguments} {search}"));
        run.failed(2, &[]);
        assert_eq!(run.stderr, format!("dlr: error: {line}\n"), "{arguments}");
    }
}

/// In the same form, whatever is wrong: the argument, what was expected and found, and the way out.
#[test]
fn usage_errors_are_one_line_with_the_argument_and_the_way_out() {
    let optimizers = OPTIMIZERS.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
    let optimizer = format!("--optimizer: expected one of {optimizers}, found \"adamw\"; did you mean adam?");
    for (arguments, line) in [
        ("--frobnicate", "--frobnicate: there is no such option; see dlr --help"),
        ("--frobnicate=3", "--frobnicate: there is no such option; see dlr --help"),
        ("-x", "-x: there is no such option; see dlr --help"),
        ("--hiden 3", "--hiden: there is no such option; did you mean --hidden?"),
        ("mnist", "mnist: there is no such command; see dlr --help"),
        (
            "--hidden 10 20",
            "20: nothing more was expected here; put commas between the numbers of an option, and no blanks",
        ),
        (
            "--hidden 10, 20",
            "20: nothing more was expected here; put commas between the numbers of an option, and no blanks",
        ),
        ("comapre", "comapre: there is no such command; did you mean compare?"),
        ("sweep", "dlr sweep: expected a command: one of merge, slurm; see dlr sweep --help"),
        ("sweep mrege", "mrege: there is no such command; did you mean merge?"),
        ("--lr", "--lr: a value is missing; see dlr --help"),
        ("--lr 0.1 --lr 0.2", "--lr: given more than once; give it once"),
        ("--quiet=yes", "--quiet: takes no value, found \"yes\"; see dlr --help"),
        ("--optimizer adamw", &optimizer),
        (
            "--order random",
            "--order: expected one of shuffled, fixed, file, found \"random\"; see dlr --help",
        ),
        ("--inputs raw", "--inputs: expected one of unit, offset, found \"raw\"; see dlr --help"),
        ("--norm both", "--norm: expected one of pre, post, found \"both\"; see dlr --help"),
        ("--backprop none", "--backprop: expected one of mse, authors, found \"none\"; see dlr --help"),
        ("--preset paper", "--preset: expected authors, found \"paper\"; see dlr --help"),
        (
            "--hidden abc",
            "--hidden: expected a whole number from 1 to 4096, or up to 8 with commas between, found \"abc\"; see dlr --help",
        ),
        (
            "--hidden=",
            "--hidden: expected a whole number from 1 to 4096, or up to 8 with commas between, found \"\"; see dlr --help",
        ),
        ("--load x --init fan-in", "--load: cannot be used with --init; leave one of them out"),
        ("--save x compare", "compare: cannot be used with --save; leave one of them out"),
        ("--hidden 3 compare", "compare: cannot be used with --hidden; put the options of compare behind it"),
        ("--config x compare", "compare: cannot be used with --config; put the options of compare behind it"),
        (
            "compare --hidden 0",
            "--hidden: expected a whole number from 1 to 4096, or up to 8 with commas between, found \"0\"; see dlr compare --help",
        ),
        ("tune", "OPTIMIZER: required here, but missing; see dlr tune --help"),
        ("tune sgd adam", "adam: nothing more was expected here; see dlr tune --help"),
        (
            "profile --fail-if-slower 5%",
            "--baseline: needed by --fail-if-slower, but missing; see dlr profile --help",
        ),
        (
            "sweep slurm fig1 --jobs 0",
            "--jobs: expected a whole number from 1 to 256, found \"0\"; see dlr sweep slurm \
          --help",
        ),
    ] {
        let run = dlr(arguments);
        run.failed(2, &[]);
        assert_eq!(run.stderr, format!("dlr: error: {line}\n"), "{arguments}");
    }
    for (arguments, words) in
        [("--rates 1,2,3,4", ["--rates: ", "A,B,C,D,A,B,C,D"]), ("--init zeros", ["fan-in", "normal:S"])]
    {
        dlr(arguments).failed(2, &words);
    }
}

/// Whatever was typed, it does not break the line or the terminal.
#[test]
fn odd_arguments_stay_on_one_line() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let desk = Desk::new();
    for (words, told) in [
        (&[&b"--a\nb"[..]][..], r"--a\nb: there is no such option"),
        (&[b"\x1b[31m"], r"\u{1b}"),
        (&[b"--hidden", b"1\n2"], r#"found "1\n2""#),
        (&[b"--optimizer", b"\xff"], "an argument is not in UTF-8; see dlr --help"),
        (&[b"compare", b"sgd --lr\n3\nx"], r"x: nothing more was expected here"),
    ] {
        let mut command = desk.command("");
        command.args(words.iter().map(|word| OsStr::from_bytes(word)));
        finish(command).failed(2, &[told]);
    }
}

/// A line that is too long loses its middle, and keeps the way out.
#[test]
fn long_arguments_make_no_long_lines() {
    let desk = Desk::new();
    let long = "x".repeat(100_000);
    desk.write("run.toml", format!("{long} = 1"));
    for (words, end) in [
        (vec![format!("--{long}")], "; see dlr --help\n"),
        (vec!["--hidden".to_owned(), long.clone()], "; see dlr --help\n"),
        (vec!["--config".to_owned(), "run.toml".to_owned()], "; correct it, or leave it out\n"),
    ] {
        let mut command = desk.command("");
        command.args(words);
        let run = finish(command);
        run.failed(2, &["xxx ... xxx"]);
        assert!(run.stderr.len() < 2100 && run.stderr.ends_with(end), "{} bytes", run.stderr.len());
    }
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    dlr("--optimizer sgd --alpha 1").failed(2, &["--alpha", "sgd has no such hyper-parameter"]);
    dlr("--optimizer adam --norm pre").failed(2, &["--norm", "adam"]);
    dlr("--optimizer sgd-rates --lr 0.1").failed(2, &["--lr", "sgd-rates has no such hyper-parameter"]);
    dlr("--optimizer dlr-numerator --norm pre").failed(2, &["--norm", "dlr-numerator"]);
    dlr("--momentum 0.5").failed(2, &["--momentum", "dlr"]);
    dlr("--target none --require-target").failed(2, &["--require-target", "--target"]);
    dlr("--images 60001").failed(2, &["--images", "60001", "60000"]);
    for command in ["", "compare sgd dlr", "tune sgd"] {
        let told = "--batch: 601 asked for, but an epoch has 600 images; give 1 to 600";
        dlr(&format!("{command} --images 600 --batch 601")).failed(2, &[told]);
    }

    let desk = Desk::new();
    desk.json("--hidden 3 --epochs 0 --save three");
    desk.dlr("--hidden 4 --load three").failed(2, &["--hidden", "4", "3", "--load"]);
    assert_eq!(desk.json("--hidden 3 --load three --epochs 0")["config"]["hidden"], 3);
}

#[test]
fn help_tells_of_every_optimizer_and_exit_code() {
    let help = dlr("--help");
    assert_eq!((help.code, &*help.stderr), (Some(0), ""));
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = words(&help.stdout);
    assert!(OPTIMIZERS.len() >= 12);
    for entry in OPTIMIZERS {
        let about = format!("{} {} {} authors: {}", entry.name, entry.about, entry.defaults, entry.authors);
        assert!(text.contains(&words(&about)), "no {about:?} in {}", help.stdout);
    }
    for code in [
        "0 done",
        "1 failed",
        "2 usage",
        "3 the target",
        "4 a file or data set",
        "5 diverged",
        "6 profile",
        "7 verify",
        "130, 143 interrupted",
    ] {
        assert!(text.contains(code), "no {code:?} in {}", help.stdout);
    }
    for word in ["DLR_DATA", "DLR_CACHE", "NO_COLOR", "--config", "--print-config"] {
        assert!(text.contains(word), "no {word} in {}", help.stdout);
    }
    let width = help.stdout.lines().map(|line| line.chars().count()).max();
    assert!(width <= Some(110), "a line of {width:?} characters");
}

#[test]
fn version_tells_the_instruction_sets() {
    let version = dlr("--version").stdout;
    assert!(version.starts_with(&format!("dlr {}", env!("CARGO_PKG_VERSION"))), "{version}");
    let simd =
        format!("compiled for {}, this machine has {}", Level::compiled().name(), Level::detected().name());
    assert!(version.contains(&simd), "no {simd:?} in {version}");
}
