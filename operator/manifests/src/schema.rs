//! Types and bounds of a definition, by a validator of JSON Schema that is told what Kubernetes means by its own words.

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::paths::LocationSegment;
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};

use crate::Finding;
use crate::path::{below, child, item, shown};

/// Types and bounds of one kind.
pub struct Bounds {
    schema: Value,
    validator: Validator,
}

/// What is wrong, and whether the rules can be asked all the same.
pub struct Bounded {
    pub findings: Vec<Finding>,
    /// A type, a length or a missing field is wrong: the API server then asks no rule.
    pub blocking: bool,
}

impl Bounds {
    /// # Errors
    /// When a definition is no schema, which is a defect of the definitions.
    pub fn new(schema: &Value) -> Result<Self, String> {
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&translated(schema))
            .map_err(|error| error.to_string())?;
        Ok(Self {
            schema: schema.clone(),
            validator,
        })
    }

    /// What is out of bounds.
    pub fn judge(&self, object: &Value) -> Bounded {
        let mut judged = Bounded {
            findings: Vec::new(),
            blocking: false,
        };
        for error in self.validator.iter_errors(object) {
            judged.blocking |= matches!(
                error.kind(),
                Kind::Enum { .. }
                    | Kind::Required { .. }
                    | Kind::MaxLength { .. }
                    | Kind::MaxItems { .. }
                    | Kind::MaxProperties { .. }
                    | Kind::Type { .. }
            );
            judged.findings.push(self.finding(&error));
        }
        judged
    }

    fn finding(&self, error: &ValidationError<'_>) -> Finding {
        let (field, schema) = self.locate(error);
        let value = shown(error.instance());
        let bound = |key: &str| schema[key].to_string();
        let invalid = |rule: String| format!("Invalid value: {value}: {rule}");
        let (rule, remedy) = match error.kind() {
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let said = &schema["properties"][name]["description"];
                let said = said.as_str().unwrap_or("the definition asks for it");
                let remedy = format!("add it: {}", said.replace('\n', " "));
                return Finding::new(child(&field, name), "Required value", remedy);
            }
            Kind::Enum { options } => {
                let options: Vec<_> = options.as_array().map_or(Vec::new(), |all| {
                    all.iter().map(ToString::to_string).collect()
                });
                let options = options.join(", ");
                (
                    format!("Unsupported value: {value}: supported values: {options}"),
                    "use one of them".to_owned(),
                )
            }
            Kind::Pattern { pattern } => (
                invalid(format!("should match '{pattern}'")),
                self.example(error),
            ),
            Kind::Format { format } => (
                invalid(format!("must be of type {format}")),
                self.example(error),
            ),
            Kind::Type { .. } => type_finding(error.instance(), &schema),
            Kind::Minimum { limit } => (
                invalid(format!(
                    "should be greater than or equal to {}",
                    whole(limit)
                )),
                format!("use {} or more", whole(limit)),
            ),
            Kind::Maximum { limit } => (
                invalid(format!("should be less than or equal to {}", whole(limit))),
                format!("use {} or less", whole(limit)),
            ),
            Kind::MaxLength { limit } => (
                format!("Too long: may not be more than {limit} bytes"),
                format!("shorten it to {limit}"),
            ),
            Kind::MinLength { limit } => (
                invalid(format!("should be at least {limit} chars long")),
                "say something, or leave the field out where it may be".to_owned(),
            ),
            Kind::MaxItems { limit } | Kind::MaxProperties { limit } => {
                let count = error.instance().as_array().map_or_else(
                    || error.instance().as_object().map_or(0, Map::len),
                    Vec::len,
                );
                (
                    format!("Too many: {count}: must have at most {limit} items"),
                    format!("take out {}", (count as u64).saturating_sub(*limit)),
                )
            }
            Kind::MinItems { limit } => (
                invalid(format!("should have at least {limit} items")),
                format!("list at least {}", bound("minItems")),
            ),
            other => (
                invalid(error.to_string()),
                format!("see {} in kubectl explain", other.keyword()),
            ),
        };
        Finding::new(field, rule, remedy)
    }

    /// An error's field, and the schema of it.
    fn locate(&self, error: &ValidationError<'_>) -> (String, Value) {
        let (mut path, mut schema) = (String::new(), &self.schema);
        for segment in error.instance_path() {
            match segment {
                LocationSegment::Property(name) => {
                    path = child(&path, &name);
                    schema = below(schema, &name);
                }
                LocationSegment::Index(index) => {
                    path = item(&path, index);
                    schema = &schema["items"];
                }
            }
        }
        (path, schema.clone())
    }

    /// How a value is written, by the example of its field or of the list that it is in.
    fn example(&self, error: &ValidationError<'_>) -> String {
        let mut example = &Value::Null;
        let mut schema = &self.schema;
        for segment in error.instance_path() {
            schema = match segment {
                LocationSegment::Property(name) => below(schema, &name),
                LocationSegment::Index(_) => &schema["items"],
            };
            if !schema["example"].is_null() {
                example = &schema["example"];
            }
        }
        match example {
            Value::Null => "see kubectl explain for how it is written".to_owned(),
            // The items of a list have the list's example.
            Value::Array(items) if error.instance().is_string() => {
                format!("write it like {}", items[0].as_str().unwrap_or_default())
            }
            Value::String(text) => format!("write it like {text}"),
            other => format!("write it like {other}"),
        }
    }
}

