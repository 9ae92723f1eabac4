//! The tables that the tests run over, the numbers that they fill their arguments with, and views of vectors.

use dlr_kernels::lanes::{f32xN, vectors};
use dlr_kernels::panel::Panel;

/// How many [`widths`] there are.
pub const ALL_WIDTHS: usize = 40 + 9 + 10 + 3;

/// Hidden units: every number of lanes in the last of some vectors of eight or sixteen, around more of them, the edges of
/// their tiles, which are sixteen vectors wide, and rows of many tiles.
pub fn widths() -> impl Iterator<Item = usize> {
    let vectors = [47, 48, 49, 63, 64, 65, 79, 80, 81];
    let tiles = [127, 128, 129, 136, 137, 255, 256, 257, 272, 273];
    (1..=40).chain(vectors).chain(tiles).chain([300, 1000, 4096])
}

/// Which pixels of an image are lit.
#[derive(Clone, Copy, Debug)]
pub enum Lighting {
    None,
    OnePixel,
    /// 0.19 of them, as in MNIST.
    Fifth,
    All,
}

pub const LIGHTINGS: [Lighting; 4] = [Lighting::None, Lighting::OnePixel, Lighting::Fifth, Lighting::All];

/// Steele's SplitMix64.
pub struct Numbers(pub u64);

impl Numbers {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to n - 1.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    /// In (0, 1], of 24 random bits.
    pub fn unit(&mut self) -> f32 {
        ((self.bits() >> 40) + 1) as f32 / 16_777_216.0
    }

    /// One of 255 grey levels, in (0, 1].
    pub fn grey(&mut self) -> f32 {
        (self.below(255) + 1) as f32 / 255.0
    }

    /// In (-1, 1].
    pub fn signed(&mut self) -> f32 {
        2.0 * self.unit() - 1.0
    }

    /// A whole number from -4 to 4.
    pub fn integer(&mut self) -> f32 {
        self.below(9) as f32 - 4.0
    }

    /// A whole number from 1 to 4.
    pub fn positive(&mut self) -> f32 {
        self.below(4) as f32 + 1.0
    }

    /// An image whose lit pixels come from `value`.
    pub fn image(&mut self, inputs: usize, lighting: Lighting, value: fn(&mut Self) -> f32) -> Vec<f32> {
        let one = self.below(inputs);
        let mut pixel = |j| {
            let lit = match lighting {
                Lighting::None => false,
                Lighting::OnePixel => j == one,
                Lighting::Fifth => self.unit() < 0.19,
                Lighting::All => true,
            };
            if lit { value(self) } else { 0.0 }
        };
        (0..inputs).map(&mut pixel).collect()
    }
}

/// Room for `width` numbers that must all be written before they are read.
pub fn unwritten(width: usize) -> Vec<f32xN> {
    vec![f32xN::splat(f32::NAN); vectors(width)]
}

/// A panel that must be written, padding included, before it is read.
pub fn unwritten_panel(rows: usize, width: usize) -> Panel {
    let mut panel = Panel::zeros(rows, width);
    panel.as_vectors_mut().fill(f32xN::splat(f32::NAN));
    panel
}

/// `width` numbers in whole vectors, the rest zero.
pub fn padded(width: usize, mut value: impl FnMut() -> f32) -> Vec<f32xN> {
    Panel::from_fn(1, width, |_, _| value()).as_vectors().to_vec()
}

/// The lanes of vectors one after another, padding included.
pub fn plain(vectors: &[f32xN]) -> &[f32] {
    bytemuck::cast_slice(vectors)
}

/// What tells 0 from -0, and one NaN from another.
pub fn bits(numbers: &[f32]) -> &[u32] {
    bytemuck::cast_slice(numbers)
}
