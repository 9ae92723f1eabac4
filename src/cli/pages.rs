//! What shells and `man` want to know of the command line: completion scripts and manual pages.

use super::args::Cli;
use super::exit::{Code, print};
use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;
use dlr::{Error, Result, files};
use std::fs;
use std::path::{Path, PathBuf};

/// Prints a script that completes dlr's commands and options in a shell
#[derive(Debug, Args)]
#[command(override_usage = "dlr completions <SHELL>", max_term_width = 110, after_help = COMPLETIONS_HELP)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints dlr's manual page, or writes the pages of all commands to a folder
#[derive(Debug, Args)]
#[command(override_usage = "dlr man [DIR]", max_term_width = 110, after_help = MAN_HELP)]
pub(crate) struct Manual {
    /// Folder for the pages of all commands, made if it is not there; without it, the main one is printed
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// What to do where a page can't be written.
const CURE: &str = "give a folder that can be written";

pub(super) fn completions(args: &Completions) -> Result<Code> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "dlr", &mut script);
    print(&text(script)).map(|()| Code::Done)
}

pub(super) fn manual(args: &Manual) -> Result<Code> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let Some(folder) = &args.folder else { return print(&page("dlr", &command)).map(|()| Code::Done) };
    fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.clone(), source, cure: CURE })?;
    write_all(folder, "dlr", &command).map(|()| Code::Done)
}

/// Writes the page of a command, and those of the commands below it.
fn write_all(folder: &Path, name: &str, command: &Command) -> Result<()> {
    files::write(&folder.join(format!("{name}.1")), page(name, command).as_bytes(), CURE)?;
    let below = command.get_subcommands();
    below.into_iter().try_for_each(|next| write_all(folder, &format!("{name}-{}", next.get_name()), next))
}

/// A manual page. Its name has dashes for blanks, as `man dlr-compare` wants it.
fn page(name: &str, command: &Command) -> String {
    let mut page = Vec::new();
    let command = command.clone().name(name.to_owned()).version(env!("CARGO_PKG_VERSION")).long_version(None);
    Man::new(command).render(&mut page).expect("memory takes all");
    // What `--help` ends with has columns, which justified lines would spoil.
    text(page).replace(".SH EXTRA\n", ".SH EXTRA\n.na\n").replace(".SH VERSION\n", ".ad\n.SH VERSION\n")
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("what is made of text is text")
}

const COMPLETIONS_HELP: &str = "\
Where it goes:
  bash        dlr completions bash > ~/.local/share/bash-completion/completions/dlr
  zsh         dlr completions zsh > DIR/_dlr, in a DIR of $fpath
  fish        dlr completions fish > ~/.config/fish/completions/dlr.fish
  elvish      eval (dlr completions elvish | slurp), in rc.elv
  powershell  dlr completions powershell | Out-String | Invoke-Expression, in $PROFILE";

const MAN_HELP: &str = "\
To read them:
  dlr man | man -l -
  dlr man ~/.local/share/man/man1, and from then on: man dlr, man dlr-compare";
