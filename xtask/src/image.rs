//! `cargo xtask image`: the operator's image, without a container engine.

use std::env;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use commonwatt_image::{layout, operator};

use crate::cargo::{cargo, root};

/// Builds the operator as a static binary and writes its image as an OCI layout in one tar archive, the same bytes for the
/// same binary.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask image --tag registry.example/commonwatt:0.1.0\n  \
    skopeo copy oci-archive:target/commonwatt-image.tar docker://registry.example/commonwatt:0.1.0\n  \
    ctr --namespace k8s.io images import target/commonwatt-image.tar")]
pub(crate) struct Arguments {
    /// Where the archive is written.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "target/commonwatt-image.tar"
    )]
    output: PathBuf,

    /// The image's whole name.
    #[arg(long, value_name = "NAME", default_value = concat!("localhost/commonwatt:", env!("CARGO_PKG_VERSION")))]
    tag: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let binary = build()?;
    let authorities = Path::new("/").join(operator::AUTHORITIES);
    let roots = fs::read(&authorities).with_context(|| {
        format!(
            "cannot read {}: install the package ca-certificates",
            authorities.display()
        )
    })?;
    let image = operator::image(&arguments.tag, binary, roots);
    let output = &arguments.output;
    let place = || format!("cannot write {}", output.display());
    if let Some(folder) = output.parent() {
        fs::create_dir_all(folder).with_context(place)?;
    }
    let file = File::create(output).with_context(place)?;
    layout::write(&image, BufWriter::new(file)).with_context(place)?;
    println!("{} is in {}", image.name, output.display());
    Ok(())
}

/// Builds the static binary and gives it.
pub(crate) fn build() -> anyhow::Result<Vec<u8>> {
    let target = operator::target();
    let status = cargo()
        .args(operator::cargo_build(&target))
        .env("RUSTFLAGS", operator::RUSTFLAGS)
        .status()
        .context("cannot run cargo build")?;
    ensure!(status.success(), "cargo build ended with {status}");
    let targets = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let path = targets
        .join(target)
        .join(operator::PROFILE)
        .join(operator::BINARY);
    fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
}
