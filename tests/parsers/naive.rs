//! Readers as slow and plain as possible, written from the formats' definitions alone.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::{self, Formatter};

/// CRC-32 of RFC 1952 and of PNG, bit by bit.
pub fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| (0..8).fold(crc, |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)));
    !bytes.iter().fold(!0, |crc, &byte| step(crc ^ u32::from(byte)))
}

/// The items of an IDX file of `rank` dimensions, and its bytes behind the header.
pub fn idx(rank: usize, file: &[u8]) -> Option<(u64, Vec<u8>)> {
    let header = 4 + 4 * rank;
    if file.len() < header || file[..4] != [0, 0, 8, rank as u8] {
        return None;
    }
    let size = |d: usize| (0..4).fold(0, |size: u128, b| size * 256 + u128::from(file[4 + 4 * d + b]));
    let inputs: u128 = (1..rank).map(size).product();
    let is_whole = (file.len() - header) as u128 == size(0) * inputs;
    let fits = size(0) > 0 && (1..=4096).contains(&inputs) && is_whole;
    fits.then(|| (size(0) as u64, file[header..].to_vec()))
}

/// The inflated contents of all members of a gzip file (RFC 1952).
pub fn gunzip(mut file: &[u8]) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    while !file.is_empty() {
        let flags = *file.get(3)?;
        if file[..3] != [0x1f, 0x8b, 8] {
            return None;
        }
        let mut at = 10;
        if flags & 4 != 0 {
            at += 2 + usize::from(u16::from_le_bytes(file.get(at..at + 2)?.try_into().ok()?));
        }
        for flag in [8, 16] {
            if flags & flag != 0 {
                at += 1 + file.get(at..)?.iter().position(|&byte| byte == 0)?;
            }
        }
        if flags & 2 != 0 {
            at += 2;
        }
        let (member, used) = inflate(file.get(at..)?)?;
        let end = at + used;
        let number = |at: usize| Some(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?));
        if number(end)? != crc32(&member) || number(end + 4)? != member.len() as u32 {
            return None;
        }
        all.extend(member);
        file = &file[end + 8..];
    }
    Some(all)
}

/// Bits, the lowest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<usize> {
        let byte = *self.bytes.get(self.at / 8)?;
        self.at += 1;
        Some(usize::from(byte >> ((self.at - 1) % 8) & 1))
    }

    fn number(&mut self, bits: usize) -> Option<usize> {
        (0..bits).try_fold(0, |number, n| Some(number | self.bit()? << n))
    }
}

/// The symbol whose Huffman code comes next: codes of one length are consecutive, in the order of the symbols.
fn symbol(bits: &mut Bits, lengths: &[usize]) -> Option<usize> {
    let (mut code, mut first) = (0, 0);
    for length in 1..=15 {
        code = code << 1 | bits.bit()?;
        let mut of_length = (0..lengths.len()).filter(|&symbol| lengths[symbol] == length);
        if code >= first
            && let Some(symbol) = of_length.clone().nth(code - first)
        {
            return Some(symbol);
        }
        first = (first + of_length.by_ref().count()) << 1;
    }
    None
}

