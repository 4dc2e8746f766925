//! `commonwatt permissions`: what the operator's accounts may do, and why.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::permissions::{chart, page};

/// Print what the operator's accounts may do in each mode, and why, as a page for a security review
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  commonwatt permissions | less\n  \
                        commonwatt permissions --write .     (in a checkout: the chart's table and its page)\n\n\
                        What the account that you use may do: commonwatt doctor")]
pub struct Permissions {
    /// Write the generated files below this checkout
    #[arg(long, value_name = "CHECKOUT")]
    write: Option<PathBuf>,
}

impl Permissions {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.write {
            None => print!("{}", page()),
            Some(root) => {
                let folder = root.join("charts/commonwatt");
                put(&folder.join("permissions.yaml"), &chart())?;
                put(&folder.join("PERMISSIONS.md"), &page())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
