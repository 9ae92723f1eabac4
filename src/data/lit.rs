//! Images as lists of their lit pixels, and of their lit groups.
//!
//! Four fifths of MNIST's pixels are 0 and add nothing to any sum, so an image is kept as the numbers and grey
//! levels of its non-zero (lit) pixels, in the way of a sparse matrix's compressed rows (CSR); and once more as those of the
//! [squares](Groups) of four pixels of which any is lit, which is what images that go together go by: there are 50 of them in an
//! image of 150 lit pixels, and to find them anew would take longer than to read them. With n images:
//!
//! ```text
//! start:  [u32; n + 1]      image i's lit pixels are entries start[i]..start[i + 1] of the next two
//! number: [u16; pixels]     pixel number (row * columns + column), ascending within an image
//! value:  [u8; pixels]      grey level, 1..=255
//! start:  [u32; n + 1]      image i's lit groups are entries start[i]..start[i + 1] of the next two
//! number: [u16; groups]     group number, ascending within an image
//! value:  [[u8; 4]; groups] grey levels of the group's pixels; 0 for those beyond the image
//! label:  [u8; n]           class
//! ```
//!
//! A split's arrays lie in one block, each at a multiple of 64 bytes, in this order: the same block in memory and
//! in the cache file.

use super::backing::{Backing, Large, zeroed};
use super::idx::MAX_INPUTS;
use bytemuck::Pod;
use dlr_kernels::groups::{GROUP, Groups};
use std::collections::TryReserveError;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Alignment of every array, in bytes: a cache line.
pub(super) const ALIGN: usize = 64;

/// For each image some numbers, and a value for each.
#[derive(Debug, PartialEq, Eq)]
pub struct Lists<'a, T> {
    /// Where each image's entries start, and where those of the last end, `[n + 1]`.
    pub start: &'a [u32],
    /// The numbers, ascending within an image.
    pub number: &'a [u16],
    /// Their values.
    pub value: &'a [T],
}

impl<'a, T> Lists<'a, T> {
    /// Image `i`'s numbers and their values. Both slices have one length.
    ///
    /// # Panics
    ///
    /// There is no such image.
    #[inline]
    pub fn of(&self, i: usize) -> (&'a [u16], &'a [T]) {
        let entries = self.start[i] as usize..self.start[i + 1] as usize;
        (&self.number[entries.clone()], &self.value[entries])
    }

    /// Those of the images in `range` alone, counted from 0.
    ///
    /// # Panics
    ///
    /// There are no such images.
    pub fn within(&self, range: &Range<usize>) -> Self {
        Self { start: &self.start[range.start..=range.end], ..*self }
    }

    /// Whether every entry is an image's, and the images are in order.
    fn is_in_order(&self) -> bool {
        self.start.first() == Some(&0)
            && self.start.last().map(|&last| last as usize) == Some(self.number.len())
            && self.start.is_sorted()
    }

    /// Whether all numbers are below `end`.
    fn is_below(&self, end: usize) -> bool {
        // The greatest of all rather than the first that is too great: a loop without a branch is vectorised.
        usize::from(self.number.iter().fold(0, |most, &number| most.max(number))) < end
    }
}

/// The images and labels of one half of a data set: what is trained on, or what is tested on.
///
/// Clones share the same memory.
#[derive(Clone)]
pub struct Split {
    backing: Arc<Backing>,
    /// Where the block starts in `backing`, in bytes.
    block: usize,
    layout: Layout,
    grouping: Groups,
    large: Arc<InLargePages>,
}

/// The numbers and grey levels of lit pixels, and of lit groups, in large pages: nothing until somebody asks for them, then `None` if
/// there are no such pages or few numbers.
#[derive(Default)]
struct InLargePages {
    pixels: OnceLock<Option<Large>>,
    groups: OnceLock<Option<Large>>,
}

