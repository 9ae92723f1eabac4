//! A small data set on the disk, and the cache file that it is prepared in.

use crate::naive::crc32;
use dlr::Dataset;
use dlr::data::{CachePolicy, Source};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A data set in a folder, and its cache file.
pub struct Prepared {
    folder: TempDir,
    path: PathBuf,
    /// The cache file as it was written.
    file: Vec<u8>,
    /// The data set without a cache.
    pub data: Dataset,
}

thread_local! {
    static HERE: Prepared = Prepared::new();
}

impl Prepared {
    /// Does `work` with this thread's own.
    pub fn here<T>(work: impl FnOnce(&Self) -> T) -> T {
        HERE.with(work)
    }

    fn new() -> Self {
        // In memory, where there is such a place: a disk would be slow, and wear out.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
        for (name, file) in [
            (
                "train-images",
                [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2][..], &[0, 1, 2, 0, 3, 0, 0, 4]],
            ),
            ("train-labels", [&[0, 0, 8, 1, 0, 0, 0, 2], &[0, 1]]),
            ("test-images", [&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2], &[0, 0, 9, 0]]),
            ("test-labels", [&[0, 0, 8, 1, 0, 0, 0, 1], &[1]]),
        ] {
            fs::write(folder.path().join(name), file.concat()).unwrap();
        }
        let data = Dataset::open_with(folder.path(), &CachePolicy::none()).unwrap();
        let Source::Prepared(path) = open(folder.path()).source else { panic!("it is no cold start") };
        let file = fs::read(&path).unwrap();
        Self { folder, path, file, data }
    }

    /// The cache file as it was written.
    pub fn file(&self) -> &[u8] {
        &self.file
    }

    /// The data set with these bytes as its cache file.
    pub fn open(&self, bytes: &[u8]) -> Dataset {
        // Not into the file itself: what is mapped of it would change.
        fs::remove_file(&self.path).unwrap();
        fs::write(&self.path, bytes).unwrap();
        open(self.folder.path())
    }

    /// Where a data set comes from if its cache file was accepted.
    pub fn as_cached(&self) -> Source {
        Source::Cache(self.path.clone())
    }

    /// A cache file of this data set: `bytes` with the right prefix, sources and checksums. None if there is no JSON object
    /// where the header has one.
    pub fn sealed(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (mut header, blocks) = parts(bytes)?;
        let (own, _) = parts(&self.file).expect("it was written");
        let fields = header.as_object_mut()?;
        fields.insert("sources".into(), own["sources"].clone());
        fields.insert("payload_crc".into(), crc32(blocks).into());
        let mut json = header.to_string().into_bytes();
        json.resize((24 + json.len()).next_multiple_of(64) - 24, b' ');
        let prefix = [&self.file[..16], &(json.len() as u32).to_ne_bytes()].concat();
        let crc = crc32(&[&prefix[..], &json].concat()).to_ne_bytes();
        Some([&prefix[..], &crc, &json, blocks].concat())
    }
}

/// By way of a cache in the same folder.
fn open(folder: &Path) -> Dataset {
    Dataset::open_with(folder, &CachePolicy { folders: vec![folder.to_owned()] }).unwrap()
}

/// A cache file's header, wherever it ends, and what comes after the spaces behind it.
fn parts(file: &[u8]) -> Option<(Value, &[u8])> {
    let mut json = serde_json::Deserializer::from_slice(file.get(24..)?).into_iter();
    let header = json.next()?.ok()?;
    let behind = &file[24 + json.byte_offset()..];
    let spaces = behind.iter().take_while(|&&byte| byte == b' ').count();
    Some((header, &behind[spaces..]))
}
