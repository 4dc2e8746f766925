//! Everything given back at once while others go on writing, as controllers do.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use commonwatt_api::{FIELD_MANAGER, FINALIZER};
use commonwatt_hub::let_everything_go;
use commonwatt_simulator::MemoryServer;
use commonwatt_site::give_everything_back;
use commonwatt_store::{Event, Held, Kind, Object, Store, StoreError};
use serde_json::{Value, json};

use crate::Result;
use crate::fleet::{ASSIGNMENT, MODEL, RECORD, hub};
use crate::steering::{Hall, model, run, served};

/// Somebody else's finalizer.
const OTHERS: &str = "example.org/backup";

type Answer<T> = std::result::Result<T, StoreError>;

/// A server on which a controller is faster once for every object: it writes a status right before the first patch that
/// counts on a version. One that `finalizes` puts its own finalizer on instead, before the first patch of finalizers.
struct Busy {
    server: Arc<MemoryServer>,
    finalizes: bool,
    disturbed: Mutex<BTreeSet<String>>,
}

impl Busy {
    fn on(server: &Arc<MemoryServer>) -> Self {
        Self {
            server: server.clone(),
            finalizes: false,
            disturbed: Mutex::default(),
        }
    }

    fn is_first(&self, kind: &Kind, name: &str) -> bool {
        let mut disturbed = self.disturbed.lock().expect("names");
        disturbed.insert(format!("{kind} {name}"))
    }
}

#[async_trait]
impl Store for Busy {
    async fn held(&self, kind: &Kind, namespace: Option<&str>) -> Answer<Vec<Held>> {
        self.server.held(kind, namespace).await
    }

    async fn get(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Answer<Option<Object>> {
        self.server.get(kind, namespace, name).await
    }

    async fn create(&self, kind: &Kind, object: &Object) -> Answer<Object> {
        self.server.create(kind, object).await
    }

    async fn apply(&self, kind: &Kind, object: &Object) -> Answer<Object> {
        self.server.apply(kind, object).await
    }

    async fn merge(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
    ) -> Answer<Object> {
        if self.finalizes
            && patch["metadata"]["finalizers"].is_array()
            && self.is_first(kind, name)
            && let Some(now) = self.server.get(kind, namespace, name).await?
        {
            let finalizers = [now.finalizers(), vec![OTHERS]].concat();
            let patch = json!({ "metadata": { "finalizers": finalizers } });
            self.server.merge(kind, namespace, name, &patch).await?;
        }
        if !self.finalizes
            && patch["metadata"]["resourceVersion"].is_string()
            && self.is_first(kind, name)
        {
            let status = json!({ "status": { "seenBy": "a controller" } });
            let written = self.server.merge_status(kind, namespace, name, &status);
            written.await?;
        }
        self.server.merge(kind, namespace, name, patch).await
    }

    async fn merge_status(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
    ) -> Answer<Object> {
        self.server.merge_status(kind, namespace, name, patch).await
    }

    async fn delete(&self, kind: &Kind, object: &Object) -> Answer<()> {
        self.server.delete(kind, object).await
    }

    async fn event(&self, about: &Object, event: &Event) -> Answer<()> {
        self.server.event(about, event).await
    }
}

#[test]
fn what_controllers_write_meanwhile_is_no_reason_not_to_give_back() -> Result {
    run(async {
        let mut hall = Hall::with(vec![served(4), model("Enforce")])?;
        hall.turns(12).await?;
        assert_eq!(hall.replicas(), Some(json!(2)));
        // As a real API server notes what an apply of ours has set; the one in memory notes nothing.
        let fields = json!({ "f:spec": { "f:replicas": {} } });
        let ours = json!([{ "manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": fields }]);
        let noted = json!({ "metadata": { "managedFields": ours } });
        hall.set(&Kind::DEPLOYMENT, "chat", noted).await?;
        let given = give_everything_back(&Busy::on(&hall.0.sites), &[], true).await?;
        assert!(!given.is_empty());
        for given in &given {
            assert_eq!(given.failed, None, "{}", given.object);
        }
        assert_eq!(hall.replicas(), Some(json!(4)));
        assert_eq!(hall.at(&RECORD, "spec"), None);
        let managers = hall.at(&Kind::DEPLOYMENT, "metadata.managedFields");
        assert_eq!(managers, Some(json!([{}])), "nobody's");

        let gone = let_everything_go(&Busy::on(&hall.0.hub_server), true).await?;
        assert!(gone.len() >= 2, "the assignment and the model: {gone:?}");
        for gone in &gone {
            assert_eq!(gone.failed, None, "{}", gone.object);
        }
        let models = hall.0.hub_server.all(&MODEL);
        assert!(!models[0].finalizers().contains(&FINALIZER));
        assert!(hall.0.hub_server.all(&ASSIGNMENT).is_empty());
        Ok(())
    })
}

#[test]
fn a_finalizer_that_somebody_puts_on_while_ours_goes_is_left() -> Result {
    run(async {
        let mut hall = Hall::with(vec![served(4), model("Enforce")])?;
        hall.turns(12).await?;
        hall.delete_model().await?;
        let hub = hub(Arc::new(Busy {
            finalizes: true,
            ..Busy::on(&hall.0.hub_server)
        }));
        for _ in 0..6 {
            hall.0.agent_alone().await?;
            hub.cycle(hall.0.now()).await?;
        }
        let models = hall.0.hub_server.all(&MODEL);
        let left = models.first().ok_or("it went with a finalizer on it")?;
        assert_eq!(left.finalizers(), [OTHERS]);
        Ok(())
    })
}
