//! What holds for every picture: it is XML, the same every time, escaped, finite, and has its things in their places.

use super::canvas::size;
use super::*;
use roxmltree::{Document, Node};

/// Parses a picture; demands that its numbers are numbers and that no text lies outside it.
#[track_caller]
fn parsed(svg: &str) -> Document<'_> {
    let document = Document::parse(svg).unwrap_or_else(|error| panic!("{error} in {svg}"));
    let root = document.root_element();
    assert_eq!((root.tag_name().name(), root.attribute("role")), ("svg", Some("img")));
    assert!(root.children().any(|child| child.has_tag_name(("http://www.w3.org/2000/svg", "title"))));
    let [width, height] = size(svg).expect("a picture has a size");
    for node in document.descendants().filter(Node::is_element) {
        for attribute in node.attributes() {
            let value = attribute.value();
            assert!(!value.contains("NaN") && !value.contains("inf"), "{value:?} in {svg}");
            assert!(!["id", "href", "src"].contains(&attribute.name()), "{svg}");
        }
        if node.has_tag_name("text") && node.attribute("x").is_some() {
            let [x, y] = ["x", "y"].map(|name| number(&node, name));
            assert!((0.0..=width).contains(&x) && (0.0..=height).contains(&y), "{:?} in {svg}", node.text());
        }
    }
    document
}

fn number(node: &Node, name: &str) -> f64 {
    node.attribute(name).unwrap_or("0").parse().unwrap()
}

/// The nodes that have this word in their class.
fn classed<'a>(document: &'a Document, class: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    document
        .descendants()
        .filter(move |node| node.attribute("class").is_some_and(|all| all.split(' ').any(|one| one == class)))
}

/// Demands that all markers lie within the frame; returns how many there are.
#[track_caller]
fn points_in_frame(document: &Document) -> usize {
    let frame =
        classed(document, "axis").find(|node| node.has_tag_name("rect")).expect("a chart has a frame");
    let [left, top, width, height] = ["x", "y", "width", "height"].map(|name| number(&frame, name));
    let mut count = 0;
    for point in classed(document, "point") {
        let place = point.attribute("transform").unwrap();
        let (x, y) = place.trim_start_matches("translate(").trim_end_matches(')').split_once(' ').unwrap();
        let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
        assert!(x > left && x < left + width && y >= top && y <= top + height, "{x} {y}");
        count += 1;
    }
    count
}

fn texts(document: &Document) -> Vec<String> {
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts.map(|node| node.text().unwrap_or("").to_owned()).collect()
}

fn chart(series: Vec<Series>) -> Chart {
    Chart { series, ..Chart::new("chart", Axis::log10("hidden units"), Axis::linear("epochs")) }
}

fn points(values: &[(f64, f64)]) -> Vec<Point> {
    values.iter().map(|&(x, y)| Point::new(x, y).with_error(y / 10.0)).collect()
}

#[test]
fn a_chart_has_its_points_in_its_frame() {
    let several = ["dlr", "sgd", "adam", "somebody's"].iter().enumerate().map(|(number, name)| {
        Series::points(*name, number, points(&[(10.0, 9.0), (30.0, 5.0 + number as f64), (1000.0, 1.0)]))
    });
    let chart = chart(several.collect());
    let svg = chart.svg();
    let document = parsed(&svg);
    assert_eq!(points_in_frame(&document), 12);
    let texts = texts(&document);
    for text in ["chart", "hidden units", "epochs", "dlr", "somebody's", "10", "1,000"] {
        assert!(texts.iter().any(|found| found == text), "no {text:?} in {texts:?}");
    }
    assert_eq!(svg, chart.clone().svg(), "the same data, the same bytes");
}

#[test]
fn what_has_no_place_is_left_out_or_an_arrow() {
    let values =
        [(10.0, 5.0), (20.0, f64::NAN), (30.0, 53.0), (40.0, f64::INFINITY), (f64::NAN, 5.0), (-1.0, 5.0)];
    let mut chart = chart(vec![Series::points("dlr", 0, points(&values))]);
    chart.y = chart.y.starting_at(0.0).ending_at(10.0);
    let svg = chart.svg();
    let document = parsed(&svg);
    assert_eq!(points_in_frame(&document), 1);
    assert_eq!(texts(&document).iter().filter(|text| *text == "53").count(), 1, "the arrow says its value");
    assert_eq!(classed(&document, "arrow").count(), 2);
}

#[test]
fn charts_of_nothing_are_pictures_too() {
    let nothing = vec![Point::new(f64::NAN, f64::NAN), Point::new(1.0, f64::NAN)];
    let band = vec![Span { x: 1.0, low: f64::NAN, high: 2.0 }];
    for series in [
        vec![],
        vec![Series::points("dlr", 0, vec![])],
        vec![Series::curve("sgd", 0, nothing).with_band(band)],
    ] {
        let svg = chart(series).svg();
        assert_eq!(points_in_frame(&parsed(&svg)), 0);
    }
}

#[test]
fn charts_of_great_and_small_values() {
    for scale in [Scale::Linear, Scale::Log2, Scale::Log10] {
        for size in [1e-6, 1.0, 1e6] {
            let values = points(&[(size, size), (3.0 * size, 2.0 * size), (5.0 * size, 7.0 * size)]);
            let (x, y) = (Axis::new(scale, "x"), Axis::new(scale, "y"));
            let svg = Chart { series: vec![Series::points("dlr", 0, values)], ..Chart::new("", x, y) }.svg();
            assert_eq!(points_in_frame(&parsed(&svg)), 3);
        }
    }
}

