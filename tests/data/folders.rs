//! Which files of a folder are the four, and what they are taken for.

use crate::fixture::*;
use dlr::data::known::Known;
use dlr::data::{CachePolicy, Check, Dataset, Source};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn known(name: &str) -> Option<&'static Known> {
    Some(Known::named(name).unwrap())
}

/// Opens what the user says is `dataset`, without a cache.
fn open_as(dir: &Path, dataset: &str) -> dlr::Result<Dataset> {
    Dataset::open_as(dir, known(dataset), &CachePolicy::none())
}

/// Puts the four files into `dir` under these names.
fn put_as(dir: &Path, names: [&str; 4], files: &Files) {
    for (name, file) in names.iter().zip(files) {
        fs::write(dir.join(name), file).unwrap();
    }
}

/// The names that the archive of EMNIST has for one of its data sets.
fn emnist_names(dataset: &str) -> [String; 4] {
    ["train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1"]
        .map(|role| format!("{dataset}-{role}-ubyte.gz"))
}

fn put_emnist(dir: &Path, dataset: &str, files: &Files) {
    put_as(dir, emnist_names(dataset).each_ref().map(|name| &**name), &files.clone().map(|file| gzip(&file)));
}

/// The small data set with other labels.
fn with_labels(train: &[u8; 6], test: &[u8; 4]) -> Files {
    let [train_images, _, test_images, _] = small();
    [train_images, labels(train), test_images, labels(test)]
}

#[track_caller]
fn assert_error(opened: dlr::Result<Dataset>, expected: &str) {
    assert_eq!(opened.map(drop).unwrap_err().to_string(), expected);
}

#[test]
fn any_names_that_tell_which_is_which() {
    let expected = open(folder(&small()).path()).unwrap();
    for names in [
        [
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte",
            "test-images-idx3-ubyte",
            "test-labels-idx1-ubyte",
        ],
        ["digits_train_images", "digits_train_labels", "digits_t10k_images", "digits_t10k_labels"],
        ["TrainImages.idx", "TrainLabels.idx", "TestImages.idx", "TestLabels.idx"],
    ] {
        let dir = TempDir::new().unwrap();
        put_as(dir.path(), names, &small());
        // None of these is one of the four.
        for other in ["README", "train.log", "images.txt", ".train-images.swp", "train-test-images", "latest"]
        {
            fs::write(dir.path().join(other), "no IDX file").unwrap();
        }
        fs::create_dir(dir.path().join("train-images")).unwrap();
        let data = open(dir.path()).unwrap();
        assert_same(&data, &expected);
        assert_eq!(data.files, names.map(|name| dir.path().join(name)));
        assert_eq!((data.known, data.check, data.transposed), (None, Check::Unknown, false));
        assert_eq!(data.class_names, ["0", "1", "2"]);
        assert_same(&open_as(dir.path(), "kmnist").unwrap(), &expected);
    }
}

#[test]
fn raw_wins_over_gzipped_under_any_name() {
    let dir = TempDir::new().unwrap();
    let names = ["my-train-images", "my-train-labels", "my-test-images", "my-test-labels"];
    put_as(dir.path(), names, &small());
    put_as(
        dir.path(),
        names.map(|name| format!("{name}.gz")).each_ref().map(|name| &**name),
        &small().map(|_| vec![]),
    );
    assert_same(&open(dir.path()).unwrap(), &open(folder(&small()).path()).unwrap());
    // A name between the two in the alphabet does not keep them apart.
    fs::write(dir.path().join("my-train-images-2"), "").unwrap();
    let expected = "expected one file of training images, found my-train-images, my-train-images-2; \
                    leave only one of them in the folder";
    assert_error(open(dir.path()), &format!("{}: {expected}", dir.path().display()));
}

#[test]
fn the_usual_spelling_wins_over_any_other() {
    let dir = folder(&small());
    put_as(
        dir.path(),
        ["my-train-images", "my-train-labels", "my-test-images", "my-test-labels"],
        &small().map(|_| vec![]),
    );
    assert_same(&open(dir.path()).unwrap(), &open(folder(&small()).path()).unwrap());
}

#[test]
fn emnist_is_known_by_its_files_names_and_turned_upright() {
    let files = with_labels(&[1, 2, 3, 1, 2, 3], &[3, 2, 1, 2]);
    let dir = TempDir::new().unwrap();
    put_emnist(dir.path(), "emnist-letters", &files);
    let data = open(dir.path()).unwrap();
    assert_eq!(
        (&*data.name, data.known, data.check),
        ("emnist-letters", known("emnist-letters"), Check::Unverified)
    );
    assert!(data.warnings.is_empty(), "{:?}", data.warnings);
    // Labels are kept, so that class 0 has no image.
    assert_eq!((data.classes, data.train.labels()), (4, &[1, 2, 3, 1, 2, 3][..]));
    assert_eq!(data.class_names, ["(none)", "Aa", "Bb", "Cc"]);
    assert_eq!(data.train.counts(data.classes), [0, 2, 2, 2]);

    assert_eq!((data.transposed, data.shape, data.inputs), (true, (5, 4), 20));
    for (split, file) in [(&data.train, &files[TRAIN_IMAGES]), (&data.test, &files[TEST_IMAGES])] {
        for i in 0..split.len() {
            let (upright, stored) = (split.image(i), &file[16 + 20 * i..][..20]);
            for row in 0..5 {
                for column in 0..4 {
                    assert_eq!(
                        upright[row * 4 + column],
                        stored[column * 5 + row],
                        "image {i}: {row}, {column}"
                    );
                }
            }
        }
    }
    // The bytes are what they were.
    put(dir.path(), &files, "");
    assert_eq!(open(dir.path()).unwrap().hashes, data.hashes);
}

