//! What is built, from which module and in which version.

/// A program that the harness builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// The API server's store.
    Etcd,
    /// The API server.
    KubeApiserver,
    /// The built-in controllers: Deployments, Jobs, garbage collection, service accounts, ...
    KubeControllerManager,
    /// The scheduler.
    KubeScheduler,
    /// The command line client.
    Kubectl,
    /// Nodes and pods without a kubelet.
    Kwok,
    /// The chart installer.
    Helm,
    /// What starts containers.
    Runc,
    /// The container runtime.
    Containerd,
    /// What stays with each pod's containers.
    ContainerdShim,
    /// The container runtime's own client.
    Ctr,
    /// The node's agent.
    Kubelet,
    /// Services on the node.
    KubeProxy,
    /// What runs in the containers of the tests.
    Container,
    /// A linter of manifests.
    KubeScore,
    /// Another, with checks of its own.
    TrivyChecks,
}

/// How a tool is built.
pub(super) struct Recipe {
    pub(super) tool: Tool,
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// The folder under `modules/`. A module of its own where libraries differ: Helm and kwok pin
    /// other Kubernetes libraries than the control plane does.
    pub(super) module: &'static str,
    pub(super) package: &'static str,
    /// Variables to stamp: a Kubernetes binary that is not stamped calls itself v0.0.0.
    pub(super) stamp: &'static [&'static str],
    /// Build tags of what needs a C library. Everything else is built without cgo: a machine without a C compiler then
    /// builds the same static binaries.
    pub(super) c_tags: Option<&'static str>,
    /// What of Go is still an experiment and has to be asked for.
    pub(super) experiment: Option<&'static str>,
    /// What a first build took on two cores, for the progress line.
    pub(super) cold: &'static str,
}

/// A control plane, in the order in which it is built: what shares most comes first.
pub(super) const CONTROL_PLANE: &[Recipe] = &[
    Recipe {
        tool: Tool::Etcd,
        name: "etcd",
        version: "v3.6.8",
        module: "etcd",
        package: "go.etcd.io/etcd/server/v3",
        stamp: &[],
        c_tags: None,
        experiment: None,
        cold: "20 s",
    },
    kubernetes(
        Tool::KubeApiserver,
        "kube-apiserver",
        "k8s.io/kubernetes/cmd/kube-apiserver",
        "7 min",
    ),
    kubernetes(
        Tool::KubeControllerManager,
        "kube-controller-manager",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        "2 min",
    ),
    kubernetes(
        Tool::KubeScheduler,
        "kube-scheduler",
        "k8s.io/kubernetes/cmd/kube-scheduler",
        "10 s",
    ),
    kubernetes(
        Tool::Kubectl,
        "kubectl",
        "k8s.io/kubernetes/cmd/kubectl",
        "2 min",
    ),
    Recipe {
        tool: Tool::Kwok,
        name: "kwok",
        version: "v0.8.0",
        module: "kwok",
        package: "sigs.k8s.io/kwok/cmd/kwok",
        stamp: &[],
        c_tags: None,
        experiment: None,
        cold: "2 min",
    },
    Recipe {
        tool: Tool::Helm,
        name: "helm",
        version: "v4.3.1",
        module: "helm",
        package: "helm.sh/helm/v4/cmd/helm",
        stamp: &["helm.sh/helm/v4/internal/version.version=v4.3.1"],
        c_tags: None,
        experiment: None,
        cold: "3 min",
    },
];

