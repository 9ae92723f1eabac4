//! Weights in safetensors files, named and shaped as PyTorch's
//! `nn.Sequential(Linear(784, H, bias=False), Sigmoid(), Linear(H, 10, bias=False), Sigmoid())` has them: `0.weight`
//! `[H, inputs]` and `2.weight` `[outputs, H]`; with more hidden layers, `4.weight` and so on.

use super::hidden::{MAX_HIDDEN, MAX_LAYERS};
use super::network::{Matrix, Network, little_endian};
use crate::data::idx::MAX_INPUTS;
use crate::error::{Error, Result};
use crate::files;
use crate::memory;
use crate::text::readable;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// What to do where a model can't be written.
const SAVE_CURE: &str = "give --save a file in a folder that can be written";
/// What to do about a file that holds another model, or none.
pub(super) const LOAD_CURE: &str = "give a file with 0.weight [hidden, inputs], 2.weight [next, hidden] and so on in F32, as --save writes it";
/// The key of our metadata.
const ORIGIN: &str = "dlr";
/// No file of ours is larger: 4096 inputs, 8 layers of 4096 hidden units and 256 outputs; in a checkpoint the weights a second
/// time, two numbers remembered for each, and the order of 2^31 images; and a header.
const MAX_BYTES: u64 = 4 * 4 * (8 * 4096 * 4096 + 256 * 4096) + (8 << 30) + (1 << 26);

/// The longest header, in bytes: far more than the names of some tensors, all settings and a path take. What it says needs
/// many times its length in memory.
const MAX_HEADER: u64 = 1 << 20;

/// The tensor of the weights of layer `number`; between two layers of weights, `nn.Sequential` counts one of units.
fn name(number: usize) -> String {
    format!("{}.weight", 2 * number)
}

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
    serialize(&tensors(network), origin)
}

/// A tensor on its way to a file.
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

/// The weights of all layers.
pub(super) fn tensors(network: &Network) -> Vec<Tensor> {
    let tensor = |(number, matrix): (usize, Matrix)| Tensor {
        name: name(number),
        dtype: Dtype::F32,
        shape: vec![matrix.units, matrix.before],
        bytes: little_endian(&matrix.numbers),
    };
    network.to_torch().into_iter().enumerate().map(tensor).collect()
}

/// The bytes of a file of these tensors, with `origin` in its metadata.
pub(super) fn serialize(tensors: &[Tensor], origin: &serde_json::Value) -> Vec<u8> {
    let tensors = tensors.iter().map(|tensor| {
        let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes);
        (&tensor.name, view.expect("a tensor has as many numbers as its shape says"))
    });
    // One entry only: several would be written in a different order every time.
    let metadata = HashMap::from([(ORIGIN.to_owned(), origin.to_string())]);
    safetensors::serialize(tensors, Some(metadata)).expect("named tensors can be serialized")
}

/// What the metadata of a file say of its origin, if they are ours.
pub(super) fn origin(bytes: &[u8]) -> Option<serde_json::Value> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).ok()?;
    serde_json::from_str(metadata.metadata().as_ref()?.get(ORIGIN)?).ok()
}

/// Reads a network from `path`.
///
/// # Errors
/// [`Error::Read`] if the file can't be read; [`Error::Data`] if it is not a safetensors file or holds another network.
pub fn load(path: &Path) -> Result<Network> {
    from_bytes(&read(path, LOAD_CURE)?).map_err(|problem| Error::data(path, problem, LOAD_CURE))
}

/// The network in the bytes of a file, wherever they come from.
///
/// # Errors
/// What is wrong with them, without the file's name, which the caller adds.
pub fn from_bytes(bytes: &[u8]) -> std::result::Result<Network, String> {
    parse(bytes).and_then(|file| network(&file)).map_err(|problem| readable(&problem))
}

/// The bytes of a model or checkpoint.
pub(super) fn read(path: &Path, cure: &'static str) -> Result<Vec<u8>> {
    let failed = |source| Error::Read { path: path.to_owned(), source, cure };
    let meta = fs::metadata(path).map_err(failed)?;
    if !meta.is_file() {
        return Err(Error::data(path, "not a file", cure)); // a pipe or a device may never end
    }
    if meta.len() > MAX_BYTES {
        let problem = format!("{} bytes are more than any such network has ({MAX_BYTES})", meta.len());
        return Err(Error::data(path, problem, cure));
    }
    memory::attempt(|| fs::read(path)).map_err(failed)
}

/// The tensors in a file's bytes.
pub(super) fn parse(bytes: &[u8]) -> std::result::Result<SafeTensors<'_>, String> {
    let header = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    if header > MAX_HEADER {
        return Err("not a safetensors file (header too large)".to_owned());
    }
    SafeTensors::deserialize(bytes).map_err(|error| format!("not a safetensors file ({error})"))
}

