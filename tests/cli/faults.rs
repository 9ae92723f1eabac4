//! What the machine does to a run: too little memory, too few files, a cache that others may not write or have cut off, many
//! processes at once. `tests/faults/run.py` goes through every call that may fail.

use crate::helpers::*;
use crate::reproduce::{SHORT, Sweeps};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Stdio};
use std::thread;
use std::time::Duration;

/// A desk that has prepared its data, with the cache file.
fn prepared() -> (Sweeps, PathBuf) {
    let desk = Sweeps::new();
    desk.succeed("data --data tiny");
    let mut files = fs::read_dir(desk.path("cache")).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none(), "more than one file in the cache");
    (desk, file)
}

/// A run that trains.
struct Training {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Training {
    fn begin(desk: &Sweeps, arguments: &str) -> Self {
        let mut command = desk.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut told = String::new();
        while !told.contains(" accuracy ") {
            assert_ne!(stderr.read_line(&mut told).unwrap(), 0, "it ended by itself: {told}");
        }
        Self { child, stderr }
    }

    /// Its end, without the progress on stderr.
    fn end(mut self) -> Finished {
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        let stderr = rest.split_inclusive('\n').filter(|line| !line.starts_with("epoch ")).collect();
        Finished { stderr, ..self.child.wait_with_output().unwrap().into() }
    }
}

/// The system tells of pages that are gone by a signal, which must not be the end of it.
#[cfg(target_os = "linux")]
#[test]
fn a_cache_file_that_is_cut_off_in_use_is_told_in_one_line() {
    let (desk, file) = prepared();
    desk.succeed("--epochs 1 --target none -q --save net");
    let good = desk.read("net");
    let run = Training::begin(&desk, "--epochs 100000 --target none --save net --checkpoint ckpt");
    fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_len(0).unwrap();
    run.end().failed(4, &["the cache file", "cut off", "; run the same command again", "DLR_CACHE"]);
    assert!(desk.read("net") == good && !desk.path("ckpt").exists());

    let run = desk.dlr("--epochs 1 --target none -q");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.starts_with("dlr: warning: ") && run.stderr.contains("was damaged"), "{run:?}");
    desk.succeed("--epochs 1 --target none -q");
}

#[test]
fn a_cache_file_that_is_replaced_in_use_changes_nothing() {
    let (desk, file) = prepared();
    let settings = "--epochs 2000 --target none --hidden 3 --test-every 1200000";
    let undisturbed = desk.succeed(&format!("{settings} --json -q"));
    let run = Training::begin(&desk, &format!("{settings} --json"));
    desk.write("other", "no cache file at all");
    fs::rename(desk.path("other"), &file).unwrap();
    let run = run.end();
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    let records = [&run.stdout, &undisturbed].map(|text| serde_json::from_str(text).unwrap());
    assert_eq!(weights(&records[0]), weights(&records[1]));
}

/// Eight at once, one of which is killed a little later each time.
#[test]
fn processes_that_prepare_one_cache_at_once() {
    let (desk, file) = prepared();
    let want = desk.succeed("data --data tiny --json");
    let bytes = fs::read(&file).unwrap();
    for round in 0..12 {
        fs::remove_dir_all(desk.path("cache")).unwrap();
        let start = |_| {
            let mut command = desk.command("data --data tiny --json");
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let mut all: Vec<Child> = (0..8).map(start).collect();
        thread::sleep(Duration::from_millis(round));
        all[(round % 8) as usize].kill().unwrap();
        for (i, child) in all.into_iter().enumerate() {
            let run = Finished::from(child.wait_with_output().unwrap());
            if i as u64 != round % 8 {
                assert_eq!((run.code, &*run.stdout, &*run.stderr), (Some(0), &*want, ""), "{i}: {run:?}");
            }
        }
        assert!(fs::read(&file).unwrap() == bytes, "the cache is another one");
        let others = fs::read_dir(desk.path("cache")).unwrap().count() - 1;
        assert!(others <= 1, "{others} files were left by one process");
    }
}

/// What nobody else may change is no obstacle, as nobody has to.
#[cfg(target_os = "linux")]
#[test]
fn another_user_s_cache_is_read_or_passed_over() {
    let (desk, file) = prepared();
    let want = desk.succeed("data --data tiny --json");
    let allow = |path: &PathBuf, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    allow(&desk.path(""), 0o755);
    let cache = desk.path("cache");
    // The program may lie where nobody else may go.
    fs::copy(env!("CARGO_BIN_EXE_dlr"), desk.path("dlr")).unwrap();
    let other = |arguments: &str| {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "./dlr"]);
        desk.prepare(&mut command);
        command.args(arguments.split_whitespace());
        finish(command)
    };
    if other("--version").code != Some(0) {
        return eprintln!("not tested: another user's cache, as this is not root's doing");
    }
    let look = "data --data tiny --json";
    let warm = other(look);
    assert_eq!((warm.code, &warm.stdout, &*warm.stderr), (Some(0), &want, ""), "{warm:?}");
    for (folder, mode) in [(0o755, 0o600), (0o700, 0o644)] {
        allow(&file, mode);
        allow(&cache, folder);
        let run = other(look);
        assert_eq!((run.code, &run.stdout, run.stderr.lines().count()), (Some(0), &want, 1), "{run:?}");
        assert!(run.stderr.starts_with("dlr: warning: ") && run.stderr.contains("cache"), "{run:?}");
        assert!(
            run.stderr.contains("permission denied") && run.stderr.contains("; set DLR_CACHE"),
            "{run:?}"
        );
    }
    for (arguments, words) in [
        ("-q --epochs 1 --save net", "cannot write net: permission denied; give --save a file"),
        ("-q --epochs 1 --checkpoint ckpt", "cannot write ckpt: permission denied; give --checkpoint a file"),
        ("compare sgd -q --epochs 1 --runs 1 --journal j", "cannot write j: Permission denied"),
    ] {
        let run = other(arguments);
        let errors: Vec<_> = run.stderr.lines().filter(|line| line.starts_with("dlr: error")).collect();
        assert!(run.code == Some(1) && errors.len() == 1 && errors[0].contains(words), "{run:?}");
    }
}