/// A value of another type, and how to write it.
fn type_finding(value: &Value, schema: &Value) -> (String, String) {
    let expected = if schema["x-kubernetes-int-or-string"] == true {
        "integer,string"
    } else {
        schema["type"].as_str().unwrap_or("object")
    };
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let remedy = match (expected, value) {
        (_, Value::Null) => "give it a value, or leave the field out where it may be".to_owned(),
        ("string", Value::Bool(_) | Value::Number(_)) | ("integer,string", Value::Number(_)) => {
            format!("put it in quotes: {}", json!(value.to_string()))
        }
        ("integer" | "boolean", Value::String(text)) => format!("write it without quotes: {text}"),
        ("integer", _) => "write a whole number".to_owned(),
        ("array", _) => "write a list".to_owned(),
        ("object", _) => "write fields and values".to_owned(),
        _ => format!("write a {expected}"),
    };
    (
        format!("Invalid value: \"{is}\": must be of type {expected}: \"{is}\""),
        remedy,
    )
}

/// A bound, which the definitions hold as a float, as people write it.
fn whole(limit: &Value) -> String {
    limit
        .as_f64()
        .map_or_else(|| limit.to_string(), |number| number.to_string())
}

/// A schema of Kubernetes in the words of JSON Schema. Structural schemas have no references and no alternatives.
fn translated(schema: &Value) -> Value {
    let Some(keywords) = schema.as_object() else {
        return schema.clone();
    };
    let mut all = Map::new();
    for (keyword, value) in keywords {
        let value = match keyword.as_str() {
            "properties" => value.as_object().map_or(json!({}), |fields| {
                fields
                    .iter()
                    .map(|(name, schema)| (name.clone(), translated(schema)))
                    .collect::<Map<_, _>>()
                    .into()
            }),
            "items" | "additionalProperties" => translated(value),
            "type" if schema["nullable"] == true => json!([value, "null"]),
            // An integer's width is a bound of its own; the one format in the definitions is a time.
            "format" if value != "date-time" => continue,
            "description" | "default" | "example" | "nullable" => continue,
            extension if extension.starts_with("x-kubernetes-") => continue,
            _ => value.clone(),
        };
        all.insert(keyword.clone(), value);
    }
    if schema["x-kubernetes-int-or-string"] == true {
        all.insert("type".into(), json!(["integer", "string"]));
    }
    Value::Object(all)
}
