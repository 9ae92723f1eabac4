//! What must hold of any bytes whatsoever, for each format: they are refused in one line, or they are read as the
//! [naive reader](crate::naive) reads them. Fuzzing, the sweeps over valid files and the replay of inputs that once did harm
//! all come down to these.

use crate::naive;
use crate::prepared::Prepared;
use dlr::data::Split;
use dlr::data::gzip::inflate;
use dlr::data::idx::{Idx, Kind};
use dlr::data::picture::Picture;
use dlr::engine::checkpoint::Checkpoint;
use dlr::engine::saved::Saved;
use dlr::experiments::profile::Cell;
use dlr::experiments::sweep::{journal, times};
use dlr::report::{baseline::Baseline, record};
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::path::Path;

/// Whether bytes were accepted; a check panics if it found something wrong.
pub type Check = fn(&[u8]) -> bool;

/// The name that errors have for a file.
const FILE: &str = "file";

/// Of an error, that it says something, in one line that can be read, whatever it quotes.
#[track_caller]
fn is_refusal<T>(error: impl ToString) -> Option<T> {
    let error = error.to_string();
    assert!(
        !error.is_empty() && !error.contains(char::is_control) && error.chars().count() < 2500,
        "{error:?}"
    );
    None
}

/// An IDX file of images or, failing that, of labels.
pub fn idx(bytes: &[u8]) -> bool {
    let accepted = [(Kind::Images, 3), (Kind::Labels, 1)].map(|(kind, rank)| {
        let read = Idx::parse(kind, bytes).ok().map(|idx| (idx.header.items as u64, idx.body.to_vec()));
        assert_eq!(read, naive::idx(rank, bytes), "{kind:?}");
        read.is_some()
    });
    accepted.contains(&true)
}

/// An IDX file of images or, failing that, of labels, gzipped.
pub fn gzip(bytes: &[u8]) -> bool {
    let accepted = [(Kind::Images, 3), (Kind::Labels, 1)].map(|(kind, rank)| {
        let read = inflate(bytes, kind).map_or_else(|fault| is_refusal(fault.problem), Some);
        if let Some(read) = &read {
            assert_eq!(Some(read), naive::gunzip(bytes).as_ref());
            assert!(naive::idx(rank, read).is_some());
        }
        read.is_some()
    });
    accepted.contains(&true)
}

/// A cache file.
pub fn cache(bytes: &[u8]) -> bool {
    Prepared::here(|prepared| {
        let opened = prepared.open(bytes);
        opened.warnings.iter().for_each(|warning| _ = is_refusal::<()>(warning));
        let is_accepted = opened.source == prepared.as_cached();
        if is_accepted {
            let read = naive::cache(bytes).expect("it was accepted");
            let about = &read.header;
            assert_eq!(
                (json!(opened.shape), json!(opened.classes), json!(opened.hashes)),
                (about["shape"].clone(), about["classes"].clone(), about["hashes"]["plain"].clone())
            );
            assert_eq!(opened.inputs, opened.shape.0 * opened.shape.1);
            for (split, images) in [(&opened.train, read.train), (&opened.test, read.test)] {
                assert_split(split, &images, (opened.inputs, opened.classes));
                let squares = match opened.shape {
                    (1, inputs) | (inputs, 1) => inputs.div_ceil(4),
                    (rows, columns) => rows.div_ceil(2) * columns.div_ceil(2),
                };
                assert_eq!(split.grouping().len(), squares);
            }
        } else {
            assert!(opened.train == prepared.data.train && opened.test == prepared.data.test);
            assert_eq!(
                (opened.hashes, opened.classes),
                (prepared.data.hashes.clone(), prepared.data.classes)
            );
        }
        is_accepted
    })
}

/// Whether a half of a data set is these images, and can be trained on.
fn assert_split(split: &Split, images: &[naive::Image], (inputs, classes): (usize, usize)) {
    assert!(!images.is_empty() && split.len() == images.len());
    for (i, image) in images.iter().enumerate() {
        let ((pixels, level), (groups, levels)) = (split.pixels().of(i), split.groups().of(i));
        assert_eq!((pixels, level), (&image.pixels.0[..], &image.pixels.1[..]));
        assert_eq!((groups, levels), (&image.groups.0[..], &image.groups.1[..]));
        assert_eq!(split.label(i), image.label);
        assert!(pixels.iter().all(|&pixel| usize::from(pixel) < inputs));
        assert!(groups.iter().all(|&group| usize::from(group) < split.grouping().len()));
        assert!(usize::from(image.label) < classes);
    }
}

