//! YAML as kubectl reads it: documents of a text, and values that JSON has.

use serde_json::Value;

/// A document of a text: where it begins, and what it says.
#[derive(Debug, PartialEq, Eq)]
pub struct Document<'a> {
    /// Its first line that says something, from 1.
    pub line: usize,
    /// The line that its text begins at: comments may come before it says something.
    begin: usize,
    text: &'a str,
}

/// Why a document is no YAML.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// At which line of the whole text.
    pub line: usize,
    /// In the reader's words.
    pub why: String,
}

/// Documents between lines of `---`, without those that say nothing.
pub fn documents(text: &str) -> Vec<Document<'_>> {
    let mut all = Vec::new();
    let (mut begin, mut from, mut at, mut first) = (1, 0, 0, None);
    for (index, part) in text.split_inclusive('\n').enumerate() {
        let line = index + 1;
        let said = part.trim();
        if is_separator(part) {
            all.extend(first.map(|line| Document {
                line,
                begin,
                text: &text[from..at],
            }));
            (begin, from, first) = (line + 1, at + part.len(), None);
        } else if first.is_none() && !said.is_empty() && !said.starts_with('#') {
            first = Some(line);
        }
        at += part.len();
    }
    all.extend(first.map(|line| Document {
        line,
        begin,
        text: &text[from..],
    }));
    all
}

/// `---`, with a comment or nothing behind it.
fn is_separator(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| {
        let said = rest.trim();
        said.is_empty() || (rest.starts_with([' ', '\t']) && said.starts_with('#'))
    })
}

impl Document<'_> {
    /// Its value. As for kubectl, `NO` and `yes` without quotes are booleans; unlike kubectl, a field that is there twice is
    /// an error, since nobody can mean both.
    ///
    /// # Errors
    /// When it is no YAML or says what JSON cannot.
    pub fn value(&self) -> Result<Value, Unreadable> {
        serde_saphyr::from_str(self.text).map_err(|error| {
            let line = error.location().map_or(1, |at| at.line() as usize);
            // Without the drawing of the place, and without the place, which is said of the whole text.
            let said = error.without_snippet().to_string();
            let said = said.lines().next().unwrap_or_default();
            let said = said.split(" at line ").next().unwrap_or(said);
            let said = said
                .split(", set DuplicateKeyPolicy")
                .next()
                .unwrap_or(said);
            Unreadable {
                line: self.begin + line - 1,
                why: said.to_owned(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_found_with_their_lines_and_empty_ones_are_none() {
        let text = "# a page\n---\na: 1\n--- # two\n\n# said\nb: |\n  ---\n  x\n---\n---\nc: 3";
        let found: Vec<_> = documents(text)
            .into_iter()
            .map(|document| (document.line, document.value()))
            .collect();
        assert_eq!(
            found,
            [
                (3, Ok(json!({ "a": 1 }))),
                (7, Ok(json!({ "b": "---\nx\n" }))),
                (12, Ok(json!({ "c": 3 }))),
            ]
        );
    }

    #[test]
    fn what_is_no_finite_number_is_not_read_as_nothing() {
        for bad in ["1e999", ".nan", "-.inf"] {
            let text = format!("# said\n---\n\na: 1\nlimit: {bad}");
            let said = documents(&text)[0].value().expect_err(bad);
            println!("{said:?}");
            assert!(said.why.starts_with("non-finite"), "{said:?}");
            assert_eq!(said.line, 5);
        }
    }
}
