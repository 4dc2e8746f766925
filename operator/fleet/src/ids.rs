//! Names. All of them order as text, which is the tie-break wherever two choices are equal. All clones of one share its
//! text: a plan names each site once for every deployment.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(&self.0) }
        }
        impl From<&str> for $name {
            fn from(name: &str) -> Self { Self(name.into()) }
        }
        impl From<String> for $name {
            fn from(name: String) -> Self { Self(name.into()) }
        }
    };
}

name!(
    /// A site, by the name of its `Site` object.
    SiteId
);
name!(
    /// A place that requests come from, such as `eu-west`.
    Origin
);
name!(
    /// An accelerator product, as the node label `nvidia.com/gpu.product` spells it.
    Product
);
name!(
    /// One acceptable way to serve a deployment.
    VariantName
);
name!(
    /// A model deployment, `namespace/name`.
    DeploymentId
);
name!(
    /// A batch job, `namespace/name`.
    JobId
);

macro_rules! namespaced {
    ($name:ident) => {
        impl $name {
            /// From the parts of `namespace/name`.
            pub fn new(namespace: &str, name: &str) -> Self {
                Self(format!("{namespace}/{name}").into())
            }

            /// The part before the slash, or nothing.
            pub fn namespace(&self) -> &str {
                self.0
                    .split_once('/')
                    .map_or("", |(namespace, _)| namespace)
            }

            /// The part after the slash.
            pub fn name(&self) -> &str {
                self.0
                    .split_once('/')
                    .map_or(self.as_str(), |(_, name)| name)
            }
        }
    };
}

namespaced!(DeploymentId);
namespaced!(JobId);
