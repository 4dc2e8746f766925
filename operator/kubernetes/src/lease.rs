//! Leader election on a `Lease`. Own code: what is out there tells of a lost lease only when somebody asks.
//!
//! A lease does not fence: a leader that was paused may still write once it goes on. Epochs in what is written do that.
//! Leases go by real time, and only by lengths of it on one machine: clocks of two machines are never compared.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use commonwatt_store::StoreError;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use crate::error::{no_answer, within_limit};

/// How long a lease holds without being renewed.
const DURATION: Duration = Duration::from_secs(15);
/// How often it is renewed, and looked at by those who wait for it.
const RENEW: Duration = Duration::from_secs(5);
/// How soon a leader tries again when a renewal failed.
const AGAIN: Duration = Duration::from_secs(1);
/// A leader that could not renew for so long leads no more: well before anybody else may take over.
const GIVE_UP: Duration = Duration::from_secs(10);

/// A candidate for a lease.
#[derive(Clone)]
pub struct Election {
    leases: Api<Lease>,
    name: String,
    identity: String,
}

/// A candidacy that runs. It ends with the value; use [`Leadership::resign`] to let another take over at once.
#[derive(Debug)]
pub struct Leadership {
    lead: Lead,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

/// Whether a candidate leads, for all who act only while it does.
#[derive(Debug, Clone)]
pub struct Lead {
    leads: watch::Receiver<bool>,
    until: Arc<Mutex<Option<Instant>>>,
    trouble: watch::Receiver<Option<StoreError>>,
}

/// What was last seen of a lease, and since when.
#[derive(Debug)]
struct Seen {
    version: String,
    since: Instant,
}

impl Election {
    /// `identity` must differ between candidates, such as a pod's name.
    pub fn new(client: Client, namespace: &str, name: &str, identity: &str) -> Self {
        Self {
            leases: Api::namespaced(client, namespace),
            name: name.to_owned(),
            identity: identity.to_owned(),
        }
    }

    /// Stands for election until the returned value is dropped or resigns.
    pub fn start(self) -> Leadership {
        let (leads, is_leader) = watch::channel(false);
        let (stop, stopped) = watch::channel(false);
        let (trouble, in_trouble) = watch::channel(Some(StoreError::Unreachable(
            "the lease was not asked for yet".to_owned(),
        )));
        let until = Arc::new(Mutex::new(None));
        let candidate = Candidate {
            election: self,
            leads,
            until: until.clone(),
            trouble,
            stopped,
            seen: None,
        };
        Leadership {
            lead: Lead {
                leads: is_leader,
                until,
                trouble: in_trouble,
            },
            stop,
            task: Some(tokio::spawn(candidate.run())),
        }
    }
}

impl Lead {
    /// Whether this candidate leads now. Correct also when this process was paused and told nothing yet.
    pub fn is_leader(&self) -> bool {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *self.leads.borrow() && until.is_some_and(|until| Instant::now() < until)
    }

    /// Wakes when this candidate becomes leader, and when it is not any more.
    pub fn changes(&self) -> watch::Receiver<bool> {
        self.leads.clone()
    }

    /// Why the last attempt to get or keep the lease got no answer, if it got none.
    pub fn trouble(&self) -> Option<StoreError> {
        self.trouble.borrow().clone()
    }
}

impl Leadership {
    /// A handle to ask whether this candidate leads.
    pub fn lead(&self) -> Lead {
        self.lead.clone()
    }

    /// Whether this candidate leads now. Correct also when this process was paused and told nothing yet.
    pub fn is_leader(&self) -> bool {
        self.lead.is_leader()
    }

    /// Wakes when this candidate becomes leader, and when it is not any more.
    pub fn changes(&self) -> watch::Receiver<bool> {
        self.lead.changes()
    }

