//! The files that a command writes. Before the work, not after it, each is refused that could not be written, or would take the
//! place of what the command reads, or of another that it writes.

use dlr::data::Dataset;
use dlr::{Error, Result, files};
use std::path::{Path, PathBuf};

/// What to do where a picture can't be written.
pub(super) const CURE: &str = "give a file in a folder that can be written";

/// Which options may write in place of what a run goes on from, by what that is told as.
const IN_PLACE: [(&str, &str); 2] = [("--save", "the model"), ("--checkpoint", "the checkpoint")];

/// The files of a command, as far as they have been named.
pub(super) struct Files {
    /// Where each is, and what it is told as.
    named: Vec<(PathBuf, &'static str)>,
    /// Of those that are written, the option and its words.
    written: Vec<(&'static str, PathBuf)>,
}

impl Files {
    /// Those of a command that takes settings from this file, if there is any.
    pub(super) fn new(config: Option<&Path>) -> Self {
        let mut files = Self { named: Vec::new(), written: Vec::new() };
        files.reads("the file of settings", config);
        files
    }

    /// Names a file that is read, if there is any.
    pub(super) fn reads(&mut self, what: &'static str, path: Option<&Path>) {
        self.named.extend(path.map(|path| (files::place(path), what)));
    }

    /// Names a file that `option` has written, if there is any. `check` asks whether it could be.
    ///
    /// # Errors
    /// If it could not, or is a file that was named before.
    pub(super) fn writes(
        &mut self,
        option: &'static str,
        path: Option<&Path>,
        check: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<()> {
        let Some(path) = path else { return Ok(()) };
        check(path)?;
        let place = files::place(path);
        let is_taken =
            |(other, what): &&(PathBuf, &'static str)| *other == place && !IN_PLACE.contains(&(option, what));
        if let Some((_, what)) = self.named.iter().find(is_taken) {
            return Err(overwritten(option, path, what));
        }
        self.named.push((place, option));
        self.written.push((option, path.to_owned()));
        Ok(())
    }

    /// As [`writes`](Self::writes), of a picture.
    pub(super) fn draws(&mut self, option: &'static str, path: Option<&Path>) -> Result<()> {
        self.writes(option, path, |path| files::check_place(path, CURE))
    }

    /// Refuses to write over a file of the data set.
    pub(super) fn spare(&self, data: &Dataset) -> Result<()> {
        let places: Vec<_> = data.files.iter().map(|file| files::place(file)).collect();
        match self.written.iter().find(|(_, path)| places.contains(&files::place(path))) {
            Some((option, path)) => Err(overwritten(option, path, "a file of the data set")),
            None => Ok(()),
        }
    }
}

fn overwritten(option: &'static str, path: &Path, what: &str) -> Error {
    Error::Settings {
        option,
        problem: format!("{} is {what}, which would be overwritten", path.display()),
        cure: "give another file".into(),
    }
}