/// Bytes of lists at least that are worth large pages: the places of fewer are known without looking them up.
const MANY: usize = 4 << 20;

impl Split {
    /// Lists the lit pixels and groups of `pixels`, grey levels `[labels.len()][rows][columns]`.
    ///
    /// # Errors
    ///
    /// The system has no memory left for the lists.
    ///
    /// # Panics
    ///
    /// The lengths disagree, images have no pixels or more than 4096, or 2^32 pixels or more are lit.
    pub fn from_images(
        (rows, columns): (usize, usize),
        pixels: &[u8],
        labels: &[u8],
    ) -> Result<Self, TryReserveError> {
        Self::new(Groups::of_images(rows, columns), pixels, labels)
    }

    /// The same of images of no known shape: of grey levels `[labels.len()][inputs]`. Groups are four pixels that follow one
    /// another, which decides the last bits of sums where images go together, and how fast they go.
    ///
    /// # Errors
    ///
    /// The system has no memory left for the lists.
    ///
    /// # Panics
    ///
    /// The lengths disagree, `inputs` is not in `1..=4096`, or 2^32 pixels or more are lit.
    pub fn from_pixels(inputs: usize, pixels: &[u8], labels: &[u8]) -> Result<Self, TryReserveError> {
        Self::new(Groups::of_inputs(inputs), pixels, labels)
    }

