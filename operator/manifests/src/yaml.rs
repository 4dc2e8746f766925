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
    /// Its value. As for kubectl, `NO` and `yes` without quotes are booleans, `0600` is 384 and `600.0` is 600; unlike kubectl, a field that is there twice is
    /// an error, since nobody can mean both.
    ///
    /// # Errors
    /// When it is no YAML or says what JSON cannot.
    pub fn value(&self) -> Result<Value, Unreadable> {
        let as_kubectl = serde_saphyr::options! { legacy_octal_numbers: true };
        let read = serde_saphyr::from_str_with_options(self.text, as_kubectl);
        read.map(whole).map_err(|error| {
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

/// A float without a fraction as the integer that kubectl sends: `600.0` and `6e2` go where an integer is asked for.
fn whole(value: Value) -> Value {
    /// Above it a float is not one integer.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < EXACT => (float as i64).into(),
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(whole).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, whole(value)))
            .collect(),
        other => other,
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

    /// What `kubectl label --local --dry-run=client -o json` makes of the same spellings.
    #[test]
    fn numbers_are_read_as_kubectl_reads_them() {
        for (spelled, read) in [
            ("600.0", json!(600)),
            ("6e2", json!(600)),
            ("5.", json!(5)),
            ("-0.0", json!(0)),
            ("0600", json!(384)),
            ("-010", json!(-8)),
            ("0899", json!(899)),
            ("0x1F", json!(31)),
            ("1_000", json!(1000)),
            ("01.5", json!(1.5)),
            ("'0600'", json!("0600")),
            ("12:30", json!("12:30")),
        ] {
            let text = format!("a: [{spelled}]");
            let value = documents(&text)[0].value();
            assert_eq!(value, Ok(json!({ "a": [read] })), "{spelled}");
        }
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
