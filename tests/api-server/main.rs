//! Tests against real API servers. One module per subject; what they share is here.

mod charts;
mod harness;
mod manifests;
mod monitoring;
mod operator;
mod store;
mod verdicts;

use std::path::{Path, PathBuf};
use std::time::Duration;

use commonwatt_harness::{ControlPlane, Error, eventually};

/// What a test returns.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Long enough for any controller on a machine that also compiles.
const SOON: Duration = Duration::from_mins(1);

/// Waits until a field, as kubectl's jsonpath finds it, has a value. `object` may have flags with it.
fn wait_for_field(plane: &ControlPlane, object: &str, path: &str, value: &str) -> Result {
    let what = format!("{path} of {object} to be {value}");
    let template = format!("jsonpath={{{path}}}");
    eventually(SOON, &what, || {
        let args = object.split_whitespace();
        let args = ["get", "--output", &template].into_iter().chain(args);
        let found = plane.kubectl(args).ok()?;
        Ok::<_, Error>((found == value).then_some(()))
    })?;
    Ok(())
}

/// A path of this checkout.
fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A control plane's definitions, applied and waited for.
fn install_definitions(plane: &ControlPlane) -> Result {
    let folder = checkout("crds/yaml").display().to_string();
    plane
        .kubectl(["apply", "--server-side", "--filename", &folder])
        .ok()?;
    plane
        .kubectl([
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            "--filename",
            &folder,
        ])
        .ok()?;
    Ok(())
}
