//! What data set four files are: by their bytes, or else by what is said of them.

use super::known::{Known, Proof};
use super::source::{Claim, Sources};
use crate::text::name;
use serde::{Deserialize, Serialize};

/// SHA-256 of the four files, in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hashes {
    /// Of what is in them.
    pub(super) plain: [String; 4],
    /// Of the gzip files that they came in, where they did.
    pub(super) gzip: [Option<String>; 4],
}

/// What speaks for the [data set](super::Dataset::known) that the files are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// All four hashes.
    Verified,
    /// `--dataset` or the files' names; only the hashes of other gzip files are known here.
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
    pub(super) fn of(sources: &Sources, hashes: &Hashes) -> Self {
        let claimed = sources.claim.map(Claim::known);
        if let Some(proven) = Known::proven(hashes) {
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
        // The same files may well be packed by somebody else, or not at all.
        let Proof::Plain(own) = claimed.proof else {
            return Self { known: Some(claimed), check: Check::Unverified, warnings: Vec::new() };
        };
        let differ: Vec<_> = (0..4).filter(|&i| own[i] != hashes.plain[i]).map(|i| FILES[i]).collect();
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
        format!("{}: {by} {}, but its files {why}", name(self.dir()), claimed.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proves_a_data_set() {
        let other = || "0".repeat(64);
        let own = |known: &Known| match known.proof {
            Proof::Plain(own) | Proof::Gzip(own) => own.map(str::to_owned),
        };
        let [mnist, kmnist] = ["mnist", "kmnist"].map(|name| Known::named(name).unwrap());
        let unpacked = |plain| Hashes { plain, gzip: [const { None }; 4] };
        let packed = |gzip: [String; 4]| Hashes { plain: [(); 4].map(|()| other()), gzip: gzip.map(Some) };

        assert_eq!(Known::proven(&unpacked(own(mnist))), Some(mnist));
        assert_eq!(Known::proven(&packed(own(kmnist))), Some(kmnist));
        assert_eq!(
            Known::proven(&Hashes { plain: own(mnist), ..packed([(); 4].map(|()| other())) }),
            Some(mnist)
        );
        for wrong in [unpacked(own(kmnist)), packed(own(mnist))] {
            assert_eq!(Known::proven(&wrong), None, "{wrong:?}");
        }
        for i in 0..4 {
            let (mut plain, mut gzip) = (own(mnist), own(kmnist).map(Some));
            (plain[i], gzip[i]) = (other(), None);
            assert_eq!(Known::proven(&Hashes { plain, gzip }), None, "file {i}");
        }
    }
}
