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

{{/* The kinds that enabled adapters name, as a JSON list of {apiGroup, resource}. */}}
{{- define "commonwatt.workloads" -}}
{{- $kinds := list -}}
{{- if .Values.adapters.deployment }}{{ $kinds = append $kinds (dict "apiGroup" "apps" "resource" "deployments") }}{{ end -}}
{{- if .Values.adapters.statefulset }}{{ $kinds = append $kinds (dict "apiGroup" "apps" "resource" "statefulsets") }}{{ end -}}
{{- if .Values.adapters.job }}{{ $kinds = append $kinds (dict "apiGroup" "batch" "resource" "jobs") }}{{ end -}}
{{- concat $kinds .Values.extraWorkloads | toJson -}}
{{- end }}
