//! The first byte chooses a command, the others are its settings file.

#![no_main]

#[allow(dead_code)] // most of the program is not called from here
#[path = "../../../src/cli/mod.rs"]
mod cli;

use clap::{Command, CommandFactory as _};
use cli::{args::Cli, config};
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::LazyLock;

const COMMANDS: [&str; 8] =
    ["", "compare", "tune", "profile", "reproduce", "sweep slurm", "predict", "verify"];

static COMMAND: LazyLock<Command> = LazyLock::new(|| {
    let mut command = Cli::command();
    command.build();
    command
});

/// A file, and the path that it can be opened by: it has no name, so nothing is left of it in the end, whatever end that is. In
/// memory, where there is such a place: a disk would be slow, and wear out.
static FILE: LazyLock<(File, PathBuf)> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let name = folder.join(format!("dlr-fuzz-{}.toml", std::process::id()));
    let file = File::create(&name).expect("there is room");
    fs::remove_file(name).expect("it has just been made");
    let path = format!("/dev/fd/{}", file.as_raw_fd());
    (file, path.into())
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    // What is no TOML is not worth a file.
    if config::parse(bytes).is_err() {
        return;
    }
    let (file, path) = &*FILE;
    file.set_len(0).and_then(|()| file.write_all_at(bytes, 0)).expect("there is room");
    let called = COMMANDS[usize::from(*first) % COMMANDS.len()];
    let words = ["dlr"].into_iter().chain(called.split_whitespace()).chain(["--config"]);
    let typed: Vec<OsString> = words.map(OsString::from).chain([path.into()]).collect();
    if let Ok(words) = config::completed(&COMMAND, typed.clone()) {
        assert!(words.starts_with(&typed));
    }
});
