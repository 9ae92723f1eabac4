//! A saved model with what its file says of its origin: what it takes to use it as it was trained.

use super::checkpoint::Checkpoint;
use super::images::Inputs;
use super::model;
use super::network::Network;
use crate::data::Dataset;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// A network from a file, and what that file says of it. What it does not say, or says in no way that we know, is `None`:
/// other programs write no such thing.
#[derive(Clone, Debug)]
pub struct Saved {
    /// The file.
    pub path: PathBuf,
    /// The network.
    pub network: Network,
    /// How grey levels became its inputs.
    pub inputs: Option<Inputs>,
    /// What its outputs were to be: (others, right).
    pub one_hot: Option<(f64, f64)>,
    /// The name of the data set that it was trained on.
    pub data: Option<String>,
    /// The names of its classes, one for each output.
    pub classes: Option<Vec<String>>,
}

impl Saved {
    /// Reads the model in `path`.
    ///
    /// # Errors
    /// [`Error::Read`] if the file can't be read; [`Error::Data`] if it is not a safetensors file, holds no such network, or is a
    /// checkpoint that is not as it was written.
    pub fn load(path: &Path) -> Result<Self> {
        Self::from_bytes(path, &model::read(path, model::LOAD_CURE)?)
    }

    /// The same from the bytes of a file, which errors call `path`.
    ///
    /// # Errors
    /// [`Error::Data`] as [`load`](Self::load).
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self> {
        let network =
            model::from_bytes(bytes).map_err(|problem| Error::data(path, problem, model::LOAD_CURE))?;
        Checkpoint::check(bytes)
            .map_err(|problem| Error::data(path, problem, "give a file that is as it was written"))?;
        let origin = model::origin(bytes).unwrap_or_default();
        let inputs = || origin["config"]["inputs"].as_str()?.parse().ok();
        let one_hot = || {
            let [low, high] = &origin["config"]["one_hot"].as_array()?[..] else { return None };
            low.as_f64().zip(high.as_f64())
        };
        let classes = || -> Option<Vec<String>> {
            let names = origin["classes"].as_array()?.iter();
            let names: Vec<String> =
                names.map(|name| name.as_str().map(str::to_owned)).collect::<Option<_>>()?;
            (names.len() == network.outputs()).then_some(names)
        };
        Ok(Self {
            path: path.to_owned(),
            inputs: inputs(),
            one_hot: one_hot(),
            data: origin["data"].as_str().map(str::to_owned),
            classes: classes(),
            network,
        })
    }

    /// Whether the network has the inputs and classes of `data`.
    ///
    /// # Errors
    /// [`Error::Data`] if not.
    pub fn check_fits(&self, data: &Dataset) -> Result<()> {
        let (inputs, outputs) = (self.network.inputs(), self.network.outputs());
        if (inputs, outputs) == (data.inputs, data.classes) {
            return Ok(());
        }
        let problem = format!(
            "a network of {inputs} inputs and {outputs} outputs, but {} has {} and {}",
            data.name, data.inputs, data.classes
        );
        Err(Error::data(
            &self.path,
            problem,
            "give a network for this data set, or --data the set that it is for",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::settings::Init;
    use serde_json::{Value, json};

    fn saved(origin: Value) -> Saved {
        let network = Network::draw(4, 3, 2, Init::FanIn, 1);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net");
        model::save(&path, &network, origin).unwrap();
        let saved = Saved::load(&path).unwrap();
        assert_eq!((&saved.network, &saved.path), (&network, &path));
        saved
    }

    #[test]
    fn a_file_says_how_it_was_trained() {
        let saved = saved(json!({
            "data": "letters",
            "config": { "inputs": "offset", "one_hot": [0.01, 0.99] },
            "classes": ["a", "b"],
        }));
        assert_eq!((saved.inputs, saved.one_hot), (Some(Inputs::Offset), Some((0.01, 0.99))));
        assert_eq!(saved.data.as_deref(), Some("letters"));
        assert_eq!(saved.classes, Some(vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn a_network_fits_data_of_its_inputs_and_classes_alone() {
        let pixels = |inputs: usize| vec![9; 2 * inputs];
        let data = |height, labels: &[u8]| {
            let pixels = pixels(2 * height);
            Dataset::from_arrays("d", (height, 2), (&pixels, labels), (&pixels, labels)).unwrap()
        };
        let saved = saved(json!(null));
        assert!(saved.check_fits(&data(2, &[0, 1])).is_ok());
        for (other, has) in [(data(3, &[0, 1]), "6 and 2"), (data(2, &[0, 2]), "4 and 3")] {
            let told = format!(
                "{}: a network of 4 inputs and 2 outputs, but d has {has}; give a network for this data set, or --data \
                 the set that it is for",
                saved.path.display()
            );
            assert_eq!(saved.check_fits(&other).unwrap_err().to_string(), told);
        }
    }

    #[test]
    fn what_it_does_not_say_is_not_made_up() {
        for origin in [
            json!(null),
            json!("text"),
            json!([1]),
            json!({ "config": { "inputs": "raw", "one_hot": [1], "data": 3 }, "classes": ["a"] }),
            json!({ "config": [], "data": {}, "classes": ["a", 2] }),
        ] {
            let Saved { inputs, one_hot, data, classes, .. } = saved(origin);
            assert_eq!((inputs, one_hot, data, classes), (None, None, None, None));
        }
        let tensors =
            [("a", safetensors::tensor::TensorView::new(safetensors::Dtype::U8, vec![1], &[7]).unwrap())];
        assert_eq!(model::origin(&safetensors::serialize(tensors, None).unwrap()), None);
    }
}
