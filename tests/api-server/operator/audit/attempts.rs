//! What an account must not do, tried with its own token by real requests that change nothing: rights are asked before anything
//! else is. The administrator tries first; what would fail for another reason than rights says nothing.

mod table;

use std::time::Duration;

use commonwatt_harness::{ControlPlane, control_plane};
use commonwatt_kubernetes::from_kubeconfig;
use kube::Client;
use tokio::runtime::Runtime;
use tokio::time::sleep;

use self::table::{ATTEMPTS, Attempt, LABEL, OBJECTS, OF_VISITOR, OFFER, OFFERS};
use super::super::fleet::{NAMESPACE, NORTH, furnish};
use crate::{Result, checkout, install_definitions};

fn install(plane: &ControlPlane, release: &str, values: &[String]) -> Result {
    let mut args: Vec<String> = ["upgrade", "--install", release]
        .map(str::to_owned)
        .to_vec();
    args.push(checkout("charts/commonwatt").display().to_string());
    args.push(format!("--namespace={NAMESPACE}"));
    args.push("--create-namespace".to_owned());
    args.push("--set=replicas=0".to_owned());
    args.extend(values.iter().map(|value| format!("--set-json={value}")));
    plane.helm(args).ok()?;
    Ok(())
}

/// The status of the answer to a request that changes nothing.
async fn answer(client: &Client, request: &str, body: &str) -> Result<u16> {
    let (mut method, path) = request.split_once(' ').ok_or("a method and a path")?;
    let mut request = http::Request::builder();
    if method == "AS-ADMIN" {
        method = "GET";
        request = request
            .header("Impersonate-User", "somebody")
            .header("Impersonate-Group", "system:masters");
    }
    let mark = if path.contains('?') { '&' } else { '?' };
    let path = match method {
        "GET" => path.to_owned(),
        _ => format!("{path}{mark}dryRun=All"),
    };
    let content = match method {
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    let request = request
        .method(method)
        .uri(path)
        .header("Content-Type", content)
        .body(body.as_bytes().to_vec())?;
    match client.request_text(request).await {
        Ok(_) => Ok(200),
        Err(kube::Error::Api(status)) => Ok(status.code),
        Err(error) => Err(error.into()),
    }
}

async fn client(text: &str) -> Result<Client> {
    Ok(from_kubeconfig(text.as_bytes()).await?)
}

/// Each attempt has an answer for the administrator that is not about rights, and not that nothing is there.
async fn make_sense(plane: &ControlPlane, attempts: &[Attempt]) -> Result {
    let admin = client(&plane.kubeconfig().text).await?;
    for attempt in attempts {
        let mut code = answer(&admin, attempt.request, attempt.body).await?;
        while code == 429 {
            // Of a kind that has just been defined: not yet.
            sleep(Duration::from_millis(200)).await;
            code = answer(&admin, attempt.request, attempt.body).await?;
        }
        // Only a kubelet can run a command: the way to it is open, and there is none.
        let open = code == 200 || (attempt.request.contains("/exec") && code != 403);
        assert!(open, "{} says {code} to an administrator", attempt.request);
    }
    Ok(())
}

#[test]
fn in_no_mode_and_role_may_an_account_do_what_it_must_not() -> Result {
    let plane = control_plane!("attempts");
    install_definitions(&plane)?;
    install(&plane, "commonwatt", &[])?;
    plane.kubectl(["create", "namespace", "models"]).ok()?;
    furnish(&plane, &NORTH)?;
    plane.apply_yaml(OBJECTS)?;
    let runtime = Runtime::new()?;
    runtime.block_on(make_sense(&plane, ATTEMPTS))?;
    let mut wrong = Vec::new();
    for mode in super::MODES {
        for roles in [&["hub"][..], &["site"], &["hub", "site"]] {
            let release = format!("commonwatt-{}", roles.join("-"));
            let values = [
                format!("mode={mode:?}"),
                format!("roles={roles:?}"),
                "installAdapters=false".to_owned(),
            ];
            install(&plane, &release, &values)?;
            let account = plane.kubeconfig_for(NAMESPACE, &release)?;
            runtime.block_on(async {
                let client = client(&account.text).await?;
                for attempt in ATTEMPTS {
                    let allowed = attempt.allowed.is_some_and(|(in_mode, of)| {
                        in_mode == mode && roles.iter().any(|role| of.contains(role))
                    });
                    let code = answer(&client, attempt.request, attempt.body).await?;
                    if code != if allowed { 200 } else { 403 } {
                        wrong.push(format!("{mode} {roles:?}: {} says {code}", attempt.request));
                    }
                }
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            })?;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    visit(&plane, &runtime)?;
    read_named_secrets(&plane, &runtime)
}

/// An agent that comes from `site-a`, whose namespace another site's is beside.
fn visit(plane: &ControlPlane, runtime: &Runtime) -> Result {
    let agents = r#"siteAgents=[{"site":"a","subjects":[{"kind":"ServiceAccount","name":"agent","namespace":"site-a"}]}]"#;
    let values = ["roles=[\"hub\"]".to_owned(), agents.to_owned()];
    install(plane, "commonwatt", &values)?;
    plane.apply_yaml(&OFFERS.replace("$OFFER", OFFER))?;
    plane
        .kubectl(["create", "serviceaccount", "agent", "--namespace=site-a"])
        .ok()?;
    let account = plane.kubeconfig_for("site-a", "agent")?;
    runtime.block_on(async {
        make_sense(plane, OF_VISITOR).await?;
        let client = client(&account.text).await?;
        for attempt in OF_VISITOR {
            assert_eq!(
                answer(&client, attempt.request, attempt.body).await?,
                403,
                "{}",
                attempt.request
            );
        }
        // Its own, for the sake of the test: a token that does not work would be refused everything.
        let own = "PATCH /apis/commonwatt.dev/v1alpha1/namespaces/site-a/siteoffers/a";
        assert_eq!(answer(&client, own, LABEL).await?, 200);
        Ok(())
    })
}

/// With names of Secrets, these and no other of its own namespace.
fn read_named_secrets(plane: &ControlPlane, runtime: &Runtime) -> Result {
    let named = r#"kubeconfigSecrets=["kubeconfig"]"#.to_owned();
    install(plane, "commonwatt", &[named])?;
    let account = plane.kubeconfig_for(NAMESPACE, "commonwatt")?;
    runtime.block_on(async {
        let client = client(&account.text).await?;
        for (path, expected) in [
            ("/kubeconfig", 200),
            ("/other", 403),
            ("", 403),
            ("?watch=true", 403),
            ("?fieldSelector=metadata.name%3Dkubeconfig", 403),
        ] {
            let request = format!("GET /api/v1/namespaces/{NAMESPACE}/secrets{path}");
            let code = answer(&client, &request, "").await?;
            assert_eq!(code, expected, "{request}");
        }
        Ok(())
    })
}
