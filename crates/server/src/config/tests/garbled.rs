//! No text makes the reader panic.

use super::*;

/// What has a meaning in TOML, in a pattern or in a template, and what has none anywhere.
const SPOILERS: [char; 20] = [
    '[', ']', '{', '}', '"', '\'', '=', '.', ',', '#', '\n', '\\', '$', '(', '9', '-', ':', 'x',
    '\u{e9}', '\u{0}',
];

/// Cuts, copies, swaps and spoils parts of a text.
fn garble(text: &str, rng: &mut fastrand::Rng) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(0..characters.len());
        let length = rng.usize(0..12).min(characters.len() - at);
        match rng.u8(0..5) {
            0 => drop(characters.drain(at..at + length)),
            1 => {
                let part = characters[at..at + length].to_vec();
                let to = rng.usize(0..characters.len());
                characters.splice(to..to, part);
            }
            2 => characters[at] = SPOILERS[rng.usize(0..SPOILERS.len())],
            3 => {
                let other = rng.usize(0..characters.len());
                characters.swap(at, other);
            }
            _ => characters.truncate(characters.len() - length.min(characters.len() - 1)),
        }
        if characters.is_empty() {
            characters.push('x');
        }
    }
    characters.into_iter().collect()
}

#[test]
fn garbled_texts_give_faults_and_no_panic() {
    let seed = fastrand::u64(..);
    let mut rng = fastrand::Rng::with_seed(seed);
    println!("seed {seed}");
    let sample = sample();
    // Whole, the sample takes long to compile its patterns; its pieces are as good.
    let pieces: Vec<&str> = sample.split("\n\n").collect();
    for _ in 0..400 {
        let from = rng.usize(0..pieces.len());
        let to = rng.usize(from..pieces.len().min(from + 12)) + 1;
        let text = garble(&pieces[from..to.min(pieces.len())].join("\n"), &mut rng);
        let checked = check(&text);
        assert_eq!(checked.config.is_some(), checked.faults.is_empty(), "{text}");
    }
}

#[test]
fn deep_and_long_texts_end() {
    for text in [
        "[".repeat(50_000),
        format!("x = {}", "[".repeat(50_000)),
        format!("x = {}", "{ a = ".repeat(50_000)),
        format!("{} = 1", vec!["a"; 50_000].join(".")),
        "a".repeat(1_000_000),
        format!("listen = [{}]", "\"udp:0.0.0.0:0\",".repeat(5_000)),
        "\u{feff}listen = []".to_owned(),
        "\u{0}".to_owned(),
    ] {
        let _ = check(&text);
    }
}