    fn new(grouping: Groups, pixels: &[u8], labels: &[u8]) -> Result<Self, TryReserveError> {
        let inputs = grouping.inputs();
        assert!((1..=MAX_INPUTS).contains(&inputs), "{inputs} inputs");
        assert_eq!(pixels.len(), labels.len() * inputs, "pixels for {} images of {inputs}", labels.len());
        let images = || pixels.chunks_exact(inputs);
        let lit = pixels.iter().filter(|&&level| level != 0).count(); // vectorised, as `lit_pixels` would not be
        let groups = images().flat_map(|image| grouping.lit_in(image)).count();
        assert!(u32::try_from(lit).is_ok(), "{lit} lit pixels");
        let layout = Layout::new([labels.len(), lit, groups].map(|n| n as u64)).expect("below 2^32 pixels");

        let mut memory = zeroed(layout.size)?;
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut memory);
        let [of_pixels, pixel, level, of_groups, group, levels, label] =
            bytes.get_disjoint_mut(layout.arrays()).expect("the arrays follow one another");
        let (start, number) = (bytemuck::cast_slice_mut(of_pixels), bytemuck::cast_slice_mut(pixel));
        list(images().map(lit_pixels), start, number, level);
        let (start, number) = (bytemuck::cast_slice_mut(of_groups), bytemuck::cast_slice_mut(group));
        list(images().map(|image| grouping.lit_in(image)), start, number, bytemuck::cast_slice_mut(levels));
        label.copy_from_slice(labels);
        Ok(Self::at(Arc::new(Backing::Owned(memory)), 0, layout, grouping))
    }

    /// Views the block at byte `block` of a cache file, after checking that no index in it can go astray. That lists ascend,
    /// and that those of pixels and groups are of the same images, is left to the file's checksum and its writer.
    pub(super) fn from_cache(
        backing: Arc<Backing>,
        block: usize,
        layout: Layout,
        (rows, columns): (usize, usize),
        classes: usize,
    ) -> Result<Self, &'static str> {
        if !block.is_multiple_of(ALIGN)
            || block.checked_add(layout.size).is_none_or(|e| e > backing.bytes().len())
        {
            return Err("a section outside the file");
        }
        let split = Self::at(backing, block, layout, Groups::of_images(rows, columns));
        if !split.pixels().is_in_order() || !split.groups().is_in_order() {
            return Err("image starts that are not in order");
        }
        if !split.pixels().is_below(split.inputs()) || !split.groups().is_below(split.grouping.len()) {
            return Err("a pixel outside its image");
        }
        if split.labels().iter().fold(0, |most, &label| most.max(label)) as usize >= classes {
            return Err("a label that is no class");
        }
        Ok(split)
    }

    fn at(backing: Arc<Backing>, block: usize, layout: Layout, grouping: Groups) -> Self {
        Self { backing, block, layout, grouping, large: Arc::default() }
    }

    /// Number of images, n.
    #[inline]
    pub fn len(&self) -> usize {
        self.layout.label.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pixels of one image, lit or dark.
    #[inline]
    pub fn inputs(&self) -> usize {
        self.grouping.inputs()
    }

    /// Which pixels go into which [group](Self::groups).
    pub fn grouping(&self) -> &Groups {
        &self.grouping
    }

    /// Every image's lit pixels: their numbers, below [`inputs`](Self::inputs), and their grey levels, 1..=255.
    #[inline]
    pub fn pixels(&self) -> Lists<'_, u8> {
        self.lists(&self.layout.pixels)
    }

    /// The same, for whoever goes through many images in no order: copied into pages of 2 MB when they are first asked for, if there
    /// are such and the images are many. All clones share the copy.
    ///
    /// Where pages have 4 KB, the place of nearly every image in memory has to be looked up, and even a prefetch waits for that.
    /// With large ones, training on all of MNIST took 0.90 of the time at H = 30 under SGD, and 0.91 under DLR, on a virtual machine
    /// on a Zen 3.
    pub fn pixels_in_large_pages(&self) -> Lists<'_, u8> {
        self.lists_in_large_pages(&self.layout.pixels, &self.large.pixels)
    }

    /// The [groups](Self::groups) in such pages. Where images go together, there is less to gain: 0.91 to 1.0 of the time.
    pub fn groups_in_large_pages(&self) -> Lists<'_, [u8; GROUP]> {
        self.lists_in_large_pages(&self.layout.groups, &self.large.groups)
    }

    fn lists_in_large_pages<'a, T: Pod>(
        &'a self,
        of: &Ranges,
        large: &'a OnceLock<Option<Large>>,
    ) -> Lists<'a, T> {
        let [number, value] = [&of.number, &of.value].map(|range| self.array(range));
        let are_many = number.len() + value.len() >= MANY;
        let copies = || if are_many { Large::copies(&[number, value]) } else { None };
        let lists = self.lists(of);
        match large.get_or_init(copies) {
            None => lists,
            Some(large) => {
                let (number, value) = large.split_at(number.len());
                Lists { number: bytemuck::cast_slice(number), value: bytemuck::cast_slice(value), ..lists }
            }
        }
    }

    /// Every image's [groups](Self::grouping) of four pixels of which any is lit: their numbers, and the grey levels of all four; 0
    /// for those beyond the image.
    #[inline]
    pub fn groups(&self) -> Lists<'_, [u8; GROUP]> {
        self.lists(&self.layout.groups)
    }

    /// Image `i`'s grey levels, `[inputs]`, dark ones included.
    ///
    /// # Panics
    ///
    /// `i` is not below [`len`](Self::len).
    pub fn image(&self, i: usize) -> Vec<u8> {
        let mut image = vec![0; self.inputs()];
        let (number, level) = self.pixels().of(i);
        for (&number, &level) in number.iter().zip(level) {
            image[usize::from(number)] = level;
        }
        image
    }

    /// Image `i`'s class.
    ///
    /// # Panics
    ///
    /// `i` is not below [`len`](Self::len).
    #[inline]
    pub fn label(&self, i: usize) -> u8 {
        self.labels()[i]
    }

    /// The class of every image, `[n]`.
    #[inline]
    pub fn labels(&self) -> &[u8] {
        self.array(&self.layout.label)
    }

    /// Share of the pixels that are lit, in 0..=1.
    pub fn density(&self) -> f64 {
        self.pixels().number.len() as f64 / (self.len() * self.inputs()).max(1) as f64
    }

    /// Mean grey level of all pixels, lit or dark, in 0..=255.
    pub fn mean_grey(&self) -> f64 {
        let sum: u64 = self.pixels().value.iter().map(|&level| u64::from(level)).sum();
        sum as f64 / (self.len() * self.inputs()).max(1) as f64
    }

    /// Images of each class, `[classes]`, where all labels are below `classes`.
    pub fn counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for &label in self.labels() {
            counts[usize::from(label)] += 1;
        }
        counts
    }

    /// The whole block, as it is written to the cache file.
    pub(super) fn block(&self) -> &[u8] {
        &self.backing.bytes()[self.block..][..self.layout.size]
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    #[inline]
    fn lists<T: Pod>(&self, of: &Ranges) -> Lists<'_, T> {
        Lists {
            start: bytemuck::cast_slice(self.array(&of.start)),
            number: bytemuck::cast_slice(self.array(&of.number)),
            value: bytemuck::cast_slice(self.array(&of.value)),
        }
    }

    #[inline]
    fn array(&self, range: &Range<usize>) -> &[u8] {
        &self.backing.bytes()[self.block + range.start..self.block + range.end]
    }
}

