//! Data sets that are known by name: what their classes are called, how their images lie, where they are usually found,
//! and which bytes they are.
//!
//! Hashes are entered only for files that were at hand, or that two sources publish which know nothing of each other: of the
//! gzip files of KMNIST, TensorFlow Datasets and torchvision-ruby; of those of EMNIST, the `mnists` package and, but for
//! `bymerge`'s, the Git LFS pointers of a repository that holds them.

use super::identity::Hashes;
use super::source::Sources;
use crate::{Error, Result};
use std::env;
use std::path::{Path, PathBuf};

/// A data set of the table [`KNOWN`].
#[derive(Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name, as `--dataset` takes it, and the name of its folder.
    pub name: &'static str,
    /// What its images show, and who made it.
    pub about: &'static str,
    /// What each class is called, from label 0 on.
    pub classes: &'static [&'static str],
    /// Whether its files have columns where others have rows, so that its images lie on their sides until they are
    /// transposed.
    pub transposed: bool,
    /// What proves that four files are its own.
    pub proof: Proof,
    /// How to get it.
    pub get: &'static str,
    /// Its folders within one that holds several data sets: its own, one that it shares, torchvision's.
    folders: &'static [&'static str],
    /// The folder where a package of the system installs it.
    installed: Option<&'static str>,
}

