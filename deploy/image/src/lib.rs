//! Container images without a container engine: [`layout`] puts files into an OCI image layout, and [`operator`] is what
//! the operator's own image is made of. `deploy/Dockerfile` says the same to those who have an engine.

pub mod layout;
pub mod operator;
