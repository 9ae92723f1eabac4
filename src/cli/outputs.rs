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
pub(super) struct Files(Vec<Named>);

/// A file that a command reads or writes.
struct Named {
    what: &'static str,
    place: PathBuf,
    /// Its path as given, if it is written; then `what` is the option.
    written: Option<PathBuf>,
}

impl Files {
    /// Those of a command that takes settings from this file, if there is any.
    pub(super) fn new(config: Option<&Path>) -> Self {
        let mut files = Self(Vec::new());
        files.reads("the file of settings", config);
        files
    }

    /// Names a file that is read, if there is any.
    pub(super) fn reads(&mut self, what: &'static str, path: Option<&Path>) {
        self.0.extend(path.map(|path| Named { what, place: files::place(path), written: None }));
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
        let is_taken = |other: &&Named| other.place == place && !IN_PLACE.contains(&(option, other.what));
        if let Some(other) = self.0.iter().find(is_taken) {
            return Err(overwritten(option, path, other.what));
        }
        self.0.push(Named { what: option, place, written: Some(path.to_owned()) });
        Ok(())
    }

    /// As [`writes`](Self::writes), of a picture.
    pub(super) fn draws(&mut self, option: &'static str, path: Option<&Path>) -> Result<()> {
        self.writes(option, path, |path| files::check_place(path, CURE))
    }

    /// Refuses to write over a file of the data set.
    pub(super) fn spare(&self, data: &Dataset) -> Result<()> {
        let places: Vec<_> = data.files.iter().map(|file| files::place(file)).collect();
        for Named { what, place, written } in &self.0 {
            if let Some(path) = written
                && places.contains(place)
            {
                return Err(overwritten(what, path, "a file of the data set"));
            }
        }
        Ok(())
    }
}

fn overwritten(option: &'static str, path: &Path, what: &str) -> Error {
    Error::Settings {
        option,
        problem: format!("{} is {what}, which would be overwritten", path.display()),
        cure: "give another file".into(),
    }
}
