//! The SVG that pictures are written to: a few shapes, text that is escaped and measured, and the style of all pictures.

use super::look::{self, Look};
use super::numbers::px;
use std::fmt::Write as _;

/// The class of every picture, under which all its styles hold.
const ROOT: &str = "dlr-plot";
/// What pictures and pages are drawn on, in the light and in the dark.
pub(in crate::report) const PAPER: [&str; 2] = ["#ffffff", "#16181c"];
/// What they are drawn with.
pub(in crate::report) const INK: [&str; 2] = ["#24292f", "#d8dce2"];
/// The size of text, and of smaller text, in pixels.
pub(in crate::report) const TEXT: f64 = 14.0;
pub(in crate::report) const SMALL: f64 = 13.0;
const HEAD: f64 = 16.0;
/// From one line of text to the next.
pub(in crate::report) const LINE: f64 = 18.0;

/// The rules that hold in the light and in the dark. Those that ink or paper have part in are in [`scheme`].
const STYLE: &str = "\
.@{color-scheme:light dark;font:14px system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif}
.@ text{fill:currentColor;stroke:none}
.@ .small{font-size:13px}
.@ .head{font-size:16px;font-weight:600}
.@ .soft{opacity:.72}
.@ .axis,.@ .roof,.@ .curve,.@ .error,.@ .lead,.@ .hatch{stroke:currentColor;fill:none}
.@ .axis{opacity:.6}
.@ .grid{stroke:currentColor;fill:none;opacity:.13}
.@ .all{stroke-dasharray:6 4}
.@ .rule{stroke:currentColor;fill:none;stroke-width:1.3;opacity:.75}
.@ .lead{opacity:.4}
.@ .curve{stroke-width:1.8;stroke-linejoin:round}
.@ .error{stroke-width:1.3}
.@ .band{fill:currentColor;opacity:.17}
.@ .bar{fill:currentColor;stroke:currentColor}
.@ .open{stroke:currentColor;stroke-width:1.7}
.@ .solid{fill:currentColor}
.@ .on-light{fill:#14202b}
.@ .on-dark{fill:#ffffff}
.@ .best{fill:none;stroke:#d55e00;stroke-width:3}
.@ .halo{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}
";

/// The rules that ink and paper have part in.
fn scheme(dark: usize) -> String {
    let (ink, paper) = (INK[dark], PAPER[dark]);
    format!(
        ".{ROOT}{{color:{ink}}}.{ROOT} .paper,.{ROOT} .open{{fill:{paper}}}.{ROOT} .halo{{stroke:{paper}}}\
         .{ROOT} .ink,.{ROOT} .c{{color:{ink}}}{}\n",
        look::rules(ROOT, dark)
    )
}

/// The style of all pictures.
fn style() -> String {
    let dark = scheme(1);
    format!(
        "{}{}@media screen and (prefers-color-scheme:dark){{{}}}\n",
        STYLE.replace('@', ROOT),
        scheme(0),
        dark.trim_end()
    )
}

/// A rectangle of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct Area {
    pub(in crate::report) left: f64,
    pub(in crate::report) top: f64,
    pub(in crate::report) right: f64,
    pub(in crate::report) bottom: f64,
}

impl Area {
    pub(in crate::report) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(in crate::report) fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// Which end of a text lies at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture being drawn.
pub(in crate::report) struct Canvas {
    width: f64,
    height: f64,
    body: String,
}

impl Canvas {
    pub(in crate::report) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// The same, `height` high.
    pub(in crate::report) fn resize(&mut self, height: f64) {
        self.height = height;
    }

    /// Markup as it is, on a line of its own.
    pub(in crate::report) fn add(&mut self, markup: &str) {
        self.body += markup;
        self.body.push('\n');
    }

    pub(in crate::report) fn line(&mut self, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(px);
        self.add(&format!(r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#));
    }

    /// A rectangle, with `more` attributes or none.
    pub(in crate::report) fn rect(&mut self, class: &str, area: Area, more: &str) {
        let [x, y, width, height] = [area.left, area.top, area.width(), area.height()].map(px);
        self.add(&format!(
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}"{more}/>"#
        ));
    }

    pub(in crate::report) fn text(&mut self, class: &str, anchor: Anchor, [x, y]: [f64; 2], text: &str) {
        self.placed_text(class, anchor, &format!(r#"x="{}" y="{}""#, px(x), px(y)), text);
    }

    /// Text around `x`, `y`, turned by so many degrees.
    pub(in crate::report) fn turned_text(&mut self, class: &str, [x, y]: [f64; 2], degrees: f64, text: &str) {
        let place = format!(r#"transform="translate({} {}) rotate({})""#, px(x), px(y), px(degrees));
        self.placed_text(class, Anchor::Middle, &place, text);
    }

    fn placed_text(&mut self, class: &str, anchor: Anchor, place: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let class = if class.is_empty() { String::new() } else { format!(r#" class="{class}""#) };
        self.add(&format!("<text{class} {place}{anchor}>{}</text>", escape(text)));
    }

    /// Lines of text, the first at `top` plus its height; returns where the next would begin.
    pub(in crate::report) fn paragraph(&mut self, class: &str, x: f64, top: f64, lines: &[String]) -> f64 {
        lines.iter().fold(top, |top, line| {
            self.text(class, Anchor::Start, [x, top + LINE - 4.0], line);
            top + LINE
        })
    }

    /// The heading; returns where what follows may begin.
    pub(in crate::report) fn heading(&mut self, title: &str) -> f64 {
        let lines = wrap(title, self.width - 24.0, HEAD);
        if lines.is_empty() { 14.0 } else { self.paragraph("head", 12.0, 8.0, &lines) + 9.0 }
    }

    /// The marker of `look`, filled or open, with what it says when it is pointed at.
    pub(in crate::report) fn marker(&mut self, look: Look, open: bool, [x, y]: [f64; 2], about: &str) {
        let fill = if open { "open" } else { "solid" };
        let (x, y, shape) = (px(x), px(y), look.marker());
        let (class, about) = (look.class(), escape(about));
        let start =
            format!(r#"<path class="point {fill} {class}" transform="translate({x} {y})" d="{shape}""#);
        self.add(&if about.is_empty() {
            start + "/>"
        } else {
            format!("{start}><title>{about}</title></path>")
        });
    }

    /// Lines from lower left to upper right through `area`.
    pub(in crate::report) fn hatch(&mut self, class: &str, area: Area, gap: f64) {
        let mut path = String::new();
        let (width, height) = (area.width(), area.height());
        let mut along = gap;
        while along < width + height {
            // Where the line enters at the left or at the bottom, and leaves at the top or at the right.
            let from = [(along - height).max(0.0), along.min(height)];
            let to = [along.min(width), (along - width).max(0.0)];
            let [x1, x2] = [from[0], to[0]].map(|x| px(area.left + x));
            let [y1, y2] = [from[1], to[1]].map(|y| px(area.top + y));
            write!(path, "M{x1} {y1}L{x2} {y2}").expect("a string takes all");
            along += gap;
        }
        if !path.is_empty() {
            self.add(&format!(r#"<path class="hatch {class}" d="{path}"/>"#));
        }
    }

    /// What is drawn until [`Canvas::end_clip`] shows within `area` only.
    pub(in crate::report) fn clip(&mut self, area: Area) {
        let [x, y, width, height] = [area.left, area.top, area.width(), area.height()].map(px);
        self.add(&format!(
            r#"<svg x="{x}" y="{y}" width="{width}" height="{height}" viewBox="{x} {y} {width} {height}">"#
        ));
    }

    pub(in crate::report) fn end_clip(&mut self) {
        self.add("</svg>");
    }

    /// The picture, whole.
    pub(in crate::report) fn finish(self, title: &str, about: &str) -> String {
        let about =
            if about.is_empty() { String::new() } else { format!("<desc>{}</desc>\n", escape(about)) };
        let [width, height] = [self.width, self.height].map(px);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{ROOT}\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\">\n<title>{}</title>\n{about}<style>\n{}</style>\n\
             <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n{}</svg>\n",
            escape(title),
            style(),
            self.body
        )
    }
}

/// The size that a picture was given: its width and height.
pub(in crate::report) fn size(svg: &str) -> Option<[f64; 2]> {
    let (_, rest) = svg.split_once("viewBox=\"0 0 ")?;
    let (width, height) = rest.split_once('"')?.0.split_once(' ')?;
    Some([width.parse().ok()?, height.parse().ok()?])
}

/// Pictures of this module beside one another, in one picture that is called `title`. In a page, rather give them as
/// [panels](crate::report::html::Block::Panels), which go below one another where there is no room.
pub fn beside(title: &str, pictures: &[String]) -> String {
    let gap = 12.0;
    let sizes: Vec<[f64; 2]> = pictures.iter().map(|svg| size(svg).unwrap_or([0.0, 0.0])).collect();
    let height = sizes.iter().map(|size| size[1]).fold(0.0, f64::max);
    let width: f64 = sizes.iter().map(|size| size[0] + gap).sum();
    let mut canvas = Canvas::new((width - gap).max(0.0), height);
    let mut left = 0.0;
    for (svg, size) in pictures.iter().zip(sizes) {
        canvas.add(&svg.trim_end().replacen("<svg ", &format!("<svg x=\"{}\" ", px(left)), 1));
        left += size[0] + gap;
    }
    canvas.finish(title, "")
}

/// `text` for XML: what would be markup is escaped, and characters that XML cannot have are left out.
pub(in crate::report) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            '\n' | '\t' => escaped.push(character),
            '\u{fffe}' | '\u{ffff}' => {}
            _ if character.is_control() => {}
            _ => escaped.push(character),
        }
    }
    escaped
}

/// About how wide `text` is at a size in pixels, rather too much than too little: fonts differ.
pub(in crate::report) fn text_width(text: &str, size: f64) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|character| match character {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' | 'f' | 't' | '('
            | ')' => 0.36,
            'm' | 'w' | 'M' | 'W' | '%' | '×' => 0.92,
            '⁰'..='⁹' | '¹' | '²' | '³' | '⁻' => 0.42,
            'A'..='Z' => 0.7,
            _ => 0.6,
        })
        .sum();
    ems * size
}

/// The words of `text` in lines that are `width` wide at most, where words allow.
pub(in crate::report) fn wrap(text: &str, width: f64, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width(line, size) + text_width(word, size) + 0.36 * size <= width => {
                line.push(' ');
                *line += word;
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
