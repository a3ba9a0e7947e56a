//! Where the columns of a ladder stand.

use unicode_width::UnicodeWidthStr;

use super::{Ladder, Participant, Step, Style};

/// The text column of the first lifeline is at least behind the times.
pub(super) const TIMES: usize = 12;

/// The narrowest gap between two lifelines.
const NARROWEST: usize = 14;

/// What an arrow needs besides its label: the dashes and the blanks around it, and its head.
pub(super) const ARROW: usize = 8;

/// Where the lifelines stand.
#[derive(Debug)]
pub(super) struct Layout {
    /// The text column of each lifeline.
    pub(super) lifelines: Vec<usize>,
}

impl Layout {
    pub(super) fn of(ladder: &Ladder, labels: &[String], style: &Style) -> Self {
        let heads: Vec<usize> = ladder.participants.iter().map(head_width).collect();
        let first = TIMES.max(heads.first().map_or(0, |width| width.div_ceil(2)) + 1);
        let last = heads.last().map_or(0, |width| width / 2);
        let mut gaps: Vec<usize> = heads
            .windows(2)
            .map(|pair| (pair.iter().sum::<usize>() / 2 + 2).max(NARROWEST))
            .collect();
        for (step, label) in ladder.steps.iter().zip(labels) {
            widen(&mut gaps, step, label.width() + ARROW);
        }
        if !gaps.is_empty() {
            let room = style.width.saturating_sub(first + last + 1);
            shrink(&mut gaps, room);
        }
        let lifelines = std::iter::once(first)
            .chain(gaps.iter().scan(first, |at, gap| {
                *at += gap;
                Some(*at)
            }))
            .take(ladder.participants.len())
            .collect();
        Self { lifelines }
    }

    pub(super) fn at(&self, column: usize) -> usize {
        self.lifelines.get(column).copied().unwrap_or(TIMES)
    }
}

/// The addresses that stand beneath the name: the first, and how many more.
pub(super) fn address_line(participant: &Participant) -> String {
    let mut addresses = participant.addresses.iter();
    let Some(first) = addresses.next().map(ToString::to_string) else { return String::new() };
    match addresses.len() {
        0 if first == participant.name => String::new(),
        0 => first,
        more => format!("{first} +{more}"),
    }
}

fn head_width(participant: &Participant) -> usize {
    participant.name.width().max(address_line(participant).width())
}

/// Makes the gaps that an arrow crosses wide enough for its label.
fn widen(gaps: &mut [usize], step: &Step, wanted: usize) {
    let (left, right) = (step.from.min(step.to), step.from.max(step.to));
    let Some(crossed) = gaps.get_mut(left..right) else { return };
    let has: usize = crossed.iter().sum();
    let missing = wanted.saturating_sub(has);
    let parts = crossed.len().max(1);
    for (index, gap) in crossed.iter_mut().enumerate() {
        *gap += missing / parts + usize::from(index < missing % parts);
    }
}

/// Takes from the widest gaps until all fit into the room, or none can give any more.
fn shrink(gaps: &mut [usize], room: usize) {
    let mut sum: usize = gaps.iter().sum();
    while sum > room {
        let Some(widest) = gaps.iter_mut().max().filter(|gap| **gap > NARROWEST) else { return };
        *widest -= 1;
        sum -= 1;
    }
}