/// What a deflate stream (RFC 1951) holds, and how many bytes it takes.
pub fn inflate(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut bits = Bits { bytes, at: 0 };
    let mut out = Vec::new();
    loop {
        let is_last = bits.bit()? == 1;
        match bits.number(2)? {
            0 => {
                bits.at = bits.at.next_multiple_of(8);
                let (length, complement) = (bits.number(16)?, bits.number(16)?);
                if length != !complement & 0xffff {
                    return None;
                }
                out.extend(bytes.get(bits.at / 8..)?.get(..length)?);
                bits.at += 8 * length;
            }
            1 => {
                let lengths: Vec<usize> = [(144, 8), (112, 9), (24, 7), (8, 8)]
                    .into_iter()
                    .flat_map(|(count, length)| vec![length; count])
                    .collect();
                block(&mut bits, &lengths, &[5; 30], &mut out)?;
            }
            2 => {
                let (literals, distances) = (257 + bits.number(5)?, 1 + bits.number(5)?);
                let mut lengths = vec![0; 19];
                for n in 0..4 + bits.number(4)? {
                    const ORDER: [usize; 19] =
                        [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
                    lengths[ORDER[n]] = bits.number(3)?;
                }
                let mut all = Vec::new();
                while all.len() < literals + distances {
                    let (length, times) = match symbol(&mut bits, &lengths)? {
                        16 => (*all.last()?, 3 + bits.number(2)?),
                        17 => (0, 3 + bits.number(3)?),
                        18 => (0, 11 + bits.number(7)?),
                        length => (length, 1),
                    };
                    all.extend(vec![length; times]);
                }
                block(&mut bits, &all[..literals], &all[literals..literals + distances], &mut out)?;
            }
            _ => return None,
        }
        if is_last {
            return Some((out, bits.at.div_ceil(8)));
        }
    }
}

/// One block of literals and of copies of what came before.
fn block(bits: &mut Bits, literals: &[usize], distances: &[usize], out: &mut Vec<u8>) -> Option<()> {
    loop {
        let length = match symbol(bits, literals)? {
            literal @ 0..256 => {
                out.push(literal as u8);
                continue;
            }
            256 => return Some(()),
            short @ 257..265 => short - 254,
            285 => 258,
            long => {
                let extra = (long - 261) / 4;
                3 + ((4 + (long - 261) % 4) << extra) + bits.number(extra)?
            }
        };
        let distance = match symbol(bits, distances)? {
            short @ 0..4 => short + 1,
            long => {
                let extra = long / 2 - 1;
                1 + ((2 + long % 2) << extra) + bits.number(extra)?
            }
        };
        for _ in 0..length {
            out.push(*out.get(out.len().checked_sub(distance)?)?);
        }
    }
}

/// The grey levels of a PNG file in 8-bit grey without interlacing, `[rows][columns]`, and its columns.
pub fn grey_png(file: &[u8]) -> Option<(usize, Vec<u8>)> {
    let mut rest = file.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let (mut header, mut stream) = (None, Vec::new());
    // What comes after the pixels may lack.
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = u32::from_be_bytes(*length) as usize;
        let Some(((chunk, crc), next)) = after
            .split_at_checked(length.checked_add(4)?)
            .and_then(|(chunk, after)| Some((chunk, after.split_first_chunk()?)))
            .map(|(chunk, (crc, next))| ((chunk, crc), next))
        else {
            break;
        };
        if crc32(chunk) != u32::from_be_bytes(*crc) {
            break;
        }
        match chunk.split_first_chunk()? {
            (b"IHDR", body) => header = Some(<[u8; 13]>::try_from(body).ok()?),
            (b"IDAT", body) => stream.extend(body),
            _ => {}
        }
        rest = next;
    }
    let header = header?;
    let size =
        |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize;
    if header[8..] != [8, 0, 0, 0, 0] {
        return None;
    }
    let (columns, rows) = (size(0), size(4));
    let (raw, _) = inflate(stream.get(2..)?)?;
    let mut grey: Vec<u8> = Vec::new();
    for row in raw.chunks_exact(columns + 1).take(rows) {
        for column in 0..columns {
            let at = grey.len();
            let left = if column > 0 { grey[at - 1] } else { 0 };
            let up = at.checked_sub(columns).map_or(0, |above| grey[above]);
            let corner =
                if column > 0 { at.checked_sub(columns + 1).map_or(0, |place| grey[place]) } else { 0 };
            let guess = match row[0] {
                0 => 0,
                1 => left,
                2 => up,
                3 => ((u16::from(left) + u16::from(up)) / 2) as u8,
                4 => paeth(left, up, corner),
                _ => return None,
            };
            grey.push(row[1 + column].wrapping_add(guess));
        }
    }
    (grey.len() == rows * columns).then_some((columns, grey))
}

/// Which of three neighbours is the nearest to left + up - corner.
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, up, corner].map(i16::from);
    let [to_left, to_up, to_corner] = [a, b, c].map(|neighbour| (a + b - c - neighbour).abs());
    match () {
        () if to_left <= to_up && to_left <= to_corner => left,
        () if to_up <= to_corner => up,
        () => corner,
    }
}

/// The tensor `name` of a safetensors file: its shape and its bytes.
pub fn tensor<'a>(file: &'a [u8], name: &str) -> Option<(Vec<u64>, &'a [u8])> {
    let (header, body) = safetensors(file)?;
    let tensor = header.get(name)?;
    let number = |value: &Value| value.as_u64();
    let shape = tensor["shape"].as_array()?.iter().map(number).collect::<Option<_>>()?;
    let offset = |n: usize| tensor["data_offsets"][n].as_u64().map(|offset| offset as usize);
    Some((shape, body.get(offset(0)?..offset(1)?)?))
}

/// The header and the bytes behind it of a safetensors file.
pub fn safetensors(file: &[u8]) -> Option<(Value, &[u8])> {
    let (length, rest) = file.split_first_chunk()?;
    let (header, body) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    Some((serde_json::from_slice(header).ok()?, body))
}

/// The JSON of each line of a journal, up to the first that is not whole.
pub fn journal(file: &[u8]) -> Vec<Value> {
    let whole = |line: &[u8]| {
        let text = std::str::from_utf8(line).ok()?;
        let mut parts = text.splitn(3, ' ');
        let mut number = || u32::from_str_radix(parts.next()?, 16).ok();
        let (length, sum) = (number()?, number()?);
        let json = parts.next()?.strip_suffix('\n')?;
        let is_whole = json.len() == length as usize && crc32(json.as_bytes()) == sum;
        is_whole.then(|| serde_json::from_str(json).ok())?
    };
    file.split_inclusive(|&byte| byte == b'\n').map_while(whole).collect()
}

