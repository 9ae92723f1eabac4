//! stand-in
#![allow(missing_docs)]
#[derive(Clone, Copy, Debug)]
pub enum Scale {
    Log,
    LogOfComplement,
}
#[derive(Clone, Debug)]
pub struct Dimension {
    pub name: &'static str,
    pub low: f64,
    pub high: f64,
    pub scale: Scale,
}
#[derive(Clone, Debug)]
pub struct Space(pub Vec<Dimension>);
pub struct Seen;
impl Space {
    pub fn values(&self, p: &[f64]) -> Vec<f64> {
        self.0.iter().zip(p).map(|(d, u)| d.low * (d.high / d.low).powf(*u)).collect()
    }
}
pub fn tpe(space: &Space, seen: &[Seen], n: usize, _: u64) -> Vec<Vec<f64>> {
    (seen.len()..seen.len() + n)
        .map(|i| {
            space
                .0
                .iter()
                .enumerate()
                .map(|(d, _)| (0.5 + (i as f64 + 1.0) * [0.7548776662, 0.5698402909, 0.31][d]).fract())
                .collect()
        })
        .collect()
}
