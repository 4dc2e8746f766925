//! Files with series, plain or gzipped, inside one folder and of bounded size.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use crate::{Series, SignalError, csv_file, open_meteo};

/// The most that is unpacked for one series: a year of five-minute values in twenty columns is a fifth of it.
const LARGEST_BYTES: u64 = 64 * 1024 * 1024;

/// What a gzipped file begins with (RFC 1952): its name need not end in `.gz`.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Comma-separated with a header; times are RFC 3339, or `YYYY-MM-DD HH:MM:SS` in UTC; blanks are gaps.
    Csv,
    /// Hourly weather in the JSON of Open-Meteo, with local times.
    OpenMeteo,
}

/// A file and what to take from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileSpec {
    /// Where it is, inside the data folder.
    pub path: PathBuf,
    /// How it is written.
    pub format: Format,
    /// CSV: the column of times; the first when not named.
    #[serde(default)]
    pub time_column: Option<String>,
    /// CSV: the column of values; may be left out when there are two columns. Open-Meteo: `wet_bulb` (derived, the
    /// default) or `temperature_2m`.
    #[serde(default)]
    pub value_column: Option<String>,
    /// Repeat the file every 52 weeks, so that a past year stands for any year. Its values are then declared, not observed.
    #[serde(default)]
    pub year_independent: bool,
}

impl FileSpec {
    /// A file with its default columns.
    pub fn new(path: impl Into<PathBuf>, format: Format) -> Self {
        Self {
            path: path.into(),
            format,
            time_column: None,
            value_column: None,
            year_independent: false,
        }
    }
}

/// The series in a file that lies inside `root`.
pub fn load(root: &Path, spec: &FileSpec) -> Result<Series, SignalError> {
    let path = inside(root, &spec.path)?;
    let file = File::open(&path).map_err(|error| unreadable(spec, error))?;
    let bytes = bounded(file, spec)?;
    parse(&bytes, spec)
}

/// The series in the bytes of a file, plain or gzipped.
pub fn parse(bytes: &[u8], spec: &FileSpec) -> Result<Series, SignalError> {
    let unpacked;
    let bytes = if bytes.starts_with(&GZIP_MAGIC) {
        unpacked = bounded(MultiGzDecoder::new(bytes), spec)?;
        &unpacked
    } else {
        bytes
    };
    match spec.format {
        Format::Csv => csv_file::parse(bytes, spec),
        Format::OpenMeteo => open_meteo::parse(bytes, spec),
    }
}

/// The path of a regular file below `root`, links followed. Whoever may write a signal must not read the host with it.
fn inside(root: &Path, path: &Path) -> Result<PathBuf, SignalError> {
    let refuse = |why| SignalError::OutsideRoot {
        path: path.to_owned(),
        why,
    };
    for component in path.components() {
        match component {
            Component::Normal(_) | Component::CurDir => {}
            Component::ParentDir => {
                return Err(refuse("a path with `..` may leave the data folder"));
            }
            Component::RootDir | Component::Prefix(_) => {
                return Err(refuse("an absolute path is outside the data folder"));
            }
        }
    }
    let read = |source| SignalError::Read {
        path: path.to_owned(),
        source,
    };
    let root = root.canonicalize().map_err(read)?;
    let whole = root.join(path).canonicalize().map_err(read)?;
    if !whole.starts_with(&root) {
        return Err(refuse("a link leads out of the data folder"));
    }
    // Opening a pipe would wait for ever.
    if !whole.is_file() {
        return Err(read(io::Error::other("not a regular file")));
    }
    Ok(whole)
}

fn bounded(reader: impl Read, spec: &FileSpec) -> Result<Vec<u8>, SignalError> {
    let mut bytes = Vec::new();
    let mut limited = reader.take(LARGEST_BYTES + 1);
    limited
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(spec, error))?;
    if bytes.len() as u64 > LARGEST_BYTES {
        return Err(SignalError::TooLarge {
            path: spec.path.clone(),
            limit: LARGEST_BYTES,
        });
    }
    Ok(bytes)
}

fn unreadable(spec: &FileSpec, source: io::Error) -> SignalError {
    SignalError::Read {
        path: spec.path.clone(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_path_never_leaves_the_data_folder() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for path in ["../Cargo.toml", "a/../../Cargo.toml", "/etc/passwd"] {
            let refused = load(&root, &FileSpec::new(path, Format::Csv)).unwrap_err();
            assert!(
                matches!(refused, SignalError::OutsideRoot { .. }),
                "{refused}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_data_folder_is_refused() {
        let root = std::env::temp_dir().join(format!("commonwatt-signals-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        let link = root.join("link.csv");
        std::os::unix::fs::symlink(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"),
            &link,
        )
        .unwrap();
        let refused = load(&root, &FileSpec::new("link.csv", Format::Csv));
        std::fs::remove_dir_all(&root).unwrap();
        assert!(
            matches!(refused, Err(SignalError::OutsideRoot { .. })),
            "{refused:?}"
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let message = load(root, &FileSpec::new("nowhere.csv", Format::Csv))
            .unwrap_err()
            .to_string();
        assert!(message.contains("nowhere.csv: cannot be read"), "{message}");
        let folder = load(root, &FileSpec::new("src", Format::Csv))
            .unwrap_err()
            .to_string();
        assert!(folder.contains("not a regular file"), "{folder}");
    }

    #[test]
    fn a_gzipped_file_reads_like_a_plain_one_and_a_cut_one_is_refused() {
        let text = b"time,a\n2023-01-01 00:00:00,1\n2023-01-01 01:00:00,2\n";
        let spec = FileSpec::new("a.csv.gz", Format::Csv);
        let packed = gzipped(text);
        assert_eq!(parse(&packed, &spec).unwrap(), parse(text, &spec).unwrap());
        let cut = parse(&packed[..packed.len() - 6], &spec);
        assert!(matches!(cut, Err(SignalError::Read { .. })), "{cut:?}");
    }

    #[test]
    fn a_file_that_unpacks_without_end_is_refused() {
        let bomb = gzipped(&vec![b'\n'; LARGEST_BYTES as usize + 1]);
        let refused = parse(&bomb, &FileSpec::new("bomb.csv.gz", Format::Csv));
        assert!(
            matches!(refused, Err(SignalError::TooLarge { .. })),
            "{refused:?}"
        );
    }
}
