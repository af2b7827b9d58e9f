//! Numbers, sizes and shares as systemd reads them.

/// A whole number: decimal, `0x…`, `0b…`, `0o…`, or octal after a zero.
pub(super) fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let radix =
        |prefix: &str| digits.strip_prefix(prefix).or_else(|| digits.strip_prefix(&prefix.to_uppercase()));
    let (digits, base) = if let Some(rest) = radix("0x") {
        (rest, 16)
    } else if let Some(rest) = radix("0b") {
        (rest, 2)
    } else if let Some(rest) = radix("0o") {
        (rest, 8)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (&digits[1..], 8)
    } else {
        (digits, 10)
    };
    if !digits.starts_with(|c: char| c.is_digit(base)) {
        return None;
    }
    let number = i128::from_str_radix(digits, base).ok()?;
    Some(if negative { -number } else { number })
}

const UNITS: [&str; 7] = ["E", "P", "T", "G", "M", "K", "B"];

/// Bytes: `512M`, `1.5G`, `1G 512M`; each unit is 1024 or 1000 times the next.
pub(super) fn size(text: &str, base: u128) -> Option<u128> {
    let mut rest = text.trim_start();
    let mut from = 0;
    let mut sum: u128 = 0;
    loop {
        let unsigned = rest.strip_prefix('+').unwrap_or(rest);
        let (whole, after) = digits(unsigned);
        let whole: u128 = whole.parse().ok()?;
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        let after = after.trim_start();
        let unit = UNITS.iter().skip(from).position(|unit| after.starts_with(unit)).map(|at| from + at);
        let (at, after) = match unit {
            Some(at) => (at, &after[1..]),
            // Without a unit: bytes, of which there is one number.
            None if from <= UNITS.len() => (UNITS.len(), after),
            None => return None,
        };
        let power = u32::try_from(6_usize.saturating_sub(at)).unwrap_or(0);
        let factor = base.pow(power);
        sum += whole.checked_mul(factor)?;
        if !fraction.is_empty() {
            let (part, scale) = (fraction.get(..9).unwrap_or(fraction), fraction.len().min(9));
            sum += part.parse::<u128>().ok()? * factor / 10_u128.pow(u32::try_from(scale).unwrap_or(9));
        }
        if sum > u128::from(u64::MAX) {
            return None;
        }
        rest = after;
        if rest.is_empty() {
            return Some(sum);
        }
        from = at + 1;
        rest = rest.trim_start();
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// Hundredths of a percent: `50%`, `12.5%`, `5‰`, `25‱`.
pub(super) fn share(text: &str) -> Option<u128> {
    let (number, unit, decimals) = if let Some(number) = text.strip_suffix('%') {
        (number, 100, 2)
    } else if let Some(number) = text.strip_suffix('‰') {
        (number, 10, 1)
    } else {
        (text.strip_suffix('‱')?, 1, 0)
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole)
        || !digits(fraction)
        || fraction.len() > decimals.max(1)
        || decimals == 0 && number != whole
    {
        return None;
    }
    let fraction: u128 = format!("{fraction:0<2}").get(..2)?.parse().ok()?;
    Some(whole.parse::<u128>().ok()?.checked_mul(unit)? + fraction * unit / 100)
}
