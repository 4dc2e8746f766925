//! Real control planes for tests, on a machine with nothing but Go and Rust.
//!
//! [`ControlPlane::start`] gives an etcd, a kube-apiserver with RBAC, a controller manager, a
//! scheduler and kwok (nodes and Running pods without a kubelet), all on 127.0.0.1, in about three
//! seconds once their binaries are built. The binaries come from Go modules whose `go.mod` and
//! `go.sum` are committed under `modules/`, so that everybody tests against the same bytes; the
//! first build takes about 15 minutes on two cores, and each later one nothing at all.
//!
//! A [`Node`] has one real kubelet instead of kwok, where the machine lets it.
//!
//! The API blocks and needs no runtime, so that it can be used from a plain `#[test]`:
//!
//! ```no_run
//! # fn test() -> Result<(), commonwatt_harness::Error> {
//! let plane = commonwatt_harness::control_plane!("site-a");
//! plane.add_gpu_nodes(2, "NVIDIA-L4", 4, &[])?;
//! plane.apply_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: models}}")?;
//! println!("{}", plane.kubectl(["get", "nodes"]).ok()?);
//! # Ok(())
//! # }
//! ```

mod binaries;
mod command;
mod control_plane;
mod error;
mod node;
mod ports;
mod process;
mod progress;
mod scratch;
mod skip;
mod turn;
mod wait;

pub use binaries::{Binaries, Tool, cache, ensure, ensure_linters, ensure_node};
pub use command::Output;
pub use control_plane::{ControlPlane, Kubeconfig, RUN_SECONDS_ANNOTATION, Request};
pub use error::{Error, Result};
pub use node::{ENGINE_IMAGE, NODE_NAME, Node, no_node};
pub use ports::free as free_ports;
pub use process::Process;
pub use progress::Progress;
pub use skip::{Skipped, record_skip, unavailable};
pub use wait::eventually;
