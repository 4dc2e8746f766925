//! Alert rules, each with what it means, where to look and what to do.

use serde_json::{Value, json};

/// A rule.
pub struct Alert {
    /// Its name.
    pub name: &'static str,
    /// When it holds.
    expr: &'static str,
    /// For how long.
    lasts: &'static str,
    /// Whether somebody must come now (`critical`) or soon (`warning`).
    severity: &'static str,
    /// One line, with the labels of the series.
    summary: &'static str,
    /// What it means.
    means: &'static str,
    /// What to look at.
    look: &'static str,
    /// What to do.
    remedy: &'static str,
}

/// All rules as the `groups` of a rule file.
pub fn rules() -> Value {
    let group = |name: &str, alerts: &[Alert]| {
        let rules: Vec<Value> = alerts.iter().map(Alert::rule).collect();
        json!({ "name": name, "rules": rules })
    };
    json!({ "groups": [
        group("commonwatt-operator", OPERATOR),
        group("commonwatt-site", SITE),
        group("commonwatt-hub", HUB),
    ] })
}

impl Alert {
    fn rule(&self) -> Value {
        let runbook = format!(
            "Means: {}\nLook: {}\nDo: {}",
            self.means, self.look, self.remedy
        );
        json!({
            "alert": self.name,
            "expr": self.expr,
            "for": self.lasts,
            "labels": { "severity": self.severity },
            "annotations": { "summary": self.summary, "runbook": runbook },
        })
    }
}

const OPERATOR: &[Alert] = &[
    Alert {
        name: "CommonwattDown",
        expr: "absent(commonwatt_build_info)",
        lasts: "5m",
        severity: "critical",
        summary: "Nothing of Commonwatt is scraped",
        means: "No operator answers a scrape. What was admitted goes on serving, but no limit that falls is enacted.",
        look: "`kubectl get pods -A -l app.kubernetes.io/name=commonwatt`, and the target in Prometheus.",
        remedy: "Bring the pod up (`kubectl describe pod`, `kubectl logs --previous`), or mend the scrape: service, ServiceMonitor, NetworkPolicy.",
    },
    Alert {
        name: "CommonwattNoLeader",
        expr: "min by (role, place) (commonwatt_lease_unavailable) == 1",
        lasts: "2m",
        severity: "critical",
        summary: "No {{ $labels.role }} leads for {{ $labels.place }}",
        means: "No process can have the lease, or see who holds it. Nothing is planned, or no limit is enacted, for that place.",
        look: "`kubectl get leases -A | grep commonwatt` on the cluster of the place: who holds it, and since when; the operator's log says why not.",
        remedy: "Mend the account's right to leases, or the way to that API server. A holder that is gone is no trouble: its lease runs out by itself.",
    },
    Alert {
        name: "CommonwattRoundsStalled",
        expr: "time() - max by (role, place) (commonwatt_last_round_timestamp_seconds) > 300",
        lasts: "5m",
        severity: "critical",
        summary: "The {{ $labels.role }} of {{ $labels.place }} has not done a whole round for {{ $value | humanizeDuration }}",
        means: "Rounds fail or hang. A role looks at everything at least each half minute.",
        look: "`commonwatt_failures_total` by reason, and the operator's log: each failure names object and reason.",
        remedy: "Mend what the log names. If there is nothing in the log, restart the pod: it begins where the cluster stands.",
    },
    Alert {
        name: "CommonwattFailures",
        expr: "sum by (role, reason) (increase(commonwatt_failures_total{reason!~\"Forbidden|Ledger|AuditFinding\"}[15m])) > 3",
        lasts: "15m",
        severity: "warning",
        summary: "The {{ $labels.role }} fails again and again: {{ $labels.reason }}",
        means: "Something is not done and is tried again: a write that is refused, an object that cannot be read, a server that does not answer.",
        look: "`kubectl logs` of the operator: lines with this reason name the object.",
        remedy: "Unreachable: the way to that API server. Invalid: mend the object that is named. FieldOwnedByOther: see CommonwattFieldOwnedByOther. \
                 Conflict that stays: two operators write the same objects; end one.",
    },
    Alert {
        name: "CommonwattForbidden",
        expr: "sum by (role) (increase(commonwatt_failures_total{reason=\"Forbidden\"}[15m])) > 0",
        lasts: "5m",
        severity: "critical",
        summary: "The API server refuses what the {{ $labels.role }} writes",
        means: "The operator's account may not do what its mode asks for: the chart's mode, roles or adapters are not those it was installed with.",
        look: "The operator's log names verb and kind; `kubectl auth can-i VERB KIND --as=system:serviceaccount:commonwatt-system:commonwatt`.",
        remedy: "`helm upgrade` with the mode, roles and adapters that are meant.",
    },
    Alert {
        name: "CommonwattObjectsUnusable",
        expr: "sum by (role, place, kind, reason) (commonwatt_objects_unusable) > 0",
        lasts: "15m",
        severity: "warning",
        summary: "{{ $value }} {{ $labels.kind }} cannot be used: {{ $labels.reason }}",
        means: "An object says something that means nothing, or names what is not there. A limit that cannot be read stops growth; it never lifts the limit.",
        look: "`kubectl get commonwatt -A`: column REASON; the condition's message names field and remedy.",
        remedy: "Mend the field that is named.",
    },
];

