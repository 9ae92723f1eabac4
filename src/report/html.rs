//! A report as one HTML file that needs nothing else: pictures are in it, nothing is loaded, and there is no script.
//! It is XML, too. It can be read on a phone, on paper, in the light and in the dark.

use super::plot::canvas::{INK, PAPER, escape, size};
use std::fmt::Write as _;

/// A report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Its heading, and the page's title.
    pub title: String,
    /// The line below; nothing if empty.
    pub subtitle: String,
    /// Its sections, which are listed at the top if there are several.
    pub sections: Vec<Section>,
}

/// A section of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Its heading, which its anchor is made of.
    pub heading: String,
    /// What is in it.
    pub blocks: Vec<Block>,
}

/// What a section is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Paragraphs, with empty lines between; what is between backticks is code.
    Text(String),
    /// A picture of [`super::plot`], whose markup is taken as it is.
    Figure {
        /// The picture.
        svg: String,
        /// What is below it.
        caption: String,
    },
    /// Pictures beside one another where there is room, else below one another.
    Panels {
        /// The pictures.
        svgs: Vec<String>,
        /// What is below them.
        caption: String,
    },
    /// A table.
    Table(Table),
    /// What became of claims.
    Verdicts(Vec<Verdict>),
    /// Names and values.
    Facts(Vec<(String, String)>),
    /// Text as a program has it.
    Code(String),
}

/// A table of text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The columns' names.
    pub head: Vec<String>,
    /// The cells.
    pub rows: Vec<Vec<String>>,
    /// What is above it; nothing if empty.
    pub caption: String,
    /// How each column is aligned; those that are not said like text.
    pub alignment: Vec<Align>,
}

/// How a column is aligned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// At the left.
    #[default]
    Text,
    /// At the right, with digits of one width.
    Number,
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What the paper claims.
    pub claim: String,
    /// Its numbers.
    pub paper: String,
    /// Ours.
    pub ours: String,
    /// What follows.
    pub verdict: Finding,
    /// Why.
    pub why: String,
}

/// What was found of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It holds here too.
    Reproduced,
    /// It does not hold here.
    NotReproduced,
    /// It holds with the settings of the paper's author, and not with others.
    OnlyUnderAuthors,
    /// It holds with the true gradient, and not with the settings of the paper's author.
    OnlyUnderMse,
    /// The data don't say.
    Undecided,
}

impl Finding {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::NotReproduced => "not reproduced",
            Self::OnlyUnderAuthors => "only with the author's settings",
            Self::OnlyUnderMse => "only with the true gradient",
            Self::Undecided => "undecided",
        }
    }

    /// The class of its badge, and a sign for those who see no colours.
    fn badge(self) -> (&'static str, char) {
        match self {
            Self::Reproduced => ("r-yes", '✓'),
            Self::NotReproduced => ("r-no", '✗'),
            Self::OnlyUnderAuthors => ("r-partly", '◐'),
            Self::OnlyUnderMse => ("r-partly", '◑'),
            Self::Undecided => ("r-open", '?'),
        }
    }
}