/// A cache file with the right prefix, sources and checksums, whatever else is in it.
pub fn sealed_cache(bytes: &[u8]) -> bool {
    Prepared::here(|prepared| prepared.sealed(bytes)).is_some_and(|sealed| cache(&sealed))
}

/// Whether every matrix of a network is the tensor of its name, bit for bit.
fn assert_weights(bytes: &[u8], network: &dlr::Network) {
    for (number, matrix) in network.to_torch().into_iter().enumerate() {
        let (shape, numbers) = naive::tensor(bytes, &format!("{}.weight", 2 * number)).expect("it was read");
        assert_eq!(shape, [matrix.units as u64, matrix.before as u64]);
        assert!(numbers.iter().copied().eq(matrix.numbers.iter().flat_map(|x| x.to_le_bytes())));
        assert!(matrix.numbers.iter().all(|x| x.is_finite()));
    }
}

/// What the metadata of a safetensors file say under "dlr"; null if they say nothing.
fn origin(bytes: &[u8]) -> Value {
    let (header, _) = naive::safetensors(bytes).expect("it was read");
    header["__metadata__"]["dlr"]
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

/// A model.
pub fn model(bytes: &[u8]) -> bool {
    let Some(saved) = Saved::from_bytes(Path::new(FILE), bytes).map_or_else(is_refusal, Some) else {
        return false;
    };
    assert_weights(bytes, &saved.network);
    let origin = origin(bytes);
    assert_eq!(saved.data.as_deref(), origin["data"].as_str());
    let one_hot = saved.one_hot.map_or(Value::Null, |(low, high)| json!([low, high]));
    assert!(
        one_hot.is_null() || (0..2).all(|n| one_hot[n].as_f64() == origin["config"]["one_hot"][n].as_f64())
    );
    assert!(saved.classes.is_none_or(|classes| json!(classes) == origin["classes"]));
    true
}

/// A checkpoint.
pub fn checkpoint(bytes: &[u8]) -> bool {
    let Some((read, made)) = Checkpoint::from_bytes(Path::new(FILE), bytes).map_or_else(is_refusal, Some)
    else {
        return false;
    };
    assert_weights(bytes, &read.network);
    let about = &origin(bytes)["checkpoint"];
    assert_eq!(
        (&json!(read.images), &json!(read.random_position.to_string())),
        (&about["images"], &about["random_position"])
    );
    assert_has(&about["origin"], &json!(made));
    let (_, order) = naive::tensor(bytes, "order").expect("it was read");
    assert!(order.iter().copied().eq(read.order.iter().flat_map(|n| n.to_le_bytes())));
    for (l, layer) in read.layers.iter().enumerate() {
        let (_, weights) = naive::tensor(bytes, &format!("state.{l}.weights")).expect("it was read");
        assert!(weights.iter().copied().eq(layer.weights.iter().flat_map(|x| x.to_le_bytes())));
    }
    let (again, _) =
        Checkpoint::from_bytes(Path::new(FILE), &read.to_bytes(&made)).expect("what was written is read");
    assert_eq!(format!("{again:?}"), format!("{read:?}"));
    true
}

/// A journal of a sweep.
pub fn journal(bytes: &[u8]) -> bool {
    let Some(read) = journal::parse(Path::new(FILE), bytes).map_or_else(is_refusal, Some) else {
        return false;
    };
    let lines = naive::journal(bytes);
    let runs = lines.get(1..).unwrap_or_default();
    assert_eq!((read.header.is_some(), read.outcomes.len()), (!lines.is_empty(), runs.len()));
    assert!(read.length <= bytes.len() as u64);
    for run in runs {
        let outcome = json!(read.outcomes[run["key"].as_str().expect("it was read")]);
        assert_has(&run["outcome"], &outcome);
    }
    if let (Some(header), Some(line)) = (read.header, lines.first()) {
        assert_has(line, &json!(header));
    }
    true
}

/// A journal whose lines have the right lengths and checksums, whatever is in them.
pub fn sealed_journal(bytes: &[u8]) -> bool {
    journal(&sealed(bytes.split(|&byte| byte == b'\n')))
}

/// The times beside a journal.
pub fn times(bytes: &[u8]) -> bool {
    let read = times::parse(bytes);
    let mut lines = naive::times(bytes);
    for (key, [train_s, wall_s]) in &lines {
        let times = read[key];
        assert_eq!((times.train_s, times.wall_s), (*train_s, *wall_s), "{key}");
    }
    assert!(read.keys().eq(lines.keys()));
    // Whatever is there, the next line is read, and takes no other's place.
    let next = "{\"key\":\"next\",\"train_s\":0.25,\"wall_s\":0.5}";
    let more = times::parse(&[bytes, b"\n", next.as_bytes()].concat());
    lines.insert("next".to_owned(), [0.25, 0.5]);
    assert!(more.keys().eq(lines.keys()) && (more["next"].train_s, more["next"].wall_s) == (0.25, 0.5));
    assert!(read.iter().all(|(key, times)| key == "next" || more[key] == *times));
    !read.is_empty()
}

/// The lines of a journal for these contents.
pub fn sealed<'a, J: AsRef<[u8]> + ?Sized + 'a>(contents: impl IntoIterator<Item = &'a J>) -> Vec<u8> {
    let line = |json: &[u8]| {
        [format!("{:08x} {:08x} ", json.len(), naive::crc32(json)).as_bytes(), json, b"\n"].concat()
    };
    contents.into_iter().flat_map(|json| line(json.as_ref())).collect()
}

/// Fails unless everything in `read` is in `whole`, too; a number may be written in two ways.
#[track_caller]
fn assert_has(whole: &Value, read: &Value) {
    match (whole, read) {
        (Value::Number(there), Value::Number(here)) => assert_eq!(there.as_f64(), here.as_f64()),
        (Value::Array(there), Value::Array(here)) => {
            assert_eq!(there.len(), here.len(), "{whole} is not {read}");
            there.iter().zip(here).for_each(|(there, here)| assert_has(there, here));
        }
        (Value::Object(_), Value::Object(here)) => {
            here.iter().for_each(|(name, here)| assert_has(&whole[name], here));
        }
        (there, here) => assert_eq!(there, here),
    }
}

/// The records of `dlr --json`.
pub fn records(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Some(records) = record::parse(text).map_or_else(is_refusal, Some) else { return false };
    let lines: Vec<Value> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(records.len(), lines.len());
    for (record, line) in records.iter().zip(&lines) {
        assert_eq!(
            json!([record.schema, record.images, record.stop]),
            json!([line["schema"], line["images"], line["stop"]])
        );
        assert_eq!(Some(record.end.test_accuracy), line["final"]["test_accuracy"].as_f64());
        assert_eq!(
            json!([record.end.weights_sha256, record.config.seed, record.config.hidden]),
            json!([
                line["final"]["weights_sha256"],
                line["config"]["seed"],
                hidden(&line["config"]["hidden"])
            ])
        );
        assert_eq!(record.curve.len(), line["curve"].as_array().unwrap().len());
    }
    true
}

/// The numbers of hidden units as they are written: one layer is a number, and may be read from a list.
fn hidden(value: &Value) -> &Value {
    match value.as_array().map(Vec::as_slice) {
        Some([one]) => one,
        _ => value,
    }
}

/// A picture.
pub fn png(bytes: &[u8]) -> bool {
    let Some(picture) = Picture::decode(bytes).map_or_else(|refused| is_refusal(refused.problem), Some)
    else {
        return false;
    };
    let pixels = picture.rows * picture.columns;
    assert!(picture.grey.len() == pixels && (picture.opacity.is_empty() || picture.opacity.len() == pixels));
    if let Some(grey) = naive::grey_png(bytes)
        && picture.opacity.is_empty()
    {
        assert_eq!((picture.columns, picture.grey), grey);
    }
    true
}

/// What `dlr profile --json` has written.
pub fn baseline(bytes: &[u8]) -> bool {
    let Some(baseline) = Baseline::from_bytes(Path::new(FILE), bytes).map_or_else(is_refusal, Some) else {
        return false;
    };
    let text = std::str::from_utf8(bytes).expect("it was read");
    for line in text.lines().skip(1) {
        let cell = Cell::deserialize(&serde_json::from_str::<Value>(line).unwrap()).unwrap();
        assert!(baseline.check(&[cell]).is_ok(), "{line}");
    }
    true
}
