//! Weights in safetensors files, named and shaped as PyTorch's
//! `nn.Sequential(Linear(784, H, bias=False), Sigmoid(), Linear(H, 10, bias=False), Sigmoid())` has them: `0.weight`
//! `[H, inputs]` and `2.weight` `[outputs, H]`.

use super::network::{MAX_HIDDEN, Network, little_endian};
use crate::data::idx::MAX_INPUTS;
use crate::error::{Error, Result};
use crate::files;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

const FIRST: &str = "0.weight";
const SECOND: &str = "2.weight";
/// What to do where a model can't be written.
const SAVE_CURE: &str = "give --save a file in a folder that can be written";
/// No model of ours is larger: 4096 inputs, 4096 hidden units, 256 outputs, and a header.
const MAX_BYTES: u64 = 4 * (4096 * 4096 + 256 * 4096) + (1 << 20);

/// Writes a network to `path`, [in whole or not at all](files::write()). `origin` goes into the file's metadata, under "dlr".
///
/// # Errors
/// [`Error::Write`] if the folder can't be written to or the disk is full.
pub fn save(path: &Path, network: &Network, origin: serde_json::Value) -> Result<()> {
    files::write(path, &to_bytes(network, &origin), SAVE_CURE)
}

/// Whether [`save`] could write to `path` now: to be asked before a long training rather than after it.
///
/// # Errors
/// [`Error::Write`] if not.
pub fn check_place(path: &Path) -> Result<()> {
    files::check_place(path, SAVE_CURE)
}

fn to_bytes(network: &Network, origin: &serde_json::Value) -> Vec<u8> {
    let (inputs, hidden, outputs) = (network.inputs(), network.hidden(), network.outputs());
    let [first, second] = network.to_torch().map(|matrix| little_endian(&matrix));
    let view = |shape: [usize; 2], bytes| {
        TensorView::new(Dtype::F32, shape.to_vec(), bytes)
            .expect("a matrix has as many numbers as its shape says")
    };
    let tensors = [(FIRST, view([hidden, inputs], &first)), (SECOND, view([outputs, hidden], &second))];
    // One entry only: several would be written in a different order every time.
    let metadata = HashMap::from([("dlr".to_owned(), origin.to_string())]);
    safetensors::serialize(tensors, Some(metadata)).expect("two named matrices can be serialized")
}

/// Reads a network from `path`.
///
/// # Errors
/// [`Error::Read`] if the file can't be read; [`Error::Data`] if it is not a safetensors file or holds another network.
pub fn load(path: &Path) -> Result<Network> {
    let failed = |source| Error::Read {
        path: path.to_owned(),
        source,
        cure: "give --load a file that --save has written",
    };
    let meta = fs::metadata(path).map_err(failed)?;
    let length = meta.len();
    let wrong = |problem: String| {
        let cure =
            format!("give --load a file with {FIRST} [hidden, inputs] and {SECOND} [outputs, hidden] in F32");
        Error::data(path, problem, cure)
    };
    if !meta.is_file() {
        return Err(wrong("not a file".into()));
    }
    if length > MAX_BYTES {
        return Err(wrong(format!("{length} bytes are more than any such network has ({MAX_BYTES})")));
    }
    let bytes = fs::read(path).map_err(failed)?;
    from_bytes(&bytes).map_err(wrong)
}

fn from_bytes(bytes: &[u8]) -> std::result::Result<Network, String> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|error| format!("not a safetensors file ({error})"))?;
    let matrix = |name: &str| -> std::result::Result<([usize; 2], &[u8]), String> {
        let tensor = file.tensor(name).map_err(|_| {
            let mut names = file.names();
            names.sort_unstable();
            format!(
                "no tensor {name}; it has {}",
                if names.is_empty() { "none".into() } else { names.join(", ") }
            )
        })?;
        let &[rows, columns] = tensor.shape() else {
            return Err(format!("{name} has shape {:?}, expected two dimensions", tensor.shape()));
        };
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("{name} holds {:?}, expected F32", tensor.dtype()));
        }
        let mut values = tensor.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
        match values.by_ref().enumerate().find(|(_, x)| !x.is_finite()) {
            Some((place, x)) => Err(format!("{name} holds {x} at place {place}, expected finite numbers")),
            None => Ok(([rows, columns], tensor.data())),
        }
    };
    let ([hidden, inputs], first) = matrix(FIRST)?;
    let ([outputs, incoming], second) = matrix(SECOND)?;
    if incoming != hidden {
        return Err(format!("{SECOND} takes {incoming} hidden units, but {FIRST} makes {hidden}"));
    }
    let limits =
        [("inputs", inputs, MAX_INPUTS), ("hidden units", hidden, MAX_HIDDEN), ("outputs", outputs, 256)];
    if let Some((name, number, most)) =
        limits.into_iter().find(|(_, number, most)| !(1..=*most).contains(number))
    {
        return Err(format!("a network of {number} {name}, expected 1 to {most}"));
    }
    Ok(Network::from_torch(inputs, hidden, outputs, &numbers(first), &numbers(second)))
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}
