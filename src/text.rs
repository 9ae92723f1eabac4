//! Text from elsewhere as part of a line: a file's name, what is in a file, an argument.

use std::path::Path;

/// The most letters that are told whole. What is longer tells of something long, a file's text or an argument.
const MOST: usize = 2000;

/// On one line, whatever it is made of: control characters, which would end the line or tell a terminal what to do, are
/// escaped.
pub fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

/// A file's name on one line, whatever it is called.
pub fn name(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// On one line that somebody may read: what is too long keeps both ends, and loses its middle.
pub fn readable(text: &str) -> String {
    let line = printable(text);
    let letters = line.chars().count();
    if letters <= MOST {
        return line;
    }
    let half = |skipped| line.chars().skip(skipped).take(MOST / 2).collect::<String>();
    format!("{} ... {}", half(0), half(letters - MOST / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_told_by_their_codes() {
        assert_eq!(printable("a\tb\r\nc\u{1b}[2J\u{85}\u{e9}"), "a\\tb\\r\\nc\\u{1b}[2J\\u{85}\u{e9}");
    }

    #[test]
    fn what_is_too_long_loses_its_middle() {
        let of = |letters: usize| "\u{e9}".repeat(letters / 2) + &"z".repeat(letters - letters / 2);
        assert_eq!(readable(&of(MOST)), of(MOST));
        let (half, cut) = (MOST / 2, readable(&of(MOST + 1)));
        assert_eq!(cut, format!("{} ... {}", "\u{e9}".repeat(half), "z".repeat(half)));
    }
}
