use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Malformed, Object, StoreError, to_object};

/// An object as it was last heard of. Cheap to clone; all clones are one.
///
/// It is read as its type once, however often it is listed, and from then on the JSON is not kept: a tree of JSON takes
/// five to ten times the memory of what it says.
#[derive(Debug, Clone)]
pub struct Held(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    namespace: String,
    name: String,
    uid: String,
    version: String,
    body: Mutex<Body>,
}

type Anything = Arc<dyn Any + Send + Sync>;
type Written = fn(&Anything) -> Result<Object, StoreError>;

#[derive(Debug, Clone)]
enum Body {
    Raw(Arc<Object>),
    Typed(Anything, Written),
}

impl Held {
    /// Holds an object.
    pub fn new(object: Object) -> Self {
        Self(Arc::new(Inner {
            namespace: object.namespace().unwrap_or_default().to_owned(),
            name: object.name().to_owned(),
            uid: object.uid().to_owned(),
            version: object.resource_version().to_owned(),
            body: Mutex::new(Body::Raw(Arc::new(object))),
        }))
    }

    /// Its namespace; nothing for an object of the whole cluster.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its uid.
    pub fn uid(&self) -> &str {
        &self.0.uid
    }

    /// Its resource version.
    pub fn resource_version(&self) -> &str {
        &self.0.version
    }

    /// The object as JSON.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when what was read as its type cannot be written any more.
    pub fn object(&self) -> Result<Arc<Object>, StoreError> {
        match &*self.body() {
            Body::Raw(object) => Ok(object.clone()),
            Body::Typed(typed, written) => written(typed).map(Arc::new),
        }
    }

    /// The object as its type.
    ///
    /// # Errors
    /// Why it does not fit.
    pub fn typed<T>(&self) -> Result<Arc<T>, Malformed>
    where
        T: Resource<DynamicType = ()> + DeserializeOwned + Serialize + Send + Sync + 'static,
    {
        let mut body = self.body();
        let object = match &*body {
            Body::Raw(object) => object.clone(),
            Body::Typed(typed, written) => match typed.clone().downcast() {
                Ok(typed) => return Ok(typed),
                // Read as another type before: from its JSON again.
                Err(other) => Arc::new(written(&other).unwrap_or_default()),
            },
        };
        match T::deserialize(&object.0) {
            Ok(typed) => {
                let typed = Arc::new(typed);
                *body = Body::Typed(typed.clone(), |any| match any.downcast_ref::<T>() {
                    Some(typed) => to_object(typed),
                    None => Err(StoreError::Invalid("read as another type".into())),
                });
                Ok(typed)
            }
            Err(error) => Err(Malformed {
                object,
                why: error.to_string(),
            }),
        }
    }

    fn body(&self) -> MutexGuard<'_, Body> {
        self.0.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Object> for Held {
    fn from(object: Object) -> Self {
        Self::new(object)
    }
}

/// The same version of the same object.
impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        let same = |a: &Inner, b: &Inner| {
            !a.version.is_empty()
                && (&a.uid, &a.version, &a.namespace, &a.name)
                    == (&b.uid, &b.version, &b.namespace, &b.name)
        };
        Arc::ptr_eq(&self.0, &other.0) || same(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::{ConfigMap, Node};
    use serde_json::json;

    use super::*;

    fn settings() -> Held {
        Held::new(Object(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": "a", "namespace": "b", "uid": "c", "resourceVersion": "7" },
            "data": { "key": "value" },
        })))
    }

    #[test]
    fn it_is_read_once_and_written_as_it_was() {
        let held = settings();
        let before = held.object().expect("JSON");
        let first: Arc<ConfigMap> = held.typed().expect("a ConfigMap");
        let second: Arc<ConfigMap> = held.clone().typed().expect("a ConfigMap");
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(held.object().expect("JSON"), before);
    }

    #[test]
    fn what_does_not_fit_stays_as_it_is_and_can_be_read_otherwise() {
        let held = Held::new(Object(
            json!({ "metadata": { "name": "a" }, "data": "not a map" }),
        ));
        let error = held.typed::<ConfigMap>().expect_err("not a map");
        assert_eq!(error.object.name(), "a");
        assert!(held.typed::<Node>().is_ok());
    }
}