/// Equal images, grouped alike, in the same order with equal labels, wherever the two lie.
impl PartialEq for Split {
    fn eq(&self, other: &Self) -> bool {
        self.grouping == other.grouping
            && self.pixels() == other.pixels()
            && self.groups() == other.groups()
            && self.labels() == other.labels()
    }
}

impl Eq for Split {}

impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Split({} images of {} pixels, {:.3} lit)", self.len(), self.inputs(), self.density())
    }
}

/// Where a block's arrays lie, in bytes from the block's start.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Images, lit pixels and lit groups.
    pub(super) counts: [u64; 3],
    pixels: Ranges,
    groups: Ranges,
    label: Range<usize>,
    /// Length of the block, a multiple of [`ALIGN`].
    pub(super) size: usize,
}

/// Where the arrays of [`Lists`] lie.
#[derive(Clone, Debug)]
struct Ranges {
    start: Range<usize>,
    number: Range<usize>,
    value: Range<usize>,
}

impl Layout {
    /// Lays out so many images with so many lit pixels and groups together; `None` if that is beyond the machine.
    pub(super) fn new(counts: [u64; 3]) -> Option<Self> {
        let [images, pixels, groups] = counts.map(|count| usize::try_from(count).ok());
        let (images, mut size) = (images?, 0_usize);
        let mut array = |len: usize, each: usize| {
            let start = size;
            let end = start.checked_add(len.checked_mul(each)?)?;
            size = end.checked_next_multiple_of(ALIGN)?;
            Some(start..end)
        };
        let mut lists = |entries: usize, each| {
            let start = array(images.checked_add(1)?, size_of::<u32>())?;
            Some(Ranges { start, number: array(entries, size_of::<u16>())?, value: array(entries, each)? })
        };
        let (pixels, groups) = (lists(pixels?, 1)?, lists(groups?, GROUP)?);
        let label = array(images, 1)?;
        Some(Self { counts, pixels, groups, label, size })
    }

    fn arrays(&self) -> [Range<usize>; 7] {
        let Self { pixels, groups, label, .. } = self.clone();
        [pixels.start, pixels.number, pixels.value, groups.start, groups.number, groups.value, label]
    }
}

/// The numbers and grey levels of an image's lit pixels.
fn lit_pixels(image: &[u8]) -> impl Iterator<Item = (u16, u8)> {
    (0..).zip(image.iter().copied()).filter(|&(_, level)| level != 0)
}

