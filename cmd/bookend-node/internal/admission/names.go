package admission

import (
	"strings"

	"bookend.dev/bookend/hooks"
)

// NamespaceLabel, with the value NamespaceEnabled, makes all pods of a namespace
// that name no runtime class run on bookend.
const (
	NamespaceLabel   = "bookend.dev/hooks"
	NamespaceEnabled = "enabled"
)

// SidecarAnnotation of a pod says who runs the preStop hooks of its native
// sidecars: SidecarKubelet when the pod begins to end, which is the default, or
// SidecarBookend when the sidecar itself is stopped.
const (
	SidecarAnnotation = "bookend.dev/sidecar-pre-stop"
	SidecarKubelet    = "kubelet"
	SidecarBookend    = "bookend"
)

// DefaultClass is the runtime class that deploy/ makes.
const DefaultClass = "bookend"

// isOurs tells whether an annotation's key is bookend's.
func isOurs(key string) bool {
	return key == hooks.AnnotationKey || key == SidecarAnnotation || strings.HasPrefix(key, hooks.AnnotationPrefix)
}
