//! Numbers as text: fixed decimals, no locale, no -0, and nothing that is not finite.

/// A coordinate, to a tenth of a pixel.
pub(in crate::report) fn px(value: f64) -> String {
    debug_assert!(value.is_finite(), "a coordinate is finite");
    // Adding zero makes -0 0.
    format!("{}", (value * 10.0).round() / 10.0 + 0.0)
}

/// `value` with so many decimals and with commas between thousands, or a dash if it is not finite.
pub fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let digits = format!("{:.decimals$}", value.abs());
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let sign = if value < 0.0 && digits.contains(|digit| ('1'..='9').contains(&digit)) { "−" } else { "" };
    format!("{sign}{}{rest}", grouped(whole))
}

/// Commas between thousands.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `value` as short as it can be said exactly enough for a tick: `0.05`, `20,000`, `2×10⁻⁶`.
pub fn tick(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && value.is_finite() && !(1e-3..1e6).contains(&size) {
        return power_of_ten(value);
    }
    fixed(value, decimals_of(value))
}

/// The decimals that `value` has, six at most.
fn decimals_of(value: f64) -> usize {
    (0..6).find(|&places| is_whole(value * 10f64.powi(places))).unwrap_or(6) as usize
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() <= 1e-9 * value.abs().max(1.0)
}

/// With three digits at least: `7.43`, `23.4`, `0.0123`, `1,234`.
pub fn short(value: f64) -> String {
    digits(value, 3)
}

/// With two digits at least: `7.4`, `23`, `0.012`.
pub(super) fn about(value: f64) -> String {
    digits(value, 2)
}

fn digits(value: f64, wanted: i32) -> String {
    let size = value.abs();
    if size != 0.0 && value.is_finite() && !(1e-3..1e6).contains(&size) {
        return power_of_ten(value);
    }
    let decimals =
        if size == 0.0 || !value.is_finite() { 0 } else { wanted - 1 - size.log10().floor() as i32 };
    fixed(value, decimals.max(0) as usize)
}

/// With a mantissa of four digits at most: `10⁶`, `−2.5×10⁻⁷`.
pub(super) fn power_of_ten(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return fixed(value, 0);
    }
    let (mantissa, power) =
        format!("{value:.3e}").split_once('e').map(|(m, p)| (m.to_owned(), p.to_owned())).unwrap_or_default();
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.').replace('-', "−");
    let power: String = power.chars().map(raised).collect();
    match &*mantissa {
        "1" => format!("10{power}"),
        _ => format!("{mantissa}×10{power}"),
    }
}

fn raised(character: char) -> char {
    match character {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32('⁰' as u32 + digit as u32 - '0' as u32).expect("a digit has a superscript"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_in_one_way() {
        assert_eq!([px(-0.01), px(12.34), px(7.0)], ["0", "12.3", "7"]);
        assert_eq!([fixed(-0.001, 2), fixed(-1234.5, 1), fixed(60_000.0, 0)], ["0.00", "−1,234.5", "60,000"]);
        assert_eq!([fixed(f64::NAN, 1), fixed(f64::INFINITY, 0), short(f64::NAN)], ["–"; 3]);
        assert_eq!([tick(0.0), tick(0.05), tick(0.1 + 0.2), tick(20_000.0)], ["0", "0.05", "0.3", "20,000"]);
        assert_eq!([tick(1e6), tick(2e-6), tick(-2.5e7)], ["10⁶", "2×10⁻⁶", "−2.5×10⁷"]);
        assert_eq!(
            [short(7.432), short(23.44), short(0.01234), short(1234.0)],
            ["7.43", "23.4", "0.0123", "1,234"]
        );
    }
}
