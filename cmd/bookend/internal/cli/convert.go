package cli

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/atomicfile"
	"bookend.dev/bookend/cmd/internal/manifest"
)

func newConvert() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "convert [-f] FILE...",
		Short: "Move hooks in a manifest from lifecycle to annotations, or back",
		Long: `convert rewrites the YAML manifests of Pods and of objects with a pod template. It
moves each container's lifecycle to the pod's annotation
lifecycle.bookend.dev/NAME, or adds it to the one that exists, and sets the pod's
runtimeClassName. It keeps the lifecycle's text, comments included, and every other
line of the file. It leaves a comment where the lifecycle was. It reprints flow
style ({...}, KYAML) in block style where that has no lines for the change.

--reverse moves annotations back: to that comment, or else to the end of the
container. It removes the runtimeClassName that --runtime-class names if convert
added it. A manifest that was converted comes back as it was, except for what was
reprinted.

On the standard error convert prints a line, FILE:LINE: PATH: message, for each
place that it reprinted, each lifecycle that it left alone, with the reason, and
each warning that validate has about the result (LINE is the result's). It also
names the files in which it converted nothing.

convert writes nothing if it cannot convert all. Then it prints the places: a
handler that bookend lacks (tcpSocket) or that the node's policy forbids, a hook
that the annotation has too, another runtimeClassName, a lifecycle in JSON or
behind YAML anchors and aliases, and with --reverse a field that Kubernetes does not
know (timeoutSeconds, retries, ...).

Exit codes: 0 done; 1 a file cannot be read or written; 2 wrong usage; 3 the
manifest cannot be converted.`,
		Example: `  bookend convert -f deploy.yaml | kubectl apply -f -
  bookend convert -i -f manifests/*.yaml
  bookend convert -i -R -f deploy
  bookend convert -f deploy.yaml --reverse`,
	}
	fileArgs(cmd)
	files := filesFlag(cmd, "file to convert, - for the standard input; may be repeated with --in-place")
	class := cmd.Flags().String("runtime-class", "bookend", "runtimeClassName to set, or with --reverse to remove")
	reverse := cmd.Flags().Bool("reverse", false, "move annotations back to lifecycle")
	inPlace := cmd.Flags().BoolP("in-place", "i", false, "write the result to the file instead of the standard output")
	config := policyFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		files, err := files(args)
		if err != nil {
			return err
		}
		if err := checkConvert(files, *class, *inPlace); err != nil {
			return &usageError{err}
		}
		c, err := config()
		if err != nil {
			return err
		}
		rewrite := manifest.Convert
		if *reverse {
			rewrite = manifest.Reverse
		}
		o := manifest.RewriteOptions{Options: manifest.Options{Config: c}, RuntimeClass: *class}
		return convert(cmd, files, *inPlace, func(name string, data []byte) ([]byte, []manifest.Finding) {
			return rewrite(name, data, o)
		})
	}
	return cmd
}

// checkConvert finds what flags cannot say together.
func checkConvert(files []string, class string, inPlace bool) error {
	switch {
	case len(files) > 1 && !inPlace:
		return errOneFile
	case !manifest.IsRuntimeClass(class):
		return fmt.Errorf("--runtime-class %q: %w", class, errClass)
	case inPlace && slices.Contains(files, stdin):
		return errStdinInPlace
	}
	return nil
}

// rewritten is a file and what it is to hold.
type rewritten struct {
	name     string
	old, new []byte
}

// convert rewrites all files, or none if one of them cannot be.
func convert(cmd *cobra.Command, files []string, inPlace bool, rewrite func(string, []byte) ([]byte, []manifest.Finding)) error {
	defer debug.SetGCPercent(debug.SetGCPercent(patientGC))
	var results []rewritten
	var said []manifest.Finding
	refused := false
	for _, name := range files {
		data, err := readInput(cmd, name)
		if err != nil {
			return err
		}
		out, findings := rewrite(inputName(name), data)
		if out == nil {
			refused = true
		} else if bytes.Equal(out, data) {
			findings = append(findings, manifest.Finding{File: inputName(name), Severity: manifest.Note, Message: "nothing was converted"})
		}
		said = append(said, findings...)
		results = append(results, rewritten{name, data, out})
	}
	if refused {
		said = slices.DeleteFunc(said, func(f manifest.Finding) bool { return f.Severity != manifest.Error })
	}
	if err := printFindings(cmd.ErrOrStderr(), said); err != nil {
		return err
	}
	if refused {
		return errFound
	}
	return deliver(cmd.OutOrStdout(), results, inPlace)
}

// deliver writes all results to their files, or the only one to w.
func deliver(w io.Writer, results []rewritten, inPlace bool) error {
	if !inPlace {
		_, err := w.Write(results[0].new)
		return err
	}
	for i := range results {
		if err := results[i].write(); err != nil {
			return err
		}
	}
	return nil
}

// write replaces the file; a symbolic link stays one.
func (r *rewritten) write() error {
	if bytes.Equal(r.old, r.new) {
		return nil
	}
	path, err := filepath.EvalSymlinks(r.name)
	if err != nil {
		return err
	}
	if err := atomicfile.Replace(path, r.new); err != nil {
		return fmt.Errorf("write %s: %w", r.name, err)
	}
	return nil
}
