//! What a network takes a picture for: as a line of a table for people, as JSON, and as a tile of a sheet.

use super::sheet::Tile;
use crate::data::fit::Image;
use crate::engine::classify::Answers;
use crate::text::printable;
use serde::Serialize;

/// The version of the JSON's form.
pub const SCHEMA: &str = "dlr-prediction/1";

/// What a network takes a picture for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction<'a> {
    schema: &'static str,
    /// The picture's file.
    image: String,
    class: usize,
    /// The class's name, if it has one.
    name: Option<&'a str>,
    /// Of every unit, from 0 to 1. They need not add up to 1.
    outputs: &'a [f32],
    /// What the picture's ink was taken for.
    ink: &'static str,
    #[serde(skip)]
    names: Option<&'a [String]>,
}

impl<'a> Prediction<'a> {
    /// What `answers` say of their one image, `seen`, which became of the picture in the file `image`. The classes have
    /// `names` or go by their numbers.
    pub fn new(image: String, seen: &Image, answers: &'a Answers, names: Option<&'a [String]>) -> Self {
        let class = usize::from(answers.class(0));
        Self {
            schema: SCHEMA,
            image,
            class,
            name: names.map(|names| &*names[class]),
            outputs: answers.outputs(0),
            ink: seen.ink.name(),
            names,
        }
    }

    /// What a class is called, for people.
    fn called(&self, class: usize) -> String {
        self.names.map_or_else(|| class.to_string(), |names| printable(&names[class]))
    }

    /// The class with the largest output but one, the first of equals; none if there is one class only.
    fn next(&self) -> Option<usize> {
        let others = (0..self.outputs.len()).filter(|other| *other != self.class);
        others.max_by(|&a, &b| self.outputs[a].total_cmp(&self.outputs[b]).then(b.cmp(&a)))
    }

    /// A line for programs.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("a record has only names for keys") + "\n"
    }

    /// The image that the network saw, with what it was taken for.
    pub fn tile(&self, seen: Image) -> Tile {
        Tile { grey: seen.grey, caption: self.called(self.class) }
    }
}

/// Predictions for people, a line each, wide enough for all that may come.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    image: usize,
    class: usize,
}

impl Table {
    /// A table for these files, by a network whose classes have `names` or go by their numbers.
    pub fn new<'a>(images: impl IntoIterator<Item = &'a str>, names: Option<&[String]>) -> Self {
        let width = |least: usize, text: &str| least.max(printable(text).chars().count());
        Self {
            image: images.into_iter().fold("image".len(), width),
            class: names.unwrap_or_default().iter().map(String::as_str).fold("class".len(), width),
        }
    }

    /// What the columns are.
    pub fn heading(&self) -> String {
        self.line(["image", "class", "output", "next", "output"])
    }

    /// One prediction.
    pub fn row(&self, prediction: &Prediction) -> String {
        let output = |class: usize| format!("{:.3}", prediction.outputs[class]);
        let (next, next_output) =
            prediction.next().map(|next| (prediction.called(next), output(next))).unwrap_or_default();
        let (class, class_output) = (prediction.called(prediction.class), output(prediction.class));
        self.line([&printable(&prediction.image), &class, &class_output, &next, &next_output])
    }

    fn line(&self, [image, class, output, next, next_output]: [&str; 5]) -> String {
        let Self { image: first, class: second } = *self;
        format!("{image:first$}  {class:<second$}  {output:>6}  {next:<second$}  {next_output:>6}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::fit::Ink;
    use crate::engine::classify::classify_one;
    use crate::engine::images::Inputs;
    use crate::engine::network::Network;
    use dlr_kernels::panel::Panel;

    /// Outputs s(0), s(2), s(1) and s(1), whatever the image.
    fn answers() -> Answers {
        let network = Network {
            first: Panel::zeros(1, 1),
            inner: Vec::new(),
            last: Panel::from_fn(4, 1, |k, _| [0.0, 4.0, 2.0, 2.0][k]),
        };
        classify_one(&network, (1, 1), &[9], Inputs::Unit).unwrap()
    }

    #[test]
    fn lines_for_people_and_programs() {
        let (answers, seen) = (answers(), Image { grey: vec![9], ink: Ink::Dark });
        let plain = Prediction::new("a.png".into(), &seen, &answers, None);
        let table = Table::new(["a.png", "longer.png"], None);
        assert_eq!(table.heading(), "image       class  output  next   output\n");
        assert_eq!(table.row(&plain), "a.png       1       0.881  2       0.731\n");

        let names = ["zero", "number one", "two", "three"].map(str::to_owned);
        let named = Prediction::new("a.png".into(), &seen, &answers, Some(&names));
        let table = Table::new(["a.png"], Some(&names));
        assert_eq!(table.heading(), "image  class       output  next        output\n");
        assert_eq!(table.row(&named), "a.png  number one   0.881  two          0.731\n");

        let json: serde_json::Value = serde_json::from_str(&named.json()).unwrap();
        assert_eq!(
            (&json["class"], &json["name"], &json["ink"]),
            (&1.into(), &"number one".into(), &"dark".into())
        );
        assert_eq!(json["outputs"].as_array().unwrap().len(), 4);
        assert_eq!(named.tile(seen), Tile { grey: vec![9], caption: "number one".into() });
    }
}
