//! Whether Sites and their signals are in order, and whether kubeconfigs in Secrets lead somewhere.

use commonwatt_api::annotations::SITE_KUBECONFIG;
use commonwatt_api::{Condition, GridSignal, Site, SiteOffer, conditions::types, find_condition};
use commonwatt_kubernetes::{Inquiry, from_kubeconfig};
use commonwatt_store::{Object, Store, list};

use super::{Examined, Finding, Terms};
use crate::running::{Role, SECRET, kubeconfig};

const CHECK: &str = "sites";
const SIGNALS: &str = "signals";
const SECRETS: &str = "kubeconfigs";

pub async fn check(examined: &Examined, terms: &Terms) -> Vec<Finding> {
    let store = examined.store.as_ref();
    let listed = match list::<Site>(store, None).await {
        Ok(listed) => listed,
        Err(error) => {
            return vec![Finding::warning(
                CHECK,
                format!("Sites cannot be read: {error}"),
                "ask with an account that may list sites.commonwatt.dev",
            )];
        }
    };
    let sites = listed.objects;
    let mut findings: Vec<Finding> = listed
        .malformed
        .iter()
        .map(|malformed| {
            let message = format!("Site {}: {}", malformed.object.name(), malformed.why);
            Finding::problem(
                CHECK,
                message,
                "correct the field; crds/REFERENCE.md lists all",
            )
        })
        .collect();
    if sites.is_empty() && findings.is_empty() {
        findings.push(Finding::warning(
            CHECK,
            "no Site is declared here: the role site has nothing to do",
            "declare one (deploy/examples/quickstart/20-sites.yaml shows how), or run the role hub alone",
        ));
    }
    for site in &sites {
        findings.extend(zone(site));
        findings.extend(said(site));
    }
    let signals = list::<GridSignal>(store, None).await;
    let signals = signals.map(|listed| listed.objects).unwrap_or_default();
    for signal in &signals {
        findings.extend(file(signal, terms));
        findings.extend(stale(signal));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            CHECK,
            format!(
                "{} Sites and {} signals are in order",
                sites.len(),
                signals.len()
            ),
        ));
    }
    findings
}

fn zone(site: &Site) -> Option<Finding> {
    let zone = &site.spec.location.time_zone;
    zone.parse::<chrono_tz::Tz>().is_err().then(|| {
        Finding::problem(
            CHECK,
            format!(
                "Site {}: spec.location.timeZone: there is no time zone {zone:?}",
                name(&site.metadata)
            ),
            "use a name of the IANA database, such as Europe/Berlin",
        )
    })
}

/// What its agent said of it.
fn said(site: &Site) -> Vec<Finding> {
    let name = name(&site.metadata);
    let Some(status) = &site.status else {
        return vec![Finding::warning(
            CHECK,
            format!("Site {name}: no agent has spoken of it"),
            "run the operator with the role site on this cluster, or give the hub a kubeconfig for it",
        )];
    };
    let wrong = |condition: &&Condition| {
        condition.status == "False"
            && [types::READY, types::HUBS_REACHABLE].contains(&condition.type_.as_str())
    };
    let conditions = status.conditions.iter().filter(wrong);
    conditions
        .map(|condition| {
            Finding::problem(
                CHECK,
                format!(
                    "Site {name}: {} {}: {}",
                    condition.type_, condition.reason, condition.message
                ),
                format!("kubectl describe sites.commonwatt.dev {name}"),
            )
        })
        .collect()
}

fn stale(signal: &GridSignal) -> Option<Finding> {
    let status = signal.status.as_ref()?;
    let fresh = find_condition(&status.conditions, types::SIGNAL_FRESH);
    let wrong = fresh.filter(|condition| condition.status == "False")?;
    Some(Finding::warning(
        SIGNALS,
        format!(
            "GridSignal {}: {}: {}",
            name(&signal.metadata),
            wrong.reason,
            wrong.message
        ),
        "bring its source up to date, or declare a fallback that you can answer for",
    ))
}

