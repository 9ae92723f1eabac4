//! How the tables of bad files are checked.

use crate::memory;

/// What a bad file is, its bytes, and all that is said of it.
pub type Case = (&'static str, Vec<u8>, String);

/// Fails unless each case is refused in exactly its words, and with little memory.
#[track_caller]
pub fn assert_refused(read: impl Fn(&[u8]) -> Result<(), String>, cases: impl IntoIterator<Item = Case>) {
    let mut wrong = Vec::new();
    for (case, bytes, said) in cases {
        let (found, peak) = memory::peak(|| read(&bytes));
        let found = found.err().unwrap_or_else(|| "nothing: it was accepted".to_owned());
        if found != said {
            wrong.push(format!("{case}:\n  expected {said}\n  found    {found}"));
        }
        assert!(peak <= 2 * bytes.len() + (64 << 20), "{case}: {peak} bytes for {}", bytes.len());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `text` with the one `from` in it replaced.
#[track_caller]
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from} in {text}");
    text.replace(from, to)
}

/// A safetensors file with this header.
pub fn safetensors(header: &str, body: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), body].concat()
}