    /// Gives the lease back, so that another candidate need not wait. Stop leading before this.
    pub async fn resign(mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take() {
            // A panic in there means that nothing was given back: the lease then runs out.
            let _ = task.await;
        }
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

struct Candidate {
    election: Election,
    leads: watch::Sender<bool>,
    until: Arc<Mutex<Option<Instant>>>,
    trouble: watch::Sender<Option<StoreError>>,
    stopped: watch::Receiver<bool>,
    seen: Option<Seen>,
}

impl Drop for Candidate {
    fn drop(&mut self) {
        self.lead(None);
    }
}

impl Candidate {
    async fn run(mut self) {
        let mut stopped = self.stopped.clone();
        loop {
            let round = async {
                let pause = self.round().await;
                sleep(pause).await;
            };
            tokio::select! {
                () = round => {}
                _ = stopped.wait_for(|stopped| *stopped) => break,
            }
        }
        // Not leading first, free for others after.
        let led = *self.leads.borrow();
        self.lead(None);
        if led && let Err(error) = self.release().await {
            tracing::warn!(%error, "the lease could not be given back; it runs out by itself");
        }
    }

    /// One attempt to get or renew the lease, and how long to wait before the next.
    async fn round(&mut self) -> Duration {
        let begun = Instant::now();
        // A leader whose last renewal runs out while this one hangs must not wait for it.
        let deadline = self.deadline();
        let answer = timeout_at(deadline.unwrap_or(begun + GIVE_UP), self.attempt(begun)).await;
        let trouble = match &answer {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.clone()),
            Err(_) => Some(no_answer(GIVE_UP)),
        };
        self.trouble.send_replace(trouble);
        match answer {
            Ok(Ok(true)) => self.lead(Some(begun + GIVE_UP)),
            Ok(Ok(false)) | Err(_) => self.lead(None),
            Ok(Err(error)) => {
                tracing::debug!(%error, "no answer about the lease");
                // Still ours while the last renewal lasts.
                if deadline.is_some() {
                    return AGAIN;
                }
            }
        }
        RENEW
    }

    fn deadline(&self) -> Option<Instant> {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lead(&self, until: Option<Instant>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
        let leads = until.is_some();
        let name = &self.election.name;
        self.leads.send_if_modified(|before| {
            if *before != leads {
                tracing::info!(lease = name, leads, "leadership changed");
            }
            std::mem::replace(before, leads) != leads
        });
    }

    /// True if the lease is ours now.
    async fn attempt(&mut self, begun: Instant) -> Result<bool, StoreError> {
        let Election {
            leases,
            name,
            identity,
        } = &self.election;
        let Some(lease) = within_limit(leases.get_opt(name)).await? else {
            let lease = Lease {
                metadata: ObjectMeta {
                    name: Some(name.clone()),
                    ..ObjectMeta::default()
                },
                spec: Some(held_by(identity, None)),
            };
            let created = within_limit(leases.create(&PostParams::default(), &lease)).await;
            return unless_lost(created);
        };
        let holder = lease
            .spec
            .as_ref()
            .and_then(|spec| spec.holder_identity.as_deref())
            .unwrap_or_default();
        if !holder.is_empty() && holder != identity && !self.has_run_out(&lease, begun) {
            return Ok(false);
        }
        self.take(lease).await
    }

    /// Whether nobody has renewed the lease for as long as it holds, as far as we saw ourselves.
    fn has_run_out(&mut self, lease: &Lease, now: Instant) -> bool {
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let holds = lease
            .spec
            .as_ref()
            .and_then(|spec| spec.lease_duration_seconds);
        let holds = holds
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map_or(DURATION, Duration::from_secs);
        match &self.seen {
            Some(seen) if seen.version == version => now.duration_since(seen.since) >= holds,
            _ => {
                self.seen = Some(Seen {
                    version,
                    since: now,
                });
                false
            }
        }
    }

    /// Writes ourselves into the lease as we saw it: whoever was faster wins.
    async fn take(&self, mut lease: Lease) -> Result<bool, StoreError> {
        let Election {
            leases,
            name,
            identity,
        } = &self.election;
        lease.spec = Some(held_by(identity, lease.spec.take()));
        unless_lost(within_limit(leases.replace(name, &PostParams::default(), &lease)).await)
    }

    async fn release(&self) -> Result<(), StoreError> {
        let Election {
            leases,
            name,
            identity,
        } = &self.election;
        let Some(mut lease) = within_limit(leases.get_opt(name)).await? else {
            return Ok(());
        };
        let Some(spec) = lease.spec.as_mut() else {
            return Ok(());
        };
        if spec.holder_identity.as_ref() == Some(identity) {
            spec.holder_identity = None;
            within_limit(leases.replace(name, &PostParams::default(), &lease)).await?;
        }
        Ok(())
    }
}

fn unless_lost(result: Result<Lease, StoreError>) -> Result<bool, StoreError> {
    match result {
        Ok(_) => Ok(true),
        Err(StoreError::Conflict(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The lease as we hold it from now on.
fn held_by(identity: &str, before: Option<LeaseSpec>) -> LeaseSpec {
    let now = MicroTime(Timestamp::now());
    let before = before.unwrap_or_default();
    let is_ours = before.holder_identity.as_deref() == Some(identity);
    let transitions = before.lease_transitions.unwrap_or_default();
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
        acquire_time: if is_ours {
            before.acquire_time
        } else {
            Some(now.clone())
        },
        lease_transitions: Some(if is_ours {
            transitions
        } else {
            transitions.saturating_add(1)
        }),
        renew_time: Some(now),
        ..LeaseSpec::default()
    }
}
