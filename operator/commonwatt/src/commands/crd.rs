//! `commonwatt crd`: the generated files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use commonwatt_api::crdgen;
use serde_json::Value;

/// Print the custom resource definitions, ready for `kubectl apply --server-side -f -`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  commonwatt crd | kubectl apply --server-side -f -\n  commonwatt crd --reference\n  \
                        commonwatt crd --write .     (in a checkout: crds/yaml, the chart's templates, the field reference)"
)]
pub struct Crd {
    /// Print the page of all fields instead, as Markdown
    #[arg(long, conflicts_with = "write")]
    reference: bool,
    /// Write every generated file below this checkout
    #[arg(long, value_name = "CHECKOUT")]
    write: Option<PathBuf>,
}

impl Crd {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        if self.reference {
            print!("{}", crdgen::field_reference()?);
        } else if let Some(root) = self.write {
            write(&root)?;
        } else {
            for crd in crdgen::all_json()? {
                print!("---\n{}", yaml(&crd)?);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn yaml(value: &Value) -> anyhow::Result<String> {
    serde_saphyr::to_string(value).context("a definition cannot be written as YAML")
}

/// The committed copies: plain YAML, the chart's templates with a policy to keep them, and the field reference.
fn write(root: &Path) -> anyhow::Result<()> {
    let plain = root.join("crds/yaml");
    let chart = root.join("charts/commonwatt-crds/templates");
    for directory in [&plain, &chart] {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
    }
    for mut crd in crdgen::all_json()? {
        let name = format!(
            "{}.yaml",
            crd["metadata"]["name"].as_str().unwrap_or_default()
        );
        put(&plain.join(&name), &yaml(&crd)?)?;
        // Helm must not delete a definition and with it every object of its kind.
        crd["metadata"]["annotations"] = serde_json::json!({ "helm.sh/resource-policy": "keep" });
        put(&chart.join(&name), &yaml(&crd)?)?;
    }
    put(&root.join("crds/REFERENCE.md"), &crdgen::field_reference()?)
}

fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
