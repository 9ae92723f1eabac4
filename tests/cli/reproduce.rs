//! `dlr reproduce`, whatever happens to it: nothing that it has finished is lost, nothing is done twice, and what comes of
//! it in the end is the same, byte for byte.

use crate::helpers::*;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A desk with a data set that is learned in a moment: what is in question here are sweeps, not what they find.
pub(crate) struct Sweeps(Desk);

/// A sweep of a second, one of a minute, and the journals of both.
pub(crate) const SHORT: &str = "reproduce fig1 --quick --quiet";
pub(crate) const LONG: &str = "reproduce fig1 --quiet --jobs 1";
pub(crate) const JOURNAL: &str = "authors.journal";

impl std::ops::Deref for Sweeps {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.0
    }
}

impl Sweeps {
    pub(crate) fn new() -> Self {
        let desk = Desk::new();
        write_data(&desk.path("tiny"), 1);
        Self(desk)
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = self.0.command(arguments);
        self.prepare(&mut command);
        command
    }

    /// What is the same for all commands here: the data, a cache of their own, and no Slurm.
    pub(crate) fn prepare(&self, command: &mut Command) {
        command.current_dir(self.path(""));
        command.env("DLR_DATA", "tiny").env("DLR_CACHE", self.path("cache"));
        for what in ["ID", "MIN", "MAX", "COUNT"] {
            command.env_remove(format!("SLURM_ARRAY_TASK_{what}"));
        }
    }

    #[track_caller]
    pub(crate) fn dlr(&self, arguments: &str) -> Finished {
        finish(self.command(arguments))
    }

    /// Runs a command that must end well and without a word on stderr.
    #[track_caller]
    pub(crate) fn succeed(&self, arguments: &str) -> String {
        let run = self.dlr(arguments);
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{arguments}: {run:?}");
        run.stdout
    }

    /// A program that runs a script of the shell, given `dlr` as $1.
    pub(crate) fn shell(&self, shell: &[&str], script: &str) -> Command {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).args(["-c", script, "sh", env!("CARGO_BIN_EXE_dlr")]);
        self.prepare(&mut command);
        command
    }

    /// Starts a long sweep into `journal`, and waits until some runs are finished.
    pub(crate) fn begin(&self, arguments: &str, journal: &str) -> Child {
        let mut command = self.command(&format!("{LONG} {arguments}"));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        self.wait_for_runs(journal, 3);
        child
    }

    #[track_caller]
    pub(crate) fn wait_for_runs(&self, journal: &str, runs: usize) {
        wait_until("so many runs", || lines(&self.path(journal)).len() > runs);
    }
}

/// The whole lines of a file, none if there is no file.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(str::to_owned).collect()
}

/// Whether every line of `some` is one of `all`.
fn are_among(some: &[String], all: &[String]) -> bool {
    some.iter().all(|line| all.contains(line))
}

/// What Fig. 1 leaves in its folder.
const RESULTS: [&str; 7] = [
    "authors-fig1-seconds.csv",
    "authors-fig1-seconds.jsonl",
    "authors-fig1.csv",
    "authors-fig1.jsonl",
    "authors-fig1.svg",
    "authors.journal",
    "report.html",
];

/// The names of the files in a folder.
fn files_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Writes a data set of 8 x 8 pixels in 10 classes, each of which lights some pixels more often than others.
pub(crate) fn write_data(folder: &Path, seed: u64) {
    let mut random = numbers(seed);
    let mut one_in = |n: u64| random.next().unwrap().is_multiple_of(n);
    let often: Vec<[bool; 64]> = (0..10).map(|_| std::array::from_fn(|_| one_in(4))).collect();
    fs::create_dir_all(folder).unwrap();
    for (name, count) in [("train", 1200_u32), ("t10k", 300)] {
        let labels: Vec<u8> = (0..count).map(|image| (image % 10) as u8).collect();
        let mut pixels = Vec::new();
        for &label in &labels {
            for is_often in often[usize::from(label)] {
                let is_lit = if is_often { !one_in(3) } else { one_in(10) };
                pixels.push(if is_lit { 200 } else { 0 });
            }
        }
        let [count, side] = [count, 8].map(u32::to_be_bytes);
        let images = [&[0, 0, 8, 3], &count[..], &side, &side, &pixels].concat();
        fs::write(folder.join(format!("{name}-images-idx3-ubyte")), images).unwrap();
        let labels = [&[0, 0, 8, 1], &count[..], &labels].concat();
        fs::write(folder.join(format!("{name}-labels-idx1-ubyte")), labels).unwrap();
    }
}

