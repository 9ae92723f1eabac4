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
        let [none, one, two] = [0, 1, 2].map(|n| Lit::new(&[0, 7][..n], &[0.5, 0.25][..n]));
        assert_eq!(
            [none, one, two].map(|lit| (lit.len(), lit.is_empty())),
            [(0, true), (1, false), (2, false)]
        );
    }
}
