//! The settings file: a TOML file whose entries stand for options that were not typed.
//!
//! A key is an option's long name without its dashes, or, for an argument without dashes, its name in the help in lower
//! case. Top-level keys are for the training command; the others have a table each. An entry becomes what one would have
//! typed for it, so that every value goes through the same checks, and is left out where that was typed.

use super::usage;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command};
use dlr::Error;
use serde_json::Value as Json;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The two options that every command has.
#[derive(Debug, Args)]
pub(crate) struct Config {
    /// Take what is not said on the command line from FILE, as TOML: the options' long names are its keys, and
    /// `dlr COMMAND` has a table [COMMAND]
    #[arg(long = "config", id = "config", value_name = "FILE", global = true)]
    pub(super) file: Option<PathBuf>,

    /// Print the settings that these arguments mean, as a file for --config, and do nothing else
    #[arg(long, global = true)]
    pub(super) print_config: bool,
}

/// Why there are no arguments.
pub(crate) enum Refused {
    /// They are no use.
    Usage(clap::Error),
    /// An entry of the file is none.
    Entry(String),
    /// The file cannot be read, or is no TOML; or the settings are none.
    Failed(Error),
}

/// Whether a word may name a settings file.
pub(super) fn is_named_by(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"--config")
}

/// What was typed, and the file's entries where it says nothing; `command` has been built.
pub(crate) fn completed(command: &Command, typed: Vec<OsString>) -> Result<Vec<OsString>, Refused> {
    // Not worth a second parsing if there is no file.
    if !typed.iter().any(|word| is_named_by(word)) {
        return Ok(typed);
    }
    // What has to be given may be in the file.
    let lenient = lenient(command.clone());
    let matches = lenient.clone().try_get_matches_from(&typed).map_err(Refused::Usage)?;
    let Leaf { path, command: leaf, matches } = leaf(command, &matches);
    let Some(file) = matches.get_one::<PathBuf>("config") else { return Ok(typed) };
    let root = read(file).map_err(Refused::Failed)?;
    let wrong =
        |place: &str, problem: &str| Refused::Entry(format!("{}: {place}: {problem}", file.display()));
    check_names(command, &root, "", &|place, problem| wrong(place, problem))?;

    let table = path.iter().try_fold(&root, |table, name| table.get(*name)?.as_table());
    let (mut options, mut words) = (Vec::new(), Vec::new());
    // In the order of the command line, which arguments without dashes are told apart by.
    for arg in leaf.get_arguments() {
        let Some(key) = key(arg) else { continue };
        let Some(value) = table.and_then(|table| table.get(&*key)).filter(|value| !value.is_table()) else {
            continue;
        };
        let key = &*key;
        let place = path.iter().copied().chain([key]).collect::<Vec<_>>().join(".");
        let wrong = |problem: &str| wrong(&place, problem);
        let tokens = tokens(arg, key, value).map_err(|problem| wrong(&format!("{problem}; {CORRECT}")))?;
        check(&lenient, &path, arg, &tokens).map_err(|problem| wrong(&problem))?;
        if matches.value_source(arg.get_id().as_str()) != Some(ValueSource::CommandLine) {
            if arg.is_positional() { &mut words } else { &mut options }.extend(tokens);
        }
    }

    // Before `--`, if there is one, since what follows it is no option.
    let end = typed.iter().position(|word| word == "--").unwrap_or(typed.len());
    let (before, after) = typed.split_at(end);
    let dashes = (after.is_empty() && !words.is_empty()).then(|| "--".into());
    Ok([before, &options].concat().into_iter().chain(dashes).chain([after, &words].concat()).collect())
}

/// The settings of the command that `matches` are of, as a file for `--config`. `resolved` has those that no default of the
/// command line tells, by their names in results.
pub(super) fn printed(command: &Command, matches: &ArgMatches, resolved: &Json) -> String {
    let Leaf { path, command, matches } = leaf(command, matches);
    let mut text = String::new();
    if !path.is_empty() {
        writeln!(text, "[{}]", path.join(".")).expect("a string takes all");
    }
    let was_typed =
        |arg: &&Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let typed = command.get_arguments().filter(was_typed);
    let excluded: Vec<_> =
        typed.flat_map(|arg| command.get_arg_conflicts_with(arg)).map(Arg::get_id).collect();
    for arg in command.get_arguments().filter(|arg| !excluded.contains(&arg.get_id())) {
        let id = arg.get_id().as_str();
        let Some(key) = key(arg) else { continue };
        let value = if is_flag(arg) {
            Some(matches.get_flag(id).into())
        } else if let Some(raw) = matches.get_raw(id) {
            let words: Vec<_> = raw.map(|word| word.to_string_lossy().into_owned()).collect();
            Some(if arg.is_positional() && takes_several(arg) {
                Value::Array(words.into_iter().map(Value::String).collect())
            } else {
                plain(&words.join(","))
            })
        } else {
            resolved.get(id).and_then(json_words).map(|words| plain(&words))
        };
        if let Some(value) = value {
            writeln!(text, "{key} = {value}").expect("a string takes all");
        }
    }
    text
}

