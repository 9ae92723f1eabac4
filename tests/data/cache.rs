//! Whatever happens to a cache, the data stay the same, and no error comes of it.

use crate::fixture::*;
use dlr::data::{CachePolicy, Dataset, Source};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// A data folder, a cache folder, and the data as they are without a cache.
struct Setting {
    data: TempDir,
    cache: TempDir,
    expected: Dataset,
}

impl Setting {
    fn new() -> Self {
        let data = folder(&small());
        let expected = open(data.path()).unwrap();
        Self { data, cache: TempDir::new().unwrap(), expected }
    }

    fn open(&self) -> Dataset {
        open_with(self.data.path(), &[self.cache.path()])
    }

    /// Opens, expects a cold start with the right data, and gives the cache file's path.
    #[track_caller]
    fn prepare(&self) -> PathBuf {
        let data = self.open();
        assert_same(&data, &self.expected);
        match data.source {
            Source::Prepared(path) => path,
            other => panic!("expected a cold start, found {other:?}"),
        }
    }

    /// Opens, and expects a warm start from `path` with the right data and nothing to say.
    #[track_caller]
    fn assert_warm(&self, path: &Path) {
        let data = self.open();
        assert_same(&data, &self.expected);
        assert_eq!((data.source, data.warnings), (Source::Cache(path.to_owned()), vec![]));
        assert_eq!(data.name, self.expected.name);
    }
}

fn open_with(data: &Path, folders: &[&Path]) -> Dataset {
    let folders = folders.iter().map(PathBuf::from).collect();
    Dataset::open_with(data, &CachePolicy { folders }).unwrap()
}

/// Puts other contents at a cache file's path; it is read-only, so not into the file itself.
fn replace(path: &Path, contents: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, contents).unwrap();
}

/// Where the blocks start: the prefix of 24 bytes and the header whose length it holds.
fn header_len(cache: &[u8]) -> usize {
    24 + u32::from_ne_bytes(cache[16..20].try_into().unwrap()) as usize
}

