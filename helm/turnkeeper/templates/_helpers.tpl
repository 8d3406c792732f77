{{- define "turnkeeper.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 53 | trimSuffix "-" }}
{{- end }}

{{/* At most 53 characters, so that the longest suffix still fits into a DNS label. */}}
{{- define "turnkeeper.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" }}
{{- else if contains (include "turnkeeper.name" .) .Release.Name }}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "turnkeeper.name" .) | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* (dict "root" $ "component" "operator") */}}
{{- define "turnkeeper.selector" -}}
app.kubernetes.io/name: {{ include "turnkeeper.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "turnkeeper.labels" -}}
{{ include "turnkeeper.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: turnkeeper
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "turnkeeper.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* What Pod Security "restricted" asks for. */}}
{{- define "turnkeeper.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "turnkeeper.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Written by the operator unless it is given. */}}
{{- define "turnkeeper.monitorTls" -}}
{{ .Values.mtls.existing.monitor | default (printf "%s-monitor-tls" (include "turnkeeper.fullname" .)) }}
{{- end }}

{{- define "turnkeeper.apiKeySecret" -}}
{{ .Values.monitor.apiKey.existingSecret | default (printf "%s-api-key" (include "turnkeeper.fullname" .)) }}
{{- end }}

{{/* Written by the operator, mounted by the monitor: what it starts from when the operator is away. */}}
{{- define "turnkeeper.snapshotSecret" -}}
{{ include "turnkeeper.fullname" . }}-snapshot
{{- end }}

{{/* NetworkPolicy peers: the monitors of this release, and those that the operator runs beside TurnClusters. */}}
{{- define "turnkeeper.monitorPeers" -}}
- podSelector:
    matchLabels:
      {{- include "turnkeeper.selector" (dict "root" . "component" "monitor") | nindent 6 }}
{{- if .Values.vantages.enabled }}
- namespaceSelector: {}
  podSelector:
    matchLabels:
      app.kubernetes.io/name: turnkeeper-monitor
      app.kubernetes.io/managed-by: turnkeeper-operator
{{- end }}
{{- end }}

{{/* (dict "root" $ "values" .Values.operator): where a pod may run. */}}
{{- define "turnkeeper.scheduling" -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}
