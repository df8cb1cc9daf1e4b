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
{{- if or .Values.serviceAccount.create .Values.serviceAccount.name }}
{{- default (include "fuseboard.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- fail "serviceAccount.create is false: set serviceAccount.name to the account that the operator runs as" }}
{{- end }}
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
{{- $own := list $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace) (printf "%s.%s.svc.cluster.local" $name .Release.Namespace) (printf "%s-webhook.%s.svc" $name .Release.Namespace) }}
{{- concat $own .Values.tls.dnsNames | uniq | toJson }}
{{- end }}

{{- /* What the self-signed secret holds. Made once for a rendering, because the webhook trusts what the secret has. */ -}}
{{- define "fuseboard.selfSigned" -}}
{{- if not (hasKey .Values.tls "made") }}
{{- $names := include "fuseboard.dnsNames" . }}
{{- $kept := lookup "v1" "Secret" .Release.Namespace (include "fuseboard.tlsSecret" .) }}
{{- if and $kept (eq (dig "metadata" "annotations" "fuseboard.dev/names" "" $kept) (include "fuseboard.namesHash" .)) }}
{{- $_ := set .Values.tls "made" $kept.data }}
{{- else }}
{{- $days := int .Values.tls.days }}
{{- /* A signature with ECDSA is cheaper than one with RSA, and the operator makes one for each connection. */}}
{{- $ca := genCAWithKey (printf "%s-ca" (include "fuseboard.fullname" .)) $days (genPrivateKey "ecdsa") }}
{{- $pair := genSignedCertWithKey (include "fuseboard.fullname" .) nil (fromJsonArray $names) $days $ca (genPrivateKey "ecdsa") }}
{{- $_ := set .Values.tls "made" (dict "ca.crt" (b64enc $ca.Cert) "tls.crt" (b64enc $pair.Cert) "tls.key" (b64enc $pair.Key)) }}
{{- end }}
{{- end }}
{{- .Values.tls.made | toJson }}
{{- end }}

{{- define "fuseboard.namesHash" -}}
{{- include "fuseboard.dnsNames" . | sha256sum | trunc 40 }}
{{- end }}

{{- define "fuseboard.webhookAuthority" -}}
{{- if and .Values.webhook.caBundle (ne .Values.tls.mode "Secret") }}
{{- fail (printf "webhook.caBundle is for tls.mode Secret, and the mode is %s; leave one of them out" .Values.tls.mode) }}
{{- end }}
{{- if eq .Values.tls.mode "SelfSigned" }}
{{- get (include "fuseboard.selfSigned" . | fromJson) "ca.crt" }}
{{- else if .Values.webhook.caBundle }}
{{- if not (contains "-----BEGIN CERTIFICATE-----" .Values.webhook.caBundle) }}
{{- fail "webhook.caBundle is no certificate in PEM; pass the file of the authority, --set-file webhook.caBundle=ca.crt" }}
{{- end }}
{{- b64enc .Values.webhook.caBundle }}
{{- else if eq .Values.tls.mode "Secret" }}
{{- $secret := lookup "v1" "Secret" .Release.Namespace .Values.tls.secretName }}
{{- dig "data" "ca.crt" "" $secret | required (printf "tls.mode is Secret, and the webhook needs its authority, which secret %s/%s does not show: set webhook.caBundle (--set-file webhook.caBundle=ca.crt), make the secret with ca.crt first, or set webhook.enabled=false" .Release.Namespace .Values.tls.secretName) }}
{{- end }}
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