/// All of EMNIST comes in one archive.
#[test]
fn of_several_data_sets_in_one_folder_one_is_chosen() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    put_emnist(dir, "emnist-digits", &small());
    put_emnist(dir, "emnist-letters", &with_labels(&[1, 2, 3, 1, 2, 3], &[3, 2, 1, 2]));
    fs::write(dir.join("emnist-letters-mapping.txt"), "1 65 97").unwrap();
    assert_error(
        open(dir),
        &format!(
            "{}: expected one file of training images, found emnist-digits-train-images-idx3-ubyte.gz, \
         emnist-letters-train-images-idx3-ubyte.gz; choose with --dataset emnist-digits or emnist-letters",
            dir.display()
        ),
    );
    for (dataset, classes) in [("emnist-digits", 3), ("emnist-letters", 4)] {
        let data = open_as(dir, dataset).unwrap();
        assert_eq!((&*data.name, data.classes), (dataset, classes));
        assert_eq!(data.files, emnist_names(dataset).map(|name| dir.join(name)));
    }
    // What another data set is called, it is not.
    let missing = "expected this file, raw or with .gz, found neither; \
                   name a folder with the four IDX files of a data set with --data";
    assert_error(open_as(dir, "emnist-mnist"), &format!("{}: {missing}", dir.join(NAMES[0]).display()));
    // Once there is one file of its name, the others are expected, too, even beside MNIST.
    put(dir, &small(), "");
    fs::remove_file(dir.join("emnist-letters-test-labels-idx1-ubyte.gz")).unwrap();
    let name = dir.join("emnist-letters-test-labels-idx1-ubyte");
    assert_error(open_as(dir, "emnist-letters"), &format!("{}: {missing}", name.display()));
    assert_eq!(open(dir).unwrap().known, None, "the usual spelling wins");
}

#[test]
fn files_of_two_data_sets_are_refused() {
    let dir = TempDir::new().unwrap();
    let [images, labels, ..] = emnist_names("emnist-digits");
    let [.., test_images, test_labels] = emnist_names("emnist-mnist");
    put_as(dir.path(), [&images, &labels, &test_images, &test_labels], &small());
    assert_error(
        open(dir.path()),
        &format!(
            "{}: expected four files of one data set, found emnist-mnist-test-images-idx3-ubyte.gz beside \
         emnist-digits-train-images-idx3-ubyte.gz; choose with --dataset emnist-digits or emnist-mnist",
            dir.path().display()
        ),
    );
}

#[test]
fn many_candidates_are_not_all_listed() {
    let dir = TempDir::new().unwrap();
    (0..20).for_each(|n| fs::write(dir.path().join(format!("train-images-{n:02}")), "").unwrap());
    let error = open(dir.path()).map(drop).unwrap_err().to_string();
    assert!(error.contains("train-images-06, train-images-07 and 12 more; leave only one"), "{error}");
}

#[test]
fn the_user_s_word_is_taken_with_a_warning_if_the_hashes_say_otherwise() {
    let dir = folder(&small());
    let name = dir.path().file_name().unwrap().to_str().unwrap();
    let data = open_as(dir.path(), "fashion-mnist").unwrap();
    assert_eq!((&*data.name, data.known, data.check), (name, known("fashion-mnist"), Check::Differs));
    assert_eq!(data.class_names, ["T-shirt/top", "Trouser", "Pullover"]);
    let warning = format!(
        "{}: given as --dataset fashion-mnist, but its files differ from it in training images, training labels, test \
         images, test labels",
        dir.path().display()
    );
    assert_eq!(data.warnings, [warning]);
    assert_same(&data, &open(dir.path()).unwrap());

    // One whose hashes are not known cannot be doubted.
    let data = open_as(dir.path(), "kmnist").unwrap();
    assert_eq!((&*data.name, data.check, data.warnings.len()), ("kmnist", Check::Unverified, 0));
    assert_eq!(data.class_names, ["o", "ki", "su"]);
}

