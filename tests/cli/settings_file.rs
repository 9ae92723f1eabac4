//! The settings file: what it says is as if it had been typed, what was typed wins, and what is wrong with it is told by
//! file and key.

use crate::helpers::*;

/// `dlr` with these arguments, and a settings file of these contents.
#[track_caller]
fn with(file: &str, arguments: &str) -> Finished {
    let desk = Desk::new();
    desk.write("run.toml", file);
    desk.dlr(&format!("{arguments} --config run.toml"))
}

/// The settings that the arguments mean, as they are printed.
#[track_caller]
fn printed(file: &str, arguments: &str) -> String {
    let run = with(file, &format!("{arguments} --print-config"));
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{arguments}: {run:?}");
    run.stdout
}

#[test]
fn entries_are_the_options_that_one_would_have_typed() {
    let file = "
        # A comment, and every kind of value.
        hidden = 7
        optimizer = 'adam'
        lr = 0.001
        test-every = 300
        one-hot = [0.1, 0.9]
        target = 'none'
        images = 600
        json = true
        quiet = true
        require-target = false
    ";
    let typed = "--hidden 7 --optimizer adam --lr 0.001 --test-every 300 --one-hot 0.1,0.9 --target none --images 600";
    let filed = with(file, "");
    assert_eq!((filed.code, &*filed.stderr), (Some(0), ""), "{filed:?}");
    let (filed, typed) = (filed.json(), Desk::new().json(typed));
    assert_eq!(filed["config"], typed["config"]);
    assert_eq!(weights(&filed), weights(&typed));
}

#[test]
fn what_was_typed_wins() {
    let file = "hidden = 7\noptimizer = 'sgd'\nlr = 0.5\n[compare]\noptimizer = ['sgd', 'dlr --norm post']\nruns = 3";
    for (arguments, lines) in [
        ("", &["hidden = 7", "optimizer = \"sgd\"", "lr = 0.5"][..]),
        ("--hidden 8 --lr 1.5", &["hidden = 8", "optimizer = \"sgd\"", "lr = 1.5"]),
        ("--lr=2", &["hidden = 7", "lr = 2"]),
        ("compare", &["[compare]", "optimizer = [\"sgd\", \"dlr --norm post\"]", "runs = 3", "hidden = 30"]),
        ("compare --runs 4", &["optimizer = [\"sgd\", \"dlr --norm post\"]", "runs = 4"]),
        ("compare adam", &["optimizer = [\"adam\"]", "runs = 3"]),
    ] {
        let text = printed(file, arguments);
        for line in lines {
            assert!(text.lines().any(|printed| printed == *line), "{arguments}: no {line:?} in {text}");
        }
    }
    // Behind two dashes nothing is an option, wherever the file's options go.
    let desk = Desk::new();
    desk.write("run.toml", file);
    let run = desk.dlr("compare --config run.toml --print-config -- momentum");
    assert!(
        run.stdout.contains("optimizer = [\"momentum\"]\n") && run.stdout.contains("runs = 3\n"),
        "{run:?}"
    );
}

#[test]
fn what_has_to_be_given_may_be_in_the_file() {
    assert!(printed("[tune]\noptimizer = 'adam'", "tune").starts_with("[tune]\noptimizer = \"adam\"\n"));
    assert!(printed("[reproduce]\nfigure = ['fig1', 'fig3']", "reproduce").contains("[\"fig1\", \"fig3\"]"));
    assert!(printed("[sweep.merge]\ndir = '-odd'", "sweep merge").contains("dir = \"-odd\"\n"));
    with("[tune]\ntrials = 3", "tune").failed(2, &["OPTIMIZER: required here, but missing"]);
}

/// Each command's settings, with all that its defaults mean, are a file that means the same.
#[test]
fn printed_settings_can_be_fed_back() {
    let desk = Desk::new();
    for arguments in [
        "",
        "--hidden 7 --optimizer nesterov --momentum 0.55 --seed 18446744073709551615 --images 600 --save a=b",
        "--preset authors --optimizer sgd-rates --stall none --rates 0.5,-1,1e-7,0,1,2,3,4 --quiet",
        "--optimizer adam --epsilon 1e-20 --init normal:0.5 --target none --runs 3",
        "--load net --inputs offset --one-hot 0,0.5",
        "compare",
        "compare sgd 'dlr --norm post --lr 0.5' --jobs 1 --preset authors --journal it's",
        "tune adam --range lr=0.01..1,beta1=0.5..0.9 --beta2 0.99 --method sobol --whole",
        "profile --hidden 10,20 --optimizers all --rounds 3 --svg \"a.svg",
        "reproduce fig1 beyond --quick --preset both --shard 2/3",
        "sweep slurm fig2 --parts 3",
        "sweep merge folder",
        "completions zsh",
        "predict net a.png b.png --ink light",
        "evaluate net --split train --json",
        "data --json",
        "verify result.json --threads 3",
        "--resume run --epochs 7 --checkpoint run",
    ] {
        // With a quote where the shell would have it, since the desk splits at blanks.
        let mut words: Vec<String> = Vec::new();
        for word in arguments.split_whitespace() {
            match words.last_mut() {
                Some(last) if last.starts_with('\'') && !last.ends_with('\'') => *last += &format!(" {word}"),
                _ => words.push(word.to_owned()),
            }
        }
        let print = |words: &[&str]| {
            let mut command = desk.command("");
            command.args(words).arg("--print-config");
            let run = finish(command);
            assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{words:?}: {run:?}");
            run.stdout
        };
        let words: Vec<&str> = words.iter().map(|word| word.trim_matches('\'')).collect();
        let text = print(&words);
        desk.write("run.toml", &text);
        let calls = words.iter().take_while(|word| {
            [
                "compare",
                "completions",
                "data",
                "evaluate",
                "merge",
                "predict",
                "profile",
                "reproduce",
                "slurm",
                "sweep",
                "tune",
                "verify",
            ]
            .contains(word)
        });
        let again = print(&calls.copied().chain(["--config", "run.toml"]).collect::<Vec<_>>());
        assert_eq!(again, text, "{arguments}");
    }
}