/// Numbers without any pattern (xorshift).
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)), |&state| {
        let mut next = state;
        next ^= next << 13;
        next ^= next >> 7;
        next ^= next << 17;
        Some(next)
    })
    .skip(9)
    .map(|state| state >> 11)
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let desk = Sweeps::new();
    let shard = "expected I/N, part I of N, with I from 1 to N";
    let cases: [(&str, &[&str]); 14] = [
        ("", &["FIGURE"]),
        ("fig9", &["fig9", "fig1, fig2, fig3, beyond, all"]),
        ("fig1 fig9", &["fig9"]),
        ("fig1 --preset paper", &["--preset", "authors, mse, both"]),
        ("fig1 --jobs 0", &["--jobs", "from 1 to 256"]),
        ("fig1 --jobs -1", &["--jobs", "from 1 to 256"]),
        ("fig1 --shard 0/3", &["--shard", shard]),
        ("fig1 --shard 4/3", &["--shard", shard]),
        ("fig1 --shard 1/0", &["--shard", shard]),
        ("fig1 --shard 1/3/3", &["--shard", shard]),
        ("fig1 --shard -1/3", &["--shard", shard]),
        ("fig1 --shard 1/100001", &["--shard", shard]),
        ("fig1 --shard three", &["--shard", shard, "slurm"]),
        ("fig1 --shard=", &["--shard", shard]),
    ];
    for (arguments, words) in cases {
        desk.dlr(&format!("reproduce {arguments}")).failed(2, words);
    }
    desk.dlr("reproduce fig3 --shard 1/3").failed(2, &["fig3: ", "without --shard"]);
    desk.dlr("reproduce fig1 --data nowhere").failed(4, &["nowhere: ", "--data"]);
    assert_eq!(desk.files(), ["tiny"], "something was made all the same");
}

#[test]
fn folders_that_cannot_be_written_to_are_refused() {
    let desk = Sweeps::new();
    desk.write("file", "mine");
    for out in ["file", "file/out", "/proc/out"] {
        let problem = format!("cannot write {out}: ");
        desk.dlr(&format!("{SHORT} --out {out}")).failed(1, &[&problem, "; give --out a folder"]);
    }
    assert_eq!(desk.read("file"), b"mine");

    // A complete sweep, in a place that can only be read from now on. Permissions would not stop root.
    desk.succeed(&format!("{SHORT} --out out"));
    let mount = "mount --bind out out && mount -o remount,bind,ro out out || exit 77\n";
    let run = finish(desk.shell(&PRIVATE, &format!("{mount} exec \"$1\" {SHORT} --out out")));
    if run.code != Some(77) {
        run.failed(
            1,
            &["cannot write out/authors.journal: Read-only", "; make room or choose another place"],
        );
    } else {
        eprintln!("not tested: folders that can only be read, as nothing can be mounted here");
    }
}

/// A shell with mounts of its own, which end with it.
const PRIVATE: [&str; 4] = ["unshare", "--map-root-user", "--mount", "sh"];

#[test]
fn jobs_make_no_difference() {
    let desk = Sweeps::new();
    let made = |jobs: u32| {
        let text = desk.succeed(&format!("{SHORT} --jobs {jobs} --out {jobs}"));
        let files = ["authors-fig1.csv", JOURNAL].map(|file| desk.read(&format!("{jobs}/{file}")));
        (text.replace(&format!("files in {jobs}"), ""), files)
    };
    let one = made(1);
    assert!(one.0.contains("Fig. 1") && one.1[1].len() > 5_000, "{one:?}");
    assert!(made(3) == one, "three jobs came to something else");
    assert_eq!(files_in(&desk.path("1")), RESULTS);
    // Once more, from the journal.
    assert!(made(1) == one);
}

#[test]
fn journals_of_something_else_are_left_alone() {
    let desk = Sweeps::new();
    desk.succeed(&format!("{SHORT} --out out"));
    let journal = format!("out/{JOURNAL}");
    let before = desk.read(&journal);
    write_data(&desk.path("other"), 2);
    write_data(&desk.path("same-name/tiny"), 2);
    for (data, words) in [
        ("other", "a journal of another data set: tiny, not other"),
        ("same-name/tiny", "a journal of another reproduce sweep: its plan or data differ"),
    ] {
        let run = desk.dlr(&format!("{SHORT} --out out --data {data}"));
        run.failed(4, &[&journal, words, "; choose another place for the journal"]);
    }
    fs::copy(desk.path(&journal), desk.path("out/mse.journal")).unwrap();
    desk.dlr(&format!("{SHORT} --out out --preset mse"))
        .failed(4, &["out/mse.journal: a journal of another reproduce sweep"]);
    assert!(desk.read(&journal) == before);

    desk.write(&journal, "Dear diary,\n");
    desk.dlr(&format!("{SHORT} --out out"))
        .failed(4, &["no journal of dlr", "; choose another place for the journal"]);
    assert_eq!(desk.read(&journal), b"Dear diary,\n");
    fs::remove_file(desk.path(&journal)).unwrap();
    fs::create_dir(desk.path(&journal)).unwrap();
    desk.dlr(&format!("{SHORT} --out out")).failed(1, &["cannot write out/authors.journal: "]);
}