/// A file that is not below the folder that was given.
fn file(signal: &GridSignal, terms: &Terms) -> Option<Finding> {
    let source = serde_json::to_value(&signal.spec.source).ok()?;
    let path = source["file"]["path"].as_str()?;
    let name = name(&signal.metadata);
    let Some(folder) = &terms.data else {
        return Some(Finding::warning(
            SIGNALS,
            format!(
                "GridSignal {name} names the file {path}, and no --data was given to look for it"
            ),
            "give `doctor` and `run` the same --data DIR",
        ));
    };
    (!folder.join(path).is_file()).then(|| {
        Finding::problem(
            SIGNALS,
            format!(
                "GridSignal {name}: spec.source.file.path: there is no file {path} in {}",
                folder.display()
            ),
            "put it there, or correct the path",
        )
    })
}

fn name(metadata: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> &str {
    metadata.name.as_deref().unwrap_or_default()
}

/// Kubeconfigs that the hub has for sites, and that sites have for hubs.
pub async fn check_secrets(examined: &Examined, terms: &Terms) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut well = 0;
    let mut secrets: Vec<Object> = Vec::new();
    if terms.roles.contains(&Role::Hub) {
        match examined
            .list(SECRETS, &SECRET, Some(&terms.namespace))
            .await
        {
            Ok(listed) => {
                let labelled = |secret: &Object| secret.label(SITE_KUBECONFIG).is_some();
                secrets.extend(listed.into_iter().filter(labelled));
            }
            Err(finding) => findings.push(finding),
        }
        findings.extend(unreachable(examined).await);
    }
    if terms.roles.contains(&Role::Site) {
        let (named, missing) = named_by_sites(examined).await;
        secrets.extend(named);
        findings.extend(missing);
    }
    for secret in &secrets {
        match leads(secret).await {
            Ok(()) => well += 1,
            Err(why) => findings.push(Finding::problem(
                SECRETS,
                format!(
                    "Secret {}/{}: {why}",
                    secret.namespace().unwrap_or_default(),
                    secret.name()
                ),
                "put in a kubeconfig with a server that can be reached from here and a token that is valid \
                 (`kubectl config view --raw --flatten --minify`)",
            )),
        }
    }
    if findings.is_empty() && well > 0 {
        findings.push(Finding::ok(
            SECRETS,
            format!("{well} lead to an API server"),
        ));
    }
    findings
}

/// Sites that the hub says it cannot reach.
async fn unreachable(examined: &Examined) -> Vec<Finding> {
    let offers = list::<SiteOffer>(examined.store.as_ref(), None).await;
    let offers = offers.map(|listed| listed.objects).unwrap_or_default();
    let wrong = offers.iter().filter_map(|offer| {
        let status = offer.status.as_ref()?;
        let reachable = find_condition(&status.conditions, types::REACHABLE);
        let wrong = reachable.filter(|condition| condition.status == "False")?;
        Some(Finding::problem(
            SECRETS,
            format!(
                "site {}: {}: {}",
                offer.spec.site, wrong.reason, wrong.message
            ),
            "see the site's API server and the Secret of its kubeconfig",
        ))
    });
    wrong.collect()
}

async fn named_by_sites(examined: &Examined) -> (Vec<Object>, Vec<Finding>) {
    let (mut secrets, mut missing) = (Vec::new(), Vec::new());
    let sites = list::<Site>(examined.store.as_ref(), None).await;
    let sites = sites.map(|listed| listed.objects).unwrap_or_default();
    for site in &sites {
        for hub in &site.spec.hubs {
            let Some(secret) = &hub.kubeconfig_secret else {
                continue;
            };
            let read = examined
                .store
                .get(&SECRET, Some(&secret.namespace), &secret.name)
                .await;
            let why = match read {
                Ok(Some(found)) => {
                    secrets.push(found);
                    continue;
                }
                Ok(None) => "there is no such Secret".to_owned(),
                Err(error) => error.to_string(),
            };
            missing.push(Finding::problem(
                SECRETS,
                format!(
                    "Site {}: spec.hubs[{}].kubeconfigSecret {}/{}: {why}",
                    name(&site.metadata),
                    hub.name,
                    secret.namespace,
                    secret.name
                ),
                "make the Secret with a kubeconfig of the hub under the key `kubeconfig`",
            ));
        }
    }
    (secrets, missing)
}

/// Whether its kubeconfig parses and somebody answers.
async fn leads(secret: &Object) -> Result<(), String> {
    let yaml = kubeconfig(secret)?;
    let client = from_kubeconfig(&yaml)
        .await
        .map_err(|error| error.to_string())?;
    let server = Inquiry::new(client).server().await;
    server.map(drop).map_err(|error| error.to_string())
}
