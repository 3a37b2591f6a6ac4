{{/* What the operator does in the namespaces whose jobs it works. */}}
{{- define "adit.operatorRules" -}}
- apiGroups: [adit.dev]
  resources: [dicomservers, dicomfolders, pseudonymizationprofiles]
  verbs: [list, watch]
- apiGroups: [adit.dev]
  resources: [transferjobs, tasksets]
  verbs: [get, list, watch]
- apiGroups: [adit.dev]
  resources: [dicomservers/status, transferjobs/status, tasksets/status]
  verbs: [patch]
- apiGroups: [adit.dev]
  resources: [tasksets]
  verbs: [create, patch, delete]
# Jobs whose spec.retention asks for it.
- apiGroups: [adit.dev]
  resources: [transferjobs]
  verbs: [delete]
# Owner references of TaskSets, where the cluster demands it.
- apiGroups: [adit.dev]
  resources: [transferjobs/finalizers]
  verbs: [update]
# Credentials and project keys: RBAC knows no labels; the operator reads only what carries adit.dev/purpose.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create]
# The marker of the project key.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create]
# What happened to jobs and servers, for kubectl describe.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
# A shell that watches namespaces watches each kind in each of them.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list, watch]
{{- end }}

{{/* What a runner does to its TaskSet; the policies narrow this to the one whose Job its pod belongs to. */}}
{{- define "adit.runnerRules" -}}
- apiGroups: [adit.dev]
  resources: [tasksets]
  verbs: [get]
- apiGroups: [adit.dev]
  resources: [tasksets/status]
  verbs: [patch]
{{- end }}

{{/*
A role in each of some namespaces, or where there are none in all of them:
(dict "root" $ "who" "operator" "account" NAME "rules" TEXT "namespaces" LIST)
*/}}
{{- define "adit.grant" -}}
{{- $root := .root }}
{{- $name := printf "%s-%s" (include "adit.clusterName" $root) .who }}
{{- $account := .account }}
{{- $rules := .rules }}
{{- if .namespaces }}
{{- range .namespaces }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: '{{ $name }}'
  namespace: '{{ . }}'
  labels: {{- include "adit.labels" $root | nindent 4 }}
rules:
{{ $rules }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: '{{ $name }}'
  namespace: '{{ . }}'
  labels: {{- include "adit.labels" $root | nindent 4 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: '{{ $name }}'}
subjects:
- {kind: ServiceAccount, name: '{{ $account }}', namespace: '{{ $root.Release.Namespace }}'}
{{- end }}
{{- else }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: '{{ $name }}'
  labels: {{- include "adit.labels" $root | nindent 4 }}
rules:
{{ $rules }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: '{{ $name }}'
  labels: {{- include "adit.labels" $root | nindent 4 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: '{{ $name }}'}
subjects:
- {kind: ServiceAccount, name: '{{ $account }}', namespace: '{{ $root.Release.Namespace }}'}
{{- end }}
{{- end }}