#[test]
fn printed_settings_make_the_same_run() {
    let desk = Desk::new();
    let arguments =
        "--hidden 6 --optimizer rmsprop --images 1200 --test-every 500 --preset authors -q --json";
    let run = desk.dlr(arguments).json();
    desk.write("run.toml", desk.dlr(&format!("{arguments} --print-config")).stdout);
    let again = desk.dlr("--config run.toml").json();
    assert_eq!((&run["config"], weights(&run)), (&again["config"], weights(&again)));
}

#[test]
fn what_is_wrong_is_told_by_file_and_key() {
    let whole = "expected a whole number from 1 to 4096, or up to 8 with commas between";
    let leave = "correct it, or leave it out";
    for (file, arguments, line) in [
        ("hidden = 5000", "", format!("hidden: {whole}, found \"5000\"; {leave}")),
        ("hidden = -3", "", format!("hidden: {whole}, found \"-3\"; {leave}")),
        ("hidden = 30.0", "", format!("hidden: {whole}, found \"30.0\"; {leave}")),
        ("hidden = true", "", format!("hidden: {whole}, found \"true\"; {leave}")),
        ("hidden = [1, 0]", "", format!("hidden: {whole}, found \"1,0\"; {leave}")),
        ("hidden = []", "", format!("hidden: expected a value, found none; {leave}")),
        ("hidden = [[1]]", "", format!("hidden: expected a number or a text, found [1]; {leave}")),
        (
            "hidden = 1979-05-27",
            "",
            format!("hidden: expected a number or a text, found 1979-05-27; {leave}"),
        ),
        ("hidden = { a = 1 }", "", format!("hidden: expected a value, found a table; {leave}")),
        ("hiden = 30", "", "hiden: there is no such setting; did you mean hidden?".to_owned()),
        ("zzz = 30", "", format!("zzz: there is no such setting; {leave}")),
        ("\"a\\nb\" = 2", "", format!("a\\nb: there is no such setting; {leave}")),
        ("config = 'x'", "", format!("config: there is no such setting; {leave}")),
        ("quiet = 1", "", format!("quiet: expected true or false, found 1; {leave}")),
        (
            "order = 'shufled'",
            "",
            "order: expected one of shuffled, fixed, file, found \"shufled\"; did you mean \
          shuffled?"
                .to_owned(),
        ),
        ("[comapre]\nhidden = 3", "", "comapre: there is no such command; did you mean compare?".to_owned()),
        ("compare = 3", "", format!("compare: expected a table, [compare]; {leave}")),
        (
            "[compare]\nhiden = 3",
            "",
            "compare.hiden: there is no such setting; did you mean hidden?".to_owned(),
        ),
        ("[compare]\nhidden = 0", "compare", format!("compare.hidden: {whole}, found \"0\"; {leave}")),
        (
            "[sweep.slurm]\nparts = 0",
            "sweep slurm fig1",
            format!(
                "sweep.slurm.parts: expected a whole number from 1 to \
          100000, found \"0\"; {leave}"
            ),
        ),
    ] {
        let run = with(file, arguments);
        run.failed(2, &[]);
        assert_eq!(run.stderr, format!("dlr: error: run.toml: {line}\n"), "{file}");
    }
    let run = with("[compare]\noptimizer = ['sgd', 'fool']", "compare");
    run.failed(2, &["run.toml: compare.optimizer: there is no optimizer \"fool\"; expected one of dlr, sgd"]);
    // A value that was not asked for is not looked at; whatever was typed instead.
    assert!(printed("[compare]\nhidden = 0", "").contains("hidden = 30\n"));
    with("save = 'net'", "--runs 3")
        .failed(2, &["--runs: cannot be used with --save; leave one of them out, here or in"]);
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    let desk = Desk::new();
    let cure = "; give --config a TOML file, as --print-config writes it";
    desk.dlr("--config nowhere").failed(4, &["cannot read nowhere: ", cure]);
    desk.dlr("compare --config .").failed(4, &["cannot read .: ", cure]);
    #[cfg(target_os = "linux")]
    desk.dlr("--config /dev/zero").failed(4, &["/dev/zero: more than 1048576 bytes", cure]);
    for (bytes, problem) in [
        (&b"hidden = "[..], "not TOML in line 1: "),
        (b"hidden = 3\n\nhidden = 4", "not TOML in line 3: duplicate key"),
        (b"hidden 3", "not TOML in line 1: "),
        (b"{\"hidden\": 3}", "not TOML in line 1: "),
        (b"\xff", "not TOML: not UTF-8"),
    ] {
        desk.write("run.toml", bytes);
        desk.dlr("--config run.toml").failed(4, &["dlr: error: run.toml: ", problem, cure]);
    }
    desk.dlr("--config").failed(2, &["--config: a value is missing"]);
    desk.write("run.toml", "");
    desk.dlr("--config run.toml --config run.toml").failed(2, &["--config: given more than once"]);
}
