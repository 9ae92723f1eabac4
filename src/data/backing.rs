//! The memory that a data set lies in: a map of our own cache file, or memory of our own; and copies of parts in large pages.

use crate::memory;
use memmap2::{Mmap, MmapOptions};
use std::collections::TryReserveError;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;

/// Bytes that start at a multiple of 8.
pub(super) enum Backing {
    /// A cache file, mapped read-only.
    Mapped(Mmap),
    /// Words rather than bytes, for their alignment.
    Owned(Vec<u64>),
}

/// Zeroed memory for at least `bytes` bytes.
pub(super) fn zeroed(bytes: usize) -> Result<Vec<u64>, TryReserveError> {
    let words = bytes.div_ceil(8);
    let mut zeroed = Vec::new();
    memory::reserve(&mut zeroed, words)?;
    zeroed.resize(words, 0);
    Ok(zeroed)
}

impl Backing {
    /// The first `len` bytes of a cache file, mapped; where the system will not map, read.
    pub(super) fn of_cache_file(file: &mut File, len: usize) -> io::Result<Self> {
        if let Ok(map) = map_cache_file(file, len) {
            return Ok(Self::Mapped(map));
        }
        let mut memory = zeroed(len)?;
        file.read_exact(&mut bytemuck::cast_slice_mut(&mut memory)[..len])?;
        Ok(Self::Owned(memory))
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(memory) => bytemuck::cast_slice(memory),
        }
    }
}

/// Maps the first `len` bytes of a cache file read-only, with its pages loaded at once: all are read anyway to
/// check them.
#[allow(unsafe_code)]
fn map_cache_file(file: &File, len: usize) -> io::Result<Mmap> {
    // SAFETY: a map is sound while nobody changes or truncates the file under it. Only cache files come here
    // (never a user's own), and `cache::write` keeps that rule: a cache file gets its name when it is complete,
    // by a rename; it is read-only from then on; and it is replaced by another rename, which leaves the mapped
    // file as it is until its last map goes.
    unsafe { MmapOptions::new().len(len).populate().map(file) }
}

/// Some bytes in pages of 2 MB.
pub(super) struct Large {
    map: Mmap,
    len: usize,
}

impl Large {
    /// Copies of `parts`, one behind the other. `None` where nobody gets such pages, or there is no memory; Linux may still give small
    /// ones.
    #[cfg(target_os = "linux")]
    pub(super) fn copies(parts: &[&[u8]]) -> Option<Self> {
        use memmap2::{Advice, MmapMut};
        let mode = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").ok()?;
        if mode.contains("[never]") {
            return None;
        }
        let len = parts.iter().map(|part| part.len()).sum::<usize>();
        // Only maps of whole large pages begin where one may.
        let mut map = MmapMut::map_anon(len.next_multiple_of(2 << 20)).ok()?;
        map.advise(Advice::HugePage).ok()?;
        let mut rest = &mut map[..];
        for part in parts {
            rest.split_off_mut(..part.len()).expect("room for all parts").copy_from_slice(part);
        }
        map.make_read_only().ok().map(|map| Self { map, len })
    }

    /// Not asked for on other systems.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn copies(_: &[&[u8]]) -> Option<Self> {
        None
    }
}

impl Deref for Large {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linux's files about itself can be read but not mapped.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_cannot_be_mapped_is_read() {
        let mut file = File::open("/proc/version").unwrap();
        let backing = Backing::of_cache_file(&mut file, 5).unwrap();
        assert!(matches!(backing, Backing::Owned(_)));
        assert_eq!(&backing.bytes()[..5], b"Linux");
    }
}
