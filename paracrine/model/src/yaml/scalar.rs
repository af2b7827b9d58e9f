//! What a plain scalar means: YAML 1.2's core schema, without the numbers that other tools read differently.

use super::Value;

/// The meaning of a plain scalar; `Err` for a whole number beyond 64 bits.
pub(super) fn plain(text: &str) -> Result<Value, TooLarge> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    if !text.starts_with(['+', '-', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
        return Ok(Value::Text(text.to_owned()));
    }
    match number(text) {
        Some(number) => number,
        None => Ok(Value::Text(text.to_owned())),
    }
}

/// Whether YAML 1.1 reads a text that stands without quotes as a truth value, a number or a time.
pub(super) fn is_more_in_yaml_1_1(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if matches!(lower.as_str(), "yes" | "no" | "on" | "off") {
        return true;
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    // `1_000`, `0b101`, `12:30:00` (base 60)
    let grouped = unsigned.contains('_') && digits(&unsigned.replace('_', ""));
    let binary = unsigned.strip_prefix("0b").is_some_and(digits);
    let sixties = unsigned.split(':').count() > 1
        && unsigned.split(':').enumerate().all(|(at, part)| digits(part) && (at == 0 || part.len() <= 2));
    grouped && unsigned.starts_with(|c: char| c.is_ascii_digit()) || binary || sixties
}

/// A whole number that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

fn number(text: &str) -> Option<Result<Value, TooLarge>> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let good = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
            return good.then(|| i64::from_str_radix(digits, radix).map(Value::Int).map_err(|_| TooLarge));
        }
    }
    match unsigned {
        ".inf" | ".Inf" | ".INF" if text.starts_with('-') => {
            return Some(Ok(Value::Float(f64::NEG_INFINITY)));
        }
        ".inf" | ".Inf" | ".INF" => return Some(Ok(Value::Float(f64::INFINITY))),
        _ => {}
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Ok(Value::Float(f64::NAN)));
    }
    // A leading zero makes a mode, a postal code or a telephone number: text.
    let bytes = unsigned.as_bytes();
    if bytes.first() == Some(&b'0') && bytes.get(1).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    if !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit) {
        return Some(text.parse().map(Value::Int).map_err(|_| TooLarge));
    }
    if !is_float(unsigned) {
        return None;
    }
    text.parse().ok().map(|float| Ok(Value::Float(float)))
}

/// `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_float(unsigned: &str) -> bool {
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, "")) => digits(whole),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(mantissa),
    };
    let exponent =
        exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
    mantissa && exponent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_have_the_meaning_of_yaml_1_2() {
        let text = |text: &str| Ok(Value::Text(text.to_owned()));
        for word in [
            "no",
            "yes",
            "on",
            "off",
            "y",
            "n",
            "No",
            "0644",
            "-012",
            "00.5",
            "1_000",
            "2026-01-01",
            "12:30:45",
            "1.2.3",
            "10.0.0.1",
            "-",
            "+",
            ".",
            "e5",
            "1e",
            "0x",
            "0o8",
            "0xg",
            "0b1",
            "-0x1",
            "tRUE",
            "infinity",
            "NaN",
            "+.nan",
            "1e5x",
            "--1",
            "1.5.",
            "..5",
            "٣",
        ] {
            assert_eq!(plain(word), text(word), "{word}");
        }
        for (word, value) in [
            ("null", Value::Null),
            ("~", Value::Null),
            ("true", Value::Bool(true)),
            ("FALSE", Value::Bool(false)),
            ("0", Value::Int(0)),
            ("-7", Value::Int(-7)),
            ("+7", Value::Int(7)),
            ("0o644", Value::Int(0o644)),
            ("0x1F", Value::Int(31)),
            ("9223372036854775807", Value::Int(i64::MAX)),
            ("1.10", Value::Float(1.1)),
            (".5", Value::Float(0.5)),
            ("5.", Value::Float(5.0)),
            ("-1e3", Value::Float(-1000.0)),
            ("0.25E-2", Value::Float(0.0025)),
            ("-.inf", Value::Float(f64::NEG_INFINITY)),
        ] {
            assert_eq!(plain(word), Ok(value), "{word}");
        }
        assert_eq!(plain("9223372036854775808"), Err(TooLarge));
        assert_eq!(plain("0xFFFFFFFFFFFFFFFFF"), Err(TooLarge));
    }
}
