//! Everything that talks to a real API server, and what a process needs around it: the [`KubeStore`], clients, leases,
//! metrics, logs, the web server and the clock. Besides the binary, the only crate that holds a Kubernetes client.

mod cache;
mod client;
mod clock;
mod error;
mod events;
mod inquiry;
mod lease;
mod logs;
pub mod metrics;
mod server;
mod store;
mod watch;

pub use client::{ClientError, from_kubeconfig, in_context};
pub use clock::{ScaledClock, WrongSpeed};
pub use inquiry::{Inquiry, Right, Server, prometheus};
pub use lease::{Election, Lead, Leadership};
pub use logs::{LogFormat, LoggingError, logging};
pub use metrics::Metrics;
pub use server::{Pages, serve, shutdown};
pub use store::KubeStore;