/// Fills lists with the entries of all images. They have the right lengths and start as zeros.
fn list<T>(
    images: impl Iterator<Item = impl Iterator<Item = (u16, T)>>,
    start: &mut [u32],
    number: &mut [u16],
    value: &mut [T],
) {
    let mut at = 0;
    for (image, end) in images.zip(&mut start[1..]) {
        for entry in image {
            (number[at], value[at]) = entry;
            at += 1;
        }
        *end = at as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_lists_of_two_small_images() {
        let split = Split::from_pixels(4, &[0, 7, 0, 255, 0, 0, 0, 0], &[3, 9]).unwrap();
        assert_eq!((split.len(), split.inputs(), split.density()), (2, 4, 0.25));
        let lists = Lists { start: &[0, 2, 2], number: &[1, 3], value: &[7, 255] };
        assert_eq!((split.pixels(), split.labels()), (lists, &[3, 9][..]));
        assert_eq!(split.pixels().of(0), (&[1, 3][..], &[7, 255][..]));
        assert_eq!(split.pixels().of(1), (&[][..], &[][..]));
        assert_eq!(split.groups(), Lists { start: &[0, 1, 1], number: &[0], value: &[[0, 7, 0, 255]] });
        assert_eq!((split.image(0), split.image(1)), (vec![0, 7, 0, 255], vec![0; 4]));
        assert_eq!((split.mean_grey(), split.counts(10)), (262.0 / 8.0, vec![0, 0, 0, 1, 0, 0, 0, 0, 0, 1]));
    }

    #[test]
    fn groups_of_images_are_squares() {
        let image = [0, 7, 0, 255, 0, 0, 0, 1];
        let split = Split::from_images((2, 4), &image, &[0]).unwrap();
        let squares = Lists { start: &[0, 2], number: &[0, 1], value: &[[0, 7, 0, 0], [0, 255, 0, 1]] };
        assert_eq!((split.groups(), &split.image(0)[..]), (squares, &image[..]));
    }

    #[test]
    fn lists_in_large_pages_are_the_same() {
        let pixels: Vec<u8> = (0..MANY).map(|n| (n % 256) as u8).collect();
        let split = Split::from_pixels(4096, &pixels, &vec![0; pixels.len() / 4096]).unwrap();
        let in_large_pages = |split: &Split| {
            [&split.large.pixels, &split.large.groups].map(|large| large.get().map(Option::is_some))
        };
        assert_eq!(in_large_pages(&split), [None; 2], "nobody has asked");
        assert_eq!(split.pixels_in_large_pages(), split.pixels());
        assert_eq!(split.groups_in_large_pages(), split.groups());
        let are_any = Large::copies(&[&[1, 2], &[3]]).is_some_and(|large| *large == [1, 2, 3]);
        assert_eq!(in_large_pages(&split.clone()), [Some(are_any); 2], "copied for all clones");

        let few = Split::from_pixels(4, &[0, 7, 0, 255], &[3]).unwrap();
        assert_eq!(few.pixels_in_large_pages(), few.pixels());
        assert_eq!(few.groups_in_large_pages(), few.groups());
        assert_eq!(in_large_pages(&few), [Some(false); 2]);
    }

    #[test]
    fn splits_are_equal_if_all_is_equal() {
        let split =
            |inputs, pixels: &[u8], labels: &[u8]| Split::from_pixels(inputs, pixels, labels).unwrap();
        let one = split(4, &[0, 7, 0, 255, 0, 0, 0, 0], &[3, 9]);
        assert_eq!(one, split(4, &[0, 7, 0, 255, 0, 0, 0, 0], &[3, 9]));
        for (what, other) in [
            ("an image's start", split(4, &[0, 7, 0, 0, 0, 0, 0, 255], &[3, 9])),
            ("a pixel's number", split(4, &[0, 0, 7, 255, 0, 0, 0, 0], &[3, 9])),
            ("a grey level", split(4, &[0, 7, 0, 254, 0, 0, 0, 0], &[3, 9])),
            ("a label", split(4, &[0, 7, 0, 255, 0, 0, 0, 0], &[3, 8])),
            ("dark pixels", split(5, &[0, 7, 0, 255, 0, 0, 0, 0, 0, 0], &[3, 9])),
        ] {
            assert_ne!(one, other, "{what}");
        }
        let images = |shape| Split::from_images(shape, &[7; 8], &[0]).unwrap();
        assert!(images((2, 4)) == images((2, 4)) && images((2, 4)) != images((4, 2)), "their shape");
        let none = split(4, &[], &[]);
        assert!(none.is_empty() && !one.is_empty() && none != one);
        assert_eq!((none.density(), none.mean_grey()), (0.0, 0.0));
        assert_eq!(format!("{one:?}"), "Split(2 images of 4 pixels, 0.250 lit)");
    }

    #[test]
    fn a_cache_that_would_lead_astray_is_refused() {
        let open = |change: &dyn Fn(&Split, &mut [u8])| {
            let split = Split::from_pixels(4, &[0, 7, 0, 255, 1, 0, 0, 0], &[0, 1]).unwrap();
            let mut memory = zeroed(split.layout.size).unwrap();
            bytemuck::cast_slice_mut(&mut memory).copy_from_slice(split.block());
            change(&split, bytemuck::cast_slice_mut(&mut memory));
            Split::from_cache(Arc::new(Backing::Owned(memory)), 0, split.layout.clone(), (1, 4), 2)
                .map(|opened| opened == split)
        };
        assert_eq!(open(&|_, _| ()), Ok(true));
        let (unordered, outside) = ("image starts that are not in order", "a pixel outside its image");
        let change = |array: usize, at: usize, to| {
            open(&|split, bytes| bytes[split.layout.arrays()[array].start + at] = to)
        };
        for [start, number] in [[0, 1], [3, 4]] {
            for (at, to) in [(0, 1), (4, 4), (8, 4)] {
                assert_eq!(change(start, at, to), Err(unordered), "byte {at} of array {start}");
            }
            assert_eq!(change(number, 0, 4), Err(outside), "array {number}");
        }
        assert_eq!(change(4, 0, 1), Err(outside), "there is but one group");
        assert_eq!(change(6, 1, 2), Err("a label that is no class"));

        let split = Split::from_pixels(4, &[1; 8], &[0, 1]).unwrap();
        let at = |block| {
            Split::from_cache(split.backing.clone(), block, split.layout.clone(), (1, 4), 2).map(drop)
        };
        assert_eq!(at(0), Ok(()));
        for block in [8, 64, usize::MAX - 63] {
            assert_eq!(at(block), Err("a section outside the file"));
        }
    }

    #[test]
    fn sizes_beyond_the_machine_have_no_layout() {
        for counts in [[u64::MAX, 0, 0], [0, u64::MAX / 2, 0], [0, 0, u64::MAX / 4], [u64::MAX / 4, 1, 1]] {
            assert!(Layout::new(counts).is_none(), "{counts:?}");
        }
    }

    proptest! {
        #[test]
        fn the_lists_give_the_pixels_back(
            (rows, columns) in (1_usize..7, 1_usize..7),
            pixels in prop::collection::vec(prop_oneof![3 => Just(0), 1 => any::<u8>()], 0..400),
        ) {
            let inputs = rows * columns;
            let images = pixels.len() / inputs;
            let pixels = &pixels[..images * inputs];
            let split = Split::from_images((rows, columns), pixels, &vec![1; images]).unwrap();
            for i in 0..images {
                let image = &pixels[i * inputs..][..inputs];
                let (number, level) = split.pixels().of(i);
                prop_assert!(number.is_sorted_by(|a, b| a < b) && !level.contains(&0));
                prop_assert_eq!(&split.image(i)[..], image);

                let (number, levels) = split.groups().of(i);
                let found = number.iter().copied().zip(levels.iter().copied());
                prop_assert!(found.eq(split.grouping().lit_in(image)));
            }
        }
    }
}