/// SHA-256 of four files, in the order of [`Dataset::hashes`](super::Dataset::hashes).
#[derive(Debug, PartialEq, Eq)]
pub enum Proof {
    /// Of the files themselves, however they were packed.
    Plain([&'static str; 4]),
    /// Of the gzip files that they are published in.
    Gzip([&'static str; 4]),
}

const DIGITS: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// Labels start at 1: nothing has label 0.
const LETTERS: &[&str] = &[
    "(none)", "Aa", "Bb", "Cc", "Dd", "Ee", "Ff", "Gg", "Hh", "Ii", "Jj", "Kk", "Ll", "Mm", "Nn", "Oo", "Pp",
    "Qq", "Rr", "Ss", "Tt", "Uu", "Vv", "Ww", "Xx", "Yy", "Zz",
];

/// Capitals and small letters that look alike are one class.
const MERGED: &[&str] = &[
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "A", "B", "Cc", "D", "E", "F", "G", "H", "Ii", "Jj",
    "Kk", "Ll", "Mm", "N", "Oo", "Pp", "Q", "R", "Ss", "T", "Uu", "Vv", "Ww", "Xx", "Yy", "Zz", "a", "b",
    "d", "e", "f", "g", "h", "n", "q", "r", "t",
];

const ALPHANUMERIC: &[&str] = &[
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K",
    "L", "M", "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z", "a", "b", "c", "d", "e", "f",
    "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z",
];

/// One of the six data sets that share EMNIST's archive.
const fn emnist(
    name: &'static str,
    about: &'static str,
    classes: &'static [&'static str],
    folders: &'static [&'static str],
    gzip: [&'static str; 4],
) -> Known {
    Known {
        name,
        about,
        classes,
        transposed: true,
        proof: Proof::Gzip(gzip),
        get: "get gzip.zip from www.nist.gov/itl/products-and-services/emnist-dataset and put its files into data/emnist",
        folders,
        installed: None,
    }
}

/// The data sets, MNIST first.
pub static KNOWN: &[Known] = &[
    Known {
        name: "mnist",
        about: "handwritten digits, by LeCun, Cortes and Burges",
        classes: DIGITS,
        transposed: false,
        proof: Proof::Plain([
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ]),
        get: "it comes with the source of dlr, in data/mnist",
        folders: &["mnist", "MNIST/raw"],
        installed: None,
    },
    Known {
        name: "fashion-mnist",
        about: "clothes, by Zalando Research",
        classes: &[
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ],
        transposed: false,
        proof: Proof::Plain([
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ]),
        get: "on Debian, apt install dataset-fashion-mnist; elsewhere, get the four files from \
              github.com/zalandoresearch/fashion-mnist into data/fashion-mnist",
        folders: &["fashion-mnist", "FashionMNIST/raw"],
        installed: Some("/usr/share/datasets/fashion-mnist"),
    },
    Known {
        name: "kmnist",
        about: "cursive hiragana (Kuzushiji), by ROIS-DS CODH",
        classes: &["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
        transposed: false,
        proof: Proof::Gzip([
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ]),
        get: "get the four files from codh.rois.ac.jp/kmnist into data/kmnist",
        folders: &["kmnist", "KMNIST/raw"],
        installed: None,
    },
    emnist(
        "emnist-balanced",
        "handwritten digits and letters, as many of each, by NIST and Cohen et al.",
        MERGED,
        &["emnist-balanced", "emnist", "EMNIST/raw"],
        [
            "74295e75e4e9fa2c102147460ee7eb763653d5132d883a84fb88932bfb8d2db4",
            "b46d41e5156a0a8aaaa4d18979fdd1588850fa8571018acffd5d93b325a7d6ed",
            "117fc12b015e37ea98bfb2cbba3f77c3782c056cdbd219b87abfc8661d7135db",
            "a67cac948379b67270b9a4d0a01c8ec661598accf2f2b1964340b7c83cb175cd",
        ],
    ),
    emnist(
        "emnist-byclass",
        "handwritten digits, capitals and small letters, by NIST and Cohen et al.",
        ALPHANUMERIC,
        &["emnist-byclass", "emnist", "EMNIST/raw"],
        [
            "9e21987f03a6eb8b870187e785883ddad96947299587908f1a7ec2ca0f4be5f0",
            "f7ef403d48dc18a89dae0d83d11ee69cecb6e1c12c3a961d03712e495c02a8fa",
            "5ec835bd5d5b1a66378a132e727fef20fe994b3cc666899befcca5ac766f50cd",
            "501e305eeeacb093b162592d80e8a2632040872360fa6d85cfcb2200d91ca92a",
        ],
    ),
    emnist(
        "emnist-bymerge",
        "handwritten digits and letters, by NIST and Cohen et al.",
        MERGED,
        &["emnist-bymerge", "emnist", "EMNIST/raw"],
        [
            "39bf8c68037dad40db35348895f7e4e056e8c0a005ab78869c9fbc2c96e947be",
            "2c47293b9e62d6abf6ad05fbf67e40baa32adfd380b8d7b44dcc35534b64e1f1",
            "5e5815ec1b522089134435f7c55e75a00960b58414793593ffff23efc0821683",
            "8bda1516255683ba9071e141947ca0c91a911176065cdd6259b0b4d8dc5b5f35",
        ],
    ),
    emnist(
        "emnist-digits",
        "handwritten digits, by NIST and Cohen et al.",
        DIGITS,
        &["emnist-digits", "emnist", "EMNIST/raw"],
        [
            "f7c95004d14d81af89522e67d8f0c781dfb3bd544181c81bfe1eb6b41c35b726",
            "6638a6ff5fe2eefd9cca2471995b46c82986b8e4b2a70d2f5ce8e05d7edb319e",
            "20ebe43509264f7639d37c835a3f0b009e90b29e00a099a03101abe1644a3f63",
            "bad1834c45d5988e270b99d43b13edc3fd898f658ffbc2caf2846ef27f7b05b0",
        ],
    ),
    emnist(
        "emnist-letters",
        "handwritten letters, by NIST and Cohen et al.",
        LETTERS,
        &["emnist-letters", "emnist", "EMNIST/raw"],
        [
            "6288f418a917e007bf5fddb823a2dc7a5c6a35031401b93292a539cb12bd881f",
            "9759af91ea6bccdf07a6040fd085861f2ec88e37f7c3f5760f6feb57106fbe5c",
            "50f0e93d75b99b463e9760b8345866f22587fa2c2fba472730a5ba09c693412d",
            "924955c31fe7fd809b7303b5c0141282955f4b8390c74cdfd5d80435e0f4b4cb",
        ],
    ),
    emnist(
        "emnist-mnist",
        "handwritten digits, as many as MNIST has, by NIST and Cohen et al.",
        DIGITS,
        &["emnist-mnist", "emnist", "EMNIST/raw"],
        [
            "5f9942f441031c0f1f2e4d162059fd6e19ea808b34c328b6d16cab0ed24c78f2",
            "00c6d3c2342fdffb1711e0b5656cac4ce5862d2826399d383a9bac07d612e9f8",
            "b25640fa9e356c618132f5df347c95ef5bae6d9c2596be1de40f7e0ae1c3eac6",
            "bcc5385d38f083dba046f5f756e99b32f5ea7fad122c6243c71c2239873065ca",
        ],
    ),
];

impl Known {
    /// The data set of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KNOWN.iter().find(|known| known.name == name)
    }

    /// The data set that files with these hashes are proven to be.
    pub(super) fn proven(hashes: &Hashes) -> Option<&'static Self> {
        KNOWN.iter().find(|known| match &known.proof {
            Proof::Plain(own) => own == &hashes.plain,
            Proof::Gzip(own) => own.map(Some) == hashes.gzip.each_ref().map(|hash| hash.as_deref()),
        })
    }

    /// The data set that a file says it belongs to, by how its name begins: `emnist-letters-train-images-idx3-ubyte`.
    pub(super) fn of_file(name: &str) -> Option<&'static Self> {
        KNOWN.iter().find(|known| known.owns(name))
    }

    /// Whether a file's name begins with this data set's.
    pub(super) fn owns(&self, file: &str) -> bool {
        file.strip_prefix(self.name).is_some_and(|rest| rest.starts_with(['-', '_', '.']))
    }

    /// The first of its usual [places](Self::places) that has it.
    ///
    /// # Errors
    /// [`Error::Data`] if none has, which says where was looked and how to get it; and those of [`search`](Self::search).
    pub fn locate(&'static self) -> Result<PathBuf> {
        self.search()?.map_or_else(|| Err(self.nowhere(&self.places()?)), Ok)
    }

    /// The first of its usual [places](Self::places) that has it, if any has.
    ///
    /// # Errors
    /// [`Error::Data`] if none has, but one of them should have: what is wrong with it; or if `$DLR_DATA` is set to no
    /// folder.
    pub fn search(&'static self) -> Result<Option<PathBuf>> {
        self.search_in(&self.places()?)
    }

    /// Where it is usually found: `$DLR_DATA` if that is a folder of its name; its folder in `$DLR_DATA`, in `data` in the
    /// current folder, and in `data` in the source tree that this program was built from; and where the system's package
    /// has it.
    ///
    /// # Errors
    /// [`Error::Data`] if `$DLR_DATA` is set to no folder.
    pub fn places(&self) -> Result<Vec<PathBuf>> {
        Ok(self.places_with(super::from_variable(env::var_os("DLR_DATA"))?.as_deref()))
    }

    fn places_with(&self, variable: Option<&Path>) -> Vec<PathBuf> {
        let itself = variable.filter(|dir| self.folders.iter().any(|folder| dir.ends_with(folder)));
        let parents = [Path::new("data"), Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data"))];
        let within = variable.into_iter().chain(parents);
        let within = within.flat_map(|parent| self.folders.iter().map(move |folder| parent.join(folder)));
        itself
            .map(Path::to_owned)
            .into_iter()
            .chain(within)
            .chain(self.installed.map(PathBuf::from))
            .collect()
    }

    fn search_in(&'static self, places: &[PathBuf]) -> Result<Option<PathBuf>> {
        let mut unusable = None;
        for place in places {
            match Sources::find(place, Some(self)) {
                Ok(_) => return Ok(Some(place.clone())),
                Err(error) if self.concerns(place, &error) => unusable = unusable.or(Some(error)),
                Err(_) => (),
            }
        }
        unusable.map_or(Ok(None), Err)
    }

    /// Whether what is wrong with a folder is wrong with this data set: the folder has its name, or a file that is missing
    /// there would have. That one of its relatives is there alone is no fault.
    fn concerns(&self, place: &Path, error: &Error) -> bool {
        let missing = match error {
            Error::Data { path, .. } => path.file_name().and_then(|name| name.to_str()),
            _ => None,
        };
        place.is_dir() && (place.ends_with(self.name) || missing.is_some_and(|name| self.owns(name)))
    }

    fn nowhere(&self, places: &[PathBuf]) -> Error {
        let (first, others) = places.split_first().expect("a data set has its usual places");
        let others: Vec<_> = others.iter().map(|place| place.display().to_string()).collect();
        let problem =
            format!("expected the folder of {} here, or at {}, found none", self.name, others.join(" or "));
        Error::data(first, problem, format!("{}, or name its folder with --data", self.get))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    #[test]
    fn names_classes_and_hashes_are_in_order() {
        for (n, known) in KNOWN.iter().enumerate() {
            assert!(KNOWN[..n].iter().all(|other| other.name != known.name), "{} twice", known.name);
            assert_eq!(Known::named(known.name), Some(known));
            assert!(known.folders.contains(&known.name) && !known.get.is_empty());
            assert!((2..=256).contains(&known.classes.len()));
            for (label, class) in known.classes.iter().enumerate() {
                assert!(!known.classes[..label].contains(class), "{}: {class} twice", known.name);
            }
            let (Proof::Plain(own) | Proof::Gzip(own)) = &known.proof;
            for hash in own {
                assert!(hash.len() == 64 && hash.bytes().all(|byte| b"0123456789abcdef".contains(&byte)));
            }
        }
        let classes = |name: &str| Known::named(name).unwrap().classes;
        assert_eq!((classes("emnist-letters").len(), classes("emnist-balanced").len()), (27, 47));
        assert_eq!(classes("emnist-byclass").len(), 62);
        assert_eq!((classes("emnist-letters")[26], classes("emnist-balanced")[46]), ("Zz", "t"));
        // Nothing is lost when capitals and small letters are merged.
        let mut merged: Vec<char> = classes("emnist-bymerge").concat().chars().collect();
        let mut all: Vec<char> = classes("emnist-byclass").concat().chars().collect();
        merged.sort_unstable();
        all.sort_unstable();
        assert_eq!(merged, all);
    }

    #[test]
    fn what_comes_in_emnist_s_archive_lies_on_its_side_and_is_proven_as_it_was_packed() {
        let (those, others): (Vec<_>, Vec<_>) =
            KNOWN.iter().partition(|known| known.name.starts_with("emnist-"));
        assert_eq!((those.len(), others.len()), (6, 3));
        for known in those {
            let Proof::Gzip(hashes) = known.proof else { panic!("{} is proven otherwise", known.name) };
            assert_eq!(known, &emnist(known.name, known.about, known.classes, known.folders, hashes));
            assert!(known.transposed && known.get.contains("gzip.zip") && known.folders.contains(&"emnist"));
        }
        assert!(others.iter().all(|known| !known.transposed));
    }

    /// What says nothing of a file speaks against a folder only by its name.
    #[test]
    fn a_fault_of_no_file_concerns_the_folder_of_that_name() {
        let parent = TempDir::new().unwrap();
        let [own, other] = ["kmnist", "others"].map(|name| parent.path().join(name));
        let kmnist = Known::named("kmnist").unwrap();
        assert!(!kmnist.concerns(&own, &Error::Interrupted), "it is not there");
        for dir in [&own, &other] {
            fs::create_dir(dir).unwrap();
        }
        assert!(kmnist.concerns(&own, &Error::Interrupted) && !kmnist.concerns(&other, &Error::Interrupted));
    }

    #[test]
    fn a_file_s_name_begins_with_that_of_its_data_set() {
        let name = |file: &str| Known::of_file(file).map(|known| known.name);
        assert_eq!(name("emnist-letters-train-images-idx3-ubyte.gz"), Some("emnist-letters"));
        assert_eq!(name("emnist-mnist-test-labels-idx1-ubyte"), Some("emnist-mnist"));
        assert_eq!(name("mnist_train_images"), Some("mnist"));
        assert_eq!(name("train-images-idx3-ubyte"), None);
        assert_eq!(name("mnistlike-train-images"), None);
    }

    #[test]
    fn its_own_folder_comes_first_and_the_system_s_last() {
        let fashion = Known::named("fashion-mnist").unwrap();
        let places = |variable: Option<&str>| {
            let places = fashion.places_with(variable.map(Path::new));
            places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>()
        };
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
        let usual = [
            "data/fashion-mnist".to_owned(),
            "data/FashionMNIST/raw".to_owned(),
            format!("{source}/fashion-mnist"),
            format!("{source}/FashionMNIST/raw"),
            "/usr/share/datasets/fashion-mnist".to_owned(),
        ];
        assert_eq!(places(None), usual);
        assert_eq!(places(Some("/d"))[..2], ["/d/fashion-mnist", "/d/FashionMNIST/raw"]);
        assert_eq!(places(Some("/d"))[2..], usual);
        assert_eq!(places(Some("/d/fashion-mnist"))[0], "/d/fashion-mnist");
        assert_eq!(places(Some("/d/mnist"))[0], "/d/mnist/fashion-mnist");
    }

    /// A search for the digits of EMNIST in these folders, one after the other, each with such files.
    fn search(folders: &[(&str, &[&str])]) -> Result<Option<String>, String> {
        let parent = TempDir::new().unwrap();
        let places: Vec<PathBuf> = folders.iter().map(|(folder, _)| parent.path().join(folder)).collect();
        for (place, (_, files)) in places.iter().zip(folders) {
            fs::create_dir(place).unwrap();
            files.iter().for_each(|file| fs::write(place.join(file), "").unwrap());
        }
        let relative = |text: String| text.replace(&format!("{}/", parent.path().display()), "");
        let found = Known::named("emnist-digits").unwrap().search_in(&places);
        found
            .map(|found| found.map(|place| relative(place.display().to_string())))
            .map_err(|error| relative(error.to_string()))
    }

    #[test]
    fn it_is_where_all_its_files_are() {
        let all = ["train-images", "train-labels", "test-images", "test-labels"];
        let own = all.map(|file| format!("emnist-digits-{file}"));
        let (own, relative) = (own.each_ref().map(|file| &**file), ["emnist-letters-train-images"]);
        assert_eq!(search(&[("a", &own), ("b", &own)]), Ok(Some("a".into())));
        assert_eq!(search(&[("a", &[]), ("b", &relative), ("c", &own)]), Ok(Some("c".into())));
        assert_eq!(search(&[("a", &[]), ("b", &relative)]), Ok(None));
        // Half of it is a word, but only where it is not whole elsewhere.
        let half = "a/emnist-digits-test-images-idx3-ubyte: expected this file, raw or with .gz, found neither; \
                    name a folder with the four IDX files of a data set with --data";
        assert_eq!(search(&[("a", &own[..2]), ("emnist-digits", &[])]), Err(half.into()));
        assert_eq!(search(&[("a", &own[..2]), ("b", &own)]), Ok(Some("b".into())));
        let empty = search(&[("emnist-digits", &[])]).unwrap_err();
        assert!(empty.starts_with("emnist-digits/train-images-idx3-ubyte: expected this file"), "{empty}");
    }

    #[test]
    fn what_is_nowhere_is_told_how_to_get() {
        let kmnist = Known::named("kmnist").unwrap();
        let nowhere = ["none/a", "none/b", "none/kmnist"].map(PathBuf::from);
        assert_eq!(kmnist.search_in(&nowhere).unwrap(), None);
        let expected = "none/a: expected the folder of kmnist here, or at none/b or none/kmnist, found none; get the four \
                        files from codh.rois.ac.jp/kmnist into data/kmnist, or name its folder with --data";
        assert_eq!(kmnist.nowhere(&nowhere).to_string(), expected);
    }
}