#[test]
fn curves_have_bands_and_rules() {
    let curve: Vec<Point> = (1..=100).map(|x| Point::new(f64::from(x), 1.0 - 1.0 / f64::from(x))).collect();
    let band =
        curve.iter().map(|point| Span { x: point.x, low: point.y - 0.01, high: point.y + 0.01 }).collect();
    let mut chart = chart(vec![Series::curve("dlr", 0, curve).with_band(band)]);
    chart.rules.push(Rule { y: 0.96, label: "target".to_owned() });
    chart.rules.push(Rule { y: 9.0, label: "out of the picture".to_owned() });
    chart.y = chart.y.ending_at(1.0);
    let svg = chart.svg();
    let document = parsed(&svg);
    assert_eq!((classed(&document, "band").count(), classed(&document, "rule").count()), (1, 1));
    assert_eq!(points_in_frame(&document), 0);
}

#[test]
fn labels_that_touch_make_room_for_one_another() {
    let heights = super::chart::spread(&[50.0, 50.0, 52.0, 300.0, 5.0], [0.0, 200.0], 18.0);
    let mut sorted = heights.clone();
    sorted.sort_by(f64::total_cmp);
    assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= 17.999), "{heights:?}");
    assert!(sorted.iter().all(|height| (0.0..=200.0).contains(height)), "{heights:?}");
    assert!(heights[0] < heights[1] && heights[1] < heights[2] && heights[3] == 200.0, "{heights:?}");
    let full = super::chart::spread(&[0.0; 30], [0.0, 100.0], 18.0);
    assert!(full.iter().all(|height| (-1e-9..=100.0 + 1e-9).contains(height)), "{full:?}");
}

#[test]
fn bars_show_what_there_is() {
    let mut bars = Bars::new("bars", Axis::linear("epochs").ending_at(10.0), &["ours", "the paper's"]);
    let both = vec![Some(Bar::new(0.77, Some(0.1))), Some(Bar::new(25.0, None))];
    bars.groups.push(Group::new("dlr", 0, both));
    bars.groups.push(Group::new(
        "nesterov-authors of a very long name",
        1,
        vec![None, Some(Bar::new(f64::NAN, None))],
    ));
    let svg = bars.svg();
    let document = parsed(&svg);
    let texts = texts(&document);
    for text in ["ours", "the paper's", "0.8", "25.0", "–", "dlr"] {
        assert!(texts.iter().any(|found| found == text), "no {text:?} in {texts:?}");
    }
    assert_eq!(svg, bars.svg());
    parsed(&Bars::new("", Axis::linear(""), &[]).svg());
}

#[test]
fn heat_maps_show_every_kind_of_cell() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut heat =
        Heat::new("heat", Axis::log10("epochs"), &names(&["0.1", "0.2", "0.4"]), &names(&["a", "b"]));
    heat.cells = vec![vec![Cell::Value(1.0), Cell::Partly(20.0), Cell::Missed], vec![Cell::Value(f64::NAN)]];
    heat.best = Some([0, 0]);
    let svg = heat.svg();
    let document = parsed(&svg);
    let texts = texts(&document);
    for text in ["1.0", "(20.0)", "a", "0.4", "20"] {
        assert!(texts.iter().any(|found| found == text), "no {text:?} in {texts:?}");
    }
    assert_eq!((classed(&document, "best").count(), classed(&document, "hatch").count()), (1, 1));
    assert_eq!(svg, heat.svg());
    parsed(&Heat::new("", Axis::linear(""), &[], &[]).svg());
    heat.cells.clear();
    parsed(&heat.svg());
}

#[test]
fn text_is_escaped_everywhere() {
    let evil = "<b> & \"quotes\" & 'more'\u{0}\u{7}";
    let mut chart = chart(vec![Series::points(evil, 0, points(&[(1.0, 2.0)]))]);
    (chart.title, chart.about, chart.note) = (evil.to_owned(), evil.to_owned(), evil.to_owned());
    (chart.x.title, chart.y.title) = (evil.to_owned(), evil.to_owned());
    chart.rules.push(Rule { y: 2.0, label: evil.to_owned() });
    let mut bars = Bars::new(evil, Axis::linear(evil), &[evil, evil]);
    bars.groups.push(Group::new(evil, 0, vec![None, None]));
    let heat = Heat::new(evil, Axis::linear(evil), &[evil.to_owned()], &[evil.to_owned()]);
    for svg in [chart.svg(), bars.svg(), heat.svg(), beside(evil, &[chart.svg(), bars.svg()])] {
        let document = parsed(&svg);
        assert!(document.descendants().all(|node| !node.has_tag_name("b")), "{svg}");
        assert!(document.descendants().any(|node| node.text() == Some("<b> & \"quotes\" & 'more'")), "{svg}");
    }
}

#[test]
fn pictures_stand_beside_one_another() {
    let one = chart(vec![Series::points("dlr", 0, points(&[(1.0, 2.0)]))]).svg();
    let both = beside("both", &[one.clone(), one.clone()]);
    let document = parsed(&both);
    let root = document.root_element();
    let inner: Vec<f64> =
        root.children().filter(|node| node.has_tag_name("svg")).map(|node| number(&node, "x")).collect();
    let [width, height] = size(&one).unwrap();
    assert_eq!((inner, size(&both)), (vec![0.0, width + 12.0], Some([2.0 * width + 12.0, height])));
    parsed(&beside("nothing", &[]));
}
