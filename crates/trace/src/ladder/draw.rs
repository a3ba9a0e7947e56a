//! Drawing a ladder with characters.

use std::fmt::Write as _;
use std::time::Duration;

use antiphon_sip::Transport;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::layout::{ARROW, Layout, TIMES, address_line};
use super::{Ladder, Lines, Step, Style};
use crate::record::Fate;
use crate::summary::harmless;

/// From this on, a pause gets a row of its own.
const PAUSE: Duration = Duration::from_secs(1);

/// Lines of one message that are printed.
const MESSAGE_LINES: usize = 400;

pub(super) fn text(ladder: &Ladder, style: &Style) -> String {
    let pen = Pen::of(style.lines);
    let transports = ladder.steps.windows(2).any(|pair| transport(pair, 0) != transport(pair, 1));
    let labels: Vec<String> =
        ladder.steps.iter().map(|step| label(step, transports, &pen)).collect();
    let layout = Layout::of(ladder, &labels, style);
    let mut drawing = Drawing { ladder, layout, pen, out: String::new() };
    if ladder.participants.is_empty() {
        return drawing.out;
    }
    drawing.heads();
    for (index, (step, label)) in ladder.steps.iter().zip(&labels).enumerate() {
        let before = index.checked_sub(1).and_then(|before| ladder.steps.get(before));
        if before.is_some_and(|before| step.at.since(before.at) >= PAUSE) {
            let dots = drawing.pen.pause;
            drawing.row(&format!("{dots:>8}"), drawing.lifelines());
        }
        drawing.step(step, label);
    }
    if style.messages {
        drawing.messages();
    }
    drawing.out
}

/// The characters lines are made of.
struct Pen {
    lifeline: char,
    crossing: char,
    dash: char,
    leave_right: char,
    leave_left: char,
    lost: char,
    turn: char,
    back: char,
    pause: char,
    again: &'static str,
    rule: char,
}

impl Pen {
    const fn of(lines: Lines) -> Self {
        match lines {
            Lines::Unicode => Self {
                lifeline: '│',
                crossing: '┼',
                dash: '─',
                leave_right: '├',
                leave_left: '┤',
                lost: '╳',
                turn: '┐',
                back: '┘',
                pause: '⋮',
                again: "↻ ",
                rule: '─',
            },
            Lines::Ascii => Self {
                lifeline: '|',
                crossing: '+',
                dash: '-',
                leave_right: '|',
                leave_left: '|',
                lost: 'x',
                turn: '+',
                back: '+',
                pause: ':',
                again: "(again) ",
                rule: '-',
            },
        }
    }
}

fn transport(steps: &[Step], index: usize) -> Option<Transport> {
    steps.get(index).map(|step| step.transport)
}

/// The words on an arrow. The transport is named when the ladder has several.
fn label(step: &Step, transports: bool, pen: &Pen) -> String {
    let again = if step.repeated { pen.again } else { "" };
    let twice = if step.fate == Fate::Doubled { " (arrives twice)" } else { "" };
    let transport = if transports { format!(" {}", step.transport) } else { String::new() };
    format!("{again}{}{transport}{twice}", step.label)
}

struct Drawing<'a> {
    ladder: &'a Ladder,
    layout: Layout,
    pen: Pen,
    out: String,
}

/// A row: one character for each text column.
type Row = Vec<char>;

