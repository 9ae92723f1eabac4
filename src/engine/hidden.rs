//! How many units each hidden layer has.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The most units that a hidden layer may have.
pub const MAX_HIDDEN: usize = 4096;
/// The most hidden layers that a network may have.
pub const MAX_LAYERS: usize = 8;

/// The numbers of units in the hidden layers, from the inputs to the outputs: one layer or more. In text, numbers with
/// commas between; in records, a number, or a list where there are several.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hidden(Vec<usize>);

impl Hidden {
    /// The layers with so many units each.
    ///
    /// # Errors
    /// What is expected, if there is no layer or more than [`MAX_LAYERS`], or one without units or with more than
    /// [`MAX_HIDDEN`].
    pub fn new(layers: Vec<usize>) -> Result<Self, String> {
        let fits = (1..=MAX_LAYERS).contains(&layers.len())
            && layers.iter().all(|units| (1..=MAX_HIDDEN).contains(units));
        if fits {
            return Ok(Self(layers));
        }
        Err(format!(
            "expected a whole number from 1 to {MAX_HIDDEN}, or up to {MAX_LAYERS} with commas between"
        ))
    }

    /// Units of the first hidden layer.
    pub fn first(&self) -> usize {
        self.0[0]
    }

    /// Units of the last hidden layer.
    pub fn last(&self) -> usize {
        self.0[self.0.len() - 1]
    }

    /// Units of each layer.
    pub fn layers(&self) -> &[usize] {
        &self.0
    }

    /// The layers between two hidden ones, by the numbers of units before and after them.
    pub fn inner(&self) -> impl Iterator<Item = (usize, usize)> {
        self.0.windows(2).map(|pair| (pair[0], pair[1]))
    }

    /// The numbers of all units between so many inputs and outputs, these included.
    pub fn with_ends(&self, inputs: usize, outputs: usize) -> Vec<usize> {
        [&[inputs][..], &self.0, &[outputs]].concat()
    }

    /// The same in words: 784-100-50-10.
    pub fn between(&self, inputs: usize, outputs: usize) -> String {
        self.with_ends(inputs, outputs).iter().map(usize::to_string).collect::<Vec<_>>().join("-")
    }
}

/// One hidden layer.
///
/// # Panics
/// If it has no units, or more than [`MAX_HIDDEN`].
impl From<usize> for Hidden {
    fn from(units: usize) -> Self {
        Self::new(vec![units]).unwrap_or_else(|expected| panic!("{units} hidden units: {expected}"))
    }
}

impl From<&Hidden> for Hidden {
    fn from(hidden: &Hidden) -> Self {
        hidden.clone()
    }
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0.iter().map(usize::to_string).collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Hidden {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // What is no number has no units, which is refused in the same words.
        Self::new(text.split(',').map(|units| units.parse().unwrap_or(0)).collect())
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0[..] {
            [units] => units.serialize(serializer),
            _ => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            One(usize),
            Several(Vec<usize>),
        }
        let layers = match Form::deserialize(deserializer)? {
            Form::One(units) => vec![units],
            Form::Several(layers) => layers,
        };
        Self::new(layers).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_records_come_back() {
        for (text, json) in
            [("30", "30"), ("100,50", "[100,50]"), ("4096,1,2,3,4,5,6,7", "[4096,1,2,3,4,5,6,7]")]
        {
            let hidden: Hidden = text.parse().unwrap();
            assert_eq!(hidden.to_string(), text);
            assert_eq!(serde_json::to_string(&hidden).unwrap(), json);
            assert_eq!(serde_json::from_str::<Hidden>(json).unwrap(), hidden);
        }
        let hidden: Hidden = "100,50,20".parse().unwrap();
        assert_eq!((hidden.first(), hidden.last()), (100, 20));
        assert!(hidden.inner().eq([(100, 50), (50, 20)]));
        assert_eq!(hidden.between(784, 10), "784-100-50-20-10");
    }

    #[test]
    fn what_is_no_layer_is_refused() {
        for bad in
            ["", "0", "4097", "30,", ",30", "30,,20", "30, 20", "-1", "1e2", "3.0", "1,1,1,1,1,1,1,1,1"]
        {
            let expected = "expected a whole number from 1 to 4096, or up to 8 with commas between";
            assert_eq!(bad.parse::<Hidden>(), Err(expected.to_owned()), "{bad}");
        }
        for bad in ["[]", "0", "[1,4097]", "-1", "\"30\"", "null", "1.5"] {
            assert!(serde_json::from_str::<Hidden>(bad).is_err(), "{bad}");
        }
    }
}
