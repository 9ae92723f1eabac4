//! Where output goes: pipes that are closed early, full disks, narrow terminals; and what files may not do to it.

use crate::helpers::*;
use crate::predict::png_of;
use dlr::engine::model;
use dlr::engine::network::Network;
use dlr::engine::settings::Init;
use serde_json::json;
use std::fs::{self, File};
use std::process::Stdio;

/// Every command with much to say, in short.
const COMMANDS: [&str; 11] = [
    "--help",
    "compare --help",
    "--images 600 -q",
    "--images 600 -q --json",
    "--images 600 -q --runs 2",
    "compare sgd dlr --images 600 --runs 2 --hidden 5 -q",
    "tune sgd --trials 2 --images 600 --hidden 5 --target 0.1 -q",
    "sweep slurm fig1",
    "completions bash",
    "man",
    "--print-config",
];

/// A debug build profiles nothing.
fn commands() -> impl Iterator<Item = &'static str> {
    let profile =
        (!cfg!(debug_assertions)).then_some("profile --rounds 1 --images 200 --hidden 5 --batch 1 -q");
    COMMANDS.into_iter().chain(profile)
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let desk = Desk::new();
    for arguments in commands() {
        let mut child =
            desk.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let run = Finished::from(child.wait_with_output().unwrap());
        assert_eq!(run.code, Some(0), "{arguments}: {run:?}");
        assert!(!run.stderr.contains("panicked") && !run.stderr.contains("error"), "{arguments}: {run:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_in_one_line() {
    let desk = Desk::new();
    for arguments in commands() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let child = desk.command(arguments).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let run = Finished::from(child.wait_with_output().unwrap());
        let errors: Vec<_> = run.stderr.lines().filter(|line| line.contains("error")).collect();
        assert_eq!((run.code, errors.len()), (Some(1), 1), "{arguments}: {run:?}");
        assert!(errors[0].starts_with("dlr: error: cannot write standard output: "), "{arguments}: {run:?}");
    }
}

/// A shell's `>&-`: the Rust runtime puts /dev/null in its place, and nothing is lost but the output.
#[test]
fn a_closed_stdout_does_no_harm() {
    let desk = Desk::new();
    let program = env!("CARGO_BIN_EXE_dlr");
    for arguments in ["--help", "--images 600 -q --save net", "--print-config"] {
        let mut command = desk.command("");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("'{program}' {arguments} >&-")]).current_dir(desk.path(""));
        shell.envs(command.env_remove("NO_SUCH").get_envs().filter_map(|(name, value)| Some((name, value?))));
        let run = finish(shell);
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{arguments}: {run:?}");
    }
    assert_eq!(desk.files(), ["net"]);
}

/// They would take minutes, and nobody would ever see them.
#[test]
fn runs_whose_reader_has_gone_are_not_made() {
    let desk = Desk::new();
    let command = desk.command("");
    let mut shell = std::process::Command::new("sh");
    let program = env!("CARGO_BIN_EXE_dlr");
    shell.args(["-c", &format!("'{program}' --runs 20000 --images 600 --json -q | head -1")]);
    shell.current_dir(desk.path(""));
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let run = finish(shell);
    assert_eq!((run.stdout.lines().count(), &*run.stderr), (1, ""), "{run:?}");
}

/// `dlr COMMAND --help` in so many columns.
fn help(command: &str, columns: &str) -> String {
    let desk = Desk::new();
    let mut command = desk.command(&format!("{command} --help"));
    command.env("COLUMNS", columns);
    let run = finish(command);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{columns} columns: {run:?}");
    run.stdout
}

#[test]
fn help_fits_a_narrow_terminal_and_survives_none() {
    for command in ["", "compare", "profile", "reproduce", "tune", "sweep slurm", "completions", "man"] {
        for columns in ["0", "1", "2", "7", "many"] {
            help(command, columns);
        }
        for columns in [60, 80] {
            let text = help(command, &columns.to_string());
            let widest = text.lines().max_by_key(|line| line.chars().count()).unwrap();
            // Examples are not broken: what is copied must work.
            let examples = widest.contains("dlr ");
            assert!(
                widest.chars().count() <= columns || examples,
                "{command}: {widest:?} in {columns} columns"
            );
        }
    }
    let widths = ["40", "80"].map(|columns| help("", columns).lines().map(|l| l.chars().count()).max());
    assert_eq!(widths, [Some(40), Some(80)]);
}

