// Package runtime owns everything of bookend that touches the operating system
// and runtimes on behalf of a container: the plans and processes of exec hooks and
// their cgroups, the container's network namespace as httpGet hooks use it, and
// the files in its root that have to be read to do so.
//
// It knows a container by its init and by the OCI configuration in its bundle.
// What a container can have put in the way (links, FIFOs, devices, answers of
// its name servers) is taken as hostile throughout. What happens when, and what
// it means for the container, is decided elsewhere.
package runtime
