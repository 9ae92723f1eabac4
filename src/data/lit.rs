//! Images as lists of their lit pixels.
//!
//! Four fifths of MNIST's pixels are 0 and add nothing to any sum, so an image is kept as the numbers and grey
//! levels of its non-zero (lit) pixels, in the way of a sparse matrix's compressed rows (CSR). With n images:
//!
//! ```text
//! start: [u32; n + 1]   image i's lit pixels are entries start[i]..start[i + 1] of the next two
//! index: [u16; lit]     pixel number (row * columns + column), ascending within an image
//! value: [u8; lit]      grey level, 1..=255
//! label: [u8; n]        class
//! ```
//!
//! A split's arrays lie in one block, each at a multiple of 64 bytes, in this order: the same block in memory and
//! in the cache file.

use super::backing::{Backing, zeroed};
use super::idx::MAX_INPUTS;
use std::collections::TryReserveError;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Alignment of every array, in bytes: a cache line.
pub(super) const ALIGN: usize = 64;

/// The images and labels of one half of a data set: what is trained on, or what is tested on.
///
/// Clones share the same memory.
#[derive(Clone)]
pub struct Split {
    backing: Arc<Backing>,
    /// Where the block starts in `backing`, in bytes.
    block: usize,
    layout: Layout,
    inputs: usize,
}

impl Split {
    /// Lists the lit pixels of `pixels`, grey levels `[labels.len()][inputs]`.
    ///
    /// # Errors
    ///
    /// The system has no memory left for the lists.
    ///
    /// # Panics
    ///
    /// The lengths disagree, `inputs` is not in `1..=4096`, or 2^32 pixels or more are lit.
    pub fn from_pixels(inputs: usize, pixels: &[u8], labels: &[u8]) -> Result<Self, TryReserveError> {
        assert!((1..=MAX_INPUTS).contains(&inputs), "{inputs} inputs");
        assert_eq!(pixels.len(), labels.len() * inputs, "pixels for {} images of {inputs}", labels.len());
        let lit = pixels.iter().filter(|&&level| level != 0).count();
        assert!(u32::try_from(lit).is_ok(), "{lit} lit pixels");
        let layout = Layout::new(labels.len() as u64, lit as u64).expect("below 2^32 pixels");

        let mut memory = zeroed(layout.size)?;
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut memory);
        let [start, index, value, label] =
            bytes.get_disjoint_mut(layout.arrays()).expect("the arrays follow one another");
        list(inputs, pixels, bytemuck::cast_slice_mut(start), bytemuck::cast_slice_mut(index), value);
        label.copy_from_slice(labels);
        Ok(Self { backing: Arc::new(Backing::Owned(memory)), block: 0, layout, inputs })
    }

    /// Views the block at byte `block` of a cache file, after checking that no index in it can go astray.
    pub(super) fn from_cache(
        backing: Arc<Backing>,
        block: usize,
        layout: Layout,
        inputs: usize,
        classes: usize,
    ) -> Result<Self, &'static str> {
        if !block.is_multiple_of(ALIGN)
            || block.checked_add(layout.size).is_none_or(|e| e > backing.bytes().len())
        {
            return Err("a section outside the file");
        }
        let split = Self { backing, block, layout, inputs };
        let start = split.starts();
        if start.first() != Some(&0)
            || start.last().map(|&last| last as usize) != Some(layout.lit)
            || !start.is_sorted()
        {
            return Err("image starts that are not in order");
        }
        // The greatest of all rather than the first that is too great: a loop without a branch is vectorised.
        if split.indices().iter().fold(0, |most, &index| most.max(index)) as usize >= inputs {
            return Err("a pixel outside its image");
        }
        if split.labels().iter().fold(0, |most, &label| most.max(label)) as usize >= classes {
            return Err("a label that is no class");
        }
        Ok(split)
    }

    /// Number of images, n.
    #[inline]
    pub fn len(&self) -> usize {
        self.layout.images
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pixels of one image, lit or dark.
    #[inline]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Image `i`'s lit pixels: their numbers, ascending and below [`inputs`](Self::inputs), and their grey levels
    /// 1..=255. Both slices have one length.
    ///
    /// # Panics
    ///
    /// `i` is not below [`len`](Self::len).
    #[inline]
    pub fn lit(&self, i: usize) -> (&[u16], &[u8]) {
        let start = self.starts();
        let entries = start[i] as usize..start[i + 1] as usize;
        (&self.indices()[entries.clone()], &self.values()[entries])
    }

    /// Image `i`'s grey levels, `[inputs]`, dark ones included.
    ///
    /// # Panics
    ///
    /// `i` is not below [`len`](Self::len).
    pub fn image(&self, i: usize) -> Vec<u8> {
        let mut image = vec![0; self.inputs];
        let (index, value) = self.lit(i);
        for (&index, &value) in index.iter().zip(value) {
            image[usize::from(index)] = value;
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
        self.array(self.layout.label())
    }

    /// Where every image's lit pixels start, `[n + 1]`.
    #[inline]
    pub fn starts(&self) -> &[u32] {
        bytemuck::cast_slice(self.array(self.layout.start()))
    }

    /// The numbers of all lit pixels, `[lit]`.
    #[inline]
    pub fn indices(&self) -> &[u16] {
        bytemuck::cast_slice(self.array(self.layout.index()))
    }

    /// The grey levels of all lit pixels, `[lit]`.
    #[inline]
    pub fn values(&self) -> &[u8] {
        self.array(self.layout.value())
    }

    /// Share of the pixels that are lit, in 0..=1.
    pub fn density(&self) -> f64 {
        self.layout.lit as f64 / (self.len() * self.inputs).max(1) as f64
    }

    /// Mean grey level of all pixels, lit or dark, in 0..=255.
    pub fn mean_grey(&self) -> f64 {
        let sum: u64 = self.values().iter().map(|&level| u64::from(level)).sum();
        sum as f64 / (self.len() * self.inputs).max(1) as f64
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
    fn array(&self, range: Range<usize>) -> &[u8] {
        &self.backing.bytes()[self.block + range.start..self.block + range.end]
    }
}

/// Equal images in the same order with equal labels, wherever the two lie.
impl PartialEq for Split {
    fn eq(&self, other: &Self) -> bool {
        self.inputs == other.inputs
            && self.starts() == other.starts()
            && self.indices() == other.indices()
            && self.values() == other.values()
            && self.labels() == other.labels()
    }
}

impl Eq for Split {}

impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Split({} images of {} pixels, {:.3} lit)", self.len(), self.inputs, self.density())
    }
}

