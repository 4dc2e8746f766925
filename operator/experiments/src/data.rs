//! Reading published tables: CSV, as it is or gzipped, and JSON. What cannot be read is an error that says where to get it, or
//! which cell of which file is wrong.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use commonwatt_signals::{FileSpec, Series};
use csv::StringRecord;
use flate2::read::MultiGzDecoder;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Source;

/// Data that is not there, or is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file that is not there.
    #[error(
        "{}: {error}; it comes from the repository {} ({}): give the folder with --data DIR or COMMONWATT_DATA",
        path.display(), origin.repository, origin.files
    )]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
        /// Where to get it.
        origin: Box<Source>,
    },
    /// A file that cannot be read as CSV.
    #[error("{}: {error}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: csv::Error,
    },
    /// A column that is not there.
    #[error("{}: no column {column:?}; it has {}", path.display(), has.join(", "))]
    Column {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        column: String,
        /// What is there.
        has: Vec<String>,
    },
    /// A cell that is no finite number.
    #[error("{}: line {line}, column {column:?}: {text:?} is no finite number", path.display())]
    Number {
        /// The file.
        path: PathBuf,
        /// The line in the file.
        line: u64,
        /// The column.
        column: String,
        /// What stands there.
        text: String,
    },
    /// A series that cannot be read; it says which file and what is wrong.
    #[error(transparent)]
    Series(#[from] commonwatt_signals::SignalError),
    /// JSON that is not what it should be.
    #[error("{}: line {line}: {error}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The line in the file.
        line: usize,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// Two files that should be of the same length, or another promise of the data that does not hold.
    #[error("{}: {what}", path.display())]
    Unexpected {
        /// The file.
        path: PathBuf,
        /// What is wrong and what was expected.
        what: String,
    },
}

/// The folder of one experiment's data.
#[derive(Debug, Clone)]
pub struct Data {
    root: PathBuf,
    source: Source,
}

impl Data {
    /// The folder of data of all experiments, and where this one's comes from.
    pub fn new(root: &Path, source: Source) -> Self {
        Self {
            root: root.to_owned(),
            source,
        }
    }

    /// Reads a table by its path below the folder; it may have `.gz` behind its name.
    ///
    /// # Errors
    /// [`DataError::Missing`] and [`DataError::Csv`].
    pub fn table(&self, path: &str) -> Result<Table, DataError> {
        let (path, bytes) = self.open(path)?;
        Table::read(&path, bytes, true)
    }

    /// Reads a file with a JSON document on each line, by its path as [`Data::table`] does.
    ///
    /// # Errors
    /// [`DataError::Missing`] and [`DataError::Json`].
    pub fn lines(&self, path: &str) -> Result<Vec<Value>, DataError> {
        let (path, bytes) = self.open(path)?;
        let documents = serde_json::Deserializer::from_reader(bytes).into_iter();
        let of = |(line, document): (usize, Result<Value, _>)| {
            document.map_err(|error| DataError::Json {
                path: path.clone(),
                line: line + 1,
                error,
            })
        };
        documents.enumerate().map(of).collect()
    }

    /// Reads a series of a signal.
    ///
    /// # Errors
    /// [`DataError::Missing`] and [`DataError::Series`].
    pub fn series(&self, spec: &FileSpec) -> Result<Series, DataError> {
        let path = self.root.join(&spec.path);
        path.metadata()
            .map_err(|error| self.missing(&path, error))?;
        Ok(commonwatt_signals::load(&self.root, spec)?)
    }

    /// Reads the first column of a file without a header as numbers.
    ///
    /// # Errors
    /// [`DataError::Missing`], [`DataError::Csv`] and [`DataError::Number`].
    pub fn column(&self, path: &str) -> Result<Vec<f64>, DataError> {
        let (path, bytes) = self.open(path)?;
        Table::read(&path, bytes, false)?.numbers_at(0, "1")
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// [`DataError::Missing`] and [`DataError::Json`].
    pub fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T, DataError> {
        let (path, bytes) = self.open(path)?;
        serde_json::from_reader(bytes).map_err(|error| DataError::Json {
            path,
            line: error.line(),
            error,
        })
    }

    /// A promise of a file that does not hold.
    pub fn unexpected(&self, path: &str, what: impl Into<String>) -> DataError {
        DataError::Unexpected {
            path: self.root.join(path),
            what: what.into(),
        }
    }

    /// A file's bytes, unpacked, and its path.
    fn open(&self, path: &str) -> Result<(PathBuf, Box<dyn Read>), DataError> {
        let zipped = self.root.join(format!("{path}.gz"));
        let is_zipped = zipped.is_file();
        let path = if is_zipped {
            zipped
        } else {
            self.root.join(path)
        };
        let file = File::open(&path).map_err(|error| self.missing(&path, error))?;
        let file = BufReader::new(file);
        let bytes: Box<dyn Read> = if is_zipped {
            Box::new(BufReader::new(MultiGzDecoder::new(file)))
        } else {
            Box::new(file)
        };
        Ok((path, bytes))
    }

    fn missing(&self, path: &Path, error: std::io::Error) -> DataError {
        DataError::Missing {
            path: path.to_owned(),
            error,
            origin: Box::new(self.source),
        }
    }
}

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    path: PathBuf,
    header: Vec<String>,
    rows: Vec<StringRecord>,
}

