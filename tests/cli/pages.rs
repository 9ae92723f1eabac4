//! Completion scripts and manual pages: the programs that they are for accept them.

use crate::helpers::*;
use std::process::{Command, Stdio};

/// Whether this machine has a program.
fn is_here(program: &str) -> bool {
    let found =
        Command::new("sh").args(["-c", &format!("command -v {program}")]).stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// What a program says to `arguments` in the desk's folder, on stdout and stderr, if it ends well.
#[track_caller]
fn said(desk: &Desk, program: &str, arguments: &[&str]) -> [String; 2] {
    let output = Command::new(program).args(arguments).current_dir(desk.path("")).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{program} {arguments:?}: {err}");
    [out, err]
}

#[test]
fn shells_accept_their_scripts() {
    let desk = Desk::new();
    for (shell, words) in [
        ("bash", ["--hidden", "compare"]),
        ("zsh", ["--hidden", "compare"]),
        ("fish", ["-l hidden", "compare"]),
        ("elvish", ["--hidden", "compare"]),
        ("powershell", ["--hidden", "compare"]),
    ] {
        let run = desk.dlr(&format!("completions {shell}"));
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{shell}: {run:?}");
        for word in words {
            assert!(run.stdout.contains(word), "no {word:?} for {shell}");
        }
        desk.write(shell, run.stdout);
        if ["bash", "zsh", "fish"].contains(&shell) && is_here(shell) {
            assert_eq!(said(&desk, shell, &["-n", shell]), ["", ""], "{shell} -n");
        }
    }
}

/// What bash offers after `words`, of which the last is not complete.
fn offered(desk: &Desk, words: &[&str]) -> Vec<String> {
    let last = words.len() - 1;
    let script = format!(
        ". ./bash; COMP_WORDS=({}); COMP_CWORD={last}; _dlr dlr {} {}; echo \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words[last],
        words[last - 1]
    );
    said(desk, "bash", &["-c", &script])[0].split_whitespace().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_names() {
    if !is_here("bash") {
        return;
    }
    let desk = Desk::new();
    desk.write("bash", desk.dlr("completions bash").stdout);
    assert_eq!(offered(&desk, &["dlr", "--hid"]), ["--hidden"]);
    assert_eq!(offered(&desk, &["dlr", "tun"]), ["tune"]);
    assert_eq!(offered(&desk, &["dlr", "--order", "f"]), ["fixed", "file"]);
    assert_eq!(offered(&desk, &["dlr", "tune", "neste"]), ["nesterov", "nesterov-authors"]);
}

#[test]
fn every_command_has_a_page_without_warnings() {
    let desk = Desk::new();
    let run = desk.dlr("man pages/man1");
    assert_eq!((run.code, &*run.stdout, &*run.stderr), (Some(0), "", ""), "{run:?}");
    let entries = std::fs::read_dir(desk.path("pages/man1")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    for name in ["dlr.1", "dlr-compare.1", "dlr-tune.1", "dlr-sweep.1", "dlr-sweep-slurm.1"] {
        assert!(names.contains(&name.to_owned()), "no {name} in {names:?}");
    }
    assert_eq!(desk.dlr("man").stdout.into_bytes(), desk.read("pages/man1/dlr.1"));

    for name in &names {
        let path = format!("pages/man1/{name}");
        let page = String::from_utf8(desk.read(&path)).unwrap();
        assert!(page.contains(".SH SYNOPSIS") && page.contains(".SH OPTIONS"), "{name}: {page}");
        if is_here("groff") {
            let [text, warnings] = said(&desk, "groff", &["-man", "-Tascii", "-ww", "-P-cbou", &path]);
            assert_eq!(warnings, "", "{name}");
            assert!(text.contains("SYNOPSIS"), "{name}: {text}");
        }
    }
}

#[test]
fn pages_that_cannot_be_written_are_told() {
    let desk = Desk::new();
    desk.write("file", "mine");
    for folder in ["file", "file/below", "/proc/pages"] {
        desk.dlr(&format!("man {folder}"))
            .failed(1, &[&format!("cannot write {folder}: "), "; give a folder"]);
    }
    assert_eq!((desk.read("file"), desk.files()), (b"mine".to_vec(), vec!["file".to_owned()]));
}