/// The network whose weights are among the tensors of a file.
pub(super) fn network(file: &SafeTensors) -> std::result::Result<Network, String> {
    let mut matrices = vec![matrix(file, 0)?, matrix(file, 1)?];
    while file.tensor(&name(matrices.len())).is_ok() {
        if matrices.len() > MAX_LAYERS {
            return Err(format!("a network of more than {MAX_LAYERS} hidden layers"));
        }
        matrices.push(matrix(file, matrices.len())?);
    }
    // A layer's bias, or what else it may have; a checkpoint's own have other names.
    let is_of_a_layer = |name: &str| name.starts_with(|letter: char| letter.is_ascii_digit());
    let is_weight = |tensor: &str| (0..matrices.len()).any(|number| name(number) == tensor);
    let others = file.names().into_iter().filter(|tensor| is_of_a_layer(tensor) && !is_weight(tensor));
    if let Some(other) = others.min() {
        if other.ends_with(".weight") {
            return Err(format!("no tensor {}; it has {}", name(matrices.len()), listed(file.names())));
        }
        return Err(format!("a network with {}, but here they have weights alone", listed(vec![other])));
    }
    for (number, pair) in (1..).zip(matrices.windows(2)) {
        let (made, taken) = (pair[0].units, pair[1].before);
        if made != taken {
            let (before, after) = (name(number - 1), name(number));
            return Err(format!("{after} takes {taken} hidden units, but {before} makes {made}"));
        }
    }
    let (last, others) = matrices.split_last().expect("there are two or more");
    let hidden = others.iter().map(|layer| ("hidden units", layer.units, MAX_HIDDEN));
    let ends = [("inputs", matrices[0].before, MAX_INPUTS), ("outputs", last.units, 256)];
    match ends.into_iter().chain(hidden).find(|(_, number, most)| !(1..=*most).contains(number)) {
        Some((what, number, most)) => Err(format!("a network of {number} {what}, expected 1 to {most}")),
        None => Ok(Network::from_torch(&matrices)),
    }
}

/// Tensors that an error lists at most, and letters of each of their names.
const LISTED: usize = 8;
const LETTERS: usize = 40;

/// The names of a file's tensors, however many and long they are, and whatever they are made of.
fn listed(mut names: Vec<&str>) -> String {
    names.sort_unstable();
    let told = |name: &&str| {
        let start: String = name.chars().take(LETTERS).collect();
        format!("{}{}", start.escape_debug(), if start.len() < name.len() { "..." } else { "" })
    };
    let first: Vec<_> = names.iter().take(LISTED).map(told).collect();
    match names.len().saturating_sub(LISTED) {
        _ if names.is_empty() => "none".to_owned(),
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// The weights of layer `number`.
fn matrix(file: &SafeTensors, number: usize) -> std::result::Result<Matrix, String> {
    let name = name(number);
    let tensor =
        file.tensor(&name).map_err(|_| format!("no tensor {name}; it has {}", listed(file.names())))?;
    let &[units, before] = tensor.shape() else {
        return Err(format!("{name} has shape {:?}, expected two dimensions", tensor.shape()));
    };
    if tensor.dtype() != Dtype::F32 {
        return Err(format!("{name} holds {:?}, expected F32", tensor.dtype()));
    }
    let numbers: Vec<f32> =
        tensor.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    match numbers.iter().enumerate().find(|(_, x)| !x.is_finite()) {
        Some((place, x)) => Err(format!("{name} holds {x} at place {place}, expected finite numbers")),
        None => Ok(Matrix { units, before, numbers }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::hidden::Hidden;
    use crate::engine::settings::Init;
    use serde_json::json;

    #[test]
    fn a_network_comes_back_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net");
        for hidden in ["3", "3,9,2"] {
            let network = Network::draw(4, hidden.parse::<Hidden>().unwrap(), 2, Init::FanIn, 1);
            check_place(&path).unwrap();
            save(&path, &network, json!({ "data": "d" })).unwrap();
            assert_eq!(load(&path).unwrap(), network);
            assert_eq!(origin(&fs::read(&path).unwrap()), Some(json!({ "data": "d" })));
        }
        let nowhere = folder.path().join("none/net");
        let told = format!("cannot write {}: ", nowhere.display());
        assert!(check_place(&nowhere).unwrap_err().to_string().starts_with(&told));
    }

    #[test]
    fn a_network_with_biases_is_another_one() {
        let mut tensors = tensors(&Network::draw(4, 3, 2, Init::FanIn, 1));
        tensors.push(Tensor {
            name: "0.bias".to_owned(),
            dtype: Dtype::F32,
            shape: vec![3],
            bytes: vec![0; 12],
        });
        let told = from_bytes(&serialize(&tensors, &json!({}))).unwrap_err();
        assert_eq!(told, "a network with 0.bias, but here they have weights alone");
        tensors[2].name = "5.weight".to_owned();
        let told = from_bytes(&serialize(&tensors, &json!({}))).unwrap_err();
        assert_eq!(told, "no tensor 4.weight; it has 0.weight, 2.weight, 5.weight");
        tensors[2].name = "state.0.weights".to_owned();
        assert!(from_bytes(&serialize(&tensors, &json!({}))).is_ok());
    }

    /// It is not even read: a device never ends, and memory may.
    #[test]
    fn what_can_be_no_network_is_refused_by_its_looks() {
        let folder = tempfile::tempdir().unwrap();
        let large = folder.path().join("large");
        // A hole, of which nothing is on the disk.
        fs::File::create(&large).unwrap().set_len(10_821_304_321).unwrap();
        let too_large = "10821304321 bytes are more than any such network has (10821304320)";
        for (path, problem) in [(&*large, too_large), (Path::new("/dev/zero"), "not a file")] {
            let told = format!("{}: {problem}; {LOAD_CURE}", path.display());
            assert_eq!(load(path).unwrap_err().to_string(), told);
        }
    }
}