fn names_in(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn the_second_start_is_warm() {
    let setting = Setting::new();
    let path = setting.prepare();
    setting.assert_warm(&path);
    setting.assert_warm(&path);

    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(names_in(setting.cache.path()), [name]);
    let id = name.strip_prefix(&format!("{}-", setting.expected.name)).unwrap();
    let id = id.strip_suffix(".dlr-cache").unwrap();
    assert!(id.len() == 16 && id.chars().all(|c| c.is_ascii_hexdigit()), "{id}");
    assert!(fs::metadata(&path).unwrap().permissions().readonly());
    assert_eq!(header_len(&fs::read(&path).unwrap()) % 64, 0);
}

#[test]
fn the_way_to_the_folder_does_not_matter() {
    let setting = Setting::new();
    let path = setting.prepare();
    let detour = setting.data.path().join("..").join(setting.data.path().file_name().unwrap());
    assert_eq!(open_with(&detour, &[setting.cache.path()]).source, Source::Cache(path));
}

#[test]
fn every_byte_changed() {
    let setting = Setting::new();
    let path = setting.prepare();
    let valid = fs::read(&path).unwrap();
    let version_and_byte_order = 8..16;
    let changes = |at: usize| [0x00, 0xff, !valid[at]].map(|byte| (at, byte));
    let changes: Vec<_> =
        (0..valid.len()).flat_map(changes).filter(|&(at, byte)| valid[at] != byte).collect();
    assert!(changes.len() >= 2 * valid.len() && valid.len() > 1000, "only {} changes", changes.len());
    for (at, byte) in changes {
        let mut bytes = valid.clone();
        bytes[at] = byte;
        replace(&path, &bytes);
        let data = setting.open();
        assert_same(&data, &setting.expected);
        assert_eq!(data.source, Source::Prepared(path.clone()), "byte {at}");
        // Another version or machine's file is in order; anything else is worth a word.
        assert_eq!(
            data.warnings.is_empty(),
            version_and_byte_order.contains(&at),
            "byte {at}: {:?}",
            data.warnings
        );
        // The fingerprint is the same and so is the data: so must be the file.
        assert_eq!(fs::read(&path).unwrap(), valid, "byte {at}");
    }
    setting.assert_warm(&path);
}

#[test]
fn truncated_at_every_length_or_too_long() {
    let setting = Setting::new();
    let path = setting.prepare();
    let valid = fs::read(&path).unwrap();
    for len in 0..valid.len() {
        replace(&path, &valid[..len]);
        setting.prepare();
    }
    replace(&path, &[&valid[..], &[0]].concat());
    setting.prepare();
    setting.assert_warm(&path);
}

#[test]
fn the_user_is_told_of_damage() {
    let setting = Setting::new();
    let path = setting.prepare();
    let valid = fs::read(&path).unwrap();
    let flipped = |at: usize| {
        let mut bytes = valid.clone();
        bytes[at] ^= 1;
        bytes
    };
    for (contents, why) in [
        (vec![], "it is too short"),
        (b"no cache file but long enough to be one".to_vec(), "it is no cache file"),
        (flipped(30), "its header's checksum is wrong"),
        (valid[..100].to_vec(), "its header is too short"),
        (valid[..valid.len() - 64].to_vec(), "its length is wrong"),
        (flipped(header_len(&valid)), "its checksum is wrong"),
        (flipped(valid.len() - 1), "its checksum is wrong"),
    ] {
        replace(&path, &contents);
        let warning = format!("{}: the cache file was damaged ({why}) and is not used", path.display());
        assert_eq!(setting.open().warnings, [warning]);
        setting.assert_warm(&path);
    }
}

#[test]
fn another_version_is_replaced_without_a_word() {
    let setting = Setting::new();
    let path = setting.prepare();
    let mut bytes = fs::read(&path).unwrap();
    bytes[12..16].copy_from_slice(&999u32.to_ne_bytes());
    replace(&path, &bytes);
    let data = setting.open();
    assert_same(&data, &setting.expected);
    assert_eq!((data.source, data.warnings), (Source::Prepared(path.clone()), vec![]));
    setting.assert_warm(&path);
}

#[test]
fn the_cache_of_other_data_is_not_taken() {
    let (setting, other) = (Setting::new(), Setting::new());
    let (path, other_path) = (setting.prepare(), other.prepare());
    replace(&path, &fs::read(other_path).unwrap());
    setting.prepare();
    setting.assert_warm(&path);
}

#[test]
fn changed_files_are_read_anew() {
    let setting = Setting::new();
    let path = setting.prepare();
    let image = setting.data.path().join(NAMES[TRAIN_IMAGES]);
    let before = File::open(&image).unwrap().metadata().unwrap().modified().unwrap();

    let mut files = small();
    files[TRAIN_IMAGES][16] = 77;
    fs::write(&image, &files[TRAIN_IMAGES]).unwrap();
    File::options().write(true).open(&image).unwrap().set_modified(before + Duration::from_secs(1)).unwrap();
    let changed = setting.open();
    assert_eq!(changed.source, Source::Prepared(path.clone()));
    assert_same(&changed, &open(setting.data.path()).unwrap());
    assert!(changed.train != setting.expected.train);
    assert_eq!(changed.train.pixels().of(0).1[0], 77);
    assert_eq!(setting.open().source, Source::Cache(path.clone()));

    // A raw file beside a gzipped one is the one to read from now on.
    fs::remove_file(&image).unwrap();
    fs::write(image.with_extension("gz"), gzip(&small()[TRAIN_IMAGES])).unwrap();
    setting.prepare();
    fs::write(&image, &files[TRAIN_IMAGES]).unwrap();
    assert_same(&setting.open(), &changed);
}

/// The time of the last write can be set back, as `cp -p` and `tar` do; that of the last change cannot.
#[cfg(unix)]
#[test]
fn a_change_is_seen_behind_the_same_length_and_time() {
    let setting = Setting::new();
    let path = setting.prepare();
    let image = setting.data.path().join(NAMES[TRAIN_IMAGES]);
    let before = fs::metadata(&image).unwrap().modified().unwrap();
    // Longer than the tick of the file system's clock.
    thread::sleep(Duration::from_millis(30));
    let mut files = small();
    files[TRAIN_IMAGES][16] = 77;
    fs::write(&image, &files[TRAIN_IMAGES]).unwrap();
    File::options().write(true).open(&image).unwrap().set_modified(before).unwrap();
    let changed = setting.open();
    assert_eq!(changed.source, Source::Prepared(path));
    assert_eq!(changed.train.pixels().of(0).1[0], 77);
}

#[test]
fn a_bad_data_folder_is_refused_although_the_cache_is_good() {
    let setting = Setting::new();
    let path = setting.prepare();
    fs::write(setting.data.path().join(NAMES[TEST_LABELS]), b"bad").unwrap();
    let policy = CachePolicy { folders: vec![setting.cache.path().to_owned()] };
    assert!(Dataset::open_with(setting.data.path(), &policy).is_err());
    assert!(path.exists());
}

/// A path below a file can be written by nobody, not even by root.
#[test]
fn a_folder_that_cannot_be_written_is_passed_over() {
    let setting = Setting::new();
    let file = setting.data.path().join(NAMES[0]);
    let never = [file.join("a"), file.join("b")];
    for _ in 0..2 {
        let data = open_with(setting.data.path(), &[&never[0], &never[1]]);
        assert_same(&data, &setting.expected);
        assert_eq!(data.source, Source::Memory);
        let [warning] = &data.warnings[..] else { panic!("{:?}", data.warnings) };
        assert!(
            warning
                .starts_with("no cache folder could be written, so the next start prepares the data again: ")
        );
        assert!(warning.ends_with("; set DLR_CACHE to a folder that can"));
        for never in &never {
            assert!(warning.contains(&format!("{} (Not a directory", never.display())), "{warning}");
        }
    }

    let next = setting.cache.path().join("made/on/demand");
    let data = open_with(setting.data.path(), &[&never[0], &next]);
    let Source::Prepared(path) = data.source else { panic!("{:?}", data.source) };
    assert_eq!((path.parent(), data.warnings), (Some(&*next), vec![]));
    let data = open_with(setting.data.path(), &[&never[0], &next]);
    assert_same(&data, &setting.expected);
    assert_eq!(data.source, Source::Cache(path));
}

#[test]
fn a_folder_in_place_of_the_cache_file() {
    let setting = Setting::new();
    let path = setting.prepare();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let data = setting.open();
    assert_same(&data, &setting.expected);
    assert_eq!((data.source, data.warnings.len()), (Source::Memory, 1));
    assert_eq!(names_in(setting.cache.path()).len(), 1, "a temporary file is left");
}

#[test]
fn data_in_use_outlive_their_cache_file() {
    let setting = Setting::new();
    let path = setting.prepare();
    let (replaced, removed) = (setting.open(), setting.open());
    let other = Setting::new();
    fs::rename(other.prepare(), &path).unwrap();
    assert_same(&replaced, &setting.expected);
    fs::remove_file(&path).unwrap();
    assert_same(&removed, &setting.expected);
    drop(setting);
    assert_eq!(removed.train.labels(), [0, 1, 2, 0, 1, 2]);
}

#[test]
fn many_at_once() {
    for threads in [2, 8] {
        let setting = Setting::new();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let data = setting.open();
                        assert_same(&data, &setting.expected);
                        assert!(
                            data.source != Source::Memory && data.warnings.is_empty(),
                            "{:?}",
                            data.warnings
                        );
                    }
                });
            }
        });
        assert_eq!(names_in(setting.cache.path()).len(), 1);
    }
}

#[test]
fn what_killed_processes_left_is_removed_after_an_hour() {
    let setting = Setting::new();
    let [old, young, foreign] =
        [".dlr-cache-old", ".dlr-cache-young", "mine"].map(|n| setting.cache.path().join(n));
    for (path, minutes) in [(&old, 61), (&young, 59), (&foreign, 1000)] {
        let file = File::create(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(60 * minutes)).unwrap();
    }
    setting.prepare();
    assert_eq!([old, young, foreign].map(|path| path.exists()), [false, true, true]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_whose_name_is_not_text() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let (parent, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let dir = parent.path().join(OsStr::from_bytes(b"d\xffgits"));
    fs::create_dir(&dir).unwrap();
    put(&dir, &small(), "");
    let cold = open_with(&dir, &[cache.path()]);
    let warm = open_with(&dir, &[cache.path()]);
    assert_eq!((&cold.name[..], &warm.name[..]), ("d\u{fffd}gits", "d\u{fffd}gits"));
    assert!(matches!(warm.source, Source::Cache(_)));
}