/// The command that was called in the end.
struct Leaf<'a> {
    /// Its name, without the program's.
    path: Vec<&'a str>,
    command: &'a Command,
    matches: &'a ArgMatches,
}

fn leaf<'a>(mut command: &'a Command, mut matches: &'a ArgMatches) -> Leaf<'a> {
    let mut path = Vec::new();
    while let Some((name, next)) = matches.subcommand() {
        path.push(name);
        command = command.find_subcommand(name).expect("what was called is there");
        matches = next;
    }
    Leaf { path, command, matches }
}

fn lenient(command: Command) -> Command {
    command
        .subcommand_required(false)
        .arg_required_else_help(false)
        .mut_args(|arg| arg.required(false))
        .mut_subcommands(lenient)
}

/// What to do about an entry that says nothing.
const CORRECT: &str = "correct it, or leave it out";

/// The longest settings file, in bytes: far more than all options take.
const MAX_BYTES: u64 = 1 << 20;

fn read(path: &Path) -> Result<Table, Error> {
    let failed = |source: io::Error| Error::Read {
        path: path.to_owned(),
        source,
        cure: "give --config a TOML file, as --print-config writes it",
    };
    let wrong = |problem: String| Error::Data {
        path: path.to_owned(),
        problem,
        cure: "give --config a TOML file, as --print-config writes it".into(),
    };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(wrong(format!("more than {MAX_BYTES} bytes, which no settings take")));
    }
    parse(&bytes).map_err(wrong)
}

/// The entries of a file, or what is wrong with its bytes.
pub(crate) fn parse(bytes: &[u8]) -> Result<Table, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not TOML: not UTF-8")?;
    text.parse::<Table>().map_err(|error| {
        let before = error.span().map_or(0, |span| span.start.min(bytes.len()));
        let line = 1 + bytes[..before].iter().filter(|&&byte| byte == b'\n').count();
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        format!("not TOML in line {line}: {message}")
    })
}

/// Refuses keys and tables that stand for nothing, wherever they are.
fn check_names<E>(
    command: &Command,
    table: &Table,
    place: &str,
    wrong: &impl Fn(&str, &str) -> E,
) -> Result<(), E> {
    for (name, value) in table {
        let here = format!("{place}{name}");
        let nearest = |word: String| match suggested(command, &word) {
            Some(meant) => format!("did you mean {meant}?"),
            None => CORRECT.to_owned(),
        };
        match (value, command.find_subcommand(name), find(command, name)) {
            (Value::Table(inner), Some(next), _) => check_names(next, inner, &format!("{here}."), wrong)?,
            (Value::Table(_), _, Some(_)) => {
                return Err(wrong(&here, &format!("expected a value, found a table; {CORRECT}")));
            }
            (Value::Table(_), ..) => {
                return Err(wrong(&here, &format!("there is no such command; {}", nearest(name.clone()))));
            }
            (_, Some(_), None) => {
                return Err(wrong(&here, &format!("expected a table, [{here}]; {CORRECT}")));
            }
            (_, _, None) => {
                return Err(wrong(
                    &here,
                    &format!("there is no such setting; {}", nearest(format!("--{name}"))),
                ));
            }
            (.., Some(_)) => {}
        }
    }
    Ok(())
}

/// What clap would have suggested for this word, as a name in the file.
fn suggested(command: &Command, word: &str) -> Option<String> {
    let command = lenient(command.clone()).no_binary_name(true);
    let error = command.try_get_matches_from([word]).err()?;
    usage::meant(&error).map(|name| name.trim_start_matches('-').to_owned())
}

fn find<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| key(arg).is_some_and(|key| key == name))
}

/// What an argument is called in the file, if it may be there.
fn key(arg: &Arg) -> Option<Cow<'_, str>> {
    if ["config", "print_config", "help", "version"].contains(&arg.get_id().as_str()) {
        return None;
    }
    let positional = || Some(arg.get_value_names()?.first()?.to_lowercase().into());
    arg.get_long().map(Cow::from).or_else(positional)
}

