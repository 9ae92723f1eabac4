//! `dlr sweep`: parts are joined to the whole, byte for byte, or not at all; and the script for Slurm does what it should.

use crate::helpers::*;
use crate::reproduce::{JOURNAL, LONG, SHORT, Sweeps, write_data};
use std::fs;
use std::process::Stdio;

/// The journal of part I of N.
fn part(i: usize, n: usize) -> String {
    format!("out/authors.{i}-of-{n}.journal")
}

#[test]
fn parts_are_joined_to_the_whole() {
    let desk = Sweeps::new();
    let whole = desk.succeed(&format!("{SHORT} --out whole"));
    let expected = |file: &str| desk.read(&format!("whole/{file}"));
    // What is there already, of whatever figure, is kept.
    desk.succeed("reproduce fig2 --quick --quiet --out out");
    desk.succeed("reproduce fig2 --quick --quiet --out whole");
    let made = |i: usize, out: &str| {
        let run = desk.dlr(&format!("{SHORT} --shard {i}/3 --out {out} --jobs {i}"));
        let told = format!("part {i}/3 is complete; when all are, run: dlr sweep merge {out}\n");
        assert_eq!((run.code, &*run.stdout, run.stderr), (Some(0), "", told));
    };
    let files = || fs::read_dir(desk.path("out")).unwrap().count();
    let before = files();
    (1..=3).for_each(|i| made(i, "out"));
    assert_eq!(files(), before + 3, "a part made more than its journal");

    let runs = expected(JOURNAL).iter().filter(|&&byte| byte == b'\n').count() - 1;
    for _ in 0..2 {
        let told = desk.succeed("sweep merge out");
        assert_eq!(told, format!("out/{JOURNAL}: {runs} runs, joined from 3 parts\n"));
        assert!(desk.read(&format!("out/{JOURNAL}")) == expected(JOURNAL));
    }
    assert_eq!(desk.succeed(&format!("{SHORT} --out out")), whole.replace("whole", "out"));
    for file in [JOURNAL, "authors-fig1.csv"] {
        assert!(desk.read(&format!("out/{file}")) == expected(file), "{file}");
    }
}

#[test]
fn what_cannot_be_joined_is_refused() {
    let desk = Sweeps::new();
    let merge = || desk.dlr("sweep merge out");
    merge().failed(4, &["cannot read out: ", "; check the path"]);
    fs::create_dir(desk.path("out")).unwrap();
    merge().failed(4, &["out: there are no journals of parts; make them with --shard I/N"]);
    desk.dlr("sweep merge tiny/t10k-labels-idx1-ubyte").failed(4, &["cannot read tiny/t10k-labels"]);

    let make = |arguments: &str| assert_eq!(desk.dlr(&format!("{SHORT} {arguments}")).code, Some(0));
    make("--out out --shard 1/3");
    make("--out out --shard 3/3");
    merge().failed(4, &["out/authors.2-of-3.journal: this part is missing; make it with --shard 2/3"]);
    make("--out out --shard 2/2");
    merge().failed(4, &["out: authors is divided in 2 and in 3 parts; keep the parts of one division"]);
    fs::remove_file(desk.path(&part(2, 2))).unwrap();

    make("--out out --shard 2/3");
    let good = desk.read(&part(2, 3));
    let refused = |words: &[&str]| {
        merge().failed(4, &[&[&*part(2, 3)], words].concat());
        assert!(!desk.path(&format!("out/{JOURNAL}")).exists());
    };
    desk.write(&part(2, 3), &good[..good.len() - 1]);
    refused(&["last line was cut off; run its command again"]);
    desk.write(&part(2, 3), b"");
    refused(&["last line was cut off; run its command again"]);
    let mut damaged = good.clone();
    damaged[good.len() - 20] ^= 1;
    desk.write(&part(2, 3), damaged);
    refused(&["is damaged"]);
    write_data(&desk.path("other"), 2);
    fs::remove_file(desk.path(&part(2, 3))).unwrap();
    make("--out out --shard 2/3 --data other");
    refused(&["a journal of another data set: other, not tiny"]);

    desk.write(&part(2, 3), good);
    assert_eq!(merge().code, Some(0));
}