#[test]
fn damage_is_refused_and_a_torn_tail_mended() {
    let desk = Sweeps::new();
    let text = desk.succeed(&format!("{SHORT} --out out"));
    let journal = format!("out/{JOURNAL}");
    let whole = desk.read(&journal);
    let ends: Vec<usize> = (0..whole.len()).filter(|&i| whole[i] == b'\n').collect();

    for (line, at) in [(2, ends[0] + 30), (20, ends[18] + 3), (ends.len(), ends[ends.len() - 1] - 9)] {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        desk.write(&journal, &damaged);
        let words = format!("out/{JOURNAL}: line {line} is damaged: ");
        desk.dlr(&format!("{SHORT} --out out"))
            .failed(4, &[&words, "; restore it from a copy, or remove it"]);
        assert!(desk.read(&journal) == damaged, "what is refused is left alone");
    }
    for length in [1, ends[0] / 2, ends[0] + 2, ends[10] - 1, whole.len() - 1] {
        desk.write(&journal, &whole[..length]);
        let run = desk.dlr(&format!("{SHORT} --out out"));
        assert_eq!((run.code, &run.stdout), (Some(0), &text), "{length}: {run:?}");
        assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
        assert!(run.stderr.starts_with("dlr: warning: ") && run.stderr.contains("was cut off"), "{run:?}");
        assert!(desk.read(&journal) == whole, "{length}");
    }
}

#[test]
fn two_do_not_write_to_one_journal() {
    let desk = Sweeps::new();
    let journal = format!("out/{JOURNAL}");
    let mut first = desk.begin("--out out", &journal);
    let words = ["out/authors.journal: another dlr is writing to this journal; wait until that has ended"];
    for figure in ["fig1", "fig2"] {
        desk.dlr(&format!("reproduce {figure} --quick --quiet --out out")).failed(4, &words);
    }
    // Neither does a part of it, which has another journal, get in the way; nor a process that is no more.
    let part = desk.dlr(&format!("{SHORT} --out out --shard 2/20"));
    assert_eq!(part.code, Some(0), "{part:?}");
    first.kill().unwrap();
    first.wait().unwrap();
    let before = lines(&desk.path(&journal));
    desk.succeed(&format!("{SHORT} --out out"));
    assert!(are_among(&before, &lines(&desk.path(&journal))), "runs were lost");
}

#[test]
fn an_interrupted_sweep_keeps_what_is_finished() {
    let desk = Sweeps::new();
    let journal = format!("out/{JOURNAL}");
    let mut before = Vec::new();
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut child = desk.command(&format!("{LONG} --out out"));
        let child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        desk.wait_for_runs(&journal, before.len() + 3);
        signal(&child, name);
        let run = Finished::from(child.wait_with_output().unwrap());
        assert_eq!((run.code, &*run.stdout), (Some(code), ""), "{run:?}");
        assert_eq!(
            run.stderr,
            "dlr: interrupted; what was finished is kept, and the same command goes on from there\n"
        );
        let after = lines(&desk.path(&journal));
        assert!(after.len() > before.len() + 3 && after.starts_with(&before), "runs were lost");
        assert_eq!(after.concat().len(), desk.read(&journal).len(), "the last line has no end");
        before = after;
    }
    desk.succeed(&format!("{SHORT} --out out"));
    assert!(are_among(&before, &lines(&desk.path(&journal))), "runs were lost");
}

