use super::*;
use crate::late::{Late, Signal};
use crate::secret::{Provider, SecretSource};

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn text(&mut self, letters: &[char], length: std::ops::Range<usize>) -> String {
        let length = length.start + self.below(length.end - length.start);
        (0..length).map(|_| letters[self.below(letters.len())]).collect()
    }
}

fn secret(name: &str) -> Late {
    Late::Secret(SecretSource { name: name.into(), provider: Provider::Env(name.into()) })
}

/// Base64 as anybody writes it, another way than the mask's.
fn encoded(bytes: &[u8], set: &[u8; 64]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let all =
            chunk.iter().chain([&0, &0]).take(3).fold(0_usize, |all, byte| all << 8 | usize::from(*byte));
        for letter in 0..4 {
            match letter <= chunk.len() {
                true => text.push(char::from(set[all >> (18 - 6 * letter) & 63])),
                false => text.push('='),
            }
        }
    }
    text
}

/// Values of several lines and one, with letters that every form writes in its own way.
fn values(random: &mut Random) -> Vec<String> {
    let letters: Vec<char> = "kqz07 /+=%&\"'\\\tßя".chars().collect();
    let single = random.text(&letters, 4..24);
    let lines: Vec<String> = (0..2 + random.below(3)).map(|_| random.text(&letters, 8..24)).collect();
    vec![format!("k{single}k"), lines.iter().map(|line| format!("k{line}k\n")).collect()]
}

/// All that is documented, in surroundings that share no letter with values or marks.
#[test]
fn no_form_of_a_value_survives() {
    let mut random = Random(5);
    let around: Vec<char> = "xXwW,;:".chars().collect();
    for _ in 0..1500 {
        for value in values(&mut random) {
            let mut late = LateValues::default();
            late.insert(secret("A"), value.clone());
            let mask = Mask::new(&late);
            // The value, and each of its lines.
            let whole = [value.as_str(), value.trim()];
            let lines: Vec<&str> = value.lines().map(str::trim).collect();
            for plain in whole.into_iter().chain(lines) {
                let hex: String = plain.bytes().map(|byte| format!("{byte:02x}")).collect();
                let url: String = plain
                    .bytes()
                    .map(|byte| match byte {
                        b'a'..=b'z' | b'0'..=b'9' => char::from(byte).to_string(),
                        _ => format!("%{byte:02X}"),
                    })
                    .collect();
                let json = plain
                    .replace('\\', "\\\\")
                    .replace('"', "\\\"")
                    .replace('\n', "\\n")
                    .replace('\t', "\\t");
                let shell = plain.replace('\'', "'\\''");
                let forms = [
                    plain.to_owned(),
                    hex.to_uppercase(),
                    hex,
                    url.to_lowercase(),
                    url.replace("%20", "+"),
                    url,
                    json,
                    shell,
                ];
                for form in forms {
                    let (before, after) = (random.text(&around, 0..6), random.text(&around, 0..6));
                    let masked = mask.text(&format!("{before}{form}{after}"));
                    let shown = masked.replace("‹secret A›", "");
                    let kept = shown.strip_prefix(&*before).and_then(|rest| rest.strip_suffix(&*after));
                    assert_eq!(kept.map(str::trim), Some(""), "of {value:?} as {form:?} there is {masked:?}");
                }
                for set in [STANDARD, URL_SAFE] {
                    let (before, after) = (random.text(&around, 0..6), random.text(&around, 0..6));
                    let text = encoded(format!("{before}{plain}{after}").as_bytes(), set);
                    // The letters that tell of nothing but the value.
                    let first = (before.len() * 8).div_ceil(6);
                    let last = (before.len() + plain.len()) * 8 / 6;
                    let masked = mask.text(&text);
                    assert!(!masked.contains(&text[first..last]), "of {plain:?} there is {masked:?}");
                    assert!(masked.contains("‹secret A›"), "{masked:?}");
                }
            }
        }
    }
}

#[test]
fn public_values_are_not_masked_and_later_ones_are() {
    let signal = |secret| Late::Signal(Signal { name: "key".into(), host: "db1".into(), secret });
    let mut values = LateValues::default();
    values.insert(signal(false), "public key".into());
    values.insert_unknown(signal(true));
    let mut mask = Mask::new(&values);
    assert_eq!(mask.text("public key, private key"), "public key, private key");
    let mut later = LateValues::default();
    later.insert(signal(true), "private key".into());
    mask.learn(&later);
    assert_eq!(mask.text("public key, private key"), "public key, ‹secret key of db1›");
    // A value that was replaced is no less a secret.
    let mut newest = LateValues::default();
    newest.insert(signal(true), "another one".into());
    mask.learn(&newest);
    assert_eq!(mask.text("private key, another one"), "‹secret key of db1›, ‹secret key of db1›");
}
