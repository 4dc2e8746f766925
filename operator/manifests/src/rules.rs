//! The rules of the definitions: CEL, with what was there before where it is known.

use kube_cel::{CompiledSchema, Validator, compile_schema};
use serde_json::Value;

use crate::Finding;

/// The rules of one kind.
pub struct Rules {
    schema: CompiledSchema,
    validator: Validator,
}

impl Rules {
    pub fn new(schema: &Value) -> Self {
        Self {
            schema: compile_schema(schema),
            validator: Validator::new(),
        }
    }

    /// Rules that an object breaks, and with an older one those of changing it.
    pub fn findings(&self, object: &Value, old: Option<&Value>) -> Vec<Finding> {
        let judged = self.validator.validate_compiled(&self.schema, object, old);
        let mut findings: Vec<_> = judged
            .err()
            .into_iter()
            .flat_map(kube_cel::ValidationErrors::into_vec)
            .map(|error| {
                // Messages of ours are a rule and a remedy.
                let (rule, remedy) = error
                    .message
                    .split_once("; ")
                    .unwrap_or((&error.message, "see the rule"));
                Finding::new(error.field_path, rule, remedy)
            })
            .collect();
        // Fields are walked in no order.
        findings.sort_by(|one, other| one.field.cmp(&other.field));
        findings
    }
}
