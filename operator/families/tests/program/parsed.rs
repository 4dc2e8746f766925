//! Free MPS, read back.

use std::collections::BTreeMap;

/// A row.
pub struct Row {
    pub sense: char,
    pub right: f64,
}

/// A column.
#[derive(Default)]
pub struct Column {
    pub cost: f64,
    pub entries: BTreeMap<String, f64>,
    pub whole: bool,
    pub bounded: bool,
    pub most: Option<f64>,
}

/// A program.
#[derive(Default)]
pub struct Program {
    pub rows: BTreeMap<String, Row>,
    pub columns: BTreeMap<String, Column>,
    /// Index of `deployment NAME`, `site NAME` and so on, from the comments at its head.
    pub numbers: BTreeMap<String, usize>,
}

impl Program {
    pub fn parse(text: &str) -> Self {
        let mut program = Self::default();
        let (mut section, mut whole) = ("", false);
        for line in text.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            match words.as_slice() {
                ["*", what, number, name @ ..] if number.parse::<usize>().is_ok() => {
                    let name = format!("{what} {}", name.join(" "));
                    program.numbers.insert(name, number.parse().unwrap());
                }
                ["*", ..] => {}
                [name, ..] if !line.starts_with(' ') => {
                    section = match *name {
                        "NAME" => "",
                        "ROWS" => "ROWS",
                        "COLUMNS" => "COLUMNS",
                        "RHS" => "RHS",
                        "BOUNDS" => "BOUNDS",
                        "ENDATA" => "ENDATA",
                        other => panic!("section {other}"),
                    }
                }
                [_, "'MARKER'", kind] => whole = *kind == "'INTORG'",
                words => program.line(section, words, whole),
            }
        }
        assert_eq!(section, "ENDATA");
        program
    }

    fn line(&mut self, section: &str, words: &[&str], whole: bool) {
        match (section, words) {
            ("ROWS", [sense, name]) => {
                let sense = sense.chars().next().unwrap();
                let known = self
                    .rows
                    .insert((*name).to_owned(), Row { sense, right: 0.0 });
                assert!(known.is_none(), "row {name} twice");
            }
            ("COLUMNS", [column, row, value]) => {
                let value: f64 = value.parse().unwrap();
                let column = self.columns.entry((*column).to_owned()).or_default();
                column.whole = whole;
                if *row == "COST" {
                    column.cost = value;
                } else {
                    let known = column.entries.insert((*row).to_owned(), value);
                    assert!(known.is_none(), "{row} twice in a column");
                }
            }
            ("RHS", ["RHS", row, value]) => {
                self.rows.get_mut(*row).unwrap().right = value.parse().unwrap();
            }
            ("BOUNDS", [kind, "BND", column, rest @ ..]) => {
                let column = self.columns.get_mut(*column).unwrap();
                column.bounded = true;
                match (*kind, rest) {
                    ("UP", [value]) => column.most = Some(value.parse().unwrap()),
                    ("FX", ["0"]) => column.most = Some(0.0),
                    ("PL", []) => {}
                    _ => panic!("bound {kind} {rest:?}"),
                }
            }
            _ => panic!("{section}: {words:?}"),
        }
    }

    /// What the left side of every row is.
    pub fn left(&self, values: &BTreeMap<String, f64>) -> BTreeMap<&str, f64> {
        let mut left: BTreeMap<&str, f64> = BTreeMap::new();
        for (name, value) in values {
            for (row, coefficient) in &self.columns[name].entries {
                *left.entry(row).or_default() += coefficient * value;
            }
        }
        left
    }

    /// Rows and bounds that do not hold.
    pub fn broken(&self, values: &BTreeMap<String, f64>) -> Vec<String> {
        let left = self.left(values);
        let rows = self.rows.iter().filter_map(|(name, row)| {
            let is = left.get(name.as_str()).copied().unwrap_or(0.0);
            let slack = 1e-6 * (1.0 + row.right.abs());
            let holds = match row.sense {
                'G' => is >= row.right - slack,
                'L' => is <= row.right + slack,
                _ => true,
            };
            (!holds).then(|| format!("{name}: {is} {} {}", row.sense, row.right))
        });
        let columns = values.iter().filter_map(|(name, value)| {
            let column = &self.columns[name];
            let above = column.most.is_some_and(|most| *value > most + 1e-9);
            let part = column.whole && value.fract() != 0.0;
            (above || *value < 0.0 || part).then(|| format!("{name} is {value}"))
        });
        rows.chain(columns).collect()
    }

    /// What values cost.
    pub fn cost(&self, values: &BTreeMap<String, f64>) -> f64 {
        let costs = values
            .iter()
            .map(|(name, value)| self.columns[name].cost * value);
        costs.sum()
    }
}
