//! A Grafana dashboard as a table of panels, and its JSON.

use serde_json::{Value, json};

/// What `graphTooltip` calls a crosshair that all panels share.
const SHARED_CROSSHAIR: u8 = 1;
/// Grafana 10.4's schema, which later ones read as it is.
const SCHEMA: u8 = 39;
/// Columns of Grafana's grid.
const COLUMNS: u8 = 24;

/// A dashboard.
pub struct Dashboard {
    /// Its identity in links; it stays when the title changes.
    pub uid: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Whether one looks at chosen sites.
    pub by_site: bool,
    /// Rows of panels.
    pub rows: &'static [Row],
}

/// A row with a title.
pub struct Row {
    /// Its title.
    pub title: &'static str,
    /// Its panels, left to right; those that do not fit go below.
    pub panels: &'static [Panel],
}

/// How a panel looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The last value as a number, four to a row.
    Stat,
    /// Lines over time, two to a row.
    Lines,
    /// The same, one upon the other.
    Stack,
    /// The last values, one row per series, two to a row.
    Table,
}

/// A panel.
pub struct Panel {
    /// How it looks.
    pub look: Look,
    /// Its title.
    pub title: &'static str,
    /// What it says, and what to do about it.
    pub help: &'static str,
    /// Grafana's name of the unit.
    pub unit: &'static str,
    /// Queries with their legends.
    pub queries: &'static [(&'static str, &'static str)],
    /// From which value on which colour; empty for none.
    pub steps: &'static [(f64, &'static str)],
}

impl Look {
    fn size(self) -> (u8, u8) {
        match self {
            Self::Stat => (6, 4),
            Self::Lines | Self::Stack | Self::Table => (12, 8),
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Lines | Self::Stack => "timeseries",
            Self::Table => "table",
        }
    }

    /// Of the last moment alone.
    fn instant(self) -> bool {
        self == Self::Table
    }
}

fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

impl Dashboard {
    /// As Grafana reads it.
    pub fn json(&self) -> Value {
        json!({
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["commonwatt"],
            "schemaVersion": SCHEMA,
            "editable": true,
            "graphTooltip": SHARED_CROSSHAIR,
            "refresh": "30s",
            "time": { "from": "now-6h", "to": "now" },
            "timezone": "browser",
            "templating": { "list": self.variables() },
            "links": [{
                "title": "Commonwatt", "type": "dashboards", "tags": ["commonwatt"], "asDropdown": true,
                "icon": "external link", "includeVars": false, "keepTime": true, "targetBlank": false,
                "tooltip": "", "url": "",
            }],
            "annotations": { "list": [] },
            "panels": self.panels(),
        })
    }

    fn variables(&self) -> Vec<Value> {
        let mut variables = vec![json!({
            "name": "datasource", "type": "datasource", "label": "Prometheus", "query": "prometheus",
            "refresh": 1, "hide": 0,
        })];
        if self.by_site {
            let query = "label_values(commonwatt_site_charged_watts, site)";
            variables.push(json!({
                "name": "site", "type": "query", "label": "Site", "datasource": datasource(),
                "definition": query, "query": { "query": query, "refId": "site" },
                "refresh": 2, "sort": 1, "multi": true, "includeAll": true, "allValue": ".+", "hide": 0,
                "current": { "text": ["All"], "value": ["$__all"] },
            }));
        }
        variables
    }

    fn panels(&self) -> Vec<Value> {
        let mut panels = Vec::new();
        let mut top: u32 = 0;
        for row in self.rows {
            let place = json!({ "x": 0, "y": top, "w": COLUMNS, "h": 1 });
            panels.push(json!({
                "id": panels.len() + 1, "type": "row", "title": row.title, "collapsed": false, "gridPos": place,
                "panels": [],
            }));
            top += 1;
            let (mut left, mut tallest) = (0, 0);
            for panel in row.panels {
                let (width, height) = panel.look.size();
                if left + width > COLUMNS {
                    top += u32::from(tallest);
                    (left, tallest) = (0, 0);
                }
                let place = json!({ "x": left, "y": top, "w": width, "h": height });
                panels.push(panel.json(panels.len() + 1, &place));
                left += width;
                tallest = tallest.max(height);
            }
            top += u32::from(tallest);
        }
        panels
    }
}

impl Panel {
    fn json(&self, id: usize, place: &Value) -> Value {
        let mut panel = json!({
            "id": id,
            "type": self.look.kind(),
            "title": self.title,
            "description": self.help,
            "datasource": datasource(),
            "gridPos": place,
            "fieldConfig": { "defaults": self.defaults(), "overrides": [] },
            "options": self.options(),
            "targets": self.targets(),
        });
        if self.look == Look::Table {
            panel["transformations"] = json!([
                { "id": "merge", "options": {} },
                { "id": "organize", "options": self.columns() },
            ]);
        }
        panel
    }

    /// A table's columns: labels as they are, values by their legends, and no ones that only say that there is a label.
    fn columns(&self) -> Value {
        let mut left_out = json!({ "Time": true });
        let mut names = json!({});
        for ((query, legend), id) in self.queries.iter().zip('A'..) {
            let column = match self.queries.len() {
                1 => "Value".to_owned(),
                _ => format!("Value #{id}"),
            };
            if query.contains("_info") {
                left_out[&column] = json!(true);
            } else {
                names[&column] = json!(legend);
            }
        }
        json!({ "excludeByName": left_out, "indexByName": {}, "renameByName": names })
    }

    fn defaults(&self) -> Value {
        let first = if self.steps.is_empty() {
            "text"
        } else {
            "green"
        };
        let mut steps = vec![json!({ "color": first, "value": null })];
        steps.extend(
            self.steps
                .iter()
                .map(|(from, color)| json!({ "color": color, "value": from })),
        );
        let mut defaults = json!({
            "unit": self.unit,
            "thresholds": { "mode": "absolute", "steps": steps },
            "color": { "mode": if self.look == Look::Stat { "thresholds" } else { "palette-classic" } },
        });
        if matches!(self.look, Look::Lines | Look::Stack) {
            let stacked = self.look == Look::Stack;
            defaults["custom"] = json!({
                "drawStyle": "line",
                "axisSoftMin": 0,
                "lineWidth": 1,
                "fillOpacity": if stacked { 30 } else { 0 },
                "showPoints": "never",
                "spanNulls": false,
                "stacking": { "mode": if stacked { "normal" } else { "none" }, "group": "A" },
                "thresholdsStyle": { "mode": if self.steps.is_empty() { "off" } else { "line" } },
            });
        }
        defaults
    }

    fn options(&self) -> Value {
        match self.look {
            Look::Stat => json!({
                "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
                "colorMode": "value", "graphMode": "area", "justifyMode": "auto", "textMode": "auto",
                "orientation": "auto", "wideLayout": true, "showPercentChange": false, "percentChangeColorMode": "standard",
            }),
            Look::Table => json!({
                "showHeader": true, "cellHeight": "sm", "frameIndex": 0,
            }),
            Look::Lines | Look::Stack => json!({
                "legend": { "displayMode": "table", "placement": "right", "showLegend": true, "calcs": ["lastNotNull"] },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
        }
    }

    fn targets(&self) -> Vec<Value> {
        let instant = self.look.instant();
        let queries = self.queries.iter().zip('A'..);
        queries
            .map(|((query, legend), id)| {
                json!({
                    "refId": id.to_string(), "datasource": datasource(), "expr": query, "legendFormat": legend,
                    "editorMode": "code", "range": !instant, "instant": instant, "format": if instant { "table" } else { "time_series" },
                })
            })
            .collect()
    }
}
