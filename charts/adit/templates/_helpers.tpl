{{- define "adit.fullname" -}}
{{- if contains "adit" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-adit" (.Release.Name | trunc 35 | trimSuffix "-") }}{{ end }}
{{- end }}

{{/* The name of what belongs to no namespace: two releases never share one. */}}
{{- define "adit.clusterName" -}}
{{- $full := include "adit.fullname" . -}}
{{- if eq $full .Release.Namespace }}{{ $full }}{{ else }}{{ printf "%s-%s" .Release.Namespace $full | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "adit.operatorAccount" -}}
{{ .Values.serviceAccounts.operator.name | default (printf "%s-operator" (include "adit.fullname" .)) }}
{{- end }}

{{- define "adit.runnerAccount" -}}
{{ .Values.serviceAccounts.runner.name | default (printf "%s-runner" (include "adit.fullname" .)) }}
{{- end }}

{{- define "adit.labels" -}}
app.kubernetes.io/name: adit
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: adit
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "adit.operatorSelector" -}}
app.kubernetes.io/name: adit
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{/* What every runner's pod carries. */}}
{{- define "adit.runnerSelector" -}}
app.kubernetes.io/managed-by: adit.dev
{{- end }}

{{/* The operator's ADIT_RUNNER_POD, as JSON. */}}
{{- define "adit.runnerPod" -}}
{{- $pod := pick .Values.runner "resources" "nodeSelector" "tolerations" "affinity" }}
{{- with .Values.runner.priorityClassName }}{{ $_ := set $pod "priorityClassName" . }}{{ end }}
{{- $_ := set $pod "metricsPort" (int .Values.metrics.runnerPort) }}
{{- toJson $pod }}
{{- end }}

{{- define "adit.image" -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end }}
