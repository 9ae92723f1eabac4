//! What may be said on the command line, and how the rest is refused.

use crate::helpers::*;
use dlr::engine::optimizer::OPTIMIZERS;
use dlr_kernels::simd::Level;

/// What people and their scripts pass for numbers.
const VALUES: [&str; 12] =
    ["0", "-0", "-1", "99999999999999999999", "1e309", "NaN", "inf", "", "0x10", "1,5", " 1", "1e3"];

/// Every numeric option, with the value as a part of its argument; the optimizer that has it; which of the values are
/// within its range.
const OPTIONS: [(&str, &str, &str, &[&str]); 22] = [
    ("--hidden", "{}", "dlr", &[]),
    ("--lr", "{}", "sgd", &["0", "-0", "1e3"]),
    ("--alpha", "{}", "dlr", &["99999999999999999999", "1e3"]),
    ("--momentum", "{}", "nesterov", &["0", "-0"]),
    ("--beta1", "{}", "adam", &["0", "-0"]),
    ("--beta2", "{}", "adam", &["0", "-0"]),
    ("--rho", "{}", "rmsprop", &["0", "-0"]),
    ("--epsilon", "{}", "adam", &["99999999999999999999", "1e3"]),
    ("--halving", "{}", "sgd-decay", &["99999999999999999999", "1e3"]),
    ("--rates", "{}", "sgd-rates", &[]),
    ("--rates", "0,0,0,0.1,{},-1e9,0,0.1", "sgd-rates", &["0", "-0", "-1", "1e3"]),
    ("--batch", "{}", "dlr", &[]),
    ("--epochs", "{}", "dlr", &["0"]),
    ("--images", "{}", "dlr", &[]),
    ("--target", "{}", "dlr", &["0", "-0"]),
    ("--test-every", "{}", "dlr", &[]),
    ("--seed", "{}", "dlr", &["0"]),
    ("--threads", "{}", "dlr", &[]),
    ("--init", "normal:{}", "dlr", &["0", "-0", "1e3"]),
    ("--one-hot", "{}", "dlr", &[]),
    ("--one-hot", "0,{}", "dlr", &[]),
    ("--one-hot", "{},1", "dlr", &["0", "-0"]),
];

#[test]
fn no_number_does_harm() {
    let desk = Desk::new();
    let (mut taken, mut refused) = (0, 0);
    for (option, argument, optimizer, good) in OPTIONS {
        for value in VALUES {
            let mut command = desk.command("--quiet");
            command.args([option, &argument.replace("{}", value), "--optimizer", optimizer]);
            if option != "--images" {
                command.args(["--images", "600"]);
            }
            let run = finish(command);
            assert!(!run.stderr.contains("panicked"), "{option} {value:?}: {run:?}");
            let is_rate = matches!((option, argument), ("--lr", _) | ("--rates", "0,0,0,0.1,{},-1e9,0,0.1"));
            if is_rate && value == "99999999999999999999" {
                // Within its range, but not without consequences.
                assert_eq!(run.code, Some(5), "{run:?}");
                taken += 1;
            } else if good.contains(&value) {
                assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{option} {value:?}: {run:?}");
                taken += 1;
            } else {
                assert_eq!((run.code, &*run.stdout), (Some(2), ""), "{option} {value:?}: {run:?}");
                assert!(run.stderr.starts_with("error: "), "{option} {value:?}: {run:?}");
                assert!(run.stderr.contains(option), "{option} {value:?} is not named: {run:?}");
                refused += 1;
            }
        }
    }
    assert_eq!((taken, refused), (32, 232));
}

#[test]
fn usage_errors_name_the_option_and_the_choice() {
    let cases: [(&str, &[&str]); 14] = [
        ("--frobnicate", &["--frobnicate"]),
        ("--frobnicate=3", &["--frobnicate"]),
        ("mnist", &["mnist"]),
        ("--lr", &["--lr"]),
        ("--lr 0.1 --lr 0.2", &["--lr", "multiple"]),
        ("--optimizer adamw", &["--optimizer", "dlr, sgd, nesterov, adam", "dlr-denominator"]),
        ("--rates 1,2,3,4", &["--rates", "A,B,C,D,A,B,C,D"]),
        ("--order random", &["--order", "shuffled, fixed, file"]),
        ("--inputs raw", &["--inputs", "unit, offset"]),
        ("--norm both", &["--norm", "pre, post"]),
        ("--backprop none", &["--backprop", "mse, authors"]),
        ("--preset paper", &["--preset", "authors"]),
        ("--init zeros", &["--init", "fan-in", "normal:S"]),
        ("--hidden 5000", &["--hidden", "from 1 to 4096"]),
    ];
    for (arguments, words) in cases {
        let run = dlr(arguments);
        assert_eq!((run.code, &*run.stdout), (Some(2), ""), "{arguments}: {run:?}");
        assert!(run.stderr.starts_with("error: "), "{arguments}: {run:?}");
        for word in words {
            assert!(run.stderr.contains(word), "{arguments}: no {word:?} in {run:?}");
        }
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
        "4 a data set",
        "5 diverged",
        "6 profile",
        "130, 143 interrupted",
    ] {
        assert!(text.contains(code), "no {code:?} in {}", help.stdout);
    }
    for (option, ..) in OPTIONS {
        assert!(text.contains(option), "no {option} in {}", help.stdout);
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
