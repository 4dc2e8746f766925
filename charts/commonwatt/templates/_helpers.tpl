{{- define "commonwatt.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "commonwatt.fullname" -}}
{{- $name := include "commonwatt.name" . -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "commonwatt.account" -}}
{{ .Values.serviceAccount.name | default (include "commonwatt.fullname" .) }}
{{- end }}

{{- define "commonwatt.selector" -}}
app.kubernetes.io/name: {{ include "commonwatt.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "commonwatt.labels" -}}
{{ include "commonwatt.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* The kinds that enabled adapters and extraWorkloads name, as a JSON list of {apiGroup, resource}. */}}
{{- define "commonwatt.workloads" -}}
{{- $kinds := list -}}
{{- range $name, $kind := (.Files.Get "permissions.yaml" | fromYaml).adapters }}
{{- if get $.Values.adapters $name }}{{ $kinds = append $kinds $kind }}{{ end }}
{{- end -}}
{{- concat $kinds .Values.extraWorkloads | toJson -}}
{{- end }}

{{/* The rules of a holder in the mode and for the roles of this release, from permissions.yaml: (dict "root" . "holder" "hub"). */}}
{{- define "commonwatt.rules" -}}
{{- $values := .root.Values }}
{{- $boldness := dict "Observe" 0 "Advise" 1 "Enforce" 2 }}
{{- range get (.root.Files.Get "permissions.yaml" | fromYaml).holders .holder }}
{{- $named := not (empty $values.kubeconfigSecrets) }}
{{- $other := or (and (eq (.of | default "") "secrets") $named) (and (eq (.of | default "") "namedSecrets") (not $named)) }}
{{- if and (le (get $boldness .from) (get $boldness $values.mode)) (has (.role | default (first $values.roles)) $values.roles) (not $other) }}
# {{ .why }}
{{- if eq (.of | default "") "workloads" }}
{{- $verbs := .verbs }}
{{- range include "commonwatt.workloads" $.root | fromJsonArray }}
- {apiGroups: [{{ .apiGroup | quote }}], resources: [{{ .resource }}], verbs: {{ toJson $verbs }}}
{{- end }}
{{- else }}
- apiGroups: {{ .apiGroups | default (list "") | toJson }}
  resources: {{ .resources | default (list "secrets") | toJson }}
  {{- with .resourceNames | default (and (eq (.of | default "") "namedSecrets") $values.kubeconfigSecrets) }}
  resourceNames: {{ toJson . }}
  {{- end }}
  verbs: {{ toJson .verbs }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
