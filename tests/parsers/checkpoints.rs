//! Files that are no checkpoints.

use crate::refused::{assert_refused, replaced, safetensors};
use crate::samples;
use dlr::engine::checkpoint::Checkpoint;
use std::path::Path;

const ANOTHER: &str = "give --resume a file that --checkpoint has written";
const EARLIER: &str = "go on by the dlr that wrote it, or begin a new run with its weights by --load";

#[test]
fn bad_checkpoints_are_refused() {
    let good = samples::checkpoint_file();
    let start = 8 + u64::from_le_bytes(*good.first_chunk().unwrap()) as usize;
    let (header, body) = (std::str::from_utf8(&good[8..start]).unwrap(), &good[start..]);
    let read = |bytes: &[u8]| {
        Checkpoint::from_bytes(Path::new("c"), bytes).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(read(&good), Ok(()));
    let one = |from: &str, to: &str| safetensors(&replaced(header, from, to), body);
    let key = |from: &str, to: &str| one(&format!("\\\"{from}\\\":"), &format!("\\\"{to}\\\":"));
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    // The settings stand there twice: as a model's, and as what the run goes on by.
    let setting = |from: &str, to: &str| safetensors(&header.replace(from, to), body);

    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", vec![], "not a safetensors file (header too small)"),
        ("text", b"not a checkpoint".to_vec(), "not a safetensors file (header too large)"),
        ("cut in its header", good[..1000].to_vec(), "not a safetensors file (invalid header length)"),
        (
            "cut in its numbers",
            good[..good.len() - 1].to_vec(),
            "not a safetensors file (incomplete metadata, file not fully covered)",
        ),
        ("a model", samples::model(), "a model, but no checkpoint: it lacks what it takes to go on"),
        (
            "metadata under another name",
            one("\"dlr\":", "\"drl\":"),
            "a model, but no checkpoint: it lacks what it takes to go on",
        ),
        (
            "metadata that are no JSON",
            one("\"dlr\":\"{", "\"dlr\":\"["),
            "a model, but no checkpoint: it lacks what it takes to go on",
        ),
        (
            "nothing of a checkpoint",
            key("checkpoint", "chequepoint"),
            "a model, but no checkpoint: it lacks what it takes to go on",
        ),
        (
            "without a position",
            key("random_position", "position"),
            "what it says of itself is damaged (missing field `random_position`)",
        ),
        (
            "without a checksum",
            key("sha256", "sha512"),
            "what it says of itself is damaged (missing field `sha256`)",
        ),
        (
            "a position that is no number",
            one("\\\"random_position\\\":\\\"", "\\\"random_position\\\":\\\"x"),
            "its random position is no number",
        ),
        (
            "a position beyond 2^128",
            one(
                "\\\"random_position\\\":\\\"",
                "\\\"random_position\\\":\\\"9999999999999999999999999999999999999999",
            ),
            "its random position is no number",
        ),
        (
            "a negative count",
            one("\\\"updates\\\":[", "\\\"updates\\\":[-"),
            "what it says of itself is damaged (invalid value: integer `-8`, expected u64)",
        ),
        (
            "another layer's updates",
            one("\\\"updates\\\":[", "\\\"updates\\\":[1,"),
            "no tensor state.2.weights",
        ),
        (
            "updates of fewer layers",
            one("\\\"updates\\\":[8,", "\\\"updates\\\":["),
            "its checksum is wrong: it is not as it was written",
        ),
        (
            "no hidden units",
            setting("\\\"hidden\\\":3", "\\\"hidden\\\":0"),
            "what it says of itself is damaged (expected a whole number from 1 to 4096, or up to 8 with commas between)",
        ),
        (
            "an unknown optimizer",
            setting("\\\"optimizer\\\":\\\"adam", "\\\"optimizer\\\":\\\"madam"),
            "what it says of itself is damaged (there is no optimizer \"madam\")",
        ),
        (
            "a negative rate",
            setting("\\\"lr\\\":", "\\\"lr\\\":-"),
            "what it says of itself is damaged (lr is -5e-4, out of its range)",
        ),
        (
            "batches of nothing",
            setting("\\\"batch\\\":1", "\\\"batch\\\":0"),
            "what it says of itself is damaged (expected 1 or more)",
        ),
        (
            "stalled after no epochs",
            setting("\\\"stall\\\":null", "\\\"stall\\\":0"),
            "what it says of itself is damaged (expected 1 or more)",
        ),
        (
            "a seed that is a text",
            setting("\\\"seed\\\":1,", "\\\"seed\\\":\\\"1\\\","),
            "what it says of itself is damaged (invalid type: string \"1\", expected u64)",
        ),
        (
            "another seed",
            setting("\\\"seed\\\":1,", "\\\"seed\\\":2,"),
            "its checksum is wrong: it is not as it was written",
        ),
        (
            "another protocol",
            one("\\\"protocol\\\":1", "\\\"protocol\\\":2"),
            "its checksum is wrong: it is not as it was written",
        ),
        ("no order", one("\"order\":{\"dtype\"", "\"disorder\":{\"dtype\""), "no tensor order"),
        ("no curve", one("curve.images", "curve.pages"), "no tensor curve.images"),
        ("half a curve", one("curve.numbers", "curve.letters"), "no tensor curve.numbers"),
        ("no ends", one("\"ends\"", "\"odds\""), "no tensor ends"),
        ("no memory", one("state.0.remembered", "state.0.remembared"), "no tensor state.0.remembered"),
        (
            "no second weights",
            one("\"2.weight\"", "\"3.weight\""),
            "no tensor 2.weight; it has 0.weight, 3.weight, curve.images, curve.numbers, ends, order, state.0.last, state.0.remembered and 6 more",
        ),
        ("another first number", flipped(start), "its checksum is wrong: it is not as it was written"),
        (
            "another last number",
            flipped(good.len() - 1),
            "its checksum is wrong: it is not as it was written",
        ),
    ];
    let damaged = cases.into_iter().map(|(case, bytes, problem)| (case, bytes, problem, ANOTHER));
    // They are whole, but of another form; whatever else they lack is not looked for.
    let schema = r#"\"schema\":\"dlr-checkpoint/2\","#;
    let without = replaced(header, schema, "");
    let another = "a checkpoint of another form than dlr-checkpoint/2";
    let earlier = "a checkpoint of no named form, as earlier versions of dlr wrote them";
    let of_other_forms = [
        ("a later form", one(schema, &schema.replace("/2", "/3")), another, EARLIER),
        ("the form before", one(schema, &schema.replace("/2", "/1")), another, EARLIER),
        ("a form that is no text", one(schema, r#"\"schema\":1,"#), another, EARLIER),
        ("an earlier form", safetensors(&without, body), earlier, EARLIER),
        (
            "an earlier form, with other names",
            safetensors(&replaced(&without, "state.0.remembered", "state.0.memory"), body),
            earlier,
            EARLIER,
        ),
        (
            "an earlier form, which said other things of itself",
            safetensors(&replaced(&without, "\\\"random_position\\\":", "\\\"position\\\":"), body),
            earlier,
            EARLIER,
        ),
    ];
    let said = |problem, cure| format!("c: {problem}; {cure}");
    let all = damaged.chain(of_other_forms);
    assert_refused(read, all.map(|(case, bytes, problem, cure)| (case, bytes, said(problem, cure))));
}