/// The seconds of training and in all that a file of times has last for each key, on lines that have each of these once.
pub fn times(file: &[u8]) -> BTreeMap<String, [f64; 2]> {
    let line = |line: &[u8]| {
        let Fields(fields) = serde_json::from_slice(line).ok()?;
        let the = |name: &str| {
            let mut named = fields.iter().filter(|(field, _)| field == name);
            named.next().filter(|_| named.next().is_none()).map(|(_, value)| value)
        };
        let key = the("key")?.as_str()?.to_owned();
        Some((key, [the("train_s")?.as_f64()?, the("wall_s")?.as_f64()?]))
    };
    file.split(|&byte| byte == b'\n').filter_map(line).collect()
}

/// The fields of a JSON object as they are written, and as often.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Fields;

            fn expecting(&self, f: &mut Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields, M::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(All)
    }
}

/// An image of a cache file: the numbers and levels of its lit pixels and groups, and its class.
pub struct Image {
    pub pixels: (Vec<u16>, Vec<u8>),
    pub groups: (Vec<u16>, Vec<[u8; 4]>),
    pub label: u8,
}

/// A cache file.
pub struct Cache {
    pub header: Value,
    pub train: Vec<Image>,
    pub test: Vec<Image>,
}

/// What a cache file holds, as far as its counts and lengths agree.
pub fn cache(file: &[u8]) -> Option<Cache> {
    let number = |at: usize| Some(u32::from_ne_bytes(file.get(at..at + 4)?.try_into().ok()?));
    let json = file.get(24..24 + number(16)? as usize)?;
    let blocks = &file[24 + json.len()..];
    let header: Value = serde_json::from_slice(json).ok()?;
    let is_whole = file[..8] == *b"dlrcache"
        && (number(8)?, number(12)?) == (0x0102_0304, 5)
        && number(20)? == crc32(&[&file[..20], json].concat())
        && header["payload_crc"].as_u64()? == u64::from(crc32(blocks));
    let mut at = 0;
    let train = images(blocks, &mut at, &header["train"])?;
    let test = images(blocks, &mut at, &header["test"])?;
    let is_whole = is_whole && at == blocks.len() && header["payload_len"].as_u64()? == at as u64;
    is_whole.then_some(Cache { header, train, test })
}

/// The images of a cache file's block at `at`, which is then behind it; `counts` has those of the images, lit pixels and groups.
fn images(blocks: &[u8], at: &mut usize, counts: &Value) -> Option<Vec<Image>> {
    let count = |n: usize| Some(counts[n].as_u64()? as usize);
    let images = count(0)?;
    let pixels = lists::<1>(blocks, at, images, count(1)?)?;
    let groups = lists::<4>(blocks, at, images, count(2)?)?;
    let label = array(blocks, at, images)?;
    let images = pixels.into_iter().zip(groups).zip(label);
    let image = |(((pixels, level), groups), &label): ((List<1>, List<4>), &u8)| Image {
        pixels: (pixels, level.into_flattened()),
        groups,
        label,
    };
    Some(images.map(image).collect())
}

/// An image's numbers, and N bytes for each.
type List<const N: usize> = (Vec<u16>, Vec<[u8; N]>);

/// The lists of all images, which have so many entries together.
fn lists<const N: usize>(
    blocks: &[u8],
    at: &mut usize,
    images: usize,
    entries: usize,
) -> Option<Vec<List<N>>> {
    let starts = array(blocks, at, 4 * (images + 1))?;
    let numbers = array(blocks, at, 2 * entries)?;
    let values = array(blocks, at, N * entries)?;
    let start = |i: usize| {
        let bytes = starts[4 * i..4 * i + 4].try_into().expect("4 bytes");
        u32::from_ne_bytes(bytes) as usize
    };
    let image = |i: usize| {
        let numbers = numbers.get(2 * start(i)..2 * start(i + 1))?.as_chunks().0;
        let values = values.get(N * start(i)..N * start(i + 1))?.as_chunks().0;
        Some((numbers.iter().map(|&two| u16::from_ne_bytes(two)).collect(), values.to_vec()))
    };
    (0..images).map(image).collect()
}

/// An array of so many bytes at `at`, which is then behind it.
fn array<'a>(blocks: &'a [u8], at: &mut usize, len: usize) -> Option<&'a [u8]> {
    let array = blocks.get(*at..)?.get(..len)?;
    *at = (*at + len).next_multiple_of(64);
    Some(array)
}
