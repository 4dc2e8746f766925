//! The YAML, written by hand since its comments are half of it.

use std::fmt::Write;

use commonwatt_api::annotations::{DEADLINE, FLEXIBLE, HOURS, POLICY};
use commonwatt_api::{GROUP, JOB_MANAGER, ModelProfile, VERSION};
use commonwatt_site::inventory::accelerators_of;
use serde_json::{Value, json};

use super::guess::{self, Guess};
use super::owners;
use super::{Ask, Found, Written};

/// What must be filled in: said on the line and again at the end.
const FILL_IN: &str = "FILL IN";

/// Notes what is missing while the YAML is written.
struct Page {
    text: String,
    missing: Vec<String>,
}

impl Page {
    /// A comment, wrapped.
    fn comment(&mut self, text: &str) {
        let mut line = String::from("#");
        for word in text.split_whitespace() {
            if line.len() + word.len() > 110 {
                let _ = writeln!(self.text, "{line}");
                line = "#".into();
            }
            let _ = write!(line, " {word}");
        }
        let _ = writeln!(self.text, "{line}");
    }

    /// A field. Without a value it is empty, which the API server refuses.
    fn field(&mut self, indent: &str, field: &str, guess: &Guess) {
        let why = one_line(&guess.why);
        if let Some(value) = &guess.value {
            let _ = writeln!(self.text, "{indent}{field}: {}   # {why}", scalar(value));
        } else {
            let _ = writeln!(self.text, "{indent}{field}: \"\"   # {FILL_IN}: {why}");
            let field = field.trim_start_matches("- ");
            self.missing.push(format!("{field}: {why}"));
        }
    }

