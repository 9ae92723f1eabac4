//! Files that are no models.

use crate::refused::{assert_refused, replaced, safetensors};
use dlr::engine::saved::Saved;
use std::path::Path;

/// The header and the numbers of a model with these shapes, all of them 0.
fn model(first: &[usize], second: &[usize]) -> (String, Vec<u8>) {
    let end = 4 * first.iter().product::<usize>();
    let all = end + 4 * second.iter().product::<usize>();
    let header = format!(
        r#"{{"0.weight":{{"dtype":"F32","shape":{first:?},"data_offsets":[0,{end}]}},"2.weight":{{"dtype":"F32","shape":{second:?},"data_offsets":[{end},{all}]}}}}"#
    );
    (header, vec![0; all])
}

fn shapes(first: &[usize], second: &[usize]) -> Vec<u8> {
    let (header, body) = model(first, second);
    safetensors(&header, &body)
}

/// A model with so many layers of one unit.
fn deep(layers: usize) -> Vec<u8> {
    let tensor = |n: usize| {
        format!(
            r#""{}.weight":{{"dtype":"F32","shape":[1,1],"data_offsets":[{},{}]}}"#,
            2 * n,
            4 * n,
            4 * n + 4
        )
    };
    let tensors: Vec<_> = (0..layers).map(tensor).collect();
    safetensors(&format!("{{{}}}", tensors.join(",")), &vec![0; 4 * layers])
}

fn read(bytes: &[u8]) -> Result<(), String> {
    Saved::from_bytes(Path::new("net"), bytes).map(drop).map_err(|error| error.to_string())
}

