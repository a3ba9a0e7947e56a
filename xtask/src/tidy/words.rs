//! Words that have no place in a finished tree.

use super::{Fault, File};

/// Written in two pieces so that this table does not find itself.
const UNFINISHED: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
];

/// Folders of one machine or one person.
const MACHINE_PATHS: [&str; 5] = [
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/wo", "rk/"),
    concat!("/Use", "rs/"),
    concat!("C:\\", "Users"),
];

const SWITCHED_OFF: [&str; 1] = [concat!("#[ign", "ore")];

/// What people write and read. Corpora, registries and lock files quote others and are left out.
const PROSE_AND_CODE: [&str; 7] = ["rs", "md", "toml", "xml", "sh", "yml", "html"];

pub(super) fn check(file: &File, faults: &mut Vec<Fault>) {
    let is_script = file.text.starts_with("#!");
    if !is_script && !PROSE_AND_CODE.iter().any(|extension| file.has_extension(extension)) {
        return;
    }
    for (index, line) in file.text.lines().enumerate() {
        for word in found(line, &UNFINISHED) {
            faults.push(Fault::at(&file.path, index + 1, format!("`{word}` is unfinished work")));
        }
        for word in found(line, &MACHINE_PATHS) {
            faults.push(Fault::at(
                &file.path,
                index + 1,
                format!("`{word}` is one machine's path"),
            ));
        }
        if file.has_extension("rs") {
            for word in found(line, &SWITCHED_OFF) {
                let what = format!("`{word}` switches a test off");
                faults.push(Fault::at(&file.path, index + 1, what));
            }
        }
    }
}

fn found<'a>(line: &str, words: &[&'a str]) -> impl Iterator<Item = &'a str> {
    words.iter().copied().filter(|word| line.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(path: &str, text: &str) -> Vec<Option<usize>> {
        let mut faults = Vec::new();
        check(&File { path: path.to_owned(), text: text.to_owned() }, &mut faults);
        faults.into_iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn unfinished_work_is_named_with_its_line() {
        assert_eq!(
            faults_of("a.rs", &format!("fn a() {{}}\n// {}: b\n", UNFINISHED[0])),
            [Some(2)]
        );
    }

    #[test]
    fn a_test_that_is_switched_off_is_a_fault_of_code_and_not_of_prose() {
        let text = format!("{}]", SWITCHED_OFF[0]);
        assert_eq!(faults_of("a.rs", &text), [Some(1)]);
        assert_eq!(faults_of("a.md", &text), []);
    }

    #[test]
    fn a_corpus_may_quote_anything() {
        assert_eq!(faults_of("a.dat", MACHINE_PATHS[1]), []);
    }
}
