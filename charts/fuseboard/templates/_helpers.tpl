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

{{- /*
  Marks the operator's pods and its webhook for the command line, whatever their names are. It is not part of a selector,
  because the selector of a Deployment cannot be changed.
*/ -}}
{{- define "fuseboard.operatorLabels" -}}
fuseboard.dev/component: operator
{{- end }}

{{- /* The chart's own labels win over commonLabels of the same name. */ -}}
{{- define "fuseboard.labels" -}}
{{- $own := include "fuseboard.selectorLabels" . | fromYaml }}
{{- $_ := set $own "app.kubernetes.io/version" .Chart.AppVersion }}
{{- $_ := set $own "app.kubernetes.io/managed-by" .Release.Service }}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63) }}
{{- merge $own (.Values.commonLabels | default dict) | toYaml }}
{{- end }}

{{- /* The name of objects outside of its namespace. Neither part holds a dot, so no two releases share one. */ -}}
{{- define "fuseboard.clusterName" -}}
{{- printf "%s.%s" (include "fuseboard.fullname" .) .Release.Namespace }}
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

{{- /* Fails where two ports of a pod, or of a service, are the same. */ -}}
{{- define "fuseboard.checkPorts" -}}
{{- $taken := dict "8443" "the agents' port" }}
{{- $wanted := list (list "metrics.port" .Values.metrics.port) (list "admin.port" .Values.admin.port) }}
{{- if .Values.webhook.enabled }}
{{- $wanted = append $wanted (list "webhook.port" .Values.webhook.port) }}
{{- end }}
{{- range $wanted }}
{{- $name := first . }}
{{- $port := last . | int | toString }}
{{- with get $taken $port }}
{{- fail (printf "%s %s is also %s; set another port" $name $port .) }}
{{- end }}
{{- $_ := set $taken $port $name }}
{{- end }}
{{- if and .Values.admin.expose (eq (int .Values.admin.port) (int .Values.service.port)) }}
{{- fail (printf "admin.port %d is also service.port, and admin.expose makes both ports of one service; set another port" (int .Values.admin.port)) }}
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

{{- /* A new authority. A signature with ECDSA is cheaper than one with RSA, and the operator makes one for each connection. */ -}}
{{- define "fuseboard.newAuthority" -}}
{{- $name := printf "%s-ca-%s" (include "fuseboard.fullname" .) (randAlphaNum 6 | lower) }}
{{- $made := genCAWithKey $name (int .Values.tls.days) (genPrivateKey "ecdsa") }}
{{- dict "crt" (b64enc $made.Cert) "key" (b64enc $made.Key) | toJson }}
{{- end }}

{{- /* The data of the secret that holds the authority: the one that signs (ca), and the one that comes (next) or goes (previous). */ -}}
{{- define "fuseboard.authority" -}}
{{- if not (hasKey .Values.tls "knownAuthority") }}
{{- $wanted := .Values.tls.authority | default "Current" }}
{{- $name := printf "%s-ca" (include "fuseboard.fullname" .) }}
{{- $kept := dig "data" dict (lookup "v1" "Secret" .Release.Namespace $name) }}
{{- $known := dict }}
{{- if not (and (hasKey $kept "ca.crt") (hasKey $kept "ca.key")) }}
{{- $new := include "fuseboard.newAuthority" . | fromJson }}
{{- $known = dict "ca.crt" $new.crt "ca.key" $new.key }}
{{- else if eq $wanted "Current" }}
{{- $known = pick $kept "ca.crt" "ca.key" }}
{{- else if eq $wanted "AddNext" }}
{{- $known = pick $kept "ca.crt" "ca.key" "next.crt" "next.key" }}
{{- if not (hasKey $known "next.crt") }}
{{- $new := include "fuseboard.newAuthority" . | fromJson }}
{{- $_ := merge $known (dict "next.crt" $new.crt "next.key" $new.key) }}
{{- end }}
{{- else if hasKey $kept "next.crt" }}
{{- $known = dict "ca.crt" (get $kept "next.crt") "ca.key" (get $kept "next.key") "previous.crt" (get $kept "ca.crt") }}
{{- else if hasKey $kept "previous.crt" }}
{{- $known = pick $kept "ca.crt" "ca.key" "previous.crt" }}
{{- else }}
{{- fail (printf "tls.authority is UseNext, and secret %s/%s has no next authority, which nobody would trust; upgrade with tls.authority=AddNext first" .Release.Namespace $name) }}
{{- end }}
{{- $_ := set .Values.tls "knownAuthority" $known }}
{{- end }}
{{- .Values.tls.knownAuthority | toJson }}
{{- end }}

{{- /* The certificates that are to be trusted, in PEM. */ -}}
{{- define "fuseboard.trusted" -}}
{{- $authority := include "fuseboard.authority" . | fromJson }}
{{- range $name := list "ca.crt" "next.crt" "previous.crt" }}
{{- with get $authority $name }}{{ b64dec . }}{{ end }}
{{- end }}
{{- end }}

{{- /* The data of the self-signed secret. Made once for a rendering, because the webhook trusts what the secret has. */ -}}
{{- define "fuseboard.selfSigned" -}}
{{- if not (hasKey .Values.tls "made") }}
{{- $authority := include "fuseboard.authority" . | fromJson }}
{{- $kept := lookup "v1" "Secret" .Release.Namespace (include "fuseboard.tlsSecret" .) }}
{{- $pair := dict }}
{{- if and $kept (eq (dig "metadata" "annotations" "fuseboard.dev/made-for" "" $kept) (include "fuseboard.madeFor" .)) }}
{{- $pair = pick $kept.data "tls.crt" "tls.key" }}
{{- else }}
{{- $signer := buildCustomCert (get $authority "ca.crt") (get $authority "ca.key") }}
{{- $names := include "fuseboard.dnsNames" . | fromJsonArray }}
{{- $made := genSignedCertWithKey (include "fuseboard.fullname" .) nil $names (int .Values.tls.days) $signer (genPrivateKey "ecdsa") }}
{{- $pair = dict "tls.crt" (b64enc $made.Cert) "tls.key" (b64enc $made.Key) }}
{{- end }}
{{- $_ := set .Values.tls "made" (merge $pair (dict "ca.crt" (include "fuseboard.trusted" . | b64enc))) }}
{{- end }}
{{- .Values.tls.made | toJson }}
{{- end }}

{{- /* Changes with the names that the certificate proves and with the authority that signs it. */ -}}
{{- define "fuseboard.madeFor" -}}
{{- $signer := get (include "fuseboard.authority" . | fromJson) "ca.crt" }}
{{- printf "%s %s" (include "fuseboard.dnsNames" .) $signer | sha256sum | trunc 40 }}
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
