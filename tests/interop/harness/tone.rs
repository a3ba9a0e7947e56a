//! A tone to play, and the question whether a recording holds it.

use std::f64::consts::TAU;
use std::path::Path;

const RATE: u32 = 8_000;
/// Half of what 16 bits hold: loud, and far from clipping.
const AMPLITUDE: f64 = 16_000.0;
const HEADER: usize = 44;

/// Writes `seconds` of a sine at `frequency` (in Hz) as 16-bit mono WAV at 8 kHz.
pub(crate) fn write(path: &Path, frequency: f64, seconds: u32) {
    let count = RATE * seconds;
    let mut octets = header(count * 2);
    for index in 0..count {
        let sample = AMPLITUDE * (TAU * frequency * f64::from(index) / f64::from(RATE)).sin();
        #[expect(clippy::cast_possible_truncation, reason = "the amplitude is below i16::MAX")]
        octets.extend_from_slice(&(sample as i16).to_le_bytes());
    }
    std::fs::write(path, octets).unwrap();
}

/// How much of the energy of a recording at 8 kHz lies at `frequency`: 1.0 for that tone alone,
/// almost 0 for silence, noise or another tone. The header is skipped unread, because a program
/// that still records has not filled in its lengths.
pub(crate) fn share(recording: &[u8], frequency: f64) -> f64 {
    let samples: Vec<f64> = recording
        .get(HEADER..)
        .unwrap_or_default()
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| f64::from(i16::from_le_bytes(*pair)))
        .collect();
    let energy: f64 = samples.iter().map(|sample| sample * sample).sum();
    if energy == 0.0 {
        return 0.0;
    }
    // In pieces, because a lost or repeated packet shifts the phase.
    let found: f64 = samples.chunks(400).map(|piece| energy_at(piece, frequency)).sum();
    found / energy
}

/// The energy of the projection of `samples` on a sine and a cosine.
fn energy_at(samples: &[f64], frequency: f64) -> f64 {
    let (mut sine, mut cosine, mut angle, mut count) = (0.0, 0.0, 0.0_f64, 0.0);
    for sample in samples {
        sine += sample * angle.sin();
        cosine += sample * angle.cos();
        angle += TAU * frequency / f64::from(RATE);
        count += 1.0;
    }
    2.0 * (sine * sine + cosine * cosine) / f64::max(count, 1.0)
}

/// RIFF header of `length` octets of 16-bit mono samples.
fn header(length: u32) -> Vec<u8> {
    let mut octets = Vec::with_capacity(HEADER);
    octets.extend_from_slice(b"RIFF");
    octets.extend_from_slice(&(length + 36).to_le_bytes());
    octets.extend_from_slice(b"WAVEfmt ");
    octets.extend_from_slice(&16_u32.to_le_bytes());
    octets.extend_from_slice(&1_u16.to_le_bytes());
    octets.extend_from_slice(&1_u16.to_le_bytes());
    octets.extend_from_slice(&RATE.to_le_bytes());
    octets.extend_from_slice(&(RATE * 2).to_le_bytes());
    octets.extend_from_slice(&2_u16.to_le_bytes());
    octets.extend_from_slice(&16_u16.to_le_bytes());
    octets.extend_from_slice(b"data");
    octets.extend_from_slice(&length.to_le_bytes());
    octets
}