const SITE: &[Alert] = &[
    Alert {
        name: "CommonwattLimitPassed",
        expr: "max by (site) (commonwatt_site_limits_passed) > 0",
        lasts: "0m",
        severity: "critical",
        summary: "{{ $labels.site }} passes {{ $value }} of its limits",
        means: "A power or water limit has been passed for longer than load may take to fall. It is in the ledger, and the town's report will list it.",
        look: "`kubectl get powerbudgets,waterbudgets,gridevents`: which is not WithinLimit; `kubectl get pods -A --field-selector=status.phase=Running`: what does not end.",
        remedy: "End what does not drain. In Advise and Observe nothing is enacted: lower load by hand, or set the Site's mode to Enforce.",
    },
    Alert {
        name: "CommonwattChargeAboveLimit",
        expr: "max by (site) (commonwatt_site_charged_watts) > max by (site) (commonwatt_site_limit_watts)",
        lasts: "5m",
        severity: "warning",
        summary: "{{ $labels.site }} is charged {{ $value | humanize }}W, more than its limit",
        means: "The limit fell and load has not followed yet. After 15 minutes, or an event's ramp, it is a breach.",
        look: "`kubectl get site {{ $labels.site }}`: SET-BY; `kubectl get admissionrecords`: what is still there.",
        remedy: "See that pods can end (finalizers, long grace periods), and that the Site is in Enforce.",
    },
    Alert {
        name: "CommonwattHeadroomLow",
        expr: "max by (site) (commonwatt_site_headroom_watts) / (max by (site) (commonwatt_site_limit_watts) > 0) < 0.05",
        lasts: "30m",
        severity: "warning",
        summary: "{{ $labels.site }} has {{ $value | humanizePercentage }} of its limit left",
        means: "The site is full: what comes next is placed elsewhere, or nowhere.",
        look: "`kubectl get site {{ $labels.site }}`: LIMIT and SET-BY; the dashboard of the fleet: demand without a place.",
        remedy: "Nothing, if that is as it should be. Otherwise raise what SET-BY names, or ask for less here.",
    },
    Alert {
        name: "CommonwattSiteNotReady",
        expr: "max by (site, reason) (commonwatt_site_ready) == 0",
        lasts: "10m",
        severity: "critical",
        summary: "{{ $labels.site }} takes no part: {{ $labels.reason }}",
        means: "The Site cannot be read whole. It keeps what it admitted and takes nothing new.",
        look: "`kubectl get site {{ $labels.site }} -o jsonpath='{.status.conditions}'`: the message names the field.",
        remedy: "Mend that field, or bring back the GridSignal that it names.",
    },
    Alert {
        name: "CommonwattHubUnreachable",
        expr: "min by (site) (commonwatt_site_hubs_reachable) == 0",
        lasts: "10m",
        severity: "warning",
        summary: "{{ $labels.site }} cannot speak to one of its hubs",
        means: "The site goes on by what it admitted, for at most the hours of its schedule; its limits hold.",
        look: "`kubectl get site {{ $labels.site }} -o jsonpath='{.status.conditions}'`: HubsReachable names the hub and the error.",
        remedy: "Mend the kubeconfig Secret that spec.hubs names, or the way to the hub's API server.",
    },
    Alert {
        name: "CommonwattSignalStale",
        expr: "min by (site, signal, quantity) (commonwatt_site_signal_fresh) == 0",
        lasts: "15m",
        severity: "warning",
        summary: "{{ $labels.signal }} of {{ $labels.site }} ({{ $labels.quantity }}) says nothing new",
        means: "The signal is older than its maximum age, or says nothing: its fallback counts, and plans go by that.",
        look: "`kubectl get gridsignal {{ $labels.signal }} -o yaml`: status.observedAt and the condition SignalFresh.",
        remedy: "Mend its source. If it comes less often than thought, raise spec.maxAgeSeconds.",
    },
    Alert {
        name: "CommonwattMeterMissing",
        expr: "min by (site, budget) (commonwatt_site_water_coverage_ratio) < 0.95",
        lasts: "1h",
        severity: "warning",
        summary: "{{ $labels.budget }} of {{ $labels.site }}: {{ $value | humanizePercentage }} of its hours have a record",
        means: "Hours without a record count at the connection's maximum and the worst water use, so the budget empties faster than water flows.",
        look: "`kubectl get waterbudget {{ $labels.budget }}`: COVERAGE; the operator's ledger volume, and its restarts.",
        remedy: "Keep the ledger on a claim that outlives the pod (`persistence.enabled=true`), and the agent running.",
    },
    Alert {
        name: "CommonwattWaterAboveCap",
        expr: "max by (site, budget) (commonwatt_site_water_projected_liters) > max by (site, budget) (commonwatt_site_water_cap_liters)",
        lasts: "1h",
        severity: "warning",
        summary: "{{ $labels.budget }} of {{ $labels.site }} heads for {{ $value | humanize }} L, above its cap",
        means: "As charged now, the cap would be passed by the end of the period. Growth is refused; what runs goes on.",
        look: "`kubectl get waterbudget {{ $labels.budget }}`: CAP, USED, PROJECTED, STAGE.",
        remedy: "Lower load here, as with a PowerBudget, or move it; dry cooling uses less water for more power.",
    },
    Alert {
        name: "CommonwattEventShortfall",
        expr: "max by (site) (commonwatt_site_grid_event_shortfall_watts) > 0",
        lasts: "1m",
        severity: "critical",
        summary: "{{ $labels.site }} is {{ $value | humanize }}W above the target of a grid event",
        means: "After its ramp an event is not met. The shortfall is in its status and in the ledger.",
        look: "`kubectl get gridevents`: TARGET, MEASURED, SHORTFALL; `kubectl get admissionrecords`: what still runs.",
        remedy: "End what does not drain, and tell whoever called the event.",
    },
    Alert {
        name: "CommonwattEventCannotBeMet",
        expr: "max by (site) (commonwatt_site_grid_events{reason=\"InsufficientFastShed\"}) > 0",
        lasts: "0m",
        severity: "warning",
        summary: "{{ $labels.site }} cannot meet a grid event by shedding alone",
        means: "The target needs more than what can go without draining. When it begins, serving is drained by priority.",
        look: "`kubectl get gridevents -o yaml`: the condition WithinLimit has both figures.",
        remedy: "Tell whoever called the event what can be given (status.offered), or lower floors (floorTokensPerSecond) until then.",
    },
    Alert {
        name: "CommonwattFieldOwnedByOther",
        expr: "max by (site) (commonwatt_site_assignments{answer=\"FieldOwnedByOther\"}) > 0 or max by (site) (commonwatt_hub_site_answers{answer=\"FieldOwnedByOther\"}) > 0",
        lasts: "15m",
        severity: "warning",
        summary: "{{ $value }} workloads at {{ $labels.site }} have replicas that somebody else writes",
        means: "Git or another controller owns the field: it is left alone, and the deployment stays as it is.",
        look: "`kubectl get cwmd -A`: REASON; `kubectl get deployment NAME -o yaml --show-managed-fields`: who owns spec.replicas.",
        remedy: "Take spec.replicas out of Git (Argo CD: ignoreDifferences with RespectIgnoreDifferences), or leave the deployment in Advise.",
    },
    Alert {
        name: "CommonwattLedgerGap",
        expr: "max by (site) (commonwatt_site_ledger_missing_seconds) > 0",
        lasts: "10m",
        severity: "warning",
        summary: "{{ $labels.site }}: {{ $value | humanizeDuration }} of the last day are missing in the ledger",
        means: "Whole hours have no record. In reports they count at the connection's maximum.",
        look: "Restarts and the log of the agent in that time; whether /var/lib/commonwatt is on a claim.",
        remedy: "Keep the ledger on a claim (`persistence.enabled=true`). The hours themselves can be restated from a meter later.",
    },
    Alert {
        name: "CommonwattLedgerBroken",
        expr: "sum by (role) (increase(commonwatt_failures_total{reason=\"Ledger\"}[15m])) > 0",
        lasts: "0m",
        severity: "critical",
        summary: "The ledger does not take records",
        means: "What is decided and drawn is not written down.",
        look: "The operator's log: `ledger of SITE`; `kubectl get pvc`: full, or read-only.",
        remedy: "Make room, or mend the volume. Records of hours that have not ended yet are kept and tried again.",
    },
];