fn is_flag(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

fn takes_several(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// What one would have typed for an entry.
fn tokens(arg: &Arg, key: &str, value: &Value) -> Result<Vec<OsString>, String> {
    match value {
        Value::Boolean(given) if is_flag(arg) => {
            Ok(given.then(|| format!("--{key}").into()).into_iter().collect())
        }
        _ if is_flag(arg) => Err(format!("expected true or false, found {value}")),
        Value::Array(values) if values.is_empty() => Err("expected a value, found none".into()),
        Value::Array(values) if arg.is_positional() && takes_several(arg) => {
            values.iter().map(|value| word(value).map(OsString::from)).collect()
        }
        Value::Array(values) => {
            let words = values.iter().map(word).collect::<Result<Vec<_>, _>>()?.join(",");
            Ok(vec![typed(arg, key, &words)])
        }
        value => Ok(vec![typed(arg, key, &word(value)?)]),
    }
}

fn typed(arg: &Arg, key: &str, word: &str) -> OsString {
    if arg.is_positional() { word.into() } else { format!("--{key}={word}").into() }
}

fn word(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        // With its point: 30.0 is no number of hidden units.
        Value::Float(number) => Ok(format!("{number:?}")),
        Value::Boolean(truth) => Ok(truth.to_string()),
        Value::Array(_) | Value::Table(_) | Value::Datetime(_) => {
            Err(format!("expected a number or a text, found {value}"))
        }
    }
}

/// Whether the argument takes that, whatever others there are.
fn check(lenient: &Command, path: &[&str], arg: &Arg, tokens: &[OsString]) -> Result<(), String> {
    let words = path.iter().map(OsString::from).chain(arg.is_positional().then(|| "--".into()));
    let command = lenient.clone().no_binary_name(true);
    match command.try_get_matches_from(words.chain(tokens.iter().cloned())) {
        Err(error) if error.kind() != ErrorKind::MissingRequiredArgument => {
            let cure = usage::meant(&error).map(|name| format!("did you mean {name}?"));
            Err(format!("{}; {}", usage::problem(&error), cure.unwrap_or_else(|| CORRECT.into())))
        }
        _ => Ok(()),
    }
}

/// A number or several, where the words are that exactly as TOML writes it; else a text.
fn plain(words: &str) -> Value {
    let number = |word: &str| match word.parse() {
        Ok(value @ (Value::Integer(_) | Value::Float(_))) if self::word(&value).as_deref() == Ok(word) => {
            Some(value)
        }
        _ => None,
    };
    match words.split(',').map(number).collect::<Option<Vec<_>>>().as_deref() {
        Some([number]) => number.clone(),
        Some(numbers) => Value::Array(numbers.to_vec()),
        None => Value::String(words.to_owned()),
    }
}

/// A value of the results as it is typed, with commas between several numbers; nothing, if there is none.
fn json_words(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Array(values) => Some(values.iter().map(json_words).collect::<Option<Vec<_>>>()?.join(",")),
        Json::Null | Json::Object(_) => None,
        Json::Number(_) | Json::Bool(_) => Some(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::CommandFactory as _;

    /// What one would have typed, by a reader that knows of nothing but such files.
    fn naive(file: &str) -> Vec<String> {
        let entry = |line: &str| {
            let (key, value) = line.split('#').next()?.split_once('=')?;
            let key = key.trim().trim_matches(['\'', '"']);
            let value = value.trim().replace('_', "").trim_matches(['\'', '"']).to_owned();
            match &*value {
                "true" => Some(format!("--{key}")),
                "false" => None,
                _ => Some(format!("--{key}={value}")),
            }
        };
        let mut all: Vec<_> = file.lines().filter_map(entry).collect();
        all.sort();
        all
    }

    /// A word so that numbers are the same however they are written.
    fn same(word: &str) -> (&str, Option<u64>, &str) {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        match value.parse::<f64>() {
            Ok(number) => (name, Some(number.to_bits()), ""),
            Err(_) => (name, None, value),
        }
    }

    #[test]
    fn every_byte_changed_is_refused_or_read_as_the_naive_reader_reads_it() {
        let mut command = Cli::command();
        command.build();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.toml");
        let (mut accepted, mut refused) = (0, 0);
        let mut try_out = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let typed: Vec<OsString> = vec!["dlr".into(), "--config".into(), path.clone().into()];
            let Ok(words) = completed(&command, typed.clone()) else {
                refused += 1;
                return;
            };
            let mut words: Vec<_> =
                words[typed.len()..].iter().map(|word| word.to_str().unwrap().to_owned()).collect();
            words.sort();
            let text = std::str::from_utf8(bytes).unwrap();
            let (words, naive) = (words.iter(), naive(text));
            assert!(
                words.map(|word| same(word)).eq(naive.iter().map(|word| same(word))),
                "{text}: {naive:?}"
            );
            accepted += 1;
        };
        let file = "hidden = 8\nlr = 0.5e1 # x\n'quiet' = true\nseed = 1_0".as_bytes();
        try_out(file);
        for at in 0..file.len() {
            try_out(&file[..at]);
            let byte = file[at];
            for other in (0..8).map(|bit| byte ^ 1 << bit).chain([0x00, 0xff, !byte]) {
                let mut bytes = file.to_vec();
                bytes[at] = other;
                try_out(&bytes);
            }
        }
        assert_eq!(accepted + refused, 1 + 12 * file.len());
        assert!(accepted >= 50 && refused > 500, "{accepted} accepted, {refused} refused");
    }
}