#[test]
fn bad_models_are_refused() {
    let (header, body) = model(&[2, 784], &[10, 2]);
    let good = safetensors(&header, &body);
    assert_eq!(read(&good), Ok(()));
    let changed = |from: &str, to: &str| safetensors(&header.replace(from, to), &body);
    let one = |from: &str, to: &str| safetensors(&replaced(&header, from, to), &body);
    let with_number = |at: usize, number: f32| {
        let mut body = body.clone();
        body[at..at + 4].copy_from_slice(&number.to_le_bytes());
        safetensors(&header, &body)
    };
    let padded =
        |length: usize| safetensors(&format!("{header}{}", " ".repeat(length - header.len())), &body);
    assert_eq!(read(&padded(1 << 20)), Ok(()), "as long a header as there may be");
    let length = |length: u64| [&length.to_le_bytes(), &good[8..]].concat();
    let crowd: Vec<String> = (0..1000)
        .map(|n| format!(r#""t{n:03}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#))
        .collect();

    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", vec![], "not a safetensors file (header too small)"),
        ("seven bytes", vec![0; 7], "not a safetensors file (header too small)"),
        ("garbage", (0..=255).cycle().take(5000).collect(), "not a safetensors file (header too large)"),
        (
            "text",
            b"not a model, but long enough to be one".to_vec(),
            "not a safetensors file (header too large)",
        ),
        ("header cut off", good[..100].to_vec(), "not a safetensors file (invalid header length)"),
        ("header too long", length(1 << 40), "not a safetensors file (header too large)"),
        ("header of 2^64 - 1 bytes", length(u64::MAX), "not a safetensors file (header too large)"),
        (
            "header of a byte more than a megabyte",
            padded((1 << 20) + 1),
            "not a safetensors file (header too large)",
        ),
        (
            "header of no bytes",
            length(0),
            "not a safetensors file (invalid JSON in header: EOF while parsing a value at line 1 column 0)",
        ),
        (
            "header a byte too long",
            length(header.len() as u64 + 1),
            "not a safetensors file (invalid JSON in header: trailing characters at line 1 column 140)",
        ),
        (
            "header a byte too short",
            length(header.len() as u64 - 1),
            "not a safetensors file (invalid JSON in header: EOF while parsing an object at line 1 column 138)",
        ),
        ("header without tensors", safetensors("{}", &[]), "no tensor 0.weight; it has none"),
        (
            "header that is no object",
            safetensors("[1, 2]", &body),
            "not a safetensors file (invalid JSON in header: invalid type: sequence, expected struct HashMetadata at line 1 column 0)",
        ),
        (
            "header that is not text",
            safetensors("{}", &[]).iter().map(|byte| byte | 0x80).collect(),
            "not a safetensors file (header too large)",
        ),
        (
            "header nested too deep",
            safetensors(&"[".repeat(100_000), &body),
            "not a safetensors file (invalid JSON in header: invalid type: sequence, expected struct HashMetadata at line 1 column 0)",
        ),
        (
            "metadata that are no text",
            one("{\"0.", "{\"__metadata__\":{\"dlr\":3},\"0."),
            "not a safetensors file (invalid JSON in header: invalid type: integer `3`, expected a string at line 1 column 24)",
        ),
        (
            "numbers cut off",
            good[..good.len() - 1].to_vec(),
            "not a safetensors file (incomplete metadata, file not fully covered)",
        ),
        (
            "no numbers",
            safetensors(&header, &[]),
            "not a safetensors file (incomplete metadata, file not fully covered)",
        ),
        (
            "a byte too many",
            [&good[..], &[0]].concat(),
            "not a safetensors file (incomplete metadata, file not fully covered)",
        ),
        (
            "a number too many",
            [&good[..], &[0; 4]].concat(),
            "not a safetensors file (incomplete metadata, file not fully covered)",
        ),
        (
            "offsets beyond the end",
            one("6352]", "9999]"),
            "not a safetensors file (invalid shape, data type, or offset for tensor)",
        ),
        (
            "offsets backwards",
            one("[0,6272]", "[6272,0]"),
            "not a safetensors file (invalid offset for tensor `0.weight`)",
        ),
        (
            "offsets that overlap",
            one("[6272,6352]", "[0,80]"),
            "not a safetensors file (invalid offset for tensor `0.weight`)",
        ),
        (
            "offsets with a gap",
            one("[6272,6352]", "[6273,6353]"),
            "not a safetensors file (invalid offset for tensor `2.weight`)",
        ),
        (
            "offset of 2^64",
            one("6352]", "18446744073709551616]"),
            "not a safetensors file (invalid JSON in header: invalid type: floating point `1.8446744073709552e+19`, expected usize at line 1 column 155)",
        ),
        (
            "negative shape",
            one("[10, 2]", "[-10, -2]"),
            "not a safetensors file (invalid JSON in header: invalid value: integer `-10`, expected usize at line 1 column 141)",
        ),
        (
            "shape with fractions",
            one("[10, 2]", "[2.5, 8]"),
            "not a safetensors file (invalid JSON in header: invalid type: floating point `2.5`, expected usize at line 1 column 140)",
        ),
        (
            "shape whose product wraps",
            one("[2, 784]", "[4294967296, 4294967296]"),
            "not a safetensors file (overflow computing buffer size from shape and/or element type)",
        ),
        (
            "shape that belies the offsets",
            one("[2, 784]", "[3, 784]"),
            "not a safetensors file (invalid shape, data type, or offset for tensor)",
        ),
        ("wrong type, same size", changed("F32", "I32"), "0.weight holds I32, expected F32"),
        (
            "wrong type, half the size",
            one(
                r#""0.weight":{"dtype":"F32","shape":[2, 784]"#,
                r#""0.weight":{"dtype":"F16","shape":[4, 784]"#,
            ),
            "0.weight holds F16, expected F32",
        ),
        (
            "unknown type",
            changed("F32", "F31"),
            "not a safetensors file (invalid JSON in header: unknown variant `F31`, expected one of `BOOL`, `F4`, `F6_E2M3`, `F6_E3M2`, `U8`, `I8`, `F8_E5M2`, `F8_E4M3`, `F8_E8M0`, `F8_E4M3FNUZ`, `F8_E5M2FNUZ`, `I16`, `U16`, `F16`, `BF16`, `I32`, `U32`, `F32`, `C64`, `F64`, `I64`, `U64` at line 1 column 139)",
        ),
        (
            "an unknown type that would clear the screen",
            one(r#""0.weight":{"dtype":"F32"#, r#""0.weight":{"dtype":"\n\u001b[2J"#),
            r"not a safetensors file (invalid JSON in header: unknown variant `\n\u{1b}[2J`, expected one of `BOOL`, `F4`, `F6_E2M3`, `F6_E3M2`, `U8`, `I8`, `F8_E5M2`, `F8_E4M3`, `F8_E8M0`, `F8_E4M3FNUZ`, `F8_E5M2FNUZ`, `I16`, `U16`, `F16`, `BF16`, `I32`, `U32`, `F32`, `C64`, `F64`, `I64`, `U64` at line 1 column 147)",
        ),
        (
            "wrong name of the first",
            one("0.weight", "fc1.weight"),
            "no tensor 0.weight; it has 2.weight, fc1.weight",
        ),
        (
            "wrong name of the second",
            one("2.weight", "2.bias"),
            "no tensor 2.weight; it has 0.weight, 2.bias",
        ),
        (
            "both names the same",
            one("2.weight", "0.weight"),
            "not a safetensors file (invalid offset for tensor `0.weight`)",
        ),
        (
            "a thousand other names",
            safetensors(&format!("{{{}}}", crowd.join(",")), &[]),
            "no tensor 0.weight; it has t000, t001, t002, t003, t004, t005, t006, t007 and 992 more",
        ),
        (
            "a name of 100,000 letters",
            one("2.weight", &"w".repeat(100_000)),
            "no tensor 2.weight; it has 0.weight, wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww...",
        ),
        (
            "a name in two lines",
            one("2.weight", "2.\\nweight"),
            "no tensor 2.weight; it has 0.weight, 2.\\nweight",
        ),
        ("rank 1", shapes(&[1568], &[10, 2]), "0.weight has shape [1568], expected two dimensions"),
        ("rank 0", shapes(&[], &[10, 2]), "0.weight has shape [], expected two dimensions"),
        ("rank 3", shapes(&[2, 784], &[10, 2, 1]), "2.weight has shape [10, 2, 1], expected two dimensions"),
        ("NaN", with_number(4 * 1000, f32::NAN), "0.weight holds NaN at place 1000, expected finite numbers"),
        (
            "infinity",
            with_number(6272 + 4 * 19, f32::NEG_INFINITY),
            "2.weight holds -inf at place 19, expected finite numbers",
        ),
        (
            "another number of hidden units",
            shapes(&[2, 784], &[10, 3]),
            "2.weight takes 3 hidden units, but 0.weight makes 2",
        ),
        ("transposed", shapes(&[784, 2], &[2, 10]), "2.weight takes 10 hidden units, but 0.weight makes 784"),
        ("no hidden unit", shapes(&[0, 784], &[10, 0]), "a network of 0 hidden units, expected 1 to 4096"),
        (
            "too many hidden units",
            shapes(&[5000, 784], &[10, 5000]),
            "a network of 5000 hidden units, expected 1 to 4096",
        ),
        ("no inputs", shapes(&[2, 0], &[10, 2]), "a network of 0 inputs, expected 1 to 4096"),
        ("no outputs", shapes(&[2, 784], &[0, 2]), "a network of 0 outputs, expected 1 to 256"),
        (
            "too many inputs",
            shapes(&[1, 1 << 20], &[10, 1]),
            "a network of 1048576 inputs, expected 1 to 4096",
        ),
        ("too many outputs", shapes(&[1, 784], &[257, 1]), "a network of 257 outputs, expected 1 to 256"),
        ("ten layers of weights", deep(10), "a network of more than 8 hidden layers"),
    ];
    assert_eq!(read(&deep(9)), Ok(()), "as many layers as there may be");
    let said = |problem| {
        format!(
            "net: {problem}; give a file with 0.weight [hidden, inputs], 2.weight [next, hidden] and so on in F32, as --save writes it"
        )
    };
    assert_refused(read, cases.into_iter().map(|(case, bytes, problem)| (case, bytes, said(problem))));
}
