//! Guesses, each with why.

use std::collections::BTreeSet;

use commonwatt_api::{HubShare, ModelProfile, PlacementPolicy, Site};
use commonwatt_site::inventory::{PRODUCT_LABEL, selects};
use commonwatt_store::Object;
use serde_json::Value;

use super::{Ask, Found};

/// A value and why it is believed; no value where nothing fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    pub value: Option<String>,
    pub why: String,
}

impl Guess {
    fn some(value: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            value: Some(value.into()),
            why: why.into(),
        }
    }

    fn none(why: impl Into<String>) -> Self {
        Self {
            value: None,
            why: why.into(),
        }
    }
}

/// The name of a Site.
pub fn name_of(site: &Site) -> &str {
    site.metadata.name.as_deref().unwrap_or_default()
}

/// Nodes that its pods run on.
fn nodes_under(found: &Found) -> Vec<&Object> {
    let selector = &found.workload.0["spec"]["selector"];
    let names: BTreeSet<&str> = found
        .pods
        .iter()
        .filter(|pod| selects(selector, pod))
        .filter_map(|pod| pod.0["spec"]["nodeName"].as_str())
        .collect();
    let nodes = found.nodes.iter();
    nodes.filter(|node| names.contains(node.name())).collect()
}

/// The site that it runs at.
pub fn site(ask: &Ask<'_>, found: &Found) -> Guess {
    if let Some(site) = ask.site {
        return Guess::some(site, "as asked for");
    }
    let nodes = nodes_under(found);
    let holds = |site: &&Site| {
        !nodes.is_empty()
            && nodes.iter().all(|node| {
                let mut labels = site.spec.node_selector.iter();
                labels.all(|(key, value)| node.label(key) == Some(value))
            })
    };
    let under: Vec<&Site> = found.sites.iter().filter(holds).collect();
    match (under.as_slice(), found.sites.as_slice()) {
        ([site], _) => Guess::some(name_of(site), "its pods run on nodes of this Site"),
        ([], [site]) => Guess::some(
            name_of(site),
            "guessed: the only Site here; no pod of it runs on a known node",
        ),
        (_, []) => Guess::none("no Site is declared on this cluster"),
        (_, sites) => {
            let names: Vec<_> = sites.iter().map(name_of).collect();
            Guess::none(format!(
                "several Sites could be meant: {}; say --site",
                names.join(", ")
            ))
        }
    }
}

/// The hub's namespace that its own is mapped from at a site.
pub fn hub_namespace(ask: &Ask<'_>, site: Option<&str>, found: &Found) -> Guess {
    let declared = found.sites.iter().find(|s| Some(name_of(s)) == site);
    let Some(declared) = declared else {
        return Guess::some(
            ask.namespace,
            "guessed: the same as here; its Site is not declared on this cluster",
        );
    };
    let pairs = |hub: &HubShare| {
        let pair = hub.namespace_map.iter().find(|p| p.site == ask.namespace)?;
        Some((hub.name.clone(), pair.hub.clone()))
    };
    match declared.spec.hubs.iter().find_map(pairs) {
        Some((hub, namespace)) => Guess::some(
            namespace,
            format!(
                "what Site {} maps of the hub {hub} to {}",
                name_of(declared),
                ask.namespace
            ),
        ),
        None => Guess::none(format!(
            "Site {} maps no namespace of a hub to {}: add one to its spec.hubs[].namespaceMap",
            name_of(declared),
            ask.namespace
        )),
    }
}

/// The accelerator that it runs on.
pub fn product(found: &Found) -> Guess {
    let on: BTreeSet<&str> = nodes_under(found)
        .iter()
        .filter_map(|node| node.label(PRODUCT_LABEL))
        .collect();
    let asked =
        found.workload.0["spec"]["template"]["spec"]["nodeSelector"][PRODUCT_LABEL].as_str();
    let here: BTreeSet<&str> = found
        .nodes
        .iter()
        .filter_map(|node| node.label(PRODUCT_LABEL))
        .collect();
    let list = |products: &BTreeSet<&str>| products.iter().copied().collect::<Vec<_>>().join(", ");
    match (on.len(), asked, here.len()) {
        (1, _, _) => Guess::some(list(&on), "the label of the nodes that its pods run on"),
        (_, Some(product), _) => Guess::some(product, "its nodeSelector"),
        (0, None, 1) => Guess::some(
            list(&here),
            "guessed: the only product on this cluster's nodes",
        ),
        (0, None, _) => Guess::none(format!(
            "its accelerator is not known: no pod of it runs on a labelled node, and nodes here have: {}",
            list(&here)
        )),
        _ => Guess::none(format!(
            "its pods run on several products: {}; split it into a workload for each",
            list(&on)
        )),
    }
}

/// The model that its containers say they serve.
pub fn model(workload: &Object) -> Option<String> {
    let containers = workload.0["spec"]["template"]["spec"]["containers"].as_array()?;
    containers.iter().find_map(|container| {
        let words = |field: &str| {
            let list = container[field].as_array().into_iter().flatten();
            list.filter_map(Value::as_str)
                .flat_map(str::split_whitespace)
        };
        let words: Vec<&str> = words("command").chain(words("args")).collect();
        of_words(&words).or_else(|| {
            let mut env = container["env"].as_array()?.iter();
            let names = ["MODEL", "MODEL_ID", "MODEL_NAME", "HF_MODEL_ID"];
            let set = env.find(|set| set["name"].as_str().is_some_and(|n| names.contains(&n)))?;
            set["value"].as_str().map(str::to_owned)
        })
    })
}

