{{- define "fuseboard.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "fuseboard.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "fuseboard.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "fuseboard.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "fuseboard.selectorLabels" -}}
app.kubernetes.io/name: {{ include "fuseboard.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "fuseboard.labels" -}}
{{ include "fuseboard.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{- end }}

{{- define "fuseboard.serviceAccountName" -}}
{{- default (ternary (include "fuseboard.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- define "fuseboard.image" -}}
{{- $image := .Values.image }}
{{- if not $image.repository }}
{{- fail "image.repository is not set: no image of Fuseboard is published yet; build and push one as docs/install.md shows, and pass --set image.repository=registry.example/fuseboard" }}
{{- end }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}

{{- define "fuseboard.tlsSecret" -}}
{{- if eq .Values.tls.mode "Secret" }}
{{- required "tls.mode is Secret: set tls.secretName to a secret with tls.crt, tls.key and ca.crt" .Values.tls.secretName }}
{{- else if .Values.tls.secretName }}
{{- fail (printf "tls.secretName is for tls.mode Secret, and the mode is %s; leave one of them out" .Values.tls.mode) }}
{{- else }}
{{- printf "%s-tls" (include "fuseboard.fullname" .) }}
{{- end }}
{{- end }}

{{- define "fuseboard.dnsNames" -}}
{{- $name := include "fuseboard.fullname" . }}
{{- $own := list $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace) (printf "%s.%s.svc.cluster.local" $name .Release.Namespace) }}
{{- concat $own .Values.tls.dnsNames | uniq | toJson }}
{{- end }}

{{- define "fuseboard.url" -}}
{{- printf "https://%s.%s.svc:%v" (include "fuseboard.fullname" .) .Release.Namespace .Values.service.port }}
{{- end }}

{{- define "fuseboard.policyRules" -}}
- apiGroups: [fuseboard.dev]
  resources: [circuitbreakerpolicies]
  verbs: [get, list, watch]
- apiGroups: [fuseboard.dev]
  resources: [circuitbreakerpolicies/status, circuitbreakeroverrides/status]
  verbs: [update]
- apiGroups: [fuseboard.dev]
  resources: [circuitbreakeroverrides]
  verbs: [get, list, watch, create, delete, attribute]
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [list, create, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
- apiGroups: [""]
  resources: [pods]
  verbs: [get]
{{- end }}

{{- define "fuseboard.adminExposed" -}}
{{- if and .Values.admin.expose (ne .Values.admin.auth "Review") }}
{{- fail (printf "admin.expose would let every pod use the admin API while admin.auth is %s; set admin.auth to Review, or leave admin.expose out" .Values.admin.auth) }}
{{- else if and .Values.admin.expose (ne .Values.service.type "ClusterIP") }}
{{- fail (printf "admin.expose would show the admin API outside the cluster while service.type is %s; leave service.type ClusterIP, or reach the admin API with kubectl port-forward" .Values.service.type) }}
{{- end }}
{{- .Values.admin.expose }}
{{- end }}