const HUB: &[Alert] = &[
    Alert {
        name: "CommonwattSiteUnreachable",
        expr: "max by (site, reason) (commonwatt_hub_site_reachable) == 0",
        lasts: "5m",
        severity: "critical",
        summary: "The hub does not reach {{ $labels.site }}: {{ $labels.reason }}",
        means: "Nothing new is placed there. The site goes on by what it admitted, and its limits hold.",
        look: "`kubectl get siteoffers -A`: VALID-UNTIL, REACHABLE, REASON, and the message of its condition.",
        remedy: "KubeconfigInvalid: renew the Secret with the label commonwatt.dev/site-kubeconfig. Unreachable: the way to its API server. \
                 OfferExpired: the site's agent does not run, or does not reach this hub.",
    },
    Alert {
        name: "CommonwattDemandUnserved",
        expr: "max(commonwatt_hub_unserved_tokens_per_second) / (max(commonwatt_hub_demand_tokens_per_second) > 0) > 0.01",
        lasts: "1h",
        severity: "warning",
        summary: "{{ $value | humanizePercentage }} of the demand has had no place for an hour",
        means: "Limits, latency or accelerators leave no room for it.",
        look: "`kubectl get cwmd -A`, and the condition Placed of those Unplaceable: what each site lacks, with numbers.",
        remedy: "Raise the limit that the message names, allow a variant or a site more, or ask for less.",
    },
    Alert {
        name: "CommonwattPlanRefused",
        expr: "max(commonwatt_hub_plan_findings) > 0",
        lasts: "5m",
        severity: "critical",
        summary: "The audit refuses the hub's plans: {{ $value }} findings",
        means: "Planner and audit disagree, which is a defect. Nothing is published; sites go on by what they admitted.",
        look: "`kubectl get planheads -o yaml`: the first finding; the operator's log: all of them.",
        remedy: "Report it with `kubectl get siteoffers,cwmd,modelprofiles,placementpolicies -A -o yaml`. Going back to the version before is safe.",
    },
    Alert {
        name: "CommonwattJobsAtRisk",
        expr: "max(commonwatt_hub_jobs{state=\"at_risk\"}) > 0",
        lasts: "15m",
        severity: "warning",
        summary: "{{ $value }} batch Jobs will not be done by their deadline",
        means: "There is no run of hours before the deadline that fits.",
        look: "`kubectl get events -A --field-selector reason=AtRisk`: what each site lacks.",
        remedy: "Move the deadline, allow interruption, or make room.",
    },
];