/// From a command line: `--model X`, `--model=X` and their kin, or `vllm serve X`.
fn of_words(words: &[&str]) -> Option<String> {
    let flags = ["--model", "--model-path", "--model-id", "--model_name"];
    words.iter().enumerate().find_map(|(index, word)| {
        let next = || words.get(index + 1).copied();
        let found = match word.split_once('=') {
            Some((flag, value)) if flags.contains(&flag) => Some(value),
            _ if flags.contains(word) || *word == "serve" => next(),
            _ => None,
        };
        found
            .filter(|model| !model.starts_with('-'))
            .map(str::to_owned)
    })
}

/// The profile of a replica: of its model where that is known, on its accelerator, with as many of them.
pub fn profile<'a>(
    ask: &Ask<'_>,
    found: &'a Found,
    product: Option<&str>,
    accelerators: u32,
) -> (Guess, Option<&'a ModelProfile>) {
    let name = |profile: &ModelProfile| profile.metadata.name.clone().unwrap_or_default();
    if let Some(asked) = ask.profile {
        let profile = found.profiles.iter().find(|p| name(p) == asked);
        let why = match profile {
            Some(_) => "as asked for",
            None => "as asked for; it is not on this cluster",
        };
        return (Guess::some(asked, why), profile);
    }
    let Some(product) = product else {
        return (
            Guess::none("without an accelerator no ModelProfile can be chosen"),
            None,
        );
    };
    let fits: Vec<&ModelProfile> = found
        .profiles
        .iter()
        .filter(|p| p.spec.product == product && p.spec.accelerators == i64::from(accelerators))
        .collect();
    let names = |profiles: &[&ModelProfile]| {
        let names: Vec<_> = profiles.iter().map(|p| name(p)).collect();
        names.join(", ")
    };
    let model = model(&found.workload);
    let same: Vec<&ModelProfile> = fits
        .iter()
        .copied()
        .filter(|p| {
            model
                .as_deref()
                .is_some_and(|model| is_same_model(model, &p.spec.model))
        })
        .collect();
    let what = format!("{accelerators} x {product}");
    match (same.as_slice(), model, fits.as_slice()) {
        ([one], Some(model), _) => (
            Guess::some(
                name(one),
                format!("its containers say they serve {model}, on {what}"),
            ),
            Some(*one),
        ),
        ([], None, [one]) => (
            Guess::some(
                name(one),
                format!(
                    "guessed: the only ModelProfile for {what}; it is of {}. Check that this is the model",
                    one.spec.model
                ),
            ),
            Some(*one),
        ),
        (_, Some(model), fits) => (
            Guess::none(format!(
                "no single ModelProfile of {model} for {what}; for that accelerator there are: {}",
                names(fits)
            )),
            None,
        ),
        (_, None, fits) => (
            Guess::none(format!(
                "its model is not known from its containers; ModelProfiles for {what}: {}",
                names(fits)
            )),
            None,
        ),
    }
}

/// A path or a short name of the same model counts too.
fn is_same_model(said: &str, published: &str) -> bool {
    let last = |name: &str| {
        let name = name.trim_end_matches('/');
        name.rsplit('/').next().unwrap_or_default().to_lowercase()
    };
    last(said) == last(published)
}

/// The policy that may be used in a namespace.
pub fn policy(ask: &Ask<'_>, found: &Found, namespace: &str) -> Guess {
    if let Some(asked) = ask.policy {
        return Guess::some(asked, "as asked for");
    }
    let usable: Vec<&str> = found
        .policies
        .iter()
        .filter(|policy: &&PlacementPolicy| {
            let allowed = &policy.spec.namespaces;
            allowed.is_empty() || allowed.iter().any(|allowed| allowed == namespace)
        })
        .filter_map(|policy| policy.metadata.name.as_deref())
        .collect();
    match usable.as_slice() {
        [one] => Guess::some(
            *one,
            format!("the only PlacementPolicy that {namespace} may use"),
        ),
        [] => Guess::none(format!(
            "no PlacementPolicy here may be used in {namespace}; the platform team makes one on the hub"
        )),
        several => Guess::none(format!("one of: {}", several.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_is_found_in_arguments_commands_and_variables() {
        let of = |container: Value| {
            model(&Object(
                json!({ "spec": { "template": { "spec": { "containers": [container] } } } }),
            ))
        };
        let found = Some("meta-llama/Llama-3.1-8B-Instruct".to_owned());
        let name = "meta-llama/Llama-3.1-8B-Instruct";
        assert_eq!(of(json!({ "args": ["--model", name] })), found);
        assert_eq!(of(json!({ "args": [format!("--model={name}")] })), found);
        assert_eq!(
            of(json!({ "command": ["vllm", "serve", name, "--port", "80"] })),
            found
        );
        assert_eq!(
            of(json!({ "command": ["sh", "-c", format!("vllm serve {name}")] })),
            found
        );
        assert_eq!(
            of(json!({ "env": [{ "name": "MODEL_ID", "value": name }] })),
            found
        );
        assert_eq!(
            of(json!({ "command": ["vllm", "serve", "--port", "80"] })),
            None
        );
        assert_eq!(of(json!({ "image": "a" })), None);
    }

    #[test]
    fn a_path_of_a_model_is_the_model_and_a_longer_name_is_another() {
        let published = "meta-llama/Llama-3.1-8B-Instruct";
        assert!(is_same_model("/models/llama-3.1-8b-instruct/", published));
        assert!(!is_same_model("meta-llama/Llama-3.1-8B", published));
    }
}
