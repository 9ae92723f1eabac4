//! Options that say which data set: the same for every command that reads one.

use super::exit::warn;
use super::signals;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use dlr::Result;
use dlr::data::known::{KNOWN, Known};
use dlr::data::{self, CachePolicy, Dataset};
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, Args)]
pub(super) struct Source {
    /// Folder with the four IDX files of a data set, raw or .gz [default: $DLR_DATA, or data/mnist here or where dlr was
    /// built]
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,

    /// What is in --data, or without it, the data set to look for; `dlr data` tells where
    #[arg(long, value_name = "NAME", value_parser = names())]
    pub(super) dataset: Option<&'static Known>,
}

fn names() -> impl TypedValueParser<Value = &'static Known> {
    PossibleValuesParser::new(KNOWN.iter().map(|known| known.name))
        .map(|name| Known::named(&name).expect("the name is one of the list"))
}

impl Source {
    /// The data set in `folder`, or the usual one.
    pub(super) fn folder(folder: Option<&Path>) -> Self {
        Self { data: folder.map(Path::to_owned), dataset: None }
    }

    /// Whether these options were given.
    pub(super) fn is_said(&self) -> bool {
        self.data.is_some() || self.dataset.is_some()
    }

    /// The same, or where nothing was said, by `$DLR_DATA` neither, the data set called `name`, if it is known and found.
    pub(super) fn or_known(&self, name: Option<&str>) -> Self {
        let is_wanted = |known: &&'static Known| {
            !self.is_said() && !data::is_chosen() && known.search().is_ok_and(|place| place.is_some())
        };
        let known = name.and_then(Known::named).filter(is_wanted);
        Self { dataset: self.dataset.or(known), ..self.clone() }
    }

    /// Finds and opens the data set, and passes on its warnings.
    pub(super) fn open(&self) -> Result<Dataset> {
        let folder = match (&self.data, self.dataset) {
            (None, Some(known)) => known.locate()?,
            (folder, _) => data::find(folder.as_deref())?,
        };
        signals::watch_cache_file()?;
        let data = Dataset::open_as(&folder, self.dataset, &CachePolicy::standard(&folder))?;
        data.warnings.iter().for_each(|warning| warn(warning));
        Ok(data)
    }
}