    fn lines(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn done(self) -> Written {
        Written {
            yaml: self.text,
            missing: self.missing,
        }
    }
}

/// What came from a cluster must not end a comment.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text that stays a text: `on` and `null` are names too.
fn scalar(text: &str) -> String {
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !words.contains(&text.to_lowercase().as_str())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    if plain {
        text.to_owned()
    } else {
        json!(text).to_string()
    }
}

/// A ModelDeployment that refers to a Deployment or a StatefulSet.
pub fn deployment(ask: &Ask<'_>, found: &Found) -> Written {
    let workload = &found.workload;
    let site = guess::site(ask, found);
    let namespace = guess::hub_namespace(ask, site.value.as_deref(), found);
    let product = guess::product(found);
    let accelerators = accelerators_of(&workload.0["spec"]["template"]["spec"]);
    let (profile, measured) = guess::profile(ask, found, product.value.as_deref(), accelerators);
    let hub_namespace = namespace.value.clone().unwrap_or_default();
    let policy = guess::policy(ask, found, &hub_namespace);
    let mut page = Page {
        text: String::new(),
        missing: Vec::new(),
    };
    head(&mut page, ask, found, accelerators);
    page.lines(&format!(
        "apiVersion: {GROUP}/{VERSION}\nkind: ModelDeployment\nmetadata:\n  name: {}\n",
        scalar(ask.name)
    ));
    page.field("  ", "namespace", &namespace);
    page.lines("spec:\n  mode: Advise   # only says what it would do; Enforce moves replicas\n");
    page.field("  ", "policy", &policy);
    demand(&mut page, found, measured);
    page.lines(
        "  # interTokenMilliseconds, origins, jurisdictions and minimumSites: not known from what runs. Without\n  \
         # them any latency and any place will do: add what you promise.\n  variants:\n",
    );
    let name = product
        .value
        .as_deref()
        .map_or("as-it-runs".into(), variant_name);
    page.lines(&format!("  - name: {}\n", scalar(&name)));
    page.lines(&format!(
        "    # {} x {} per replica ({})\n",
        accelerators,
        one_line(product.value.as_deref().unwrap_or("an unknown accelerator")),
        one_line(&product.why)
    ));
    page.field("    ", "profile", &profile);
    page.lines(&format!(
        "    adapter: {}\n    workloadRefs:\n",
        ask.kind.adapter()
    ));
    page.field("    ", "- site", &site);
    page.lines(&format!("      name: {}\n", scalar(ask.name)));
    page.done()
}

fn head(page: &mut Page, ask: &Ask<'_>, found: &Found, accelerators: u32) {
    let kind = ask.kind.kind();
    page.comment(&format!(
        "Written by `commonwatt adopt` of {kind} {}/{}. It refers to what runs and has no template: nothing is created, and \
         nothing is changed in Advise. It belongs on the hub's API server. Deleting it gives the workload back as it was.",
        ask.namespace, ask.name
    ));
    for sentence in owners::sentences(&found.workload, &found.autoscalers) {
        page.comment(&sentence);
    }
    if accelerators == 0 {
        page.comment(
            "No container of it requests nvidia.com/gpu: it is not known what a replica takes, and no profile fits.",
        );
    }
}

/// Replicas as demand: what so many replicas of the profile serve at the point that the planner would charge.
fn demand(page: &mut Page, found: &Found, profile: Option<&ModelProfile>) {
    let replicas = found.workload.0["spec"]["replicas"].as_i64().unwrap_or(1);
    let each = profile.and_then(|profile| commonwatt_hub::tokens_per_second(profile, None).ok());
    let Some(each) = each else {
        let empty = Guess {
            value: None,
            why: format!("the tokens per second that its {replicas} replicas must serve"),
        };
        page.lines("  demand:\n");
        page.field("    ", "tokensPerSecond", &empty);
        let empty = Guess {
            value: None,
            why: "what stays served when a limit falls".into(),
        };
        page.field("    ", "floorTokensPerSecond", &empty);
        return;
    };
    // Rounded down: rounding up would ask for one replica more.
    let tokens = (each * replicas as f64).floor();
    let scaler = owners::scaled_by(&found.workload, &found.autoscalers);
    let fewest = scaler
        .and_then(|scaler| scaler.0["spec"]["minReplicas"].as_i64())
        .unwrap_or(1)
        .min(replicas);
    let floor = (each * fewest as f64).floor();
    page.lines(&format!(
        "  demand:\n    # guessed: its {replicas} replicas now x {each:.1} tokens/s each, at the profile's highest concurrency. Put in what is asked of it.\n    \
         tokensPerSecond: \"{tokens}\"\n    # guessed: {fewest} of them, kept when a limit falls\n    floorTokensPerSecond: \"{floor}\"\n"
    ));
}

/// A product as the name of a variant.
fn variant_name(product: &str) -> String {
    let name: String = product
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let name = name.trim_start_matches("nvidia-");
    name[..name.len().min(32)].trim_matches('-').to_owned()
}

/// A Job for the hub. What runs cannot be taken over: who manages a Job is fixed when it is made.
pub fn job(ask: &Ask<'_>, found: &Found) -> Written {
    let site = guess::site(ask, found);
    let namespace = guess::hub_namespace(ask, site.value.as_deref(), found);
    let policy = guess::policy(ask, found, namespace.value.as_deref().unwrap_or_default());
    let mut page = Page {
        text: String::new(),
        missing: Vec::new(),
    };
    page.comment(&format!(
        "Written by `commonwatt adopt` of Job {}/{}. Who manages a Job is fixed when it is made, so the one that runs stays as it \
         is; this is for its next run, under another name, on the hub's API server: the hub gives it a site and hours. \
         To let a limit suspend the one that runs: kubectl annotate job/{} -n {} {FLEXIBLE}=true",
        ask.namespace, ask.name, ask.name, ask.namespace
    ));
    for sentence in owners::sentences(&found.workload, &[]) {
        page.comment(&sentence);
    }
    page.lines("apiVersion: batch/v1\nkind: Job\nmetadata:\n");
    page.lines(&format!(
        "  name: {}\n",
        scalar(&format!("{}-placed", ask.name))
    ));
    page.field("  ", "namespace", &namespace);
    page.lines("  annotations:\n");
    for (key, why) in [
        (
            DEADLINE,
            "by when it must be done, as \"2026-12-31T18:00:00Z\"",
        ),
        (HOURS, "whole hours of work it needs, as \"6\""),
    ] {
        // No text: the API server refuses it.
        page.lines(&format!("    {key}: {{}}   # {FILL_IN}: {why}\n"));
        page.missing.push(format!("{key}: {why}"));
    }
    page.lines(&format!(
        "    {FLEXIBLE}: \"true\"   # guessed: it may be suspended and resumed. It must keep checkpoints for that\n"
    ));
    page.field("    ", POLICY, &policy);
    let spec = job_spec(&found.workload.0["spec"]);
    let spec = serde_saphyr::to_string(&spec).unwrap_or_default();
    page.lines("spec:\n");
    for line in spec.lines() {
        page.lines(&format!("  {line}\n"));
    }
    page.done()
}

/// A Job's spec without what its API server added.
fn job_spec(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(fields) = spec.as_object_mut() {
        fields.remove("selector");
        fields.remove("suspend");
        fields.insert("managedBy".into(), json!(JOB_MANAGER));
    }
    if let Some(labels) = spec["template"]["metadata"]["labels"].as_object_mut() {
        labels.retain(|key, _| !key.contains("controller-uid") && !key.contains("job-name"));
    }
    spec
}
