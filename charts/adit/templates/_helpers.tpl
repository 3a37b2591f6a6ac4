{{/* A Service's name: a letter first, and no dot, which a release's name may have. */}}
{{- define "adit.fullname" -}}
{{- $name := .Release.Name | replace "." "-" -}}
{{- $full := contains "adit" $name | ternary ($name | trunc 35 | trimSuffix "-") (printf "%s-adit" ($name | trunc 30 | trimSuffix "-")) -}}
{{- regexMatch "^[a-z]" $full | ternary $full (printf "adit-%s" $full) }}
{{- end }}

{{/* The name of what belongs to no namespace: two releases never share one, since a namespace's name has no dot. */}}
{{- define "adit.clusterName" -}}
{{- $full := include "adit.fullname" . -}}
{{- if eq $full .Release.Namespace }}{{ $full }}{{ else }}{{ printf "%s.%s" .Release.Namespace $full }}{{ end }}
{{- end }}

{{- define "adit.operatorAccount" -}}
{{ .Values.serviceAccounts.operator.name | default (printf "%s-operator" (include "adit.fullname" .)) }}
{{- end }}

{{- define "adit.runnerAccount" -}}
{{ .Values.serviceAccounts.runner.name | default (printf "%s-runner" (include "adit.fullname" .)) }}
{{- end }}

{{- define "adit.labels" -}}
app.kubernetes.io/name: adit
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: adit
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "adit.operatorSelector" -}}
app.kubernetes.io/name: adit
app.kubernetes.io/instance: {{ .Release.Name | quote }}
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
{{- if contains "@" .image.repository }}
{{- if .image.tag }}{{ fail (printf "images: %s has a digest, and takes no tag" .image.repository) }}{{ end }}
{{- .image.repository }}
{{- else }}
{{- .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "adit.receiverSelector" -}}
app.kubernetes.io/name: adit
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: receiver
{{- end }}

{{- define "adit.receiverAccount" -}}
{{ .Values.serviceAccounts.receiver.name | default (printf "%s-receiver" (include "adit.fullname" .)) }}
{{- end }}

{{- define "adit.receiverKey" -}}
{{ .Values.receiver.keySecret | default (printf "%s-receiver-key" (include "adit.fullname" .)) }}
{{- end }}

{{- define "adit.receiverTitle" -}}
{{ .Values.receiver.aeTitle | default .Values.settings.callingAETitle }}
{{- end }}

{{- define "adit.receiverClaim" -}}
{{ .Values.receiver.spool.existingClaim | default (printf "%s-receiver" (include "adit.fullname" .)) }}
{{- end }}

{{/* A size such as 40Gi as a number of bytes. */}}
{{- define "adit.bytes" -}}
{{- $units := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- mul (regexFind "^[0-9]+" . | int64) (get $units (regexFind "[KMGT]i$" .) | int64) -}}
{{- end }}