#[test]
fn more_classes_than_there_should_be_are_called_by_their_numbers() {
    let dir = folder(&with_labels(&[0, 1, 2, 3, 4, 5], &[0, 1, 10, 0]));
    let data = open_as(dir.path(), "kmnist").unwrap();
    assert_eq!((data.classes, &*data.class_names[10]), (11, "10"));
    let warning = |dir: &Path, by: &str| {
        let why = "but its files have 11 classes, and it has 10; classes are called by their numbers";
        format!("{}: {by} kmnist, {why}", dir.display())
    };
    assert_eq!(data.warnings, [warning(dir.path(), "given as --dataset")]);

    let dir = TempDir::new().unwrap();
    let names = NAMES.map(|name| format!("kmnist-{name}"));
    put_as(
        dir.path(),
        names.each_ref().map(|name| &**name),
        &with_labels(&[0, 1, 2, 3, 4, 5], &[0, 1, 10, 0]),
    );
    assert_eq!(open(dir.path()).unwrap().warnings, [warning(dir.path(), "named")]);
}

/// The same files, upright or on their sides, and in a folder whose name is that of the data set, so that both are cached
/// in one place.
#[test]
fn the_cache_knows_what_was_turned_upright() {
    let (parent, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let dir = parent.path().join("emnist-digits");
    fs::create_dir(&dir).unwrap();
    put(&dir, &small(), "");
    let policy = CachePolicy { folders: vec![cache.path().to_owned()] };
    let open = |dataset| Dataset::open_as(&dir, dataset, &policy).unwrap();
    let cached = |data: &Dataset| matches!(data.source, Source::Cache(_));

    let stored = open(None);
    let upright = open(known("emnist-digits"));
    assert!(!cached(&stored) && !cached(&upright), "{:?}, {:?}", stored.source, upright.source);
    assert_eq!((stored.shape, upright.shape), ((4, 5), (5, 4)));
    assert!(stored.train != upright.train && stored.test != upright.test);
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1, "they share their place");

    let again = open(known("emnist-digits"));
    assert!(cached(&again) && again.warnings.is_empty());
    assert_same(&again, &upright);
    let again = open(None);
    assert!(!cached(&again));
    assert_same(&again, &stored);
    // What lies as it is for both is prepared once.
    let again = open(known("kmnist"));
    assert_same(&again, &stored);
    assert!(
        matches!(&again.source, Source::Prepared(path) if path.file_name().unwrap().to_str().unwrap().starts_with("kmnist-"))
    );
}

/// A doubt is told at every start, not only at the first.
#[test]
fn warnings_survive_the_cache() {
    let (dir, cache) = (folder(&small()), TempDir::new().unwrap());
    let policy = CachePolicy { folders: vec![cache.path().to_owned()] };
    let open = || Dataset::open_as(dir.path(), known("mnist"), &policy).unwrap();
    let (cold, warm) = (open(), open());
    assert!(matches!(warm.source, Source::Cache(_)));
    assert_eq!((cold.warnings.len(), &warm.warnings), (1, &cold.warnings));
    assert_eq!((cold.class_names, cold.check), (warm.class_names, warm.check));
}

#[test]
fn two_classes_and_all_that_a_byte_can_tell() {
    let two = [images(2, 3, 3), labels(&[0, 1]), images(1, 3, 3), labels(&[1])];
    let data = open(folder(&two).path()).unwrap();
    assert_eq!((data.classes, &data.class_names[..]), (2, &["0".to_owned(), "1".to_owned()][..]));

    // 300 images don't make 300 classes.
    let all: Vec<u8> = (0..300).map(|n| (n % 256) as u8).collect();
    let many = [images(300, 1, 2), labels(&all), images(1, 1, 2), labels(&[0])];
    let data = open(folder(&many).path()).unwrap();
    assert_eq!((data.classes, data.class_names.len(), &*data.class_names[255]), (256, 256, "255"));
    let counts = data.train.counts(data.classes);
    assert_eq!((counts[43], counts[44], counts.iter().sum::<usize>()), (2, 1, 300));
}

/// Debian's package, if it is installed.
#[test]
fn fashion_mnist() {
    let dir = PathBuf::from("/usr/share/datasets/fashion-mnist");
    if !dir.is_dir() {
        eprintln!("SKIPPED: {} is not there; on Debian, apt install dataset-fashion-mnist", dir.display());
        return;
    }
    let data = open(&dir).unwrap();
    assert_eq!(
        (&*data.name, data.known, data.check),
        ("fashion-mnist", known("fashion-mnist"), Check::Verified)
    );
    assert_eq!((data.inputs, data.shape, data.classes), (784, (28, 28), 10));
    assert_eq!((data.class_names[0].as_str(), data.class_names[9].as_str()), ("T-shirt/top", "Ankle boot"));
    assert_eq!((data.train.counts(10), data.test.counts(10)), (vec![6000; 10], vec![1000; 10]));
    assert!(data.warnings.is_empty() && !data.transposed);
    // Its first images are an ankle boot each, as its makers show.
    assert_eq!((data.train.label(0), data.test.label(0)), (9, 9));
}