/// Killed at random places, many times over.
#[test]
fn a_killed_sweep_goes_on_to_the_same_bytes() {
    let desk = Sweeps::new();
    let text = desk.succeed(&format!("{SHORT} --out whole"));
    let mut random = numbers(7);
    let mut kills = 0;
    for jobs in [1, 2, 3, 1, 2, 3] {
        let out = format!("killed-{kills}-{jobs}");
        let journal = desk.path(&format!("{out}/{JOURNAL}"));
        let arguments = format!("{SHORT} --jobs {jobs} --out {out}");
        let size = || fs::metadata(&journal).map_or(0, |meta| meta.len());
        for _ in 0..4 {
            let before = lines(&journal);
            let place = size() + random.next().unwrap() % 3_000;
            let mut child = desk.command(&arguments).stdout(Stdio::null()).spawn().unwrap();
            wait_until("so far", || size() >= place || child.try_wait().unwrap().is_some());
            child.kill().unwrap();
            if child.wait().unwrap().success() {
                break; // it was faster
            }
            kills += 1;
            let after = lines(&journal);
            assert!(are_among(&before, &after), "runs were lost");
        }
        assert_eq!(desk.dlr(&arguments).stdout, text.replace("whole", &out));
        for file in [JOURNAL, "authors-fig1.csv"] {
            let [a, b] = [&out, "whole"].map(|folder| desk.read(&format!("{folder}/{file}")));
            assert!(a == b, "{file} is another one after {kills} kills");
        }
    }
    assert!(kills >= 6, "only {kills} were killed on their way");
}

/// A file that may not grow any further, a kilobyte later each time: every way to fail at a write.
#[test]
fn a_write_that_fails_loses_nothing() {
    let desk = Sweeps::new();
    desk.succeed(&format!("{SHORT} --out whole"));
    let journal = desk.path(&format!("out/{JOURNAL}"));
    let (mut before, mut failures) = (Vec::new(), 0);
    for blocks in 0..200 {
        let script = format!("ulimit -f {blocks}; exec \"$1\" {SHORT} --jobs 2 --out out");
        let run = finish(desk.shell(&["sh"], &script));
        let after = lines(&journal);
        assert!(are_among(&before, &after), "runs were lost with {blocks} blocks");
        if run.code == Some(0) {
            break;
        }
        run.failed(1, &["cannot write out/", "File too large", "; "]);
        assert_eq!(after.concat().len(), fs::read(&journal).map_or(0, |bytes| bytes.len()), "torn: {run:?}");
        failures += 1;
        before = after;
    }
    assert!(failures >= 8, "{failures}");
    for file in [JOURNAL, "authors-fig1.csv"] {
        assert!(desk.read(&format!("out/{file}")) == desk.read(&format!("whole/{file}")), "{file}");
    }
    assert_eq!(files_in(&desk.path("out")), RESULTS);
}

/// A disk that is full after a page more each time, until a run finds room for everything.
#[test]
fn a_full_disk_loses_nothing() {
    let desk = Sweeps::new();
    desk.succeed(&format!("{SHORT} --out whole"));
    let script = format!(
        r#"mkdir disk && mount -t tmpfs -o size=160k disk disk || exit 77
        for pages in $(seq 39 -3 0); do
            head -c $((pages * 4096)) /dev/zero >disk/filler
            "$1" {SHORT} --out disk/out && break
            [ $? = 1 ] || exit
        done
        ls -A disk/out; cp disk/out/* ."#
    );
    let run = finish(desk.shell(&PRIVATE, &script));
    if run.code == Some(77) {
        return eprintln!("not tested: a full disk, as nothing can be mounted here");
    }
    assert_eq!(run.code, Some(0), "{run:?}");
    let complaints: Vec<&str> = run.stderr.lines().collect();
    assert!(complaints.len() >= 3, "{run:?}");
    for complaint in complaints {
        assert!(complaint.starts_with("dlr: error: cannot write disk/out"), "{run:?}");
        assert!(complaint.contains("No space left") && complaint.contains("; "), "{run:?}");
    }
    assert!(run.stdout.ends_with(&(RESULTS.join("\n") + "\n")), "something else was left: {run:?}");
    for file in [JOURNAL, "authors-fig1.csv"] {
        assert!(desk.read(file) == desk.read(&format!("whole/{file}")), "{file}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error_and_a_full_one_is() {
    let desk = Sweeps::new();
    let pipe = desk.shell(&["sh"], &format!("{{ \"$1\" {SHORT} --out out; echo $? >&2; }} | head -n 1"));
    let run = finish(pipe);
    assert_eq!((run.stdout.lines().count(), &*run.stderr), (1, "0\n"), "{run:?}");
    let mut child = desk.command(&format!("{SHORT} --out out"));
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    #[cfg(target_os = "linux")]
    {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let child = desk.command(&format!("{SHORT} --out new")).stdout(full).stderr(Stdio::piped()).spawn();
        let run = Finished::from(child.unwrap().wait_with_output().unwrap());
        run.failed(1, &["cannot write standard output: ", "; "]);
        assert!(desk.read("new/authors-fig1.csv") == desk.read("out/authors-fig1.csv"));
    }
}
