//! Gzip files that hold one IDX file, inflated to their very end: only there stand the checksum and the length
//! that prove the contents.

use super::idx::{Header, Kind};
use super::source::Fault;
use crate::memory;
use flate2::bufread::GzDecoder;
use std::io::{self, Read};

/// The first two bytes of a gzip member. An IDX file starts with two zeros, so the contents tell the two apart.
pub(super) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The most bytes that a byte of a deflate stream can become: two bits for 258 bytes.
const RATIO: usize = 1032;

/// Inflates `gz` and checks the IDX header, the gzip checksums and all lengths.
///
/// The IDX header is read first and says how much to expect: no more than one byte beyond that is ever inflated,
/// however much the stream holds, and the memory for it is reserved without aborting.
///
/// # Errors
/// The stream is damaged or ends early, or what it holds is no IDX file of this kind and of the length that it promises.
pub fn inflate(gz: &[u8], kind: Kind) -> Result<Vec<u8>, Fault> {
    let mut members = Members { member: GzDecoder::new(gz) };
    let mut file = Vec::new();
    append(&mut file, &mut members, kind.header_len())?;
    let header = Header::parse(kind, &file)?;

    let beyond = header.file_len + 1 - file.len();
    // A header may promise far more than there is.
    let possible = beyond.min(gz.len().saturating_mul(RATIO));
    memory::reserve(&mut file, possible).map_err(|_| Fault::no_memory(header.file_len))?;
    append(&mut file, &mut members, beyond)?;
    if file.len() > header.file_len {
        let promised = header.file_len;
        return Err(format!("expected {promised} bytes by its header, found more in the gzip stream").into());
    }
    header.check_len(file.len() as u64)?;
    Ok(file)
}

/// Appends the next `limit` inflated bytes, or what there is up to a sound end of the stream.
fn append(file: &mut Vec<u8>, members: &mut Members, limit: usize) -> Result<(), String> {
    members.take(limit as u64).read_to_end(file).map(drop).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => "the gzip stream ends early (truncated)".to_owned(),
        io::ErrorKind::Other => error.to_string(),
        _ => format!("the gzip stream is damaged ({error})"),
    })
}

/// The members of a gzip file, one after the other: RFC 1952 allows several, and their contents are joined.
struct Members<'a> {
    member: GzDecoder<&'a [u8]>,
}

impl Read for Members<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.member.read(buffer)?;
            let rest = *self.member.get_ref();
            if read > 0 || buffer.is_empty() || rest.is_empty() {
                return Ok(read);
            }
            if !rest.starts_with(&MAGIC) {
                return Err(io::Error::other(format!(
                    "expected the file to end with its gzip stream, found {} B more",
                    rest.len()
                )));
            }
            self.member = GzDecoder::new(rest);
        }
    }
}