/// Whoever writes to a journal that somebody else puts another in the place of would write for nobody.
#[test]
fn journals_are_not_joined_while_they_are_written() {
    let desk = Sweeps::new();
    for i in 1..=2 {
        assert_eq!(desk.dlr(&format!("{SHORT} --out out --shard {i}/2")).code, Some(0));
    }
    let whole = format!("out/{JOURNAL}");
    for (arguments, journal) in [("--out out", &whole), ("--out out --shard 2/2", &part(2, 2))] {
        let known = fs::read_to_string(desk.path(journal)).map_or(0, |text| text.lines().count());
        let mut command = desk.command(&format!("{LONG} {arguments}"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        desk.wait_for_runs(journal, known + 3);
        let words = format!("{journal}: another dlr is writing to this journal; wait until that has ended");
        desk.dlr("sweep merge out").failed(4, &[&words]);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    desk.succeed("sweep merge out");
}

/// The script for a folder of that name, given as one argument.
fn script(desk: &Sweeps, out: &str, arguments: &str) -> String {
    let mut command = desk.command(&format!("sweep slurm fig1 {arguments}"));
    command.arg(format!("--out={out}"));
    let run = finish(command);
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    run.stdout
}

#[test]
fn the_script_makes_a_part_wherever_it_lies() {
    let desk = Sweeps::new();
    // The program's own path needs quotes as well.
    let folder = desk.path("it's my\t$HOME");
    fs::create_dir(&folder).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_dlr"), folder.join("dlr")).unwrap();
    for out in ["plain", "two words", "it's", "\"$HOME\" `id` \\ ; # *", "-q", "ö", "a/b"] {
        let mut command = std::process::Command::new(folder.join("dlr"));
        desk.prepare(&mut command);
        command.args(["sweep", "slurm", "fig1", "--quick", "--parts", "20", "--jobs", "1"]);
        command.arg(format!("--out={out}"));
        let printed = finish(command);
        assert_eq!((printed.code, &*printed.stderr), (Some(0), ""), "{printed:?}");
        desk.write("script", &printed.stdout);

        let mut command = std::process::Command::new("bash");
        desk.prepare(&mut command);
        // As of a task that is submitted again, alone.
        for (what, value) in [("ID", 2), ("MIN", 2), ("MAX", 2), ("COUNT", 1)] {
            command.env(format!("SLURM_ARRAY_TASK_{what}"), value.to_string());
        }
        command.arg("script");
        let run = finish(command);
        assert_eq!((run.code, &*run.stdout), (Some(0), ""), "{out}: {run:?}");
        assert!(
            run.stderr.starts_with("part 2/20 is complete; when all are, run: dlr sweep merge "),
            "{run:?}"
        );
        let made: Vec<_> =
            fs::read_dir(desk.path(out)).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(made, ["authors.2-of-20.journal"], "{out}");
    }
}

#[test]
fn the_script_asks_for_what_its_options_say() {
    let desk = Sweeps::new();
    let text = script(&desk, "out", "--preset both --parts 7 --jobs 3 --minutes 90");
    let asked: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("#SBATCH --")).collect();
    let expected =
        ["job-name=dlr-fig1", "array=1-7", "cpus-per-task=3", "mem=1G", "time=90", "signal=B:TERM@60"];
    for words in expected {
        assert!(asked.contains(&words), "no {words} in {text}");
    }
    assert!(text.starts_with("#!/bin/bash\n#SBATCH "), "{text}");
    let commands: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let [command] = commands[..] else { panic!("not one command: {text}") };
    let words = "reproduce fig1 --preset both --out out --shard \"$SLURM_ARRAY_TASK_ID/7\" --jobs 3";
    assert!(command.starts_with("exec /") && command.ends_with(words), "{text}");

    desk.dlr("sweep slurm fig3")
        .failed(2, &["fig3: its runs depend on one another", "; make it by dlr reproduce"]);
    let mut command = desk.command("sweep slurm fig1 --out");
    command.arg("two\nlines");
    finish(command).failed(2, &["--out: ", "cannot be written in a script; give a path"]);
    for (arguments, words) in [
        ("", "dlr sweep: expected a command: one of merge, slurm"),
        ("slurm", "FIGURE: required here"),
        ("slurm fig9", "fig9"),
        ("slurm fig1 --parts 0", "from 1 to 100000"),
        ("slurm fig1 --jobs 0", "from 1 to 256"),
        ("slurm fig1 --minutes 1", "from 2 to 100000"),
        ("merge", "DIR: required here"),
    ] {
        desk.dlr(&format!("sweep {arguments}")).failed(2, &[words]);
    }
}

/// Slurm signals the shell of the script, whose place `dlr` has taken.
#[test]
fn the_script_is_told_to_stop() {
    let desk = Sweeps::new();
    desk.write("script", script(&desk, "out", "--parts 4 --jobs 1"));
    let mut command = std::process::Command::new("bash");
    desk.prepare(&mut command);
    command.arg("script").env("SLURM_ARRAY_TASK_ID", "3");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    desk.wait_for_runs(&part(3, 4), 2);
    signal(&child, "TERM");
    let run = Finished::from(child.wait_with_output().unwrap());
    assert_eq!((run.code, &*run.stdout), (Some(143), ""), "{run:?}");
    assert!(
        run.stderr.ends_with(
            "dlr: interrupted; what was finished is kept, and the same command goes on from there\n"
        )
    );
}

#[test]
fn an_array_says_which_part_is_meant_or_is_refused() {
    let desk = Sweeps::new();
    // Its tasks' numbers, the least, the most and how many there are.
    let with = |numbers: &[&str]| {
        let mut command = desk.command(&format!("{SHORT} --shard slurm --out out"));
        for (what, number) in ["ID", "MIN", "MAX", "COUNT"].iter().zip(numbers) {
            command.env(format!("SLURM_ARRAY_TASK_{what}"), number);
        }
        finish(command)
    };
    for (numbers, told) in [(["20", "1", "20", "20"], "part 20/20"), (["0", "0", "19", "20"], "part 1/20")] {
        let run = with(&numbers);
        assert!(run.code == Some(0) && run.stderr.starts_with(told), "{numbers:?}: {run:?}");
    }
    let not_all = "which are not parts 1 to N; submit all of them, or give --shard I/N";
    for (numbers, words) in [
        (&[][..], "SLURM_ARRAY_TASK_ID is not set, as it is in an array job of Slurm"),
        (&["1"], "SLURM_ARRAY_TASK_MIN is not set"),
        (&["one", "1", "2", "2"], "SLURM_ARRAY_TASK_ID is \"one\", not a number"),
        (&["2", "2", "2", "1"], not_all),
        (&["5", "1", "5", "2"], not_all),
        (&["3", "1", "5", "3"], not_all),
        (&["9", "1", "5", "5"], not_all),
        (&["5", "9", "1", "5"], not_all),
    ] {
        let run = with(numbers);
        assert_eq!((run.code, &*run.stdout), (Some(2), ""), "{numbers:?}: {run:?}");
        assert!(run.stderr.contains(words) && run.stderr.contains("--shard"), "{numbers:?}: {run:?}");
    }
}

#[test]
fn help_is_no_wider_than_a_terminal() {
    for (arguments, words) in [
        ("reproduce --help", "--shard"),
        ("sweep --help", "merge"),
        ("sweep merge --help", "DIR"),
        ("sweep slurm --help", "sbatch"),
    ] {
        let help = dlr(arguments);
        assert_eq!((help.code, &*help.stderr), (Some(0), ""), "{arguments}");
        assert!(help.stdout.contains(words), "{arguments}: {}", help.stdout);
        let width = help.stdout.lines().map(|line| line.chars().count()).max();
        assert!(width <= Some(110), "{arguments}: a line of {width:?} characters");
    }
}
