//! Running `dlr`, and what is the same for every run of it.

use assert_cmd::Command;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The real MNIST.
pub(crate) const MNIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist");

/// Kept by cargo for the tests of this build, so the data are prepared once, and never the user's own cache.
const CACHE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");

/// Far more than any run here takes, even of a debug build on a busy machine. Whoever is not done by then hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// A folder of a test's own: its `dlr` runs in it, so that files go by their names alone.
pub(crate) struct Desk(TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// A data set of six images of 4 x 5 pixels in 3 classes, in the folder `tiny`.
    pub(crate) fn put_tiny(&self) {
        std::fs::create_dir(self.path("tiny")).unwrap();
        let pixels: Vec<u8> = (0..6 * 4 * 5).map(|n| if n % 3 == 0 { 0 } else { n * 2 }).collect();
        for split in ["train", "t10k"] {
            let images = [&[0, 0, 8, 3, 0, 0, 0, 6, 0, 0, 0, 4, 0, 0, 0, 5], &pixels[..]].concat();
            self.write(&format!("tiny/{split}-images-idx3-ubyte"), images);
            self.write(
                &format!("tiny/{split}-labels-idx1-ubyte"),
                [0, 0, 8, 1, 0, 0, 0, 6, 0, 1, 2, 0, 1, 2],
            );
        }
    }

    pub(crate) fn make_pipe(&self, name: &str) {
        assert!(std::process::Command::new("mkfifo").arg(self.path(name)).status().unwrap().success());
    }

    /// The names of all files here, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// `dlr` with these arguments, separated by blanks; not started yet.
    pub(crate) fn command(&self, arguments: &str) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_dlr"));
        command.args(arguments.split_whitespace()).current_dir(self.0.path());
        command.env("DLR_DATA", MNIST).env("DLR_CACHE", CACHE);
        command
    }

    /// Runs `dlr` with these arguments, separated by blanks.
    #[track_caller]
    pub(crate) fn dlr(&self, arguments: &str) -> Finished {
        finish(self.command(arguments))
    }

    /// A short run that must end well, as JSON: 600 images unless `arguments` say otherwise.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &str) -> Value {
        let images = if arguments.contains("--images") { "" } else { "--images 600" };
        let run = self.dlr(&format!("--json -q {images} {arguments}"));
        assert_eq!(run.code, Some(0), "{arguments}: {run:?}");
        run.json()
    }
}

/// Runs `dlr` with these arguments, separated by blanks, in a folder that nobody looks at.
#[track_caller]
pub(crate) fn dlr(arguments: &str) -> Finished {
    Desk::new().dlr(arguments)
}

/// The SHA-256 of the trained weights.
#[track_caller]
pub(crate) fn weights(record: &Value) -> &str {
    record["final"]["weights_sha256"].as_str().unwrap()
}

/// Runs a command to its end, which has to come.
#[track_caller]
pub(crate) fn finish(command: std::process::Command) -> Finished {
    let description = format!("{command:?}");
    let output = Command::from_std(command).timeout(LIMIT).output().unwrap();
    let finished = Finished::from(output);
    assert!(finished.code.is_some(), "{description} hangs, or was killed: {finished:?}");
    finished
}

/// What a run has left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    /// Without warnings about the build, which depend on who runs the tests.
    pub(crate) stderr: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("all output is text");
        let stderr = text(output.stderr);
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: stderr
                .split_inclusive('\n')
                .filter(|line| !line.starts_with("dlr: warning: this "))
                .collect(),
        }
    }
}

impl Finished {
    /// The run's JSON record, which is all that is on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert!(self.stdout.ends_with("}\n") && self.stdout.lines().count() == 1, "not one line: {self:?}");
        serde_json::from_str(&self.stdout).expect("stdout is JSON")
    }

    /// The one line that a run failed with, under exit code `code` and with nothing on stdout; checks that it has all
    /// of `words`.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, words: &[&str]) {
        assert_eq!(self.stdout, "", "{self:?}");
        self.complained(code, words);
    }

    /// As [`failed`](Self::failed), whatever is on stdout.
    #[track_caller]
    pub(crate) fn complained(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stderr.starts_with("dlr: error: ") && self.stderr.ends_with('\n'), "{self:?}");
        assert_eq!(self.stderr.lines().count(), 1, "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in {self:?}");
        }
    }
}

/// Waits until `is_so`, which has to come.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < LIMIT, "never {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Sends a signal, "INT" or "TERM", to a process.
#[track_caller]
pub(crate) fn signal(process: &std::process::Child, name: &str) {
    let kill = format!("kill -{name} {}", process.id());
    assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// Links the four files of MNIST into folder `to`, for a test that replaces one of them.
pub(crate) fn link_mnist(to: &Path) {
    for entry in std::fs::read_dir(MNIST).unwrap() {
        let entry = entry.unwrap();
        std::os::unix::fs::symlink(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
