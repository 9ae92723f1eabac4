//! Groups of four inputs, by which images that go [together](crate::lighters) are read.
//!
//! ```text
//! images of 5 columns     0 0 1 1 2        inputs in no such order     0 0 0 0 1 1 1 1 2 2
//!                         0 0 1 1 2
//!                         3 3 4 4 5
//! ```
//!
//! Those of an image are squares of two by two pixels: a stroke that lights a pixel lights others on all sides of it. MNIST's
//! images light 150 pixels in 50 squares, or in 56 groups of four pixels of a row; groups that were put together by how often
//! pixels of MNIST are lit together came to as many as squares. At an edge, a square may have fewer.
//!
//! Which inputs a group has is looked up, not computed: it comes between two groups, and what comes there is waited for.

use std::sync::Arc;

/// Inputs that are taken together. Of two, there would be 87 groups for an image of MNIST instead of 50, with sums loaded and
/// stored for each; six would be multiplied 224 times instead of 200.
pub const GROUP: usize = 4;

/// Which inputs are taken together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// The inputs of each group, ascending, and `NONE` for what is missing of four.
    members: Arc<[[u16; GROUP]]>,
    /// Of every input.
    group_of: Arc<[u16]>,
    band: usize,
}

/// No input: there are fewer.
const NONE: u16 = u16::MAX;

/// There are fewer groups: what is in them is numbered by 16 bits, and nothing has the number of `NONE`.
const GROUPS: usize = 1 << 14;

impl Groups {
    /// Those of images of so many pixels, row by row.
    ///
    /// # Panics
    /// If that is 2^14 groups or more.
    pub fn of_images(rows: usize, columns: usize) -> Self {
        if rows.min(columns) < 2 {
            return Self::of_inputs(rows * columns);
        }
        let groups = rows.div_ceil(2).checked_mul(columns.div_ceil(2));
        assert!(
            groups.is_some_and(|groups| groups < GROUPS),
            "too many groups in images of {rows} x {columns}"
        );
        let square = |row: usize, column: usize| {
            let pixels = (row..rows.min(row + 2))
                .flat_map(move |row| (column..columns.min(column + 2)).map(move |column| (row, column)));
            pixels.map(move |(row, column)| row * columns + column)
        };
        let row_of_squares = |row| (0..columns).step_by(2).map(move |column| square(row, column));
        Self::new(rows * columns, (0..rows).step_by(2).flat_map(row_of_squares), 2 * columns)
    }

    /// Those of inputs that are no image: each has the next four.
    ///
    /// # Panics
    /// If that is 2^14 groups or more.
    pub fn of_inputs(inputs: usize) -> Self {
        assert!(inputs.div_ceil(GROUP) < GROUPS, "too many groups of {inputs} inputs");
        let four = |first| first..inputs.min(first + GROUP);
        Self::new(inputs, (0..inputs).step_by(GROUP).map(four), GROUP)
    }

    fn new(inputs: usize, members: impl Iterator<Item = impl Iterator<Item = usize>>, band: usize) -> Self {
        let four = |inputs| {
            let mut four = [NONE; GROUP];
            four.iter_mut().zip(inputs).for_each(|(member, input)| *member = input as u16);
            four
        };
        let members: Arc<[[u16; GROUP]]> = members.map(four).collect();
        let mut group_of = vec![0; inputs];
        for (group, members) in (0..).zip(&*members) {
            members
                .iter()
                .filter(|&&input| input != NONE)
                .for_each(|&input| group_of[usize::from(input)] = group);
        }
        Self { members, group_of: group_of.into(), band }
    }

    /// How many inputs there are.
    pub fn inputs(&self) -> usize {
        self.group_of.len()
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The inputs from a multiple of this to the next have groups of their own: two rows of an image.
    pub fn band(&self) -> usize {
        self.band
    }

    /// The inputs of a group, ascending; at an edge there may be fewer than four.
    ///
    /// # Panics
    /// If there is no such group.
    #[inline(always)]
    pub fn inputs_of(&self, group: usize) -> &[u16] {
        let inputs = &self.members[group];
        &inputs[..inputs.iter().position(|&input| input == NONE).unwrap_or(GROUP)]
    }

    /// The inputs of a group, ascending, and `None` for those that are not there.
    #[inline(always)]
    pub(crate) fn members(&self, group: usize) -> [Option<usize>; GROUP] {
        self.members[group].map(|input| (input != NONE).then_some(usize::from(input)))
    }

    /// Where the rows of a group's inputs begin in `rows`, of which every input has one of `width`; `None` for inputs that are not
    /// there.
    #[inline(always)]
    pub(crate) fn rows_of<'a, T>(
        &self,
        group: usize,
        rows: &'a [T],
        width: usize,
    ) -> [Option<&'a [T]>; GROUP] {
        self.members[group].map(|input| rows.get(usize::from(input) * width..))
    }