/// Runs `dlr` under a limit of the shell.
fn limited(desk: &Sweeps, limit: &str, arguments: &str) -> Finished {
    finish(desk.shell(&["sh"], &format!("ulimit {limit}; exec \"$1\" {arguments}")))
}

#[test]
fn a_file_that_may_not_grow_is_an_error_of_every_command() {
    let (desk, _) = prepared();
    desk.succeed("--data tiny --epochs 0 --target none -q --save net");
    for arguments in ["evaluate net --data tiny --svg drawn", "completions zsh > out", "--help > out"] {
        limited(&desk, "-f 1", arguments).complained(1, &["cannot write ", "File too large"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn too_little_memory_is_told_in_one_line() {
    let (desk, _) = prepared();
    desk.write("net", "old");
    // Far more than the program itself takes, and less than the weights.
    for limit in ["-v 300000", "-v 400000", "-v 600000"] {
        for arguments in [
            "--hidden 4096,4096,4096,4096 --epochs 1 -q --save net",
            "--hidden 4096,4096,4096,4096 --runs 2 -q",
        ] {
            let run = limited(&desk, limit, arguments);
            run.failed(1, &["out of memory: ", " bytes more cannot be had; ", "ulimit -v", "--hidden"]);
        }
    }
    assert_eq!(desk.read("net"), b"old");
    // A file that asks for too much is told of by its name.
    fs::File::create(desk.path("large")).unwrap().set_len(1 << 30).unwrap();
    for arguments in ["--load large -q", "--resume large -q", "evaluate large"] {
        limited(&desk, "-v 300000", arguments).failed(4, &["cannot read large: ", "memory", "; give"]);
    }
}

/// Its clock measures how long networks train, which takes no memory to speak of, and not what the machine could do, which
/// would take hundreds of MB.
#[cfg(target_os = "linux")]
#[test]
fn a_figure_needs_no_more_memory_than_its_networks() {
    let (desk, _) = prepared();
    let run = limited(&desk, "-v 200000", &format!("{SHORT} --jobs 1 --out out"));
    assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{run:?}");
    assert!(desk.path("out/authors-fig1-seconds.csv").exists());
}

/// Pages from what is just enough for a run with a second thread downwards: its stacks, and all that lies between them.
#[cfg(target_os = "linux")]
#[test]
fn a_thread_without_memory_to_start_is_told_in_one_line() {
    let (desk, _) = prepared();
    // Without the usual check, as the C library may end it by a signal.
    let run = |kilobytes: u64| {
        let script =
            format!("ulimit -v {kilobytes}; exec \"$1\" compare sgd -q --epochs 1 --runs 1 --jobs 1");
        Finished::from(desk.shell(&["sh"], &script).output().unwrap())
    };
    let (mut little, mut enough) = (8 << 10, 1 << 20);
    while enough - little > 4 {
        let middle = (little + enough) / 8 * 4;
        *(if run(middle).code == Some(0) { &mut enough } else { &mut little }) = middle;
    }
    let mut told = 0;
    for pages in 1..=64 {
        let run = run(enough - 4 * pages);
        // There, the C library ends whatever program it is in.
        if run.code == Some(0) || run.stderr.lines().any(|line| line.starts_with("Fatal glibc error: ")) {
            continue;
        }
        let lines: Vec<_> = run.stderr.lines().filter(|line| !line.starts_with("dlr: warning: ")).collect();
        assert!(run.code == Some(1) || run.code == Some(4), "{pages}: {run:?}");
        assert!(matches!(&lines[..], [line] if line.starts_with("dlr: error: ")), "{pages}: {run:?}");
        told += 1;
    }
    assert!(told > 0, "no page less was ever missed");
}

#[test]
fn too_few_files_are_told_in_one_line() {
    let (desk, _) = prepared();
    let mut ends = Vec::new();
    // With fewer than four, the program's libraries can't be loaded.
    for limit in 4..16 {
        for arguments in [
            "-q --epochs 1 --save net --checkpoint ckpt",
            "compare sgd -q --epochs 1 --runs 1 --journal j --svg c.svg",
        ] {
            let run = limited(&desk, &format!("-n {limit}"), arguments);
            match run.code {
                Some(0) => assert_eq!(run.stderr, "", "{limit}: {run:?}"),
                code => {
                    let error = run.stderr.lines().next_back().unwrap_or_default();
                    assert!(matches!(code, Some(1 | 4)), "{limit}: {run:?}");
                    assert!(error.starts_with("dlr: error: ") && error.contains("; "), "{limit}: {run:?}");
                }
            }
            ends.push(run.code == Some(0));
        }
    }
    assert!(ends.ends_with(&[true, true]) && !ends[0], "{ends:?}");
}
