//! The lit pixels of an image: the only ones that the first layer needs to see.

/// The inputs of one image that are not zero. A zero input adds nothing to the forward pass and has a zero gradient, so
/// leaving it out is exact, not an approximation.
#[derive(Clone, Copy, Debug)]
pub struct Lit<'a> {
    index: &'a [u16],
    value: &'a [f32],
}

impl<'a> Lit<'a> {
    /// Input `index[n]` has the value `value[n]`, all others are zero.
    ///
    /// # Panics
    /// If the two differ in length. In debug builds, if `index` is not strictly ascending.
    #[inline]
    pub fn new(index: &'a [u16], value: &'a [f32]) -> Self {
        assert_eq!(index.len(), value.len(), "a lit pixel is an index and a value");
        debug_assert!(index.is_sorted_by(|a, b| a < b), "lit pixels are strictly ascending");
        Self { index, value }
    }

    /// Input numbers, strictly ascending.
    #[inline(always)]
    pub fn index(&self) -> &'a [u16] {
        self.index
    }

    /// Input values, in the order of [`index`](Self::index).
    #[inline(always)]
    pub fn value(&self) -> &'a [f32] {
        self.value
    }

    /// How many inputs are lit.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether every input is dark.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_dark_if_no_pixel_is_lit() {
        assert!(Lit::new(&[], &[]).is_empty());
        // A pixel counts as lit because it is listed, whatever its number.
        assert!(!Lit::new(&[0], &[0.5]).is_empty());
    }
}
