//! The in-process baseline: what a competent Rust programmer writes and lets the compiler vectorise. Dense, f32, with
//! `W1` [inputs][H] and `W2` [outputs][H] so that every loop runs along the hidden units.

/// The rules that the baseline knows.
#[derive(Clone, Copy)]
pub enum Rule {
    Sgd {
        lr: f32,
    },
    /// Eq. 1.
    Dlr {
        lr: f32,
        alpha: f32,
    },
    Nesterov {
        lr: f32,
        momentum: f32,
    },
    Adam {
        lr: f32,
        beta1: f32,
        beta2: f32,
        epsilon: f32,
    },
}

pub struct Plain {
    hidden: usize,
    rule: Rule,
    step: i32,
    pub first: Vec<f32>,
    pub second: Vec<f32>,
    memory: [Vec<f32>; 4],
}

fn logistic(z: f32) -> f32 {
    1.0 / (1.0 + (-z).exp())
}

impl Plain {
    pub fn new(hidden: usize, rule: Rule, first: Vec<f32>, second: Vec<f32>) -> Self {
        let memory = [first.len(), first.len(), second.len(), second.len()].map(|n| vec![0.0; n]);
        Self { hidden, rule, step: 0, first, second, memory }
    }

    /// One online step on the image `x` [inputs].
    pub fn learn(&mut self, x: &[f32], label: usize) {
        let n = self.hidden;
        let mut h = vec![0.0; n];
        for (row, &x) in self.first.chunks_exact(n).zip(x) {
            for (h, w) in h.iter_mut().zip(row) {
                *h += x * w;
            }
        }
        h.iter_mut().for_each(|h| *h = logistic(*h));
        let mut d1 = vec![0.0; n];
        let mut d2 = Vec::new();
        for (k, row) in self.second.chunks_exact(n).enumerate() {
            let y = logistic(dot(row, &h));
            let d = (y - f32::from(u8::from(k == label))) * y * (1.0 - y);
            d1.iter_mut().zip(row).for_each(|(d1, w)| *d1 += d * w);
            d2.push(d);
        }
        d1.iter_mut().zip(&h).for_each(|(d1, h)| *d1 *= h * (1.0 - h));

        self.step += 1;
        let [m1, v1, m2, v2] = &mut self.memory;
        // Eq. 1's norms are those of a row of W1 and of a column of W2.
        let by_column = matches!(self.rule, Rule::Dlr { .. }).then(|| {
            let mut columns = vec![0.0_f32; n];
            for row in self.second.chunks_exact(n) {
                columns.iter_mut().zip(row).for_each(|(sum, w)| *sum += w * w);
            }
            columns.iter_mut().for_each(|sum| *sum = sum.sqrt());
            columns
        });
        update(self.rule, self.step, &mut self.second, m2, v2, &d2, &h, by_column.as_deref());
        update(self.rule, self.step, &mut self.first, m1, v1, x, &d1, None);
    }
}

/// In several sums, since the compiler may not reorder a single one.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const SUMS: usize = 16;
    let (a, last_a) = a.as_chunks::<SUMS>();
    let (b, last_b) = b.as_chunks::<SUMS>();
    let mut sums = [0.0; SUMS];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + last_a.iter().zip(last_b).map(|(a, b)| a * b).sum::<f32>()
}

/// w <- rule(w, a b^T), for DLR with the given norms of columns, or else those of rows.
#[allow(clippy::too_many_arguments)]
fn update(
    rule: Rule,
    step: i32,
    w: &mut [f32],
    m: &mut [f32],
    v: &mut [f32],
    a: &[f32],
    b: &[f32],
    norms: Option<&[f32]>,
) {
    let n = b.len();
    let rows = w.chunks_exact_mut(n).zip(m.chunks_exact_mut(n)).zip(v.chunks_exact_mut(n)).zip(a);
    for (((w, m), v), &a) in rows {
        match rule {
            Rule::Sgd { lr } => w.iter_mut().zip(b).for_each(|(w, b)| *w -= lr * a * b),
            Rule::Dlr { lr, alpha } => {
                if let Some(norms) = norms {
                    for ((w, b), norm) in w.iter_mut().zip(b).zip(norms) {
                        *w -= lr * (w.abs() + alpha) / (norm + alpha) * a * b;
                    }
                } else {
                    let norm = dot(w, w).sqrt();
                    let rate = lr / (norm + alpha) * a;
                    w.iter_mut().zip(b).for_each(|(w, b)| *w -= (w.abs() + alpha) * rate * b);
                }
            }
            Rule::Nesterov { lr, momentum } => {
                for ((w, v), b) in w.iter_mut().zip(v).zip(b) {
                    *v = momentum * *v + a * b;
                    *w -= lr * (a * b + momentum * *v);
                }
            }
            Rule::Adam { lr, beta1, beta2, epsilon } => {
                let (c1, c2) = (1.0 - beta1.powi(step), 1.0 - beta2.powi(step));
                for (((w, m), v), b) in w.iter_mut().zip(m).zip(v).zip(b) {
                    let g = a * b;
                    *m = beta1 * *m + (1.0 - beta1) * g;
                    *v = beta2 * *v + (1.0 - beta2) * g * g;
                    *w -= lr * (*m / c1) / ((*v / c2).sqrt() + epsilon);
                }
            }
        }
    }
}
