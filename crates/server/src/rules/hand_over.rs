//! Rules that hand over to each other must come to an end.

use super::explain::Origin;
use super::set::{Follow, Rule};
use crate::reading::fault::{Place, Problem};
use crate::reading::reader::Reader;

/// Rules that may hand over to each other in a row. A call that was refused so often is not helped
/// by more.
const LONGEST: usize = 16;

/// Tells of circles and of rows that are too long.
pub(super) fn check(rules: &[Rule], reader: &mut Reader<'_>) {
    let mut search = Search { rules, heights: vec![None; rules.len()], path: Vec::new(), reader };
    for at in 0..rules.len() {
        search.height(at);
    }
}

struct Search<'a, 't> {
    rules: &'a [Rule],
    /// How many rules can follow one, once that is known.
    heights: Vec<Option<usize>>,
    path: Vec<usize>,
    reader: &'a mut Reader<'t>,
}

impl Search<'_, '_> {
    fn height(&mut self, at: usize) -> usize {
        if let Some(start) = self.path.iter().position(|on_path| *on_path == at) {
            self.tell(start, at);
            return 0;
        }
        if let Some(known) = self.heights.get(at).copied().flatten() {
            return known;
        }
        let rules = self.rules;
        let Some(rule) = rules.get(at) else { return 0 };
        self.path.push(at);
        let mut height = 0;
        for (_, follow) in &rule.on {
            let Follow::Rule(next) = follow else { continue };
            // Too deep is too long already; what lies beyond need not be known.
            let below = if self.path.len() > LONGEST { 0 } else { self.height(*next) };
            height = height.max(below + 1);
        }
        self.path.pop();
        if let Some(slot) = self.heights.get_mut(at) {
            *slot = Some(height);
        }
        if height == LONGEST {
            self.reader.fault_at(
                place(rule),
                Problem::LongRow { rule: rule.name.as_ref().into(), limit: LONGEST },
                None,
            );
        }
        height
    }

    fn tell(&mut self, start: usize, at: usize) {
        let circle = self.path.iter().skip(start).chain([&at]);
        let names =
            circle.filter_map(|at| self.rules.get(*at)).map(|rule| rule.name.as_ref().into());
        let problem = Problem::Circle(names.collect());
        if let Some(rule) = self.rules.get(at) {
            self.reader.fault_at(place(rule), problem, None);
        }
    }
}

/// Where a rule is written; the default ones have no fault that could be told.
pub(super) const fn place(rule: &Rule) -> Place {
    match rule.origin {
        Origin::At(place) => place,
        Origin::BuiltIn => Place { line: 1, column: 1 },
    }
}
