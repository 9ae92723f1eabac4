//! Updates that wait until their rows are read.

use crate::forward::Rows;
use crate::lanes::{REGISTERS, TILE, f32xN, fours};
use crate::lit::Lit;
use crate::rule::{Norms, Rule};
use wide::f32x8;

/// Updates that wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    /// The deltas of the last images, `[IMAGES][Hp]`.
    deltas: Vec<f32xN>,
    /// How many of them there are.
    images: usize,
    /// What each row waits for.
    rows: Vec<Step>,
}

/// What a row waits for: these deltas, times that.
#[derive(Clone, Copy, Debug)]
struct Step {
    factor: f32,
    image: u32,
}

impl Step {
    const NONE: Self = Self { factor: 0.0, image: 0 };
}

impl Waiting {
    pub(crate) const IMAGES: usize = 128;

    pub(crate) fn new(rows: usize, vectors: usize) -> Self {
        Self { deltas: vec![f32xN::ZERO; (1 + Self::IMAGES) * vectors], images: 0, rows: vec![Step::NONE; rows] }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.images == Self::IMAGES
    }

    pub(crate) fn any(&self) -> bool {
        self.images > 0
    }

    /// Puts the update of an image off.
    #[inline(always)]
    pub(crate) fn put_off(&mut self, lit: Lit, uniform: f32, rates: Option<&[f32]>, deltas: &[f32xN]) {
        let (image, n) = (self.images + 1, deltas.len());
        self.deltas[image * n..][..n].copy_from_slice(deltas);
        self.images += 1;
        let image = image as u32;
        let lit_pixels = lit.index().iter().zip(lit.value());
        match rates {
            None => {
                for (&j, &x) in lit_pixels {
                    self.rows[usize::from(j)] = Step { factor: x * uniform, image };
                }
            }
            Some(rates) => {
                for ((&j, &x), &rate) in lit_pixels.zip(rates) {
                    self.rows[usize::from(j)] = Step { factor: x * rate, image };
                }
            }
        }
    }

    /// Makes all that wait.
    pub(crate) fn make<R: Rule>(&mut self, rule: &R, weights: &mut [f32xN], memory: &mut [R::Memory]) {
        let n = self.deltas.len() / (1 + Self::IMAGES);
        let rows = weights.chunks_exact_mut(n).zip(memory.chunks_exact_mut(n));
        for (step, (weights, memory)) in self.rows.iter_mut().zip(rows) {
            if step.image != 0 {
                let factor = f32xN::splat(step.factor);
                let deltas = &self.deltas[step.image as usize * n..][..n];
                for ((w, memory), &delta) in weights.iter_mut().zip(memory).zip(deltas) {
                    *w = rule.step(*w, factor, delta, memory);
                }
                *step = Step::NONE;
            }
        }
        self.images = 0;
    }
}

/// Rows that are updated when they are read.
pub(crate) struct Late<'a, R: Rule> {
    pub(crate) rule: R,
    pub(crate) waiting: &'a Waiting,
    pub(crate) vectors: usize,
    pub(crate) weights: &'a mut [f32xN],
    pub(crate) memory: &'a mut [R::Memory],
    pub(crate) squares: &'a mut [f32x8],
}

#[inline(always)]
fn made<R: Rule, const T: usize>(
    rule: &R,
    factor: f32,
    deltas: &[f32xN; T],
    weights: &mut [f32xN; T],
    memory: &mut [R::Memory; T],
) -> [f32xN; T] {
    let factor = f32xN::splat(factor);
    for v in 0..T {
        weights[v] = rule.step(weights[v], factor, deltas[v], &mut memory[v]);
    }
    *weights
}

impl<R: Rule> Rows for Late<'_, R> {
    const WIDEST: usize = if REGISTERS > 16 { TILE } else { 8 };
    const UNROLLED: usize = 0;

    #[inline(always)]
    fn whole<const T: usize>(&mut self, row: usize) -> [f32xN; T] {
        let step = self.waiting.rows[row];
        let weights = &mut self.weights.as_chunks_mut().0[row];
        let memory = &mut self.memory.as_chunks_mut().0[row];
        let deltas = &self.waiting.deltas.as_chunks().0[step.image as usize];
        made(&self.rule, step.factor, deltas, weights, memory)
    }

    #[inline(always)]
    fn part<const T: usize>(&mut self, row: usize, first: usize) -> [f32xN; T] {
        let step = self.waiting.rows[row];
        let (at, within) = (row * self.vectors + first, "a lit pixel has a row");
        let weights = self.weights[at..].first_chunk_mut().expect(within);
        let memory = self.memory[at..].first_chunk_mut().expect(within);
        let deltas = &self.waiting.deltas[step.image as usize * self.vectors + first..];
        made(&self.rule, step.factor, deltas.first_chunk().expect(within), weights, memory)
    }

    #[inline(always)]
    fn note(&self, weights: f32xN) -> f32xN {
        if R::NORMS == Norms::OfRows { weights * weights } else { f32xN::ZERO }
    }

    #[inline(always)]
    fn add_note(&self, so_far: f32xN, weights: f32xN) -> f32xN {
        if R::NORMS == Norms::OfRows { weights.mul_add(weights, so_far) } else { so_far }
    }

    #[inline(always)]
    fn keep(&mut self, n: usize, notes: [f32xN; 4], first: usize) {
        if R::NORMS == Norms::OfRows {
            let (sums, before) = (fours(notes), self.squares[n]);
            self.squares[n] = if first == 0 { sums } else { before + sums };
        }
    }
}
