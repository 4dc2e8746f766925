//! Clients of API servers, and what to do when a kubeconfig does not give one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{
    AuthInfo, Cluster, InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError,
};
use kube::{Client, Config};

/// The longest that a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(3);
/// The longest that sending a request may take. Answers are limited per request, not per connection: a watch may be
/// silent for longer.
const WRITE: Duration = Duration::from_secs(15);

/// Why there is no client, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The file cannot be read.
    #[error("cannot read the kubeconfig {path}: {source}; check the path and its permissions", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a kubeconfig.
    #[error("not a kubeconfig: {0}; `kubectl config view --raw --flatten --minify` prints one")]
    NotAKubeconfig(String),
    /// Its current context leads nowhere.
    #[error(
        "the kubeconfig is incomplete: {0}; it needs a current-context with a cluster and a user"
    )]
    Incomplete(#[source] KubeconfigError),
    /// A kubeconfig that came as data refers to what is outside of it.
    #[error(
        "the kubeconfig's {0} is not allowed here: a kubeconfig from a Secret may not run programs or read files of \
         this process; use a token or certificate inside it (`kubectl config view --raw --flatten`)"
    )]
    LeadsOutside(&'static str),
    /// There is neither a kubeconfig nor a service account.
    #[error(
        "no API server is configured: {0}; set KUBECONFIG, pass a kubeconfig, or run inside a cluster"
    )]
    Nowhere(#[source] Box<InferConfigError>),
    /// The client could not be made of it.
    #[error(
        "the configuration does not give a client: {0}; check its certificates, keys and proxy"
    )]
    Unusable(#[source] Box<kube::Error>),
}

/// A client from a kubeconfig's text, such as a Secret holds. One that would run programs or read files is refused:
/// whoever may write that Secret is not meant to act as this process.
pub async fn from_kubeconfig(yaml: &[u8]) -> Result<Client, ClientError> {
    let kubeconfig = parse(yaml)?;
    if let Some(field) = leads_outside(&kubeconfig) {
        return Err(ClientError::LeadsOutside(field));
    }
    client_of(kubeconfig).await
}

/// A client from a kubeconfig file, which is the user's own and may do all that kubectl's may.
async fn from_kubeconfig_file(path: &Path) -> Result<Client, ClientError> {
    // Read before kube does, for an error that names what is wrong.
    let yaml = std::fs::read(path).map_err(|source| ClientError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    parse(&yaml)?;
    // Not of what was just parsed: paths inside are relative to the file.
    let kubeconfig = Kubeconfig::read_from(path).map_err(ClientError::Incomplete)?;
    client_of(kubeconfig).await
}

/// A client from `KUBECONFIG`, `~/.kube/config` or the service account of the pod, in this order.
async fn in_cluster_or_default() -> Result<Client, ClientError> {
    let config = Config::infer()
        .await
        .map_err(|error| ClientError::Nowhere(Box::new(error)))?;
    make(config)
}

/// A client as a person's `kubectl` would have it: from a file or from `KUBECONFIG`, in a context of it; without both from
/// `KUBECONFIG`, `~/.kube/config` or the service account of the pod, in this order.
pub async fn in_context(file: Option<&Path>, context: Option<&str>) -> Result<Client, ClientError> {
    let kubeconfig = match (file, context) {
        (None, None) => return in_cluster_or_default().await,
        (Some(path), None) => return from_kubeconfig_file(path).await,
        (Some(path), Some(_)) => Kubeconfig::read_from(path),
        (None, Some(_)) => Kubeconfig::read(),
    };
    let options = KubeConfigOptions {
        context: context.map(str::to_owned),
        ..KubeConfigOptions::default()
    };
    let kubeconfig = kubeconfig.map_err(ClientError::Incomplete)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    make(config.map_err(ClientError::Incomplete)?)
}

fn parse(yaml: &[u8]) -> Result<Kubeconfig, ClientError> {
    let text = std::str::from_utf8(yaml)
        .map_err(|error| ClientError::NotAKubeconfig(error.to_string()))?;
    let kubeconfig = Kubeconfig::from_yaml(text)
        .map_err(|error| ClientError::NotAKubeconfig(error.to_string()))?;
    if kubeconfig.clusters.is_empty() {
        return Err(ClientError::NotAKubeconfig(
            "it names no cluster".to_owned(),
        ));
    }
    Ok(kubeconfig)
}

/// The first field that makes a client run a program or read a file.
fn leads_outside(kubeconfig: &Kubeconfig) -> Option<&'static str> {
    let of_user = |user: &AuthInfo| {
        [
            (user.exec.is_some(), "exec"),
            (user.auth_provider.is_some(), "auth-provider"),
            (user.token_file.is_some(), "tokenFile"),
            (user.client_certificate.is_some(), "client-certificate"),
            (user.client_key.is_some(), "client-key"),
        ]
        .into_iter()
        .find_map(|(is_set, field)| is_set.then_some(field))
    };
    let of_cluster = |cluster: &Cluster| {
        cluster
            .certificate_authority
            .is_some()
            .then_some("certificate-authority")
    };
    let users = kubeconfig
        .auth_infos
        .iter()
        .filter_map(|user| user.auth_info.as_ref());
    let clusters = kubeconfig
        .clusters
        .iter()
        .filter_map(|cluster| cluster.cluster.as_ref());
    users
        .filter_map(of_user)
        .chain(clusters.filter_map(of_cluster))
        .next()
}