/// The page's style. Its classes begin with `r-`; pictures have their own under theirs.
const STYLE: &str = "\
:root{color-scheme:light dark;--ink:@ink0;--paper:@paper0;--soft:#5c6570;--line:#d5dae0;--tint:#f4f6f8;--link:#0a5fa8;
--yes:#0b7a52;--no:#b3431a;--partly:#8a5a00;--open:#5c6570}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.6 system-ui,-apple-system,'Segoe UI',Roboto,\
'Noto Sans',sans-serif;overflow-wrap:break-word}
main{max-width:68rem;margin:0 auto;padding:2.5rem 1.25rem 5rem}
h1{font-size:2rem;line-height:1.2;letter-spacing:-.01em;margin:0 0 .4rem;max-width:28ch;text-wrap:balance}
h2{font-size:1.4rem;line-height:1.3;margin:3.2rem 0 .8rem;padding-top:.9rem;border-top:1px solid var(--line)}
p,.r-facts{max-width:70ch}
p{margin:0 0 1rem}
a{color:var(--link);text-underline-offset:.15em}
.r-sub{color:var(--soft);font-size:1.1rem;margin-bottom:1.6rem}
.r-toc{font-size:1rem;margin:1.6rem 0}
.r-toc ol{margin:0;padding-left:1.4rem;columns:18rem}
.r-toc li{break-inside:avoid;padding:.12rem 0}
.r-anchor{margin-left:.4em;color:var(--soft);text-decoration:none;opacity:.35}
.r-anchor:hover,.r-anchor:focus{opacity:1}
figure{margin:1.8rem 0}
figcaption{color:var(--soft);font-size:.94rem;line-height:1.5;max-width:74ch;margin-top:.5rem}
.r-table figcaption{margin:0 0 .5rem}
.r-scroll{overflow-x:auto;-webkit-overflow-scrolling:touch}
.r-scroll:focus-visible{outline:2px solid var(--link)}
figure svg{display:block;height:auto}
.r-panels{display:flex;flex-wrap:wrap;gap:1rem}
.r-panels div{min-width:0}
table{border-collapse:collapse;font-size:.96rem;line-height:1.4;font-variant-numeric:tabular-nums lining-nums}
.r-table{margin:1.6rem 0}
th,td{padding:.42rem .8rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th{font-weight:600;vertical-align:bottom;border-bottom-color:var(--soft)}
th:first-child,td:first-child{padding-left:.2rem}
tbody tr:hover{background:var(--tint)}
.r-num{text-align:right;white-space:nowrap}
.r-verdicts td:first-child{font-weight:600}
.r-verdicts{width:100%}
.r-badge{display:inline-block;font-weight:600;color:var(--c);white-space:nowrap}
.r-yes{--c:var(--yes)}.r-no{--c:var(--no)}.r-partly{--c:var(--partly)}.r-open{--c:var(--open)}
.r-partly{white-space:normal}
.r-facts{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.4rem;margin:1.2rem 0}
.r-facts dt{color:var(--soft)}
.r-facts dd{margin:0;min-width:0}
code,pre{font:.9em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}
code{background:var(--tint);padding:.1em .3em;border-radius:.25em}
pre{background:var(--tint);padding:.9rem 1.1rem;border-radius:.5rem;margin:1.2rem 0;overflow-x:auto}
pre code{background:none;padding:0;font-size:1em}
@media screen and (prefers-color-scheme:dark){:root{--ink:@ink1;--paper:@paper1;--soft:#9aa4b0;--line:#343a42;\
--tint:#20242a;--link:#6cb4f5;--yes:#3fc792;--no:#f58a5e;--partly:#e6b450;--open:#9aa4b0}}
@media screen and (max-width:42rem){
body{font-size:1rem}
main{padding:1.5rem 1rem 4rem}
h1{font-size:1.65rem}
h2{margin-top:2.4rem}
.r-facts{grid-template-columns:1fr;gap:0}
.r-facts dd{margin-bottom:.6rem}
.r-verdicts thead{display:none}
.r-verdicts,.r-verdicts tbody,.r-verdicts tr,.r-verdicts td{display:block}
.r-verdicts tr{padding:.9rem 0;border-bottom:1px solid var(--line)}
.r-verdicts td{border:0;padding:.12rem 0}
.r-verdicts td[data-label]::before{content:attr(data-label) ': ';color:var(--soft)}
}
@media print{
body{font-size:10pt}
main{max-width:none;padding:0}
.r-anchor{display:none}
.r-scroll{overflow:visible}
figure,tr,pre{break-inside:avoid}
h2{break-after:avoid}
figure svg{min-width:0 !important}
pre{white-space:pre-wrap}
}
";

/// The whole page.
pub fn html(report: &Report) -> String {
    let anchors = anchors(&report.sections);
    let style = STYLE.replace("@ink0", INK[0]).replace("@paper0", PAPER[0]);
    let style = style.replace("@ink1", INK[1]).replace("@paper1", PAPER[1]);
    let title = escape(&report.title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>{title}</title>\n\
         <style>\n{style}</style>\n</head>\n<body>\n<main>\n<header>\n<h1>{title}</h1>\n"
    );
    if !report.subtitle.is_empty() {
        add(&mut out, format_args!("<p class=\"r-sub\">{}</p>\n", prose(&report.subtitle)));
    }
    if report.sections.len() > 1 {
        contents(&mut out, &report.sections, &anchors);
    }
    out += "</header>\n";
    for (section, anchor) in report.sections.iter().zip(&anchors) {
        let heading = escape(&section.heading);
        add(
            &mut out,
            format_args!(
                "<section id=\"{anchor}\">\n<h2>{heading}<a class=\"r-anchor\" href=\"#{anchor}\" \
                 aria-label=\"link to this section\">#</a></h2>\n"
            ),
        );
        section.blocks.iter().for_each(|block| add_block(&mut out, block));
        out += "</section>\n";
    }
    out + "</main>\n</body>\n</html>\n"
}

fn add(out: &mut String, markup: std::fmt::Arguments) {
    out.write_fmt(markup).expect("a string takes all");
}

/// An anchor for every section: its heading's letters and digits, and a number where that has been there.
fn anchors(sections: &[Section]) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for section in sections {
        let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { ' ' };
        let letters: String = section.heading.to_ascii_lowercase().chars().map(plain).collect();
        let words: Vec<&str> = letters.split_whitespace().collect();
        let stem = format!("s-{}", words.join("-"));
        let numbered = (2..).map(|number| format!("{stem}-{number}"));
        let mut names = std::iter::once(stem.clone()).chain(numbered);
        anchors.push(names.find(|name| !anchors.contains(name)).expect("numbers don't end"));
    }
    anchors
}

fn contents(out: &mut String, sections: &[Section], anchors: &[String]) {
    *out += "<nav class=\"r-toc\" aria-label=\"contents\">\n<ol>\n";
    for (section, anchor) in sections.iter().zip(anchors) {
        add(out, format_args!("<li><a href=\"#{anchor}\">{}</a></li>\n", escape(&section.heading)));
    }
    *out += "</ol>\n</nav>\n";
}

fn add_block(out: &mut String, block: &Block) {
    match block {
        Block::Text(text) => {
            let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
            paragraphs.for_each(|paragraph| add(out, format_args!("<p>{}</p>\n", prose(paragraph))));
        }
        Block::Figure { svg, caption } => {
            *out += "<figure>\n";
            add_picture(out, svg);
            add_caption(out, caption);
        }
        Block::Panels { svgs, caption } => {
            *out += "<figure>\n";
            add_panels(out, svgs);
            add_caption(out, caption);
        }
        Block::Table(table) => add_table(out, table),
        Block::Verdicts(verdicts) => add_verdicts(out, verdicts),
        Block::Facts(facts) => {
            *out += "<dl class=\"r-facts\">\n";
            for (name, value) in facts {
                add(out, format_args!("<dt>{}</dt><dd>{}</dd>\n", prose(name), prose(value)));
            }
            *out += "</dl>\n";
        }
        Block::Code(code) => add(out, format_args!("<pre><code>{}</code></pre>\n", escape(code.trim_end()))),
    }
}

/// How small and how large a picture may become, in its own sizes.
const LEAST: f64 = 0.61;
const MOST: f64 = 1.15;

/// A picture that is no smaller than can be read: where that is too wide it can be scrolled.
fn add_picture(out: &mut String, svg: &str) {
    let width = size(svg).map_or(600.0, |[width, _]| width);
    let style = format!("width:100%;min-width:{:.0}px;max-width:{:.0}px", LEAST * width, MOST * width);
    let svg = svg.trim().replacen("<svg ", &format!("<svg style=\"{style}\" "), 1);
    add(out, format_args!("<div class=\"r-scroll\">\n{svg}\n</div>\n"));
}

/// Pictures that share the room by their widths, so that their text is of one size.
fn add_panels(out: &mut String, svgs: &[String]) {
    *out += "<div class=\"r-panels\">\n";
    for svg in svgs {
        let width = size(svg).map_or(600.0, |[width, _]| width);
        // Less than this, and they go below one another.
        let least = 0.75 * width;
        add(out, format_args!("<div style=\"flex:{width:.0} 1 {least:.0}px;max-width:{width:.0}px\">\n"));
        add_picture(out, svg);
        *out += "</div>\n";
    }
    *out += "</div>\n";
}

/// A figure's caption, and its end.
fn add_caption(out: &mut String, caption: &str) {
    if !caption.is_empty() {
        add(out, format_args!("<figcaption>{}</figcaption>\n", prose(caption)));
    }
    *out += "</figure>\n";
}

fn add_table(out: &mut String, table: &Table) {
    let class = |column: usize| match table.alignment.get(column).copied().unwrap_or_default() {
        Align::Text => "",
        Align::Number => " class=\"r-num\"",
    };
    *out += "<figure class=\"r-table\">\n";
    if !table.caption.is_empty() {
        add(out, format_args!("<figcaption>{}</figcaption>\n", prose(&table.caption)));
    }
    *out += "<div class=\"r-scroll\" tabindex=\"0\">\n<table>\n<thead><tr>";
    for (column, name) in table.head.iter().enumerate() {
        add(out, format_args!("<th scope=\"col\"{}>{}</th>", class(column), prose(name)));
    }
    *out += "</tr></thead>\n<tbody>\n";
    for row in &table.rows {
        *out += "<tr>";
        for (column, cell) in row.iter().enumerate() {
            add(out, format_args!("<td{}>{}</td>", class(column), prose(cell)));
        }
        *out += "</tr>\n";
    }
    *out += "</tbody>\n</table>\n</div>\n</figure>\n";
}

fn add_verdicts(out: &mut String, verdicts: &[Verdict]) {
    *out += "<div class=\"r-scroll r-table\">\n<table class=\"r-verdicts\">\n<thead><tr>";
    for name in ["claim", "finding", "the paper", "here", "why"] {
        add(out, format_args!("<th scope=\"col\">{name}</th>"));
    }
    *out += "</tr></thead>\n<tbody>\n";
    for Verdict { claim, paper, ours, verdict, why } in verdicts {
        let (class, sign) = verdict.badge();
        let words = verdict.words();
        add(
            out,
            format_args!(
                "<tr><td>{}</td><td><span class=\"r-badge {class}\">{sign} {words}</span></td>\
                 <td data-label=\"the paper\">{}</td><td data-label=\"here\">{}</td><td>{}</td></tr>\n",
                prose(claim),
                prose(paper),
                prose(ours),
                prose(why)
            ),
        );
    }
    *out += "</tbody>\n</table>\n</div>\n";
}

/// Text, escaped, with code for what is between two backticks, and numbers that stay with what belongs to them.
fn prose(text: &str) -> String {
    let text = &text.replace(" ± ", "\u{a0}±\u{a0}").replace(" = ", "\u{a0}=\u{a0}").replace(" %", "\u{a0}%");
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escape(text);
    }
    let marked = parts.iter().enumerate().map(|(number, part)| match number % 2 {
        0 => escape(part),
        _ => format!("<code>{}</code>", escape(part)),
    });
    marked.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plot::{Axis, Chart};
    use roxmltree::{Document, ParsingOptions};

    const EVIL: &str = "<script>alert(\"a\")</script> & 'b' `x < y`";

    fn evil() -> String {
        EVIL.to_owned()
    }

    /// A report with everything in it.
    fn full() -> Report {
        let svg = Chart::new("chart", Axis::linear("x"), Axis::linear("y")).svg();
        let verdicts =
            [Finding::Reproduced, Finding::NotReproduced, Finding::OnlyUnderAuthors, Finding::Undecided];
        let verdicts = verdicts.map(|verdict| Verdict {
            claim: evil(),
            paper: evil(),
            ours: evil(),
            verdict,
            why: evil(),
        });
        let table = Table {
            head: vec![evil(), evil()],
            rows: vec![vec![evil(), evil(), evil()], vec![]],
            caption: evil(),
            alignment: vec![Align::Text, Align::Number],
        };
        let blocks = vec![
            Block::Text(format!("{EVIL}\n\nA second paragraph, with an odd ` in it.")),
            Block::Figure { svg: svg.clone(), caption: evil() },
            Block::Panels { svgs: vec![svg.clone(), svg], caption: String::new() },
            Block::Table(table),
            Block::Verdicts(verdicts.to_vec()),
            Block::Facts(vec![(evil(), evil())]),
            Block::Code(evil()),
        ];
        let section = Section { heading: evil(), blocks };
        Report {
            title: evil(),
            subtitle: evil(),
            sections: vec![section.clone(), section, Section::default()],
        }
    }

    #[track_caller]
    fn parsed(page: &str) -> Document<'_> {
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        Document::parse_with_options(page, options).unwrap_or_else(|error| panic!("{error} in {page}"))
    }

    #[test]
    fn a_page_is_xml_and_escaped() {
        let page = html(&full());
        let document = parsed(&page);
        assert!(document.descendants().all(|node| !node.has_tag_name("script")));
        assert_eq!(document.descendants().filter(|node| node.has_tag_name("code")).count(), 1 + 2 * 27);
        let heading = document.descendants().find(|node| node.has_tag_name("h1")).unwrap();
        assert_eq!(heading.text(), Some(EVIL));
        assert_eq!(page, html(&full()), "the same data, the same bytes");
        parsed(&html(&Report::default()));
    }

    #[test]
    fn a_page_loads_nothing() {
        let page = html(&full());
        let document = parsed(&page);
        for node in document.descendants() {
            assert!(!["link", "img", "iframe", "image", "use"].contains(&node.tag_name().name()), "{node:?}");
            for attribute in node.attributes() {
                let (name, value) = (attribute.name(), attribute.value());
                assert!(name != "src" && (name != "href" || value.starts_with('#')), "{name}={value}");
                assert!(!name.starts_with("on"), "{name}={value}");
            }
        }
        assert!(!page.contains("@import") && !page.contains("url("));
        assert_eq!(
            page.matches("http").count(),
            page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count()
        );
    }

    #[test]
    fn anchors_are_unique_and_listed() {
        let page = html(&full());
        let document = parsed(&page);
        let mut ids: Vec<&str> = document.descendants().filter_map(|node| node.attribute("id")).collect();
        assert_eq!(ids.len(), 3);
        for id in &ids {
            assert_eq!(
                page.matches(&format!("href=\"#{id}\"")).count(),
                2,
                "in the contents and at the heading"
            );
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn the_styles_of_pages_and_pictures_are_apart() {
        let classes =
            STYLE.split('.').skip(1).filter(|rest| rest.starts_with(|letter: char| letter.is_alphabetic()));
        assert!(classes.clone().count() > 20);
        assert!(
            classes.into_iter().all(|class| class.starts_with("r-")),
            "every class of the page begins with r-"
        );
    }
}