impl Table {
    fn read(path: &Path, bytes: impl Read, headed: bool) -> Result<Self, DataError> {
        let wrong = |error| DataError::Csv {
            path: path.to_owned(),
            error,
        };
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(headed)
            .trim(csv::Trim::All)
            .from_reader(bytes);
        // Spreadsheets begin a file with a byte order mark.
        let name = |name: &str| name.trim_start_matches('\u{feff}').to_owned();
        let header = reader.headers().map_err(wrong)?.iter().map(name).collect();
        let rows = reader.records().collect::<Result<_, _>>().map_err(wrong)?;
        Ok(Self {
            path: path.to_owned(),
            header,
            rows,
        })
    }

    /// Names of columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// How many rows there are below the header.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A column as text.
    ///
    /// # Errors
    /// [`DataError::Column`].
    pub fn texts(&self, column: &str) -> Result<Vec<&str>, DataError> {
        let place = self.place(column)?;
        Ok(self.rows.iter().map(|row| &row[place]).collect())
    }

    /// A column as numbers.
    ///
    /// # Errors
    /// [`DataError::Column`] and [`DataError::Number`].
    pub fn numbers(&self, column: &str) -> Result<Vec<f64>, DataError> {
        self.numbers_at(self.place(column)?, column)
    }

    fn numbers_at(&self, place: usize, column: &str) -> Result<Vec<f64>, DataError> {
        let number = |row: &StringRecord| {
            let value = row[place]
                .parse()
                .ok()
                .filter(|value: &f64| value.is_finite());
            value.ok_or_else(|| DataError::Number {
                path: self.path.clone(),
                line: row.position().map_or(0, csv::Position::line),
                column: column.to_owned(),
                text: row[place].to_owned(),
            })
        };
        self.rows.iter().map(number).collect()
    }

    /// A promise of the data that does not hold.
    pub fn unexpected(&self, what: impl Into<String>) -> DataError {
        DataError::Unexpected {
            path: self.path.clone(),
            what: what.into(),
        }
    }

    fn place(&self, column: &str) -> Result<usize, DataError> {
        let place = self.header.iter().position(|name| name == column);
        place.ok_or_else(|| DataError::Column {
            path: self.path.clone(),
            column: column.to_owned(),
            has: self.header.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const NOWHERE: Source = Source {
        citation: "nobody",
        repository: "nobody/nothing",
        files: "its data/ as here/",
    };

    fn folder(file: &str, bytes: &[u8]) -> (tempfile::TempDir, Data) {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::write(root.path().join(file), bytes).expect("a file");
        let data = Data::new(root.path(), NOWHERE);
        (root, data)
    }

    #[test]
    fn a_gzipped_table_is_read_by_the_same_name() {
        let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
        zipped
            .write_all("\u{feff}zone, x\nDE,1.5\nFR,-2\n".as_bytes())
            .expect("bytes");
        let (_root, data) = folder("t.csv.gz", &zipped.finish().expect("bytes"));
        let table = data.table("t.csv").expect("a table");
        assert_eq!(table.header(), ["zone", "x"]);
        assert_eq!(table.texts("zone").expect("a column"), ["DE", "FR"]);
        assert_eq!(table.numbers("x").expect("a column"), [1.5, -2.0]);
    }

    #[test]
    fn a_wrong_cell_is_named_by_file_line_and_column() {
        for (cell, shown) in [("", "\"\""), ("NaN", "\"NaN\""), ("many", "\"many\"")] {
            let (_root, data) = folder("t.csv", format!("x,y\n1,2\n1,{cell}\n").as_bytes());
            let table = data.table("t.csv").expect("a table");
            let error = table.numbers("y").expect_err("no number").to_string();
            assert!(
                error.ends_with(&format!(
                    "t.csv: line 3, column \"y\": {shown} is no finite number"
                )),
                "{error}"
            );
            let error = table.numbers("z").expect_err("no column").to_string();
            assert!(error.ends_with("no column \"z\"; it has x, y"), "{error}");
        }
    }

    #[test]
    fn a_column_without_a_header_begins_with_its_first_line() {
        let (_root, data) = folder("t.txt", b"1.5\n-2\n");
        assert_eq!(data.column("t.txt").expect("numbers"), [1.5, -2.0]);
    }

    #[test]
    fn json_that_is_something_else_is_named_with_its_file_and_line() {
        let (_root, data) = folder("t.json", b"{\"a\": 1,\n \"b\": []}");
        let read = data.json::<BTreeMap<String, f64>>("t.json");
        let error = read.expect_err("a list").to_string();
        assert!(
            error.contains("t.json: ") && error.contains("line 2"),
            "{error}"
        );
    }

    #[test]
    fn a_file_that_is_not_there_says_which_repository_has_it() {
        let (_root, data) = folder("t.csv", b"");
        let error = data.table("u.csv").expect_err("no file").to_string();
        assert!(
            error.contains("u.csv") && error.contains("nobody/nothing (its data/ as here/)"),
            "{error}"
        );
    }
}