async fn client_of(kubeconfig: Kubeconfig) -> Result<Client, ClientError> {
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    make(config.map_err(ClientError::Incomplete)?)
}

fn make(mut config: Config) -> Result<Client, ClientError> {
    config.connect_timeout = Some(CONNECT);
    config.write_timeout = Some(WRITE);
    config.read_timeout = None;
    // Up to 15 tries with pauses of up to 1000 s by default. Our loops try again themselves, and say so meanwhile.
    config.default_retry = false;
    Client::try_from(config).map_err(|error| ClientError::Unusable(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubeconfig(user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
             contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
             clusters: [{{name: a, cluster: {{server: 'https://127.0.0.1:1'}}}}]\n\
             users: [{{name: a, user: {user}}}]\n"
        )
    }

    async fn refusal(yaml: &str) -> String {
        match from_kubeconfig(yaml.as_bytes()).await {
            Ok(_) => panic!("{yaml} gave a client"),
            Err(error) => error.to_string(),
        }
    }

    #[tokio::test]
    async fn a_kubeconfig_with_a_token_gives_a_client() {
        assert!(
            from_kubeconfig(kubeconfig("{token: secret}").as_bytes())
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_kubeconfig_from_a_secret_may_neither_run_programs_nor_read_files() {
        for (user, field) in [
            (
                "{exec: {apiVersion: client.authentication.k8s.io/v1, command: sh}}",
                "exec",
            ),
            (
                "{tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token}",
                "tokenFile",
            ),
            ("{client-key: /etc/key}", "client-key"),
        ] {
            let refusal = refusal(&kubeconfig(user)).await;
            assert!(
                refusal.contains(field) && refusal.contains("--flatten"),
                "{refusal}"
            );
        }
    }

    #[tokio::test]
    async fn a_wrong_kubeconfig_says_what_to_do() {
        for (yaml, expected) in [
            ("hello", "not a kubeconfig"),
            ("", "names no cluster"),
            (
                &*kubeconfig("{token: a}").replace("current-context: a", "current-context: b"),
                "incomplete",
            ),
        ] {
            let refusal = refusal(yaml).await;
            assert!(refusal.contains(expected), "{refusal}");
        }
        let missing = from_kubeconfig_file(Path::new("/nowhere/kubeconfig")).await;
        let error = missing
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(
            error.contains("/nowhere/kubeconfig") && error.contains("check the path"),
            "{error}"
        );
    }
}