impl Drawing<'_> {
    fn heads(&mut self) {
        if !self.ladder.title.is_empty() {
            let _ = writeln!(self.out, "{}\n", self.ladder.title);
        }
        let participants = &self.ladder.participants;
        let names = participants.iter().map(|participant| participant.name.clone()).collect();
        let addresses: Vec<String> = participants.iter().map(address_line).collect();
        self.centred(names);
        if addresses.iter().any(|line| !line.is_empty()) {
            self.centred(addresses);
        }
        self.row("", self.lifelines());
    }

    /// Texts centred over the lifelines.
    fn centred(&mut self, texts: Vec<String>) {
        let mut row = Row::new();
        for (column, text) in texts.iter().enumerate() {
            let start = self.layout.at(column).saturating_sub(text.width() / 2);
            put(&mut row, start, text);
        }
        self.row("", row);
    }

    fn step(&mut self, step: &Step, label: &str) {
        let time = format!("{:>8}", seconds(step.at.since(self.ladder.start())));
        if step.from == step.to {
            return self.own_step(step, label, &time);
        }
        let (left, right) = self.ends(step);
        if label.width() + ARROW <= right - left {
            return self.row(&time, self.arrow(step, label));
        }
        // The label does not fit on its arrow: it stands above it.
        for line in wrapped(label, (right - left).saturating_sub(3)) {
            let mut row = self.lifelines();
            put(&mut row, left + 2, &line);
            self.row("", row);
        }
        self.row(&time, self.arrow(step, ""));
    }

    /// A message to oneself leaves and comes back.
    fn own_step(&mut self, step: &Step, label: &str, time: &str) {
        let Pen { lifeline, dash, leave_right, turn, back, .. } = self.pen;
        let at = self.layout.at(step.from);
        let mut row = self.lifelines();
        put(&mut row, at, &format!("{leave_right}{dash}{turn} {label} "));
        self.row(time, row);
        let mut row = self.lifelines();
        put(&mut row, at, &format!("{lifeline}<{back}"));
        self.row("", row);
    }

    fn ends(&self, step: &Step) -> (usize, usize) {
        let (from, to) = (self.layout.at(step.from), self.layout.at(step.to));
        (from.min(to), from.max(to))
    }

    fn arrow(&self, step: &Step, label: &str) -> Row {
        let mut row = self.lifelines();
        let (left, right) = self.ends(step);
        let rightwards = step.from < step.to;
        for cell in row.iter_mut().take(right).skip(left + 1) {
            *cell = if *cell == self.pen.lifeline { self.pen.crossing } else { self.pen.dash };
        }
        let (start, head, end, inner) = if rightwards {
            (left, right - 1, self.pen.leave_right, '>')
        } else {
            (right, left + 1, self.pen.leave_left, '<')
        };
        set(&mut row, start, end);
        if step.fate == Fate::Lost {
            self.break_off(&mut row, head, rightwards);
        } else {
            set(&mut row, head, inner);
        }
        if !label.is_empty() {
            put(&mut row, left + if rightwards { 3 } else { 4 }, &format!(" {label} "));
        }
        row
    }

    /// Ends an arrow before its goal.
    fn break_off(&self, row: &mut Row, head: usize, rightwards: bool) {
        let cross = if rightwards { head.saturating_sub(1) } else { head + 1 };
        set(row, head, ' ');
        set(row, cross, self.pen.lost);
    }

    fn lifelines(&self) -> Row {
        let mut row = Row::new();
        for at in &self.layout.lifelines {
            put(&mut row, *at, self.pen.lifeline.encode_utf8(&mut [0; 4]));
        }
        row
    }

    /// Writes a row with its time in front.
    fn row(&mut self, time: &str, mut row: Row) {
        let shown = time.width().min(TIMES);
        if row.len() < shown {
            row.resize(shown, ' ');
        }
        put(&mut row, 0, time);
        let text: String = row.into_iter().filter(|cell| *cell != COVERED).collect();
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn messages(&mut self) {
        for (index, step) in self.ladder.steps.iter().enumerate() {
            let time = seconds(step.at.since(self.ladder.start()));
            let name = |column: usize| {
                self.ladder.participants.get(column).map_or("", |participant| &participant.name)
            };
            let rule = String::from(self.pen.rule).repeat(2);
            let head = format!(
                "\n{rule} {}. {time} s  {} > {}  {}, {} octets {rule}\n",
                index + 1,
                name(step.from),
                name(step.to),
                step.transport,
                step.octets.len(),
            );
            self.out.push_str(&head);
            message(&step.octets, &mut self.out);
        }
    }
}

fn message(octets: &[u8], out: &mut String) {
    let text = String::from_utf8_lossy(octets);
    let mut lines = text.trim_end().lines();
    for line in lines.by_ref().take(MESSAGE_LINES) {
        out.push_str("  ");
        out.extend(line.chars().map(|c| if c == '\t' { ' ' } else { harmless(c) }));
        out.push('\n');
    }
    let left = lines.count();
    if left > 0 {
        let _ = writeln!(out, "  … {left} more lines");
    }
}

/// Stands behind a character that is two columns wide.
const COVERED: char = '\0';

/// Writes a text into a row.
fn put(row: &mut Row, start: usize, text: &str) {
    let mut at = start;
    for character in text.chars() {
        let width = character.width().unwrap_or(0);
        if width == 0 {
            continue;
        }
        set(row, at, character);
        if width == 2 {
            set(row, at + 1, COVERED);
        }
        at += width;
    }
}

fn set(row: &mut Row, at: usize, character: char) {
    if row.len() <= at {
        row.resize(at + 1, ' ');
    }
    if let Some(cell) = row.get_mut(at) {
        *cell = character;
    }
}

/// A text in lines of a width, broken between words where that is possible.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(4);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |line| line.width());
        if line > 0 && line + 1 + word.width() > width {
            lines.push(String::new());
        }
        for (index, piece) in pieces(word, width).into_iter().enumerate() {
            if index > 0 {
                lines.push(String::new());
            }
            let Some(line) = lines.last_mut() else { continue };
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&piece);
        }
    }
    lines
}

/// A word cut into pieces that are not wider than a width.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for character in word.chars() {
        let wide = character.width().unwrap_or(0);
        if used + wide > width {
            pieces.push(String::new());
            used = 0;
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(character);
            used += wide;
        }
    }
    pieces
}

/// Seconds with three digits behind the point.
fn seconds(duration: Duration) -> String {
    format!("{}.{:03}", duration.as_secs(), duration.subsec_millis())
}
