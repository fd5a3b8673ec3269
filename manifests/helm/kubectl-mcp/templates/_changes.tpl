{{- /* What the values change in an object, by its kind. Each takes a dict of root and object, and writes nothing. */ -}}

{{- define "kubectl-mcp.image" -}}
{{- $tag := .Values.image.tag -}}
{{- if not (or $tag .Values.image.digest) }}{{ $tag = .Chart.AppVersion }}{{ end -}}
{{ .Values.image.repository }}{{ with $tag }}:{{ . }}{{ end }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end -}}

{{- define "kubectl-mcp.left-out" -}}
{{- $kind := .object.kind -}}
{{- $name := .object.metadata.name -}}
{{- $certManager := eq .root.Values.certificates.mode "cert-manager" -}}
{{- $roles := list "Role" "RoleBinding" "ClusterRole" "ClusterRoleBinding" -}}
{{- /* Helm keeps the release there: then it must have been before, and Helm would not take it over. */ -}}
{{- if and (eq $kind "Namespace") (eq .root.Release.Namespace $name) }}yes{{ end -}}
{{- if and (has $kind $roles) (not .root.Values.rbac.create) }}yes{{ end -}}
{{- if and (has $kind (list "Role" "RoleBinding" "Secret")) $certManager }}yes{{ end -}}
{{- if and .root.Values.certificates.issuerRef (or (eq $kind "Issuer") (eq $name "kubectl-mcp-ca")) }}yes{{ end -}}
{{- end -}}

{{- define "kubectl-mcp.Namespace" -}}
{{- if .root.Values.openshift.enabled -}}
{{- $_ := set .object.metadata.labels "security.openshift.io/scc.podSecurityLabelSync" "false" -}}
{{- $_ := set .object.metadata "annotations" (dict "openshift.io/node-selector" "") -}}
{{- end -}}
{{- end -}}

{{- define "kubectl-mcp.ClusterRole" -}}
{{- if eq .root.Values.certificates.mode "cert-manager" -}}
{{- $_ := set (first .object.rules) "verbs" (list "get") -}}
{{- end -}}
{{- end -}}

{{- define "kubectl-mcp.Deployment" -}}
{{- $values := .root.Values -}}
{{- $image := include "kubectl-mcp.image" .root -}}
{{- $template := .object.spec.template -}}
{{- $container := first $template.spec.containers -}}
{{- $_ := set .object.spec "replicas" $values.replicas -}}
{{- $_ := set $container "image" $image -}}
{{- $_ := set $container "imagePullPolicy" $values.image.pullPolicy -}}
{{- range $container.env -}}
{{- if eq .name "KUBECTL_MCP_IMAGE" }}{{ $_ := set . "value" $image }}{{ end -}}
{{- if eq .name "KUBECTL_MCP_IMAGE_PULL_POLICY" }}{{ $_ := set . "value" $values.image.pullPolicy }}{{ end -}}
{{- end -}}
{{- $_ := mergeOverwrite $container.resources (deepCopy $values.resources) -}}
{{- if eq $values.certificates.mode "cert-manager" -}}
{{- $directory := "/etc/kubectl-mcp/tls" -}}
{{- $_ := set $container "env" (prepend $container.env (dict "name" "KUBECTL_MCP_CERT_DIR" "value" $directory)) -}}
{{- $_ := set $container "volumeMounts" (list (dict "name" "tls" "mountPath" $directory "readOnly" true)) -}}
{{- $secret := dict "secretName" "kubectl-mcp-webhook-tls" -}}
{{- $_ := set $template.spec "volumes" (list (dict "name" "tls" "secret" $secret)) -}}
{{- end -}}
{{- $_ := mergeOverwrite $template (deepCopy $values.podTemplateSpec) -}}
{{- end -}}

{{- define "kubectl-mcp.MutatingWebhookConfiguration" -}}
{{- $values := .root.Values -}}
{{- range .object.webhooks -}}
{{- $selector := .namespaceSelector -}}
{{- $named := first $selector.matchExpressions -}}
{{- $_ := set $named "values" (concat $named.values $values.excludedNamespaces) -}}
{{- $more := $values.namespaceSelector.matchExpressions | default list -}}
{{- if $values.openshift.enabled -}}
{{- $more = prepend $more (dict "key" "openshift.io/run-level" "operator" "NotIn" "values" (list "0" "1")) -}}
{{- end -}}
{{- $_ := set $selector "matchExpressions" (concat $selector.matchExpressions $more) -}}
{{- with $values.namespaceSelector.matchLabels }}{{ $_ := set $selector "matchLabels" . }}{{ end -}}
{{- end -}}
{{- if eq $values.certificates.mode "cert-manager" -}}
{{- $annotations := dict "cert-manager.io/inject-ca-from" "kubectl-mcp-system/kubectl-mcp-webhook" -}}
{{- $_ := set .object.metadata "annotations" $annotations -}}
{{- end -}}
{{- end -}}

{{- define "kubectl-mcp.ValidatingWebhookConfiguration" -}}
{{- include "kubectl-mcp.MutatingWebhookConfiguration" . -}}
{{- end -}}

{{- define "kubectl-mcp.NetworkPolicy" -}}
{{- if .object.spec.egress -}}
{{- $ports := list -}}
{{- range .root.Values.networkPolicy.apiServerPorts }}{{ $ports = append $ports (dict "protocol" "TCP" "port" .) }}{{ end -}}
{{- $_ := set .object.spec "egress" (list (dict "ports" $ports)) -}}
{{- end -}}
{{- end -}}

{{- define "kubectl-mcp.PodMonitor" -}}
{{- if and (eq .object.metadata.name "kubectl-mcp-webhook") (eq .root.Values.certificates.mode "cert-manager") -}}
{{- $endpoint := first .object.spec.podMetricsEndpoints -}}
{{- $_ := set $endpoint.tlsConfig.ca.secret "name" "kubectl-mcp-webhook-tls" -}}
{{- end -}}
{{- end -}}

{{- define "kubectl-mcp.Certificate" -}}
{{- with .root.Values.certificates.issuerRef }}{{ $_ := set $.object.spec "issuerRef" . }}{{ end -}}
{{- end -}}