/// Nothing is, whatever the environment asks for.
#[test]
fn nothing_is_coloured() {
    let desk = Desk::new();
    for arguments in commands().chain(["--frobnicate"]) {
        for (name, value) in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1")] {
            let mut command = desk.command(arguments);
            command.env(name, value);
            let run = finish(command);
            assert!(!run.stdout.contains('\x1b') && !run.stderr.contains('\x1b'), "{arguments}: {run:?}");
        }
    }
}

#[test]
fn data_and_cache_are_where_the_environment_says() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("linked")).unwrap();
    link_mnist(&desk.path("linked"));
    for variable in ["DLR_CACHE", "XDG_CACHE_HOME", "HOME"] {
        let cache = desk.path(variable);
        let mut command = desk.command("--images 600 -q --json");
        command.env_remove("DLR_CACHE").env_remove("XDG_CACHE_HOME").env_remove("HOME");
        command.env("DLR_DATA", desk.path("linked")).env(variable, &cache);
        let run = finish(command);
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{variable}: {run:?}");
        assert_eq!(run.json()["data"]["name"], "mnist");
        let below = match variable {
            "DLR_CACHE" => cache,
            "HOME" => cache.join(".cache/dlr"),
            _ => cache.join("dlr"),
        };
        let names: Vec<_> =
            std::fs::read_dir(below).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.len() == 1 && names[0].to_str().unwrap().starts_with("linked-"), "{names:?}");
    }
}

/// Begins a line of its own, and would clear the screen.
const EVIL: &str = "a\nb\u{1b}[2J";

/// What files are called and say of themselves stays on the line where it is told.
#[test]
fn nothing_in_a_file_breaks_a_line_or_reaches_the_terminal() {
    let desk = Desk::new();
    desk.put_tiny();
    fs::rename(desk.path("tiny"), desk.path(EVIL)).unwrap();
    let classes: Vec<_> = (0..3).map(|class| format!("{EVIL}{class}")).collect();
    let about = json!({ "data": "a\nb", "classes": classes, "config": { "inputs": "unit" } });
    model::save(&desk.path("n\nb"), &Network::draw(20, 2, 3, Init::FanIn, 1), about.clone()).unwrap();
    model::save(&desk.path("square"), &Network::draw(16, 2, 3, Init::FanIn, 1), about).unwrap();
    desk.write("p\nb.png", png_of(4, &[0, 0, 0, 0, 0, 9, 9, 0, 0, 9, 9, 0, 0, 0, 0, 0]));
    let mut record = desk.json("--epochs 1 --images 600");
    for part in ["version", "commit", "rustc", "simd"] {
        record["engine"][part] = json!(EVIL);
    }
    record["final"]["weights_sha256"] = json!(EVIL);
    desk.write("record", record.to_string());

    let told = |arguments: &[&str], code: i32| {
        let mut command = desk.command("");
        command.args(arguments).env("DLR_DATA", EVIL);
        let Finished { code: found, stdout, stderr } = finish(command);
        let lines = format!("{stdout}{stderr}");
        assert_eq!(found, Some(code), "{arguments:?}: {lines:?}");
        assert!(lines.contains(r"a\nb"), "{arguments:?}: {lines:?}");
        for line in lines.lines() {
            assert!(!line.starts_with('b') && !line.contains(char::is_control), "{arguments:?}: {lines:?}");
        }
    };
    told(&["-q", "--data", EVIL, "--hidden", "2", "--target", "none", "--epochs", "1"], 0);
    told(&["compare", "sgd", "-q", "--data", EVIL, "--hidden", "2", "--runs", "2", "--epochs", "1"], 0);
    told(&["data", "--data", EVIL], 0);
    told(&["data"], 0);
    told(&["evaluate", "n\nb", "--data", EVIL, "--threads", "1"], 0);
    told(&["predict", "square", "p\nb.png"], 0);
    told(&["verify", "record", "--data", MNIST], 7);

    let mut command = desk.command("predict square --json");
    command.arg("p\nb.png");
    let line = finish(command).json();
    assert!(line["name"].as_str().unwrap().starts_with(EVIL), "programs are told what is there: {line}");
}