/// Where a block's arrays lie, in bytes from the block's start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) images: usize,
    pub(super) lit: usize,
    index: usize,
    value: usize,
    label: usize,
    /// Length of the block, a multiple of [`ALIGN`].
    pub(super) size: usize,
}

impl Layout {
    /// Lays out `images` images that have `lit` lit pixels together; `None` if that is beyond the machine.
    pub(super) fn new(images: u64, lit: u64) -> Option<Self> {
        let (images, lit) = (usize::try_from(images).ok()?, usize::try_from(lit).ok()?);
        let after = |start: usize, bytes: usize| start.checked_add(bytes)?.checked_next_multiple_of(ALIGN);
        let index = after(0, images.checked_add(1)?.checked_mul(4)?)?;
        let value = after(index, lit.checked_mul(2)?)?;
        let label = after(value, lit)?;
        Some(Self { images, lit, index, value, label, size: after(label, images)? })
    }

    fn start(&self) -> Range<usize> {
        0..4 * (self.images + 1)
    }

    fn index(&self) -> Range<usize> {
        self.index..self.index + 2 * self.lit
    }

    fn value(&self) -> Range<usize> {
        self.value..self.value + self.lit
    }

    fn label(&self) -> Range<usize> {
        self.label..self.label + self.images
    }

    fn arrays(&self) -> [Range<usize>; 4] {
        [self.start(), self.index(), self.value(), self.label()]
    }
}

/// Fills the three lists of lit pixels, which have the right lengths and start as zeros.
fn list(inputs: usize, pixels: &[u8], start: &mut [u32], index: &mut [u16], value: &mut [u8]) {
    let mut at = 0;
    for (image, end) in pixels.chunks_exact(inputs).zip(&mut start[1..]) {
        for (number, &level) in image.iter().enumerate() {
            if level != 0 {
                index[at] = number as u16;
                value[at] = level;
                at += 1;
            }
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
        assert_eq!(split.lit(0), (&[1, 3][..], &[7, 255][..]));
        assert_eq!(split.lit(1), (&[][..], &[][..]));
        assert_eq!((split.starts(), split.labels()), (&[0, 2, 2][..], &[3, 9][..]));
        assert_eq!((split.image(0), split.image(1)), (vec![0, 7, 0, 255], vec![0; 4]));
        assert_eq!((split.mean_grey(), split.counts(10)), (262.0 / 8.0, vec![0, 0, 0, 1, 0, 0, 0, 0, 0, 1]));
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
            Split::from_cache(Arc::new(Backing::Owned(memory)), 0, split.layout, 4, 2)
                .map(|opened| opened == split)
        };
        assert_eq!(open(&|_, _| ()), Ok(true));
        assert_eq!(open(&|_, bytes| bytes[0] = 1), Err("image starts that are not in order"));
        assert_eq!(open(&|_, bytes| bytes[4] = 4), Err("image starts that are not in order"));
        assert_eq!(open(&|_, bytes| bytes[8] = 4), Err("image starts that are not in order"));
        assert_eq!(open(&|split, bytes| bytes[split.layout.index] = 4), Err("a pixel outside its image"));
        assert_eq!(open(&|split, bytes| bytes[split.layout.label + 1] = 2), Err("a label that is no class"));

        let split = Split::from_pixels(4, &[1; 8], &[0, 1]).unwrap();
        let at = |block| Split::from_cache(split.backing.clone(), block, split.layout, 4, 2).map(drop);
        assert_eq!(at(0), Ok(()));
        for block in [8, 64, usize::MAX - 63] {
            assert_eq!(at(block), Err("a section outside the file"));
        }
    }

    #[test]
    fn sizes_beyond_the_machine_have_no_layout() {
        assert!(Layout::new(u64::MAX, 0).is_none());
        assert!(Layout::new(0, u64::MAX / 2).is_none());
        assert!(Layout::new(u64::MAX / 4, 1).is_none());
    }

    proptest! {
        #[test]
        fn the_lists_give_the_pixels_back(
            inputs in 1usize..40,
            pixels in prop::collection::vec(prop_oneof![3 => Just(0), 1 => any::<u8>()], 0..400),
        ) {
            let images = pixels.len() / inputs;
            let pixels = &pixels[..images * inputs];
            let split = Split::from_pixels(inputs, pixels, &vec![1; images]).unwrap();
            for i in 0..images {
                let (index, value) = split.lit(i);
                prop_assert!(index.is_sorted_by(|a, b| a < b) && !value.contains(&0));
                prop_assert_eq!(&split.image(i)[..], &pixels[i * inputs..][..inputs]);
            }
        }
    }
}