/// A node. Its parts of Kubernetes are a module of their own, so that a change here builds no control plane again.
pub(super) const NODE: &[Recipe] = &[
    Recipe {
        tool: Tool::Runc,
        name: "runc",
        version: "v1.5.2",
        module: "runc",
        package: "github.com/opencontainers/runc",
        stamp: &[],
        c_tags: Some("seccomp"),
        experiment: None,
        cold: "20 s",
    },
    containerd(
        Tool::Containerd,
        "containerd",
        "github.com/containerd/containerd/v2/cmd/containerd",
        "1 min",
    ),
    containerd(
        Tool::ContainerdShim,
        "containerd-shim-runc-v2",
        "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
        "20 s",
    ),
    containerd(
        Tool::Ctr,
        "ctr",
        "github.com/containerd/containerd/v2/cmd/ctr",
        "20 s",
    ),
    of_kubernetes(
        "node",
        Tool::Kubelet,
        "kubelet",
        "k8s.io/kubernetes/cmd/kubelet",
        "2 min",
    ),
    of_kubernetes(
        "node",
        Tool::KubeProxy,
        "kube-proxy",
        "k8s.io/kubernetes/cmd/kube-proxy",
        "20 s",
    ),
    Recipe {
        tool: Tool::Container,
        name: "container",
        version: "of this checkout",
        module: "container",
        package: "commonwatt.dev/tests/container",
        stamp: &[],
        c_tags: None,
        experiment: None,
        cold: "10 s",
    },
];

/// What judges rendered charts: two linters that share no checks.
pub(super) const LINTERS: &[Recipe] = &[
    Recipe {
        tool: Tool::KubeScore,
        name: "kube-score",
        version: "v1.20.0",
        module: "kube-score",
        package: "github.com/zegl/kube-score/cmd/kube-score",
        stamp: &[],
        c_tags: None,
        experiment: None,
        cold: "1 min",
    },
    Recipe {
        tool: Tool::TrivyChecks,
        name: "trivy-checks",
        version: "v0.74.0",
        module: "trivy",
        package: "commonwatt.dev/tests/trivy",
        stamp: &[],
        c_tags: None,
        // Trivy reads JSON with it.
        experiment: Some("jsonv2"),
        cold: "2 min",
    },
];

/// Everything.
pub(super) fn all() -> impl Iterator<Item = &'static Recipe> {
    CONTROL_PLANE.iter().chain(NODE).chain(LINTERS)
}

const fn containerd(
    tool: Tool,
    name: &'static str,
    package: &'static str,
    cold: &'static str,
) -> Recipe {
    Recipe {
        tool,
        name,
        version: "v2.4.2",
        module: "containerd",
        package,
        stamp: &["github.com/containerd/containerd/v2/version.Version=v2.4.2"],
        c_tags: None,
        experiment: None,
        cold,
    }
}

const fn kubernetes(
    tool: Tool,
    name: &'static str,
    package: &'static str,
    cold: &'static str,
) -> Recipe {
    of_kubernetes("kubernetes", tool, name, package, cold)
}

const fn of_kubernetes(
    module: &'static str,
    tool: Tool,
    name: &'static str,
    package: &'static str,
    cold: &'static str,
) -> Recipe {
    Recipe {
        tool,
        name,
        version: "v1.36.0",
        module,
        package,
        c_tags: None,
        experiment: None,
        stamp: &[
            "k8s.io/component-base/version.gitVersion=v1.36.0",
            "k8s.io/component-base/version.gitMajor=1",
            "k8s.io/component-base/version.gitMinor=36",
            "k8s.io/component-base/version.gitTreeState=clean",
        ],
        cold,
    }
}

/// kwok's own stages, which a kwok that is built as a module does not carry inside.
pub(super) const STAGES: [&str; 5] = [
    "kustomize/stage/node/fast/node-initialize.yaml",
    "kustomize/stage/node/heartbeat/node-heartbeat.yaml",
    "kustomize/stage/pod/fast/pod-ready.yaml",
    "kustomize/stage/pod/fast/pod-complete.yaml",
    "kustomize/stage/pod/fast/pod-delete.yaml",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_that_are_shown_and_stamped_are_those_that_are_built() {
        for recipe in all().filter(|recipe| recipe.tool != Tool::Container) {
            let path = super::super::modules().join(recipe.module).join("go.mod");
            let module = std::fs::read_to_string(&path).unwrap();
            let Recipe {
                name,
                version,
                package,
                ..
            } = recipe;
            let required = module.lines().any(|line| {
                let mut words = line.trim_start_matches("require").split_whitespace();
                let builds =
                    |path: &str| package.starts_with(path) || path.ends_with(recipe.module);
                words.next().is_some_and(builds) && words.next() == Some(version)
            });
            assert!(
                required,
                "{} does not require {name} {version}",
                path.display()
            );
        }
    }
}
