//! What data set four files are: by their bytes, or else by what is said of them.

use super::known::Known;
use super::source::{Claim, Sources};

/// What speaks for the [data set](super::Dataset::known) that the files are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// All four hashes.
    Verified,
    /// `--dataset` or the files' names; its hashes are not known here.
    Unverified,
    /// `--dataset` or the files' names, against its hashes.
    Differs,
    /// Nothing: they are taken for none.
    Unknown,
}

/// What the files of a folder are taken for.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) known: Option<&'static Known>,
    pub(super) check: Check,
    pub(super) warnings: Vec<String>,
}

const FILES: [&str; 4] = ["training images", "training labels", "test images", "test labels"];

impl Identity {
    /// What `sources`, with these hashes, are: hashes prove it, whatever is said.
    pub(super) fn of(sources: &Sources, hashes: &[String; 4]) -> Self {
        let claimed = sources.claim.map(Claim::known);
        if let Some(proven) = Known::with_hashes(hashes) {
            let wrong = claimed.filter(|claimed| *claimed != proven);
            let warnings =
                wrong.map(|wrong| sources.doubt(wrong, &format!("are taken for {}'s", proven.name)));
            return Self {
                known: Some(proven),
                check: Check::Verified,
                warnings: warnings.into_iter().collect(),
            };
        }
        let Some(claimed) = claimed else {
            return Self { known: None, check: Check::Unknown, warnings: Vec::new() };
        };
        let Some(own) = claimed.hashes else {
            return Self { known: Some(claimed), check: Check::Unverified, warnings: Vec::new() };
        };
        let differ: Vec<_> = (0..4).filter(|&i| own[i] != hashes[i]).map(|i| FILES[i]).collect();
        let warnings = vec![sources.doubt(claimed, &format!("differ from it in {}", differ.join(", ")))];
        Self { known: Some(claimed), check: Check::Differs, warnings }
    }

    /// Whether the images have to be transposed.
    pub(super) fn is_transposed(&self) -> bool {
        self.known.is_some_and(|known| known.transposed)
    }

    /// The data set's name: its own, as long as nothing speaks against that, or else the folder's.
    pub(super) fn name(&self, sources: &Sources) -> String {
        match (self.known, self.check) {
            (Some(known), Check::Verified | Check::Unverified) => known.name.to_owned(),
            _ => sources.name.clone(),
        }
    }

    /// The names of so many classes: the data set's own, or else their numbers. One that it does not have is warned of.
    pub(super) fn class_names(&mut self, sources: &Sources, classes: usize) -> Vec<String> {
        let own = self.known.map_or(&[][..], |known| known.classes);
        if let Some(known) = self.known.filter(|_| classes > own.len()) {
            let why = format!(
                "have {classes} classes, and it has {}; classes are called by their numbers",
                own.len()
            );
            self.warnings.push(sources.doubt(known, &why));
        }
        if classes <= own.len() {
            return own[..classes].iter().map(|&name| name.to_owned()).collect();
        }
        (0..classes).map(|class| class.to_string()).collect()
    }
}

impl Sources {
    /// A warning that the files are not what is said of them.
    fn doubt(&self, claimed: &Known, why: &str) -> String {
        let by = match self.claim {
            Some(Claim::Names(_)) => "named",
            _ => "given as --dataset",
        };
        format!("{}: {by} {}, but its files {why}", self.dir().display(), claimed.name)
    }
}
