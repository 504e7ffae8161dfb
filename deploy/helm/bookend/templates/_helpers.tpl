{{/* Labels of an object: {"root": $, "component": NAME}. */}}
{{- define "bookend.labels" -}}
{{ include "bookend.selector" . }}
app.kubernetes.io/part-of: bookend
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{- end }}

{{/* What selects a component's pods. It must never change: selectors are immutable. */}}
{{- define "bookend.selector" -}}
app.kubernetes.io/name: bookend
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "bookend.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{/* What all pods' specs begin with: {"root": $, "of": VALUES}. */}}
{{- define "bookend.pod" -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
{{- toYaml . | nindent 0 }}
{{- end }}
{{- with .of.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .of.nodeSelector }}
nodeSelector:
{{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.tolerations }}
tolerations:
{{- toYaml . | nindent 0 }}
{{- end }}
{{- with .of.affinity }}
affinity:
{{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A container that may do nothing but compute and connect. */}}
{{- define "bookend.restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* The runtime classes that run bookend, as a list of CEL. */}}
{{- define "bookend.classes" -}}
['{{ prepend .Values.webhook.runtimeClasses .Values.runtimeClass.name | join "', '" }}']
{{- end }}
