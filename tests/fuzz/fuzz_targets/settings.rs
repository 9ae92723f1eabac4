//! The first byte chooses a command, the others are its settings file.

#![no_main]

#[allow(dead_code)] // most of the program is not called from here
#[path = "../../../src/cli/mod.rs"]
mod cli;

use clap::{Command, CommandFactory as _};
use cli::{args::Cli, config};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

const COMMANDS: [&str; 8] =
    ["", "compare", "tune", "profile", "reproduce", "sweep slurm", "predict", "verify"];

static COMMAND: LazyLock<Command> = LazyLock::new(|| {
    let mut command = Cli::command();
    command.build();
    command
});

/// In memory, where there is such a place: a disk would be slow, and wear out.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("dlr-fuzz-{}.toml", std::process::id()))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    // What is no TOML is not worth a file.
    if config::parse(bytes).is_err() {
        return;
    }
    fs::write(&*FILE, bytes).expect("there is room");
    let called = COMMANDS[usize::from(*first) % COMMANDS.len()];
    let words = ["dlr"].into_iter().chain(called.split_whitespace()).chain(["--config"]);
    let typed: Vec<OsString> = words.map(OsString::from).chain([FILE.clone().into()]).collect();
    if let Ok(words) = config::completed(&COMMAND, typed.clone()) {
        assert!(words.starts_with(&typed));
    }
});
