//! What clap has to say of a wrong command line, in one line: which argument, what is wrong with it, and the way out.

use super::config;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};
use std::env;
use std::error::Error as _;
use std::ffi::OsString;

/// Options that others need.
const NEEDED: [(&str, &str); 2] = [("--checkpoint", "--every"), ("--baseline", "--fail-if-slower")];

/// `--hidden: expected a whole number from 1 to 4096, found "abc"; see dlr --help`.
pub(super) fn line(error: &Error, command: &Command) -> String {
    format!("{}; {}", sentence(error), cure(error, command))
}

/// The same without the way out.
pub(super) fn sentence(error: &Error) -> String {
    match argument(error) {
        none if none.is_empty() => problem(error),
        argument => format!("{argument}: {}", problem(error)),
    }
}

/// What is wrong with the argument.
pub(super) fn problem(error: &Error) -> String {
    let value = all(error, ContextKind::InvalidValue).concat();
    match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => "a value is missing".into(),
        ErrorKind::InvalidValue => {
            format!("expected {}, found {value:?}", any_of(&all(error, ContextKind::ValidValue)))
        }
        ErrorKind::ValueValidation => {
            let reason = error.source().map(ToString::to_string).unwrap_or_default();
            let found =
                if reason.starts_with("expected ") { format!(", found {value:?}") } else { String::new() };
            reason + &found
        }
        ErrorKind::UnknownArgument if argument(error).starts_with('-') => "there is no such option".into(),
        ErrorKind::UnknownArgument => "nothing more was expected here".into(),
        _ if is_stray_number(error) => "nothing more was expected here".into(),
        ErrorKind::InvalidSubcommand => "there is no such command".into(),
        ErrorKind::TooManyValues => format!("takes no value, found {value:?}"),
        ErrorKind::MissingRequiredArgument => {
            match NEEDED.iter().find(|(needed, _)| *needed == argument(error)) {
                Some((_, by)) => format!("needed by {by}, but missing"),
                None => "required here, but missing".into(),
            }
        }
        ErrorKind::MissingSubcommand => {
            format!("expected a command: {}", any_of(&all(error, ContextKind::ValidSubcommand)))
        }
        ErrorKind::ArgumentConflict if is_repeated(error) => "given more than once".into(),
        ErrorKind::ArgumentConflict => {
            format!("cannot be used with {}", names(error, ContextKind::PriorArg))
        }
        ErrorKind::InvalidUtf8 => "an argument is not in UTF-8".into(),
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            line.trim_start_matches("error: ").to_owned()
        }
    }
}

/// What may have been meant.
pub(super) fn meant(error: &Error) -> Option<String> {
    let kinds = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    kinds.into_iter().find_map(|kind| all(error, kind).pop()).map(|name| bare(&name)) // the last is the nearest
}

/// The way out of it.
fn cure(error: &Error, command: &Command) -> String {
    let mut words = env::args_os().skip(1);
    match (meant(error), error.kind()) {
        // As in --hidden 100 50.
        _ if is_stray_number(error) => "put commas between the numbers of an option, and no blanks".into(),
        (Some(name), _) => format!("did you mean {name}?"),
        (None, ErrorKind::ArgumentConflict) if is_repeated(error) => "give it once".into(),
        (None, ErrorKind::ArgumentConflict) if belongs_behind(error, command) => {
            format!("put the options of {} behind it", argument(error))
        }
        (None, ErrorKind::ArgumentConflict) => {
            let filed = words.any(|word| config::is_named_by(&word));
            format!("leave one of them out{}", if filed { ", here or in the settings file" } else { "" })
        }
        _ => format!("see {} --help", called(command, words)),
    }
}

/// Whether the argument is a command, which itself has what stands before it.
fn belongs_behind(error: &Error, command: &Command) -> bool {
    let before: Vec<String> = all(error, ContextKind::PriorArg).iter().map(|name| bare(name)).collect();
    command.find_subcommand(argument(error)).is_some_and(|behind| {
        let has = |name: &String| {
            let mut longs = behind.get_arguments().filter_map(clap::Arg::get_long);
            longs.any(|long| name.strip_prefix("--") == Some(long))
        };
        before.iter().all(has)
    })
}

/// The command that these words call, as `dlr sweep slurm`.
fn called(command: &Command, words: impl Iterator<Item = OsString>) -> String {
    let mut name = command.get_name().to_owned();
    let mut now = command;
    for word in words {
        let Some(next) = now.find_subcommand(&word) else { break };
        now = next;
        name = format!("{name} {}", next.get_name());
    }
    name
}

/// Whether a number stands where a command may, as in --hidden 100 50.
fn is_stray_number(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidSubcommand | ErrorKind::ArgumentConflict)
        && argument(error).trim_end_matches(',').parse::<f64>().is_ok()
}

fn is_repeated(error: &Error) -> bool {
    names(error, ContextKind::PriorArg) == argument(error)
}

/// The argument at fault, or several, by their names alone.
fn argument(error: &Error) -> String {
    match names(error, ContextKind::InvalidArg) {
        none if none.is_empty() => names(error, ContextKind::InvalidSubcommand),
        names => names,
    }
}

fn names(error: &Error, kind: ContextKind) -> String {
    all(error, kind).iter().map(|name| bare(name)).collect::<Vec<_>>().join(", ")
}

/// `--lr` of `--lr <X>`, and `OPTIMIZER` of `[OPTIMIZER]...`.
fn bare(name: &str) -> String {
    let word = if name.starts_with('-') { name.split([' ', '[']).next().unwrap_or_default() } else { name };
    word.trim_end_matches("...").trim_matches(['<', '>', '[', ']']).to_owned()
}

fn all(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

fn any_of(names: &[String]) -> String {
    match names {
        [name] => name.clone(),
        names => format!("one of {}", names.join(", ")),
    }
}