    /// The group of an input.
    #[inline(always)]
    pub(crate) fn group_of(&self, input: usize) -> usize {
        self.group_of[input].into()
    }

    /// The groups of which an image lights any input: their numbers, ascending, and the grey levels of their inputs, 0 for
    /// those that are not there.
    ///
    /// # Panics
    /// If the image has other inputs.
    pub fn lit_in(&self, image: &[u8]) -> impl Iterator<Item = (u16, [u8; GROUP])> {
        assert_eq!(image.len(), self.inputs(), "a grey level for each input");
        let grey = |input: u16| image.get(usize::from(input)).copied().unwrap_or(0);
        let greys = self.members.iter().map(move |inputs| inputs.map(grey));
        (0..).zip(greys).filter(|&(_, greys)| greys != [0; GROUP])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The group of every input.
    fn groups(groups: &Groups) -> Vec<usize> {
        let mut of = vec![usize::MAX; groups.inputs()];
        for group in 0..groups.len() {
            let inputs = groups.inputs_of(group);
            assert!(!inputs.is_empty() && inputs.is_sorted(), "{inputs:?}");
            for input in inputs.iter().copied().map(usize::from) {
                assert_eq!(of[input], usize::MAX, "{input} twice");
                of[input] = group;
                assert_eq!(groups.group_of(input), group, "of input {input}");
            }
        }
        let bands: Vec<_> = of.chunks(groups.band()).collect();
        for pair in bands.windows(2) {
            assert!(pair[0].iter().max() < pair[1].iter().min(), "{pair:?} share no group");
        }
        of
    }

    #[test]
    fn squares_of_an_image() {
        assert_eq!(groups(&Groups::of_images(2, 4)), [0, 0, 1, 1, 0, 0, 1, 1]);
        let image = Groups::of_images(3, 5);
        assert_eq!(groups(&image), [0, 0, 1, 1, 2, 0, 0, 1, 1, 2, 3, 3, 4, 4, 5]);
        assert_eq!([2, 3, 5].map(|group| image.inputs_of(group)), [&[4, 9][..], &[10, 11], &[14]]);
        let image = Groups::of_images(28, 28);
        assert_eq!((groups(&image).len(), image.len(), image.band()), (784, 196, 56));
    }

    #[test]
    fn there_are_no_more_than_can_be_numbered() {
        assert_eq!(groups(&Groups::of_inputs(GROUP * (GROUPS - 1))).len(), 65_532);
        assert_eq!(groups(&Groups::of_images(3, GROUPS - 2)).len(), 3 * (GROUPS - 2));
        let refused: [fn() -> Groups; 5] = [
            || Groups::of_inputs(GROUP * (GROUPS - 1) + 1),
            || Groups::of_images(1, usize::MAX),
            || Groups::of_images(3, GROUPS),
            || Groups::of_images(2, usize::MAX),
            || Groups::of_images(1 << 63, 4),
        ];
        for groups in refused {
            assert!(std::panic::catch_unwind(groups).is_err());
        }
    }

    #[test]
    fn four_after_four_where_there_is_no_image() {
        for inputs in 0..=9 {
            let want: Vec<usize> = (0..inputs).map(|input| input / 4).collect();
            for one in [Groups::of_inputs(inputs), Groups::of_images(1, inputs), Groups::of_images(inputs, 1)]
            {
                assert_eq!(groups(&one), want);
                assert_eq!((one.len(), one.is_empty(), one.band()), (inputs.div_ceil(4), inputs == 0, 4));
            }
        }
    }

    #[test]
    fn rows_of_a_group() {
        let rows: Vec<usize> = (0..9 * 3).collect();
        let image = Groups::of_images(3, 3);
        assert_eq!(image.rows_of(0, &rows, 3), [0, 3, 9, 12].map(|at| Some(&rows[at..])));
        assert_eq!(image.rows_of(1, &rows, 3), [Some(&rows[6..]), Some(&rows[15..]), None, None]);
        assert_eq!(image.rows_of(3, &rows, 3), [Some(&rows[24..]), None, None, None]);
    }

    #[test]
    fn what_an_image_lights() {
        let image = [1, 2, 3, 0, 0, 6, 0, 0, 9];
        let lit: Vec<_> = Groups::of_images(3, 3).lit_in(&image).collect();
        assert_eq!(lit, [(0, [1, 2, 0, 0]), (1, [3, 6, 0, 0]), (3, [9, 0, 0, 0])]);
        let lit: Vec<_> = Groups::of_inputs(9).lit_in(&image).collect();
        assert_eq!(lit, [(0, [1, 2, 3, 0]), (1, [0, 6, 0, 0]), (2, [9, 0, 0, 0])]);
    }
}
