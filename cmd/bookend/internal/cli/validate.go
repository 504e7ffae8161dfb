package cli

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"

	"bookend.dev/bookend/cmd/internal/command"
	"bookend.dev/bookend/cmd/internal/manifest"
)

func newValidate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate [-f] FILE...",
		Short: "Check the hooks in manifests",
		Long: `validate checks the hooks in files and directories. A file may hold several YAML
documents of these kinds:

  Pods, Lists, and every object with a pod template (Deployment, CronJob, ...)
  crictl's container and pod configurations
  OCI specs (config.json)
  Compose files: annotations and labels of services
  Lifecycle objects, as an annotation holds them

It skips other Kubernetes objects. Each finding is one line, FILE:LINE: PATH: what
validate expected. A warning has "warning: " before its path. Errors are what the
shim would refuse, duplicate keys, and documents of no kind above. Warnings are
about what the shim cannot see: an annotation for a container that does not exist,
a hook that does not fit into its time, a hook that the kubelet runs too, a command
that needs a shell, a lifecycle outside pods. The last line counts both. -o json
prints the findings alone, as a list.

Exit codes: 0 no errors; 1 a file cannot be read; 2 wrong usage; 3 errors, or
with --strict warnings.`,
		Example: `  bookend validate -f manifests/*.yaml
  bookend validate -f deploy -R
  kubectl get pods -A -o json | bookend validate -f - --strict
  bookend validate -f pod.yaml --config /etc/bookend/config.toml`,
	}
	fileArgs(cmd)
	files := filesFlag(cmd, "file to check, - for the standard input; may be repeated")
	strict := cmd.Flags().Bool("strict", false, "count warnings as errors in the exit code")
	config := policyFlag(cmd)
	output := command.OutputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		files, err := files(args)
		if err != nil {
			return err
		}
		c, err := config()
		if err != nil {
			return err
		}
		report, unread := validate(cmd, files, manifest.Options{Config: c})
		if err := printReport(cmd.OutOrStdout(), *output, report); err != nil {
			return err
		}
		switch {
		case unread != nil:
			return unread
		case report.Count(manifest.Error) > 0, *strict && len(report.Findings) > 0:
			return errFound
		}
		return nil
	}
	return cmd
}

// patientGC lets the heap grow to five times what is in use.
const patientGC = 400

// validate checks all files that can be read; the error is about the others.
func validate(cmd *cobra.Command, files []string, o manifest.Options) (manifest.Report, error) {
	// The nodes of a file live as long as it is looked at, and may take ten times
	// its size: to collect garbage as they grow finds none.
	defer debug.SetGCPercent(debug.SetGCPercent(patientGC))
	var all manifest.Report
	var unread []error
	for _, name := range files {
		data, err := readInput(cmd, name)
		if err != nil {
			unread = append(unread, err)
			continue
		}
		report := manifest.Validate(inputName(name), data, o)
		all.Objects += report.Objects
		all.Findings = append(all.Findings, report.Findings...)
	}
	return all, errors.Join(unread...)
}

func printReport(w io.Writer, as command.Format, report manifest.Report) error {
	if as == command.AsJSON {
		return command.JSON(w, append([]manifest.Finding{}, report.Findings...))
	}
	if err := printFindings(w, report.Findings); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s checked: %s, %s\n", count(report.Objects, "object"),
		count(report.Count(manifest.Error), "error"), count(report.Count(manifest.Warning), "warning"))
	return err
}

// printFindings prints one finding a line.
func printFindings(w io.Writer, findings []manifest.Finding) error {
	for _, f := range findings {
		if _, err := fmt.Fprintln(w, f); err != nil {
			return err
		}
	}
	return nil
}

// count renders a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
